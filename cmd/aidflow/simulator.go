package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/rails/simulator"
)

// newSimulatorCommand is "aidflow simulator": the simulated bank as a process
// of its own, see package simulator. The secret may come from the environment,
// where other users of the machine cannot read it from the list of processes.
func newSimulatorCommand() *cobra.Command {
	var cfg simulator.Config
	cmd := &cobra.Command{
		Use:   "simulator",
		Short: "Run the simulated bank: a rail with its own books, for development and sandboxes",
		Args:  cobra.NoArgs,

		SilenceUsage: true, // a fault at the start is one line
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if cfg.Secret == "" {
				cfg.Secret = os.Getenv("AIDFLOW_SIMULATOR_SECRET")
			}
			cfg.Log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			return simulator.Run(ctx, cfg, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Address, "address", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	f.StringVar(&cfg.Books, "books", "", "file of the durable books (required)")
	f.StringVar(&cfg.CallbackURL, "callback-url", "", "where callbacks are sent; empty: none")
	f.StringVar(&cfg.Secret, "secret", "", "bearer of requests and key of callback signatures (default $AIDFLOW_SIMULATOR_SECRET)")
	f.DurationVar(&cfg.SettleAfter, "settle-after", 200*time.Millisecond, "time from acceptance to settlement")
	_ = cmd.MarkFlagRequired("books") // fails only when the flag does not exist
	return cmd
}
