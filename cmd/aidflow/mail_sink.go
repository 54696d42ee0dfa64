package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/mail/sink"
)

// newMailSinkCommand is "aidflow mail-sink": a mail server for development
// that delivers nothing and keeps every mail as a file, see package
// internal/mail/sink.
func newMailSinkCommand() *cobra.Command {
	var cfg sink.Config
	cmd := &cobra.Command{
		Use:   "mail-sink",
		Short: "Run a mail server that delivers nothing and keeps every mail as a file, for development",
		Args:  cobra.NoArgs,

		SilenceUsage: true, // a fault at the start is one line
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return sink.Run(ctx, cfg, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Address, "address", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	f.StringVar(&cfg.Dir, "dir", "", "folder of the mails (required)")
	_ = cmd.MarkFlagRequired("dir") // fails only when the flag does not exist
	return cmd
}
