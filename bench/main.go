// Command bench measures what the house promises about speed and cost, each
// figure beside a control of the same run: whole cases per second, events and
// bytes of history per case, the latency of submitting and deciding, and the
// time and memory of the whole stack. It prints raw text; docs/performance.md
// quotes it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	run := bench
	if len(os.Args) > 1 && os.Args[1] == controlWorker {
		run = runControlWorker
	}
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}
