package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/demo"
	"github.com/aidflow/aidflow/internal/stack"
)

// newDemoCommand is "aidflow demo": every kind of aid from request to closed door,
// through the API of the running development stack.
func newDemoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show every kind of aid from request to closed door, on the running development stack",
		Long: `Show a housing, a medical and a schooling case from the portal's request to the
last visit, through the public API of the development stack that runs (make dev),
and leave a few cases waiting for you to try. It may be run again.`,
		Args: cobra.NoArgs,
	}
	dir := dataDirFlag(cmd)
	lang := cmd.Flags().String("lang", "en", "language of what is told: vi, en or id")
	quiet := cmd.Flags().Bool("quiet", false, "tell only how each case ended")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !slices.Contains([]string{"vi", "en", "id"}, *lang) {
			return errors.New("--lang is vi, en or id")
		}
		state, err := stack.ReadState(*dir)
		if errors.Is(err, stack.ErrNotRunning) {
			return errors.New("no development stack runs here: make dev, in another terminal")
		}
		if err != nil {
			return err
		}
		token := func(user string) (string, error) { return stack.Token(*dir, user, time.Now(), time.Hour) }
		err = demo.Run(cmd.Context(), demo.Options{API: state.API, Key: state.Keys["portal1"], Token: token, Lang: *lang, Quiet: *quiet,
			Command: calledAs(), Flags: flagsOf(cmd, *dir), Out: cmd.OutOrStdout()})
		if err != nil {
			return fmt.Errorf("the demonstration deviated: %w", err)
		}
		return nil
	}
	return cmd
}

// calledAs gives how a person calls this program from the present folder.
func calledAs() string {
	exe, err := os.Executable()
	if err != nil {
		return "aidflow"
	}
	wd, err := os.Getwd()
	if err != nil {
		return exe
	}
	rel, err := filepath.Rel(wd, exe)
	switch {
	case err != nil || !filepath.IsLocal(rel):
		return exe
	case filepath.Base(rel) == rel: // a shell would look for it on PATH
		return "./" + rel
	}
	return rel
}

// flagsOf repeats the state folder for the suggested commands, unless it is the
// one that they would find by themselves.
func flagsOf(cmd *cobra.Command, dir string) string {
	flag := cmd.Flags().Lookup("data-dir")
	if abs, err := filepath.Abs(dir); err == nil && abs == flag.DefValue {
		return ""
	}
	return " --data-dir " + dir
}
