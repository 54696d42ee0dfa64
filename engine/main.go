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

func main() { os.Exit(exitStatus()) }

// exitStatus runs the engine and gives the status that the process ends with.
func exitStatus() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stdout := os.Stdout
	os.Stdout = os.Stderr // what a library prints does not belong beside the ready line
	err := run(ctx, os.Args[1:], stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(os.Stderr, "aidflow-engine: "+oneLine(err))
	return 1
}
