package main

import (
	"os"
	"runtime/debug"

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
		newSimulatorCommand(),
		newRegisterSimulatorCommand(),
		newDemoCommand(),
		newRulesCommand(),
		newImportCommand(),
	)
	return root
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
