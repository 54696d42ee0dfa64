package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/api"
	"github.com/aidflow/aidflow/programmes"
)

// newRulesCommand is "aidflow rules": work on definitions of programmes before
// anybody publishes them, and their way to publication. What tries and compares
// files needs neither a database nor a network.
func newRulesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "rules", Short: "Try and compare definitions of programmes"}
	cmd.AddCommand(newRulesTestCommand(), newRulesDiffCommand(), newRulesSimulateCommand(), newRulesProposeCommand(), newRulesPublishCommand())
	return cmd
}

// newRulesTestCommand is "aidflow rules test": whether definitions are right
// and decide what is written beside them. Without arguments it tries the
// shipped programmes.
func newRulesTestCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "test [FILE|FOLDER|CODE]...", Short: "Check definitions and try their golden decisions (golden/NAME.yaml beside the file)"}
	table := cmd.Flags().String("golden", "", "file of golden decisions, for one definition")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			shipped, err := programmes.All()
			if err != nil {
				return err
			}
			for _, d := range shipped {
				args = append(args, d.Code)
			}
		}
		args, err := definitionsIn(args)
		if err != nil {
			return err
		}
		if *table != "" && len(args) != 1 {
			return errors.New("--golden is for one definition")
		}
		var failed []string
		for _, name := range args {
			if err := tryRules(cmd.OutOrStdout(), name, *table); err != nil {
				failed = append(failed, err.Error())
			}
		}
		if len(failed) > 0 {
			return errors.New(strings.Join(failed, "\n"))
		}
		return nil
	}
	return cmd
}

// definitionsIn puts the definitions of a folder, every *.yaml, in its place.
func definitionsIn(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			out = append(out, name)
			continue
		}
		files, err := filepath.Glob(filepath.Join(name, "*.yaml"))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s: no definition (*.yaml) is in this folder", name)
		}
		out = append(out, files...)
	}
	return out, nil
}

// tryRules says what one definition decides; the error lists a line for each
// fault or for each decision that is not as written.
func tryRules(out io.Writer, name, table string) error {
	d, err := readDefinition(name)
	if err != nil {
		return err
	}
	unfamiliar, err := programmes.Unfamiliar(d)
	if err != nil {
		return err
	}
	sayHints(out, name, append(d.Hints(), unfamiliar...))
	golden, table, err := goldenOf(name, table)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(out, "%s: the definition is right; no golden decisions: %v\n", name, err)
		return nil
	}
	if err != nil {
		return err
	}
	decisions, failures, err := programmes.CheckGolden(d, golden)
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	if len(failures) > 0 {
		return errors.New(table + ": " + strings.Join(failures, "\n"+table+": "))
	}
	untried, err := programmes.Untried(d, golden)
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	sayHints(out, name, untried)
	fmt.Fprintf(out, "%s: %d decisions, all as written\n", name, decisions)
	return nil
}

func sayHints(out io.Writer, name string, hints []aid.Fault) {
	for _, hint := range hints {
		fmt.Fprintln(out, "hint: "+faultLine(name, hint))
	}
}

// goldenOf reads the table beside a definition, or the one that is named, and
// says which it was.
func goldenOf(name, table string) (golden []byte, read string, err error) {
	if table == "" {
		if _, err := os.Stat(name); err != nil { // the code of a shipped programme
			shipped, err := programmes.Goldens()
			return shipped[name], name, err
		}
		table = filepath.Join(filepath.Dir(name), "golden", filepath.Base(name))
	}
	golden, err = os.ReadFile(table)
	return golden, table, err
}

// newRulesDiffCommand is "aidflow rules diff": what differs, in words.
func newRulesDiffCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "diff OLD NEW", Short: "Say in words what differs between two definitions (files, or codes of shipped programmes)", Args: cobra.ExactArgs(2)}
	lang := cmd.Flags().String("lang", "en", "vi, en or id")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains([]string{"vi", "en", "id"}, *lang) {
			return errors.New("--lang: vi, en or id")
		}
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
		lines[i] = faultLine(name, fault)
	}
	return errors.New(strings.Join(lines, "\n"))
}

func faultLine(name string, fault aid.Fault) string {
	text, err := api.Sentence("en", fault.Code, fault.Params)
	if err != nil {
		text = err.Error()
	}
	place := name + ":" + fault.Params["line"] + ": "
	if fault.Pointer != "" {
		place += fault.Pointer + ": "
	}
	return place + text + " [" + fault.Code + "]"
}
