package main

import (
	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/config"
	"github.com/aidflow/aidflow/programmes"
	"github.com/aidflow/aidflow/worker"
)

// newWorkerCommand is "aidflow worker": it carries cases on. Any number of
// them may run.
func newWorkerCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "worker", Short: "Run the workflows and activities of cases", Args: cobra.NoArgs}
	config.AddFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := assemble(cmd, "worker")
		if err != nil {
			return err
		}
		defer p.close()
		byName, err := p.rails()
		if err != nil {
			return err
		}
		byRegister, err := p.registers()
		if err != nil {
			return err
		}
		rules, err := programmes.Means()
		if err != nil {
			return err
		}
		files, err := p.files(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { _ = files.Close() }()
		notifier, err := p.notifier()
		if err != nil {
			return err
		}
		return worker.Run(cmd.Context(), worker.Config{Store: p.store, Temporal: p.temporal, Namespace: p.cfg.TemporalNamespace,
			Rails: byName, Registers: byRegister, Rules: rules[programmes.MeansVN], Files: files, Notifier: notifier, Log: p.log, CrashAt: p.cfg.CrashAt, Ready: func() error { return ready(cmd.OutOrStdout(), "") }})
	}
	return cmd
}
