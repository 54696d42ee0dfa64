// Command bench measures what the house promises about speed and cost, each
// figure beside a control of the same run: whole cases per second, events and
// bytes of history per case, the latency of submitting and deciding, and the
// time and memory of the whole stack; with -match how good and how fast the
// search for duplicates is, with -inbox how fast the inbox is, with
// -ledger how many last approvals a fund takes in a second. It prints raw
// text; docs/performance.md and docs/inbox.md quote it.
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
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case controlWorker:
			run = runControlWorker
		case registerFiles:
			run = func(context.Context) error { return makeRegisterFiles(os.Args[2], os.Args[3]) }
		case registerRun:
			run = func(ctx context.Context) error { return runRegister(ctx, os.Args[2], os.Args[3], os.Args[4]) }
		}
	}
	if len(os.Args) > 1 && os.Args[1] == matching {
		run = runMatch
	}
	if len(os.Args) > 1 && os.Args[1] == inboxing {
		run = runInbox
	}
	if len(os.Args) > 1 && os.Args[1] == approving {
		run = runLedger
	}
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}
