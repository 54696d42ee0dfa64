// Package imports runs the files that offices bring in: it reads a stored
// file as a stream, checks every row, and writes the good ones in batches of
// one transaction each. A run that was killed goes on behind its last batch,
// in whichever worker takes it.
package imports

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/means"
	"github.com/aidflow/aidflow/aid/roll"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/sheet"
)

// batchRows is how many rows go into one transaction.
const batchRows = 1000

// Runner runs imports, one at a time.
type Runner struct {
	Store *postgres.Store
	Rules *means.Rules // by which households are judged
	Log   *slog.Logger
}

// Once takes the oldest import that waits and runs it to its end; false when
// none waits. A fault of the file ends the import as failed; a fault of ours
// leaves it for the next try.
func (r *Runner) Once(ctx context.Context) (bool, error) {
	job, err := r.Store.TakeImport(ctx)
	if err != nil || job == nil {
		return false, err
	}
	log := r.Log.With("import", job.ID, "what", job.What)
	log.Info("import begins", "position", job.Position)
	reason, faults, err := r.run(ctx, job)
	if err != nil {
		return true, err
	}
	if err := r.Store.EndImport(ctx, job, reason, faults); err != nil {
		return true, err
	}
	log.Info("import ended", "reason", reason, "rows", job.Position, "applied", job.Applied, "unchanged", job.Unchanged, "faulty", job.Faulty)
	return true, nil
}

// Sweep forgets what is left of files that did not come whole.
func (r *Runner) Sweep(ctx context.Context) error { return r.Store.SweepImports(ctx) }

// run reads the file and gives why it failed as a whole, "" when it did not,
// with the faults of the file.
func (r *Runner) run(ctx context.Context, job *postgres.ImportJob) (reason string, faults []postgres.ImportFault, err error) {
	if job.What == postgres.ImportAreas {
		return r.runAreas(ctx, job)
	}
	rows, total, err := sheet.Open(r.Store.ImportFile(ctx, job), job.Size)
	if err != nil {
		return refused(err)
	}
	if err := r.Store.BeginImport(ctx, job, max(total-1, 0)); err != nil {
		return "", nil, err
	}
	kind, err := r.kind(ctx, job)
	if err != nil {
		return refused(err)
	}
	header, err := rows.Next()
	if err != nil {
		return refused(noRows(err))
	}
	at, wrong := roll.Header(kind.columns(), cells(header))
	if len(wrong) > 0 {
		return "header_wrong", stored(1, wrong), nil
	}
	f := &feed{Runner: r, job: job, kind: kind, at: at, skip: job.Position}
	if err := f.all(ctx, rows); err != nil {
		return refused(err)
	}
	return "", f.last(), nil
}

// refused tells a fault of the file, which ends it, from one of ours, which
// does not.
func refused(err error) (string, []postgres.ImportFault, error) {
	var e *aid.Error
	if errors.As(err, &e) && (e.Kind == aid.Invalid || e.Kind == aid.NotFound || e.Kind == aid.Forbidden) && e.Code != "sealed_value_unreadable" {
		return e.Code, []postgres.ImportFault{{Code: e.Code}}, nil
	}
	return "", nil, err
}

func noRows(err error) error {
	if errors.Is(err, io.EOF) {
		return aid.Refuse(aid.Invalid, "file_empty")
	}
	return err
}

func cells(row sheet.Row) []roll.Cell {
	out := make([]roll.Cell, len(row.Cells))
	for i, c := range row.Cells {
		out[i] = roll.Cell{Text: c.Text, Number: c.Number, Formula: c.Formula}
	}
	return out
}

func stored(row int, faults []roll.Fault) []postgres.ImportFault {
	out := make([]postgres.ImportFault, len(faults))
	for i, f := range faults {
		out[i] = postgres.ImportFault{Row: row, Column: f.Column, Code: f.Code, Params: f.Params, Warning: f.Warning}
	}
	return out
}

// feed brings the rows of one file into batches.
type feed struct {
	*Runner
	job   *postgres.ImportJob
	kind  kind
	at    map[string]int
	skip  int // rows that an earlier run has accounted for
	batch postgres.ImportBatch
}

func (f *feed) all(ctx context.Context, rows sheet.Reader) error {
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return f.flush(ctx)
		}
		if err != nil {
			return errors.Join(f.flush(ctx), err) // what was read is accounted for
		}
		if row.Blank() {
			continue
		}
		f.row(row)
		if f.batch.Rows == batchRows {
			if err := f.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// row checks one row. Rows of an earlier run are checked again, because later
// ones are compared with them, and not counted again.
func (f *feed) row(row sheet.Row) {
	faults := []roll.Fault{{Code: row.Fault}}
	good := false
	if row.Fault == "" {
		fields := roll.NewFields(f.at, cells(row), f.Store.Now())
		good = f.kind.read(row.N, fields, f.skip == 0)
		faults = fields.Faults()
	}
	if f.skip > 0 {
		f.skip--
		return
	}
	f.batch.Rows++
	f.batch.Faults = append(f.batch.Faults, stored(row.N, faults)...)
	switch {
	case !good:
		f.batch.Faulty++
	case len(faults) > 0:
		f.batch.Warned++
	}
}

func (f *feed) flush(ctx context.Context) error {
	if f.batch.Rows == 0 {
		return nil
	}
	f.batch.Save = f.kind.save()
	err := f.Store.SaveBatch(ctx, f.job, f.batch)
	f.batch = postgres.ImportBatch{Faults: f.batch.Faults[:0]}
	return err
}

// last gives what can only be said at the end of the file.
func (f *feed) last() []postgres.ImportFault {
	end, ok := f.kind.(interface{ Headless() []int })
	if !ok {
		return nil
	}
	var faults []postgres.ImportFault
	for _, row := range end.Headless() {
		faults = append(faults, postgres.ImportFault{Row: row, Column: "head", Code: "no_head", Warning: true})
	}
	slices.SortFunc(faults, func(a, b postgres.ImportFault) int { return a.Row - b.Row })
	return faults
}
