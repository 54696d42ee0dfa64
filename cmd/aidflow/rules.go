package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/api"
	"github.com/aidflow/aidflow/programmes"
)

// newRulesCommand is "aidflow rules": work on definitions of programmes before
// anybody publishes them. It needs neither a database nor a network.
func newRulesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "rules", Short: "Try and compare definitions of programmes"}
	cmd.AddCommand(newRulesDiffCommand())
	return cmd
}

// newRulesDiffCommand is "aidflow rules diff": what differs, in words.
func newRulesDiffCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "diff OLD NEW", Short: "Say in words what differs between two definitions (files, or codes of shipped programmes)", Args: cobra.ExactArgs(2)}
	lang := cmd.Flags().String("lang", "en", "vi, en or id")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		older, err := readDefinition(args[0])
		if err != nil {
			return err
		}
		newer, err := readDefinition(args[1])
		if err != nil {
			return err
		}
		changes := programme.Diff(older, newer, *lang)
		for _, change := range changes {
			fmt.Fprintln(cmd.OutOrStdout(), change.Text)
		}
		if len(changes) == 0 {
			fmt.Fprintln(cmd.OutOrStdout(), "no difference")
		}
		return nil
	}
	return cmd
}

// readDefinition reads a file, or takes a shipped programme by its code. A
// refusal lists every fault, a line each.
func readDefinition(name string) (*programme.Definition, error) {
	data, err := sourceOf(name)
	if err != nil {
		return nil, err
	}
	definition, err := programme.Parse(data)
	if err != nil {
		return nil, faultLines(name, err)
	}
	return definition, nil
}

func sourceOf(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return data, err
	}
	shipped, errShipped := programmes.Sources()
	if errShipped != nil {
		return nil, errShipped
	}
	if data, ok := shipped[name]; ok {
		return data, nil
	}
	return nil, fmt.Errorf("%s: neither a file nor the code of a shipped programme", name)
}

// faultLines says a refusal as compilers do: file, line, place and what is
// wrong. Other errors stay what they are.
func faultLines(name string, err error) error {
	var refusal *aid.Error
	if !errors.As(err, &refusal) || len(refusal.Faults) == 0 {
		return err
	}
	lines := make([]string, len(refusal.Faults))
	for i, fault := range refusal.Faults {
		text, err := api.Sentence("en", fault.Code, fault.Params)
		if err != nil {
			return err
		}
		lines[i] = fmt.Sprintf("%s:%s: %s: %s [%s]", name, fault.Params["line"], fault.Pointer, text, fault.Code)
	}
	return errors.New(strings.Join(lines, "\n"))
}
