package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/config"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/vault"
	"github.com/aidflow/aidflow/programmes"
)

// newMigrateCommand is "aidflow migrate": it brings the schema up to date and
// publishes the programmes that the deployment ships.
func newMigrateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Bring the database up to date and publish programmes and calendars", Args: cobra.NoArgs}
	config.AddFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		required := []string{"AIDFLOW_KEY_FILE"}
		if cfg, _ := config.Load(cmd.Flags(), os.Environ()); cfg.MigrateURL == "" { // its faults are told below
			required = append(required, "DATABASE_URL")
		}
		cfg, err := config.LoadValid(cmd.Flags(), os.Environ(), required...)
		if err != nil {
			return err
		}
		if err := postgres.Migrate(cmd.Context(), cfg.MigrateURL); err != nil {
			return err
		}
		if err := publish(cmd, cfg); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "the database is up to date")
		return nil
	}
	return cmd
}

// publish adds versions of programmes and calendars that are not there yet;
// what was published is never changed.
func publish(cmd *cobra.Command, cfg config.Config) error {
	defs, err := definitions(cfg.ProgrammesDir)
	if err != nil {
		return err
	}
	calendars, err := programmes.Calendars()
	if err != nil {
		return err
	}
	v, err := vault.Open(cfg.KeyFile)
	if err != nil {
		return err
	}
	store, err := postgres.Open(cmd.Context(), cfg.MigrateURL, v, time.Now)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.AddCalendars(cmd.Context(), calendars); err != nil {
		return err
	}
	return store.PublishProgrammes(cmd.Context(), defs)
}
