package postgres

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// How long the worker that has an import may be silent, and how long a file is
// kept: a dry run for the import that follows it, an upload for its end.
const (
	importLease  = time.Minute
	uploadLapses = time.Hour
	dryRunKept   = 7 * 24 * time.Hour
)

// ImportJob is an import that a worker has taken.
type ImportJob struct {
	ImportRow
	file string // the import that has the chunks
}

// TakeImport gives the oldest import that waits, or whose worker has been
// silent for a minute; nil when there is none.
func (s *Store) TakeImport(ctx context.Context) (*ImportJob, error) {
	var job *ImportJob
	err := s.Write(ctx, func(tx *Tx) error {
		var row ImportRow
		err := tx.get(&row, `UPDATE imports SET state = 'running', lease_until = $1, started_at = coalesce(started_at, $2)
			WHERE id = (SELECT id FROM imports WHERE state = 'waiting' OR (state = 'running' AND lease_until < $2)
			            ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
			RETURNING `+importColumns, tx.Wall.Add(importLease), tx.Wall)
		if notFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		job = &ImportJob{ImportRow: row, file: row.ID}
		if row.Follows != nil {
			job.file = *row.Follows
		}
		return nil
	})
	return job, err
}

// ImportFile gives the content of an import's file. It opens a chunk at a time
// and keeps the last few.
func (s *Store) ImportFile(ctx context.Context, job *ImportJob) io.ReaderAt {
	return &importFile{ctx: ctx, store: s, id: job.file, size: job.Size}
}

type importFile struct {
	ctx   context.Context //nolint:containedctx // io.ReaderAt has no place for it; the file lives as long as one run
	store *Store
	id    string
	size  int64
	kept  []openChunk
}

type openChunk struct {
	n    int
	data []byte
}

// ReadAt reads from the chunks. It is not safe for concurrent use.
func (f *importFile) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		if at+int64(n) >= f.size {
			return n, io.EOF
		}
		part, err := f.chunk(int((at + int64(n)) / importChunk))
		if err != nil {
			return n, err
		}
		from := int((at + int64(n)) % importChunk)
		if from >= len(part) {
			return n, io.ErrUnexpectedEOF
		}
		n += copy(b[n:], part[from:])
	}
	return n, nil
}

func (f *importFile) chunk(n int) ([]byte, error) {
	if i := slices.IndexFunc(f.kept, func(c openChunk) bool { return c.n == n }); i >= 0 {
		return f.kept[i].data, nil
	}
	var sealed []byte
	if err := f.store.get(f.ctx, &sealed, `SELECT sealed FROM import_chunks WHERE import_id = $1 AND n = $2`, f.id, n); err != nil {
		return nil, err
	}
	data, err := f.store.vault.Open("import_chunks", "sealed", chunkPlace(f.id, n), sealed)
	if err != nil {
		return nil, err
	}
	if len(f.kept) == 4 {
		f.kept = f.kept[1:]
	}
	f.kept = append(f.kept, openChunk{n, data})
	return data, nil
}

// ImportBatch is some rows of a file with what was found in them.
type ImportBatch struct {
	Rows   int // rows read, with the faulty ones
	Faulty int // of them
	Warned int
	Faults []ImportFault
	Save   func(*Tx) (Saved, error) // writes the good rows; it may be run again
}

// Saved is what became of the rows of a batch: how many changed something, and
// which were refused by what is known already, one fault for each.
type Saved struct {
	Applied int
	Refused []ImportFault
}

// SaveBatch applies a batch and accounts for its rows in one transaction. A dry
// run applies and takes back, so that its figures are those of the import that
// follows.
//
// Errors: Conflict import_taken (another worker has it).
func (s *Store) SaveBatch(ctx context.Context, job *ImportJob, b ImportBatch) error {
	row := job.ImportRow
	err := s.Write(ctx, func(tx *Tx) error {
		row = job.ImportRow
		n, err := tx.exec(`UPDATE imports SET lease_until = $3 WHERE id = $1 AND state = 'running' AND position = $2`, job.ID, job.Position, tx.Wall.Add(importLease))
		if err != nil {
			return err
		}
		if n != 1 {
			return aid.Refuse(aid.Conflict, "import_taken")
		}
		saved, err := tx.tryBatch(job, b)
		if err != nil {
			return err
		}
		faulty := b.Faulty + len(saved.Refused)
		row.Position += b.Rows
		row.Applied += saved.Applied
		row.Faulty += faulty
		row.Unchanged += b.Rows - faulty - saved.Applied
		row.Warned += b.Warned
		if err := tx.saveFaults(job.ID, slices.Concat(b.Faults, saved.Refused)); err != nil {
			return err
		}
		return tx.one(`UPDATE imports SET position = $2, applied = $3, unchanged = $4, faulty = $5, warned = $6 WHERE id = $1`,
			job.ID, row.Position, row.Applied, row.Unchanged, row.Faulty, row.Warned)
	})
	if err == nil {
		job.ImportRow = row
	}
	return err
}

