package main

import (
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
			c, err := config.Load(cmd.Flags(), os.Environ())
			if err != nil {
				return err
			}
			if err := c.Print(cmd.OutOrStdout()); err != nil {
				return err
			}
			return c.Validate()
		},
	}
	config.AddFlags(show.Flags())
	cmd.AddCommand(show)
	return cmd
}
