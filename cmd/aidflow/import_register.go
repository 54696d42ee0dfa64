package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/api"
	"github.com/aidflow/aidflow/internal/imports"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/sheet"
	"github.com/aidflow/aidflow/programmes"
)

// listImport is one "aidflow import" of a list, as its flags say.
type listImport struct {
	what   string
	year   int
	as     string
	dryRun bool
	skip   bool
	faults string
	lang   string

	cmd    *cobra.Command
	store  *postgres.Store
	caller *postgres.Caller
	runner *imports.Runner
}

// newListImportCommand is "aidflow import register FILE" and its like: a dry
// run with a progress bar, then the import, see docs/register.md.
func newListImportCommand(use, what, short string, yearly bool) *cobra.Command {
	in := &listImport{what: what}
	cmd := importer(use, short, func(cmd *cobra.Command, store *postgres.Store, file string) error {
		return in.run(cmd, store, file)
	})
	flags := cmd.Flags()
	if yearly {
		flags.IntVar(&in.year, "year", 0, "year of the review")
		_ = cmd.MarkFlagRequired("year")
	}
	flags.StringVar(&in.as, "as", "", "the manager in whose name and for whose areas it is done")
	_ = cmd.MarkFlagRequired("as")
	flags.BoolVar(&in.dryRun, "dry-run", false, "check every row and change nothing")
	flags.BoolVar(&in.skip, "skip-faulty", false, "take the good rows although others are refused")
	flags.StringVar(&in.faults, "faults", "", "file for all faults, as CSV; without it the first ones are printed")
	flags.StringVar(&in.lang, "lang", "en", "language of the faults: vi, en or id")
	return cmd
}

func (in *listImport) run(cmd *cobra.Command, store *postgres.Store, file string) (err error) {
	in.cmd, in.store = cmd, store
	if in.caller, err = store.StaffBySubject(cmd.Context(), in.as); err != nil {
		return err
	}
	if !in.caller.Has(aid.RoleManager, "") {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	rules, err := programmes.Means()
	if err != nil {
		return err
	}
	in.runner = &imports.Runner{Store: store, Rules: rules[programmes.MeansVN], Log: slog.New(slog.DiscardHandler)}
	dry, err := in.bring(file, "", "dry run")
	if err != nil {
		return err
	}
	if err := in.tell(dry); err != nil || in.dryRun {
		return err
	}
	if dry.Faulty > 0 && !in.skip {
		return fmt.Errorf("nothing was imported: %d rows are refused; correct them, or take the others with --skip-faulty", dry.Faulty)
	}
	done, err := in.bring(file, dry.ID, "import")
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "imported: %d rows changed something, %d said what is known, %d were refused\n", done.Applied, done.Unchanged, done.Faulty)
	return nil
}

// bring uploads the file and waits for its end. This process runs it, unless a
// worker is faster.
func (in *listImport) bring(name, follows, what string) (*postgres.ImportRow, error) {
	ctx := in.cmd.Context()
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	row, err := in.store.Upload(ctx, in.caller, postgres.NewImport{ID: postgres.NewID(aid.ImportID), What: in.what, Year: in.year, Follows: follows}, file, sheet.Format)
	if err != nil {
		return nil, err
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(in.cmd.ErrOrStderr()), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("rows"), progressbar.OptionClearOnFinish())
	ended := make(chan error, 1)
	go func() { ended <- in.work(ctx, row.ID) }()
	for {
		select {
		case err = <-ended:
			_ = bar.Finish() // what a bar cannot show is not worth an error
			if err != nil {
				return nil, err
			}
			return in.store.Import(ctx, in.caller, row.ID)
		case <-time.After(200 * time.Millisecond):
			if row, err := in.store.Import(ctx, in.caller, row.ID); err == nil && row.RowsTotal != nil {
				bar.ChangeMax(*row.RowsTotal)
				_ = bar.Set(row.Position)
			}
		}
	}
}

// work runs what waits until this import has ended.
func (in *listImport) work(ctx context.Context, id string) error {
	for {
		if _, err := in.runner.Once(ctx); err != nil && aid.CodeOf(err) != "import_taken" {
			return err
		}
		row, err := in.store.Import(ctx, in.caller, id)
		if err != nil || row.FinishedAt != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// tell says how a dry run ended and what is wrong.
func (in *listImport) tell(row *postgres.ImportRow) error {
	out := in.cmd.OutOrStdout()
	fmt.Fprintf(out, "dry run: %d rows: %d would change something, %d say what is known, %d are refused, %d have a warning\n",
		row.Position, row.Applied, row.Unchanged, row.Faulty, row.Warned)
	most, to := 20, in.cmd.ErrOrStderr()
	if in.faults != "" {
		file, err := os.Create(in.faults)
		if err != nil {
			return err
		}
		defer file.Close()
		most, to = 1<<31-1, file
	}
	if err := in.list(to, row.ID, most); err != nil {
		return err
	}
	if row.State == "failed" {
		return errors.New("nothing was imported: " + row.Reason)
	}
	return nil
}

func (in *listImport) list(to io.Writer, id string, most int) error {
	lines, at, n := csv.NewWriter(to), postgres.ImportFault{Row: -1}, 0
	for n < most {
		faults, err := in.store.ImportFaults(in.cmd.Context(), in.caller, id, at, min(1000, most-n))
		if err != nil {
			return err
		}
		for _, f := range faults {
			sentence, err := api.Sentence(in.lang, f.Code, f.Params)
			if err != nil {
				return err
			}
			severity := map[bool]string{true: "warning", false: "fault"}[f.Warning]
			if err := lines.Write([]string{strconv.Itoa(f.Row), f.Column, f.Code, severity, sentence}); err != nil {
				return err
			}
		}
		if n += len(faults); len(faults) == 0 {
			break
		}
		at = faults[len(faults)-1]
	}
	lines.Flush()
	return lines.Error()
}
