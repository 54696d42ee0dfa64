package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/config"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/vault"
)

// newImportCommand is "aidflow import": files of an office into the database.
// Every kind of file is a subcommand; each checks all rows first, names every
// fault with its row, and writes nothing or everything.
func newImportCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "import", Short: "Bring files of an office into the database"}
	cmd.AddCommand(newImportAreasCommand(),
		newListImportCommand("register", postgres.ImportRegister, "Import a yearly review list of households (CSV or XLSX)", true),
		newListImportCommand("totals", postgres.ImportTotals, "Import how many households areas have in a year (CSV or XLSX)", true),
		newListImportCommand("past-aid", postgres.ImportPastAid, "Import aid of the past as closed cases (CSV or XLSX)", false),
		newListImportCommand("partner-aid", postgres.ImportPartnerAid, "Import aid that partners gave themselves (CSV or XLSX)", false))
	return cmd
}

// importer makes the subcommand of one kind of file: do gets the open store,
// with the program's own role, and the name of the file.
func importer(use, short string, do func(cmd *cobra.Command, store *postgres.Store, file string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use + " FILE", Short: short, Args: cobra.ExactArgs(1)}
	config.AddFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := config.LoadValid(cmd.Flags(), os.Environ(), "DATABASE_URL", "AIDFLOW_KEY_FILE")
		if err != nil {
			return err
		}
		v, err := vault.Open(cfg.KeyFile)
		if err != nil {
			return err
		}
		store, err := postgres.Open(cmd.Context(), cfg.DatabaseURL, v, time.Now)
		if err != nil {
			return err
		}
		defer store.Close()
		return do(cmd, store, args[0])
	}
	return cmd
}
