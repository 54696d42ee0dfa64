package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/stack"
)

// newTokenCommand is "aidflow token USER": what a staff member's sign-on would
// give, for the development stack.
func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "token USER",
		Short:   "Print a token of the development issuer for a user",
		Example: `  curl -H "Authorization: Bearer $(bin/aidflow token verifier1)" http://127.0.0.1:8080/v1/tasks`,
		Args:    cobra.ExactArgs(1),
	}
	dir := dataDirFlag(cmd)
	ttl := cmd.Flags().Duration("ttl", 12*time.Hour, "how long it is valid")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		token, err := stack.Token(*dir, args[0], time.Now(), *ttl)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
		return err
	}
	return cmd
}
