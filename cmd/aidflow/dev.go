package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/stack"
)

// newDevCommand is "aidflow dev": the whole system on this machine.
func newDevCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run the whole stack on this machine: PostgreSQL, Temporal, simulator, worker, API",
		Long: `Run the whole stack on this machine until Ctrl-C. Data is kept between runs.

DATABASE_URL      use this PostgreSQL in place of a private one
TEMPORAL_ADDRESS  use this Temporal in place of our own
AIDFLOW_ADDR      address of the API; default 127.0.0.1:8080, or a free port`,
		Args: cobra.NoArgs,
	}
	dir := dataDirFlag(cmd)
	demo := cmd.Flags().Bool("demo", false, "run the demonstration once the stack is up")
	readyFile := cmd.Flags().String("ready-file", "", "file to write, as JSON, when everything answers")
	pause := cmd.Flags().Duration("longest-pause", 0, "before a part that ends again and again is started again (default 30s)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		o := stack.Options{
			Dir: *dir, Executable: exe, Engine: filepath.Join(filepath.Dir(exe), "aidflow-engine"),
			Environ: os.Environ(), Addr: os.Getenv("AIDFLOW_ADDR"),
			DatabaseURL: os.Getenv("DATABASE_URL"), MigrateURL: os.Getenv("AIDFLOW_MIGRATE_URL"),
			TemporalAddress: os.Getenv("TEMPORAL_ADDRESS"), Namespace: os.Getenv("TEMPORAL_NAMESPACE"),
			ReadyFile: *readyFile, LongestPause: *pause, Out: cmd.OutOrStdout(), Users: postgres.DevelopmentUsers(),
			Prepare: func(ctx context.Context, t stack.Targets) (map[string]string, error) {
				return seed(ctx, t.OwnerURL, t.KeyFile)
			},
		}
		if *demo {
			o.Demo = []string{"demo"}
		}
		return stack.Run(cmd.Context(), o)
	}
	return cmd
}
