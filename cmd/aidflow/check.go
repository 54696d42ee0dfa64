package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/aidflow/aidflow/internal/checker"
	"github.com/aidflow/aidflow/internal/config"
	"github.com/aidflow/aidflow/internal/stack"
	"github.com/aidflow/aidflow/internal/telemetry"
	"github.com/aidflow/aidflow/rails/simulator"
)

// newCheckCommand is "aidflow check": the second opinion on money and cases.
// It looks at the development stack that runs, or, with DATABASE_URL set, at
// the deployment of the settings.
func newCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Compare ledger, payments, the rail's own books and the workflows; say every law that is broken",
		Long: `Compare ledger, payments, the rail's own books and the workflows; say every law that is broken.

It reads with a role that can change nothing, and repairs nothing. Exit code 0: everything holds;
1: something is broken, or could not be looked at. docs/check.md says what each law means.`,
		Args: cobra.NoArgs,
	}
	dir := dataDirFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print the report as JSON")
	grace := cmd.Flags().Duration("grace", time.Hour, "how long something may be under way before it counts as stuck")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := whatToCheck(cmd, *dir)
		if err != nil {
			return err
		}
		if cfg.Temporal != nil {
			defer cfg.Temporal.Close()
		}
		cfg.Grace = *grace
		return check(cmd.Context(), cmd.OutOrStdout(), cfg, *asJSON)
	}
	return cmd
}

func check(ctx context.Context, w io.Writer, cfg checker.Config, asJSON bool) error {
	report, err := checker.Check(ctx, cfg)
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(w).Encode(report)
	} else {
		tell(w, report)
	}
	if err == nil && !report.Clean() {
		err = fmt.Errorf("%d breaches of %d laws", len(report.Findings), len(report.Laws()))
	}
	return err
}

func tell(w io.Writer, r *checker.Report) {
	says := map[string]string{}
	for _, law := range checker.Laws() {
		says[law.Code] = law.Says
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "✗ %s %s: %s (%s)\n", f.Law, f.Subject, f.Detail, says[f.Law])
	}
	var looked []string
	for _, what := range slices.Sorted(maps.Keys(r.Looked)) {
		looked = append(looked, fmt.Sprintf("%d %s", r.Looked[what], what))
	}
	fmt.Fprintf(w, "looked at %s, as of %s\n", strings.Join(looked, ", "), r.AsOf.UTC().Format(time.RFC3339))
	for _, part := range r.NotLooked {
		fmt.Fprintf(w, "not looked at: %s\n", part)
	}
	if r.Clean() {
		fmt.Fprintf(w, "✓ %d laws hold\n", len(says))
	}
}

// whatToCheck reads where to look: from the settings, else from the
// development stack that runs.
func whatToCheck(cmd *cobra.Command, dir string) (checker.Config, error) {
	environment := os.Environ()
	if os.Getenv("DATABASE_URL") == "" {
		s, err := stack.ReadState(dir)
		if errors.Is(err, stack.ErrNotRunning) {
			return checker.Config{}, errors.New("no development stack runs here (make run), and DATABASE_URL is not set")
		}
		if err != nil {
			return checker.Config{}, err
		}
		for name, value := range s.Environment {
			environment = append(environment, name+"="+value)
		}
		environment = append(environment, "DATABASE_URL="+s.Database) // the owner may become the checker's role
	}
	cfg, err := config.LoadValid(cmd.Flags(), environment, "DATABASE_URL")
	if err != nil {
		return checker.Config{}, err
	}
	out := checker.Config{Database: cfg.DatabaseURL}
	if cfg.SimulatorURL != "" {
		out.Rail = &checker.Rail{Name: simulator.RailName, URL: strings.TrimSuffix(cfg.SimulatorURL, "/") + "/v1/books", Secret: cfg.SimulatorSecret}
	}
	options, err := cfg.TemporalOptions()
	if err != nil {
		return out, err
	}
	options.Logger = sdklog.NewStructuredLogger(telemetry.NewLogger(cmd.ErrOrStderr(), cfg.LogLevel, "check"))
	out.Temporal, err = client.NewLazyClient(options)
	return out, err
}
