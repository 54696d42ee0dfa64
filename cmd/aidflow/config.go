package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/config"
)

// newConfigCommand is "aidflow config print": what the program would run with.
func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Look at the configuration"}
	show := &cobra.Command{
		Use:   "print",
		Short: "Print the effective settings with their sources, secrets masked; faults end it with 1",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, faults := config.LoadValid(cmd.Flags(), os.Environ())
			return errors.Join(c.Print(cmd.OutOrStdout()), faults)
		},
	}
	config.AddFlags(show.Flags())
	cmd.AddCommand(show)
	return cmd
}
