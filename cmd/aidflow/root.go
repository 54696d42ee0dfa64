package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/stack"
)

// newRootCommand makes the program: one line for each subcommand.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "aidflow",
		Short:         "Requests for aid, from a partner's portal to money in a household's hands",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true, // main prints them, a line each
	}
	root.AddCommand(
		newDevCommand(),
		newAPICommand(),
		newWorkerCommand(),
		newMigrateCommand(),
		newTokenCommand(),
		newConfigCommand(),
		newDoctorCommand(),
		newCheckCommand(),
		newSimulatorCommand(),
		newBankSimulatorCommand(),
		newRegisterSimulatorCommand(),
		newMailSinkCommand(),
		newDemoCommand(),
		newRulesCommand(),
		newImportCommand(),
	)
	for _, cmd := range root.Commands() {
		needSubcommand(cmd)
	}
	return root
}

// needSubcommand lets a command that only groups others fail when none of them
// is named: help and success would make a script go on after a slip.
func needSubcommand(cmd *cobra.Command) {
	if cmd.Runnable() || !cmd.HasSubCommands() {
		return
	}
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		problem := "a subcommand is missing"
		if len(args) > 0 {
			problem = fmt.Sprintf("unknown subcommand %q", args[0])
		}
		return fmt.Errorf("%s: %s; there are %s", cmd.CommandPath(), problem, strings.Join(names, ", "))
	}
}

// version names the build: the module's version, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v // names the commit
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}

// dataDirFlag adds --data-dir, the state folder of the development stack.
func dataDirFlag(cmd *cobra.Command) *string {
	wd, err := os.Getwd()
	if err != nil {
		wd = "."
	}
	return cmd.Flags().String("data-dir", stack.FindDir(wd), "state folder of the development stack")
}
