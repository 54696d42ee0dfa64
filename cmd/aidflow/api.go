package main

import (
	"net"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/api"
	"github.com/aidflow/aidflow/console"
	"github.com/aidflow/aidflow/internal/config"
	"github.com/aidflow/aidflow/internal/telemetry"
	"github.com/aidflow/aidflow/workflows"
)

// newAPICommand is "aidflow api": the door for partners and staff. Any number
// of them may run.
func newAPICommand() *cobra.Command {
	cmd := &cobra.Command{Use: "api", Short: "Serve the API and the console", Args: cobra.NoArgs}
	config.AddFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := assemble(cmd, "api", "AIDFLOW_OIDC_ISSUER")
		if err != nil {
			return err
		}
		defer p.close()
		files, err := p.files(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { _ = files.Close() }()
		server, err := api.New(api.Config{Mode: p.cfg.Mode, Sandbox: p.cfg.Sandbox, Version: version(), Issuer: p.cfg.OIDCIssuer,
			Audience: p.cfg.OIDCAudience, ClientSecret: p.cfg.OIDCSecret, TrustedProxies: p.cfg.TrustedProxies, SimulatorSecret: p.cfg.SimulatorSecret,
			FileRails: p.byFile,
			Files:     files, Log: p.log, Metrics: telemetry.NewRegistry()}, p.store, workflows.NewClient(p.temporal, p.cfg.TemporalNamespace, 0), console.Mount)
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", p.cfg.Addr)
		if err != nil {
			return err
		}
		if err := ready(cmd.OutOrStdout(), l.Addr().String()); err != nil {
			return err
		}
		return server.Serve(cmd.Context(), l)
	}
	return cmd
}
