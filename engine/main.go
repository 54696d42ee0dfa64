// Command aidflow-engine runs a single-node Temporal server that stores in
// PostgreSQL. See README.md for its flags and its contract.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stdout := os.Stdout
	os.Stdout = os.Stderr // what a library prints does not belong beside the ready line
	err := run(ctx, os.Args[1:], stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "aidflow-engine: "+oneLine(err))
		os.Exit(1)
	}
}
