package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/registers/simulator"
)

// newRegisterSimulatorCommand is "aidflow register-simulator": a register of
// invented people as a process of its own, see package registers/simulator.
// The token may come from the environment, where other users of the machine
// cannot read it from the list of processes.
func newRegisterSimulatorCommand() *cobra.Command {
	var cfg simulator.Config
	cmd := &cobra.Command{
		Use:   "register-simulator",
		Short: "Run a simulated external register with a file of invented people, for development and tests",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if cfg.Token == "" {
				cfg.Token = os.Getenv("AIDFLOW_REGISTER_SIMULATOR_TOKEN")
			}
			return simulator.Run(ctx, cfg, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Address, "address", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	f.StringVar(&cfg.People, "people", "", "file of the people, one JSON object a line (required)")
	f.StringVar(&cfg.Token, "token", "", "bearer of every request (default $AIDFLOW_REGISTER_SIMULATOR_TOKEN; empty: none is asked for)")
	_ = cmd.MarkFlagRequired("people") // fails only when the flag does not exist
	return cmd
}
