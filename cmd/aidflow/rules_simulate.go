package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/programmes"
)

// newRulesSimulateCommand is "aidflow rules simulate": what a definition would
// decide otherwise, on past cases of an installation or on sample facts.
func newRulesSimulateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "simulate FILE|CODE", Short: "Show which decisions, amounts and levels a definition would change, and why",
		Long: `Try a definition on the facts of past cases (--over cases: over the API, which
names no person), or on sample facts: --over FILE.yaml, a table of golden
decisions, without a network. Samples are judged by --against as well, the
shipped programme of the same code when left out.`,
		Args: cobra.ExactArgs(1)}
	over := cmd.Flags().String("over", "cases", `"cases", or a table of golden decisions whose facts are tried`)
	against := cmd.Flags().String("against", "", "definition to compare samples with (file or code)")
	at := newAPIFlags(cmd, "admin1")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		newer, err := readDefinition(args[0])
		if err != nil {
			return err
		}
		if *over == "cases" {
			return simulateCases(cmd.Context(), cmd.OutOrStdout(), at, newer)
		}
		if *against == "" {
			*against = newer.Code
		}
		older, err := readDefinition(*against)
		if err != nil {
			return err
		}
		return simulateSamples(cmd.OutOrStdout(), older, newer, *over)
	}
	return cmd
}

func simulateSamples(out io.Writer, older, newer *programme.Definition, table string) error {
	raw, err := os.ReadFile(table)
	if err != nil {
		return err
	}
	samples, err := programmes.Samples(older, raw)
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	if len(samples) == 0 {
		return errors.New(table + ": no rules, and so no facts to try")
	}
	var totals programme.Totals
	for _, s := range samples {
		trial := programme.Try(older, newer, s.Facts)
		totals.Add(trial)
		sayTrial(out, s.Name, trial)
	}
	sayTotals(out, newer, totals)
	return nil
}

// simulateCases asks the API page by page.
func simulateCases(ctx context.Context, out io.Writer, at apiFlags, newer *programme.Definition) error {
	var totals programme.Totals
	body := map[string]any{"definition": newer.Text(), "limit": 1000}
	for {
		var page struct {
			Totals programme.Totals `json:"totals"`
			Cases  []struct {
				Reference string `json:"reference"`
				programme.Trial
			} `json:"cases"`
			Next string `json:"next_cursor"`
		}
		if err := at.call(ctx, "en", "/v1/programmes/"+url.PathEscape(newer.Code)+"/simulate", body, &page); err != nil {
			return err
		}
		for _, c := range page.Cases {
			sayTrial(out, c.Reference, c.Trial)
		}
		totals.Sum(page.Totals)
		if page.Next == "" {
			sayTotals(out, newer, totals)
			return nil
		}
		body["cursor"] = page.Next
	}
}

// sayTrial tells what differs for one case; nothing when nothing does.
func sayTrial(out io.Writer, name string, t programme.Trial) {
	if len(t.Differs) == 0 && len(t.Why) == 0 {
		return
	}
	fmt.Fprintf(out, "%s: %s -> %s (%s)\n", name, sayRuling(t.Before), sayRuling(t.After), strings.Join(t.Why, ", "))
}

func sayRuling(r programme.Ruling) string {
	if r.Decision == programme.RulingUnfit {
		return r.Decision
	}
	return fmt.Sprintf("%s %d [%s]", r.Decision, r.Amount, strings.Join(r.Levels, ", "))
}

func sayTotals(out io.Writer, newer *programme.Definition, t programme.Totals) {
	fmt.Fprintf(out, "looked at %d, %d would change: %d decisions, %d amounts, %d levels; %d do not fit\n", t.LookedAt, t.Changed, t.Decisions, t.Amounts, t.Levels, t.Unfit)
	fmt.Fprintf(out, "proposed to the eligible: %d -> %d %s (minor units)\n", t.Before, t.After, newer.Currency)
}