func (tx *Tx) tryBatch(job *ImportJob, b ImportBatch) (Saved, error) {
	if b.Rows == b.Faulty {
		return Saved{}, nil
	}
	if !job.DryRun {
		return b.Save(tx)
	}
	if _, err := tx.ExecContext(tx.ctx, `SAVEPOINT dry_run`); err != nil {
		return Saved{}, err
	}
	saved, err := b.Save(tx)
	if err != nil {
		return saved, err
	}
	_, err = tx.ExecContext(tx.ctx, `ROLLBACK TO SAVEPOINT dry_run`)
	return saved, err
}

func (tx *Tx) saveFaults(id string, faults []ImportFault) error {
	if len(faults) == 0 {
		return nil
	}
	n := len(faults)
	rows, columns, codes, params, warnings := make([]int64, n), make([]string, n), make([]string, n), make([]string, n), make([]bool, n)
	for i, f := range faults {
		raw, err := json.Marshal(f.Params)
		if err != nil {
			return err
		}
		if f.Params == nil {
			raw = []byte("{}")
		}
		rows[i], columns[i], codes[i], params[i], warnings[i] = int64(f.Row), f.Column, f.Code, string(raw), f.Warning
	}
	_, err := tx.exec(`INSERT INTO import_faults (import_id, row, col, code, params, warning)
		SELECT $1, f.* FROM unnest($2::int[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[]) f`,
		id, pq.Array(rows), pq.Array(columns), pq.Array(codes), pq.Array(params), pq.Array(warnings))
	return err
}

func paramsOf(raw []byte) (params map[string]string, err error) {
	return params, json.Unmarshal(raw, &params)
}

// BeginImport keeps how many rows a file has at most, for whoever watches.
func (s *Store) BeginImport(ctx context.Context, job *ImportJob, rows int) error {
	return s.Write(ctx, func(tx *Tx) error {
		return tx.one(`UPDATE imports SET rows_total = $2, lease_until = $3 WHERE id = $1 AND state = 'running'`, job.ID, rows, tx.Wall.Add(importLease))
	})
}

// EndImport ends an import: done when reason is empty, else failed as a whole.
// The file of an import in earnest is forgotten with it.
func (s *Store) EndImport(ctx context.Context, job *ImportJob, reason string, faults []ImportFault) error {
	return s.Write(ctx, func(tx *Tx) error {
		state := "done"
		if reason != "" {
			state = "failed"
		}
		n, err := tx.exec(`UPDATE imports SET state = $2, reason = $3, rows_total = position, finished_at = $4, lease_until = NULL
			WHERE id = $1 AND state = 'running'`, job.ID, state, reason, tx.Wall)
		if err != nil || n == 0 {
			return err
		}
		if err := tx.saveFaults(job.ID, faults); err != nil {
			return err
		}
		if !job.DryRun || state == "failed" {
			if _, err := tx.exec(`DELETE FROM import_chunks WHERE import_id = $1`, job.file); err != nil {
				return err
			}
		}
		return tx.AddAudit(job.CreatedBy, "import_"+job.What, job.ID, map[bool]string{true: "done", false: "refused"}[reason == ""], reason)
	})
}

// SweepImports forgets files that did not come whole within an hour, and those
// of dry runs that nothing has followed within a week.
func (s *Store) SweepImports(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`DELETE FROM import_chunks c WHERE c.stored_at < $1 AND NOT EXISTS (SELECT 1 FROM imports i WHERE i.id = c.import_id)`,
			tx.Wall.Add(-uploadLapses))
		if err != nil {
			return err
		}
		_, err = tx.exec(`DELETE FROM import_chunks WHERE import_id IN (SELECT id FROM imports WHERE dry_run AND state = 'done' AND finished_at < $1)`,
			tx.Wall.Add(-dryRunKept))
		return err
	})
}
