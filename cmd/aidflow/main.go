// Command aidflow takes requests for aid from a partner's portal to money in a
// household's hands. Each part of the system is a subcommand.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// A later Ctrl-C ends the program at once; wrappers send the first one twice.
	context.AfterFunc(ctx, func() { time.AfterFunc(2*time.Second, stop) })
	if err := newRootCommand().ExecuteContext(ctx); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(os.Stderr, "aidflow: "+line)
		}
		os.Exit(1) //nolint:gocritic // stop only undoes signal handling
	}
}
