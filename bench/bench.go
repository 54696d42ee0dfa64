package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// settings say how much is measured; the defaults take some minutes.
type settings struct {
	binary   string
	cases    int
	parallel int
	calls    int
	rounds   int
	paths    []string
	imports  int
	bulk     int
	profile  bool
}

func readSettings() settings {
	var s settings
	flag.StringVar(&s.binary, "aidflow", "bin/aidflow", "the program to measure; aidflow-engine beside it")
	flag.IntVar(&s.cases, "cases", 64, "whole cases of each programme and round")
	flag.IntVar(&s.parallel, "parallel", 64, "cases at a time")
	flag.IntVar(&s.calls, "calls", 200, "submits and decisions for the latency")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds; the median is printed")
	paths := flag.String("paths", "medical,housing_new", "programmes whose whole cases are measured")
	flag.IntVar(&s.imports, "import", 0, "measure the import of a review list of so many rows, and nothing else")
	flag.IntVar(&s.bulk, "bulk", 0, "measure the decision of so many tasks at once, and nothing else")
	flag.BoolVar(&s.profile, "statements", false, "with -bulk: print the costliest statements, too")
	flag.Parse()
	s.paths = strings.Split(*paths, ",")
	return s
}

// bench runs everything on one fresh stack and prints it.
func bench(ctx context.Context) error {
	s := readSettings()
	if s.imports > 0 {
		return benchRegister(ctx, s.imports)
	}
	if s.bulk > 0 {
		return benchBulk(ctx, s)
	}
	fmt.Printf("# aidflow bench, %s\n# %s, %d CPUs, %s\n# cases %d, parallel %d, calls %d, rounds %d\n\n", time.Now().UTC().Format(time.RFC3339),
		runtime.Version(), runtime.NumCPU(), cpuName(), s.cases, s.parallel, s.calls, s.rounds)
	dir, err := os.MkdirTemp("/tmp", "aidflow-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := startRig(ctx, s, dir)
	if err != nil {
		return err
	}
	defer r.stop()
	for _, part := range []func(context.Context) error{r.history, r.throughput, r.latency} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}
