package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// The kinds of files that can be read in.
const (
	ImportRegister   = "register"
	ImportTotals     = "households_total"
	ImportPastAid    = "past_aid"
	ImportPartnerAid = "partner_aid"
	ImportAreas      = "areas"
)

// importChunk is how much of a file one row holds, and importMost how large a
// file may be, in bytes.
const (
	importChunk = 256 << 10
	importMost  = 100 << 20
)

// ImportRow is an import as its owner sees it. Every row of the file that was
// read is applied, unchanged or faulty.
type ImportRow struct {
	ID         string     `db:"id"`
	What       string     `db:"what"`
	Year       *int       `db:"year"`
	Format     string     `db:"format"`
	DryRun     bool       `db:"dry_run"`
	Follows    *string    `db:"follows"`
	Chunks     int        `db:"chunks"`
	Size       int64      `db:"size"`
	State      string     `db:"state"` // waiting, running, done, failed
	Reason     string     `db:"reason"`
	RowsTotal  *int       `db:"rows_total"`
	Position   int        `db:"position"` // rows accounted for
	Applied    int        `db:"applied"`
	Unchanged  int        `db:"unchanged"`
	Faulty     int        `db:"faulty"`
	Warned     int        `db:"warned"`
	CreatedBy  string     `db:"created_by"`
	CreatedAt  time.Time  `db:"created_at"`
	StartedAt  *time.Time `db:"started_at"`
	FinishedAt *time.Time `db:"finished_at"`
}

// Cursor gives the row's place in the list of imports.
func (r ImportRow) Cursor() Cursor { return atCursor(r.CreatedAt, r.ID) }

const importColumns = `id, what, year, format, dry_run, follows, chunks, size, state, reason, rows_total, position, applied, unchanged, faulty, warned,
	created_by, created_at, started_at, finished_at`

// NewImport is a file that comes.
type NewImport struct {
	ID      string
	What    string
	Year    int    // 0 for kinds without one
	Follows string // the dry run that it follows; "" for a dry run
}

// ImportUpload is a file that has come, and that nobody runs yet.
type ImportUpload struct {
	NewImport
	Hash []byte // SHA-256 of what came
	up   upload
}

// ReceiveImport stores a file as it comes, sealed in chunks. Its format is told
// by look from the first bytes. An import in earnest keeps no second copy: its
// file is compared with that of its dry run. What was received is either
// adopted or dropped.
//
// Errors: Invalid import_too_large, file_empty, upload_cut; NotFound
// import_not_found (the dry run is not the caller's); Conflict dry_run_needed
// (it is not finished, or is of another kind or year).
func (s *Store) ReceiveImport(ctx context.Context, caller *Caller, in NewImport, file io.Reader, look func(first []byte) string) (*ImportUpload, error) {
	if in.Follows != "" {
		if err := s.checkDryRun(ctx, caller, in); err != nil {
			return nil, err
		}
	}
	received := &ImportUpload{NewImport: in, up: upload{store: s, id: in.ID, keep: in.Follows == "", sum: sha256.New(), look: look}}
	if err := received.up.copy(ctx, file); err != nil {
		s.DropImport(ctx, received)
		return nil, err
	}
	received.Hash = received.up.sum.Sum(nil)
	return received, nil
}

// AdoptImport leaves a file that has come to a worker.
//
// Errors: Conflict other_file (it is not that of the dry run), dry_run_needed
// (the file of the dry run is gone).
func (s *Store) AdoptImport(ctx context.Context, caller *Caller, in *ImportUpload) (*ImportRow, error) {
	if err := s.uploaded(ctx, caller, in); err != nil {
		return nil, err
	}
	return s.Import(ctx, caller, in.ID)
}

// Upload receives a file and adopts it.
//
// Errors: those of both.
func (s *Store) Upload(ctx context.Context, caller *Caller, in NewImport, file io.Reader, look func(first []byte) string) (*ImportRow, error) {
	received, err := s.ReceiveImport(ctx, caller, in, file, look)
	if err != nil {
		return nil, err
	}
	row, err := s.AdoptImport(ctx, caller, received)
	if err != nil {
		s.DropImport(ctx, received)
	}
	return row, err
}

func (s *Store) checkDryRun(ctx context.Context, caller *Caller, in NewImport) error {
	dry, err := s.Import(ctx, caller, in.Follows)
	if err != nil {
		return err
	}
	year := 0
	if dry.Year != nil {
		year = *dry.Year
	}
	if !dry.DryRun || dry.State != "done" || dry.What != in.What || year != in.Year {
		return aid.Refuse(aid.Conflict, "dry_run_needed")
	}
	return nil
}

// uploaded makes a file that has come an import.
func (s *Store) uploaded(ctx context.Context, caller *Caller, in *ImportUpload) error {
	return s.Write(ctx, func(tx *Tx) error {
		hash := tx.vault.Hash("import-file", hex.EncodeToString(in.Hash))
		if in.Follows != "" {
			var same, kept bool
			err := tx.QueryRowContext(ctx, `SELECT d.file_hash = $2, EXISTS (SELECT 1 FROM import_chunks c WHERE c.import_id = d.id)
				FROM imports d WHERE d.id = $1 FOR SHARE`, in.Follows, hash).Scan(&same, &kept)
			switch {
			case err != nil:
				return err
			case !same:
				return aid.Refuse(aid.Conflict, "other_file")
			case !kept:
				return aid.Refuse(aid.Conflict, "dry_run_needed")
			}
		}
		return tx.one(`INSERT INTO imports (id, what, year, format, dry_run, follows, file_hash, chunks, size, state, created_by, created_at)
			VALUES ($1, $2, nullif($3, 0), $4, $5 = '', nullif($5, ''), $6, $7, $8, 'waiting', $9, $10)`,
			in.ID, in.What, in.Year, in.up.format, in.Follows, hash, in.up.chunks, in.up.size, caller.Actor(), tx.Wall)
	})
}

// Import gives an import to who brought it.
//
// Errors: NotFound import_not_found.
func (s *Store) Import(ctx context.Context, caller *Caller, id string) (*ImportRow, error) {
	var row ImportRow
	err := s.get(ctx, &row, `SELECT `+importColumns+` FROM imports WHERE id = $1 AND created_by = $2`, id, caller.Actor())
	if aid.KindOf(err) == aid.NotFound {
		err = aid.Refuse(aid.NotFound, "import_not_found")
	}
	return &row, err
}

// Imports lists what the caller has brought, the newest first.
//
// Errors: Invalid invalid_cursor.
func (s *Store) Imports(ctx context.Context, caller *Caller, p Page) ([]ImportRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	rows := []ImportRow{}
	err = s.list(ctx, &rows, `SELECT `+importColumns+` FROM imports WHERE created_by = $1
		AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3)) ORDER BY created_at DESC, id DESC LIMIT $4`,
		caller.Actor(), at, p.After.ID, p.limit())
	return rows, err
}

// ImportFault is what was wrong in one row of a file. It never has the value.
type ImportFault struct {
	N       int64             `db:"n"`
	Row     int               `db:"row"` // as a spreadsheet counts; 0 for the file
	Column  string            `db:"col"`
	Code    string            `db:"code"`
	Raw     []byte            `db:"params"`
	Params  map[string]string `db:"-"`
	Warning bool              `db:"warning"`
}

// ImportFaults gives faults of an import in the order of the rows, after the
// place of an earlier one.
//
// Errors: NotFound import_not_found.
func (s *Store) ImportFaults(ctx context.Context, caller *Caller, id string, after ImportFault, limit int) ([]ImportFault, error) {
	if _, err := s.Import(ctx, caller, id); err != nil {
		return nil, err
	}
	rows := []ImportFault{}
	err := s.list(ctx, &rows, `SELECT n, row, col, code, params, warning FROM import_faults
		WHERE import_id = $1 AND (row, n) > ($2, $3) ORDER BY row, n LIMIT $4`, id, after.Row, after.N, limit)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].Params, err = paramsOf(rows[i].Raw); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// upload copies a file into sealed chunks.
type upload struct {
	store  *Store
	id     string
	keep   bool
	look   func([]byte) string
	format string
	chunks int
	size   int64
	sum    interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func (u *upload) copy(ctx context.Context, file io.Reader) error {
	buffer := make([]byte, importChunk)
	for {
		n, err := io.ReadFull(file, buffer)
		if n > 0 {
			if err := u.chunk(ctx, buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF: // ReadFull gives them as they are
			if u.size == 0 {
				return aid.Refuse(aid.Invalid, "file_empty")
			}
			return nil
		case err != nil:
			return wrap(aid.Invalid, "upload_cut", err)
		}
	}
}

func (u *upload) chunk(ctx context.Context, part []byte) error {
	if u.size == 0 {
		u.format = u.look(part)
	}
	if u.size += int64(len(part)); u.size > importMost {
		return aid.Refuse(aid.Invalid, "import_too_large")
	}
	_, _ = u.sum.Write(part) // a hash takes everything
	n := u.chunks
	u.chunks++
	if !u.keep {
		return nil
	}
	sealed, err := u.store.vault.Seal("import_chunks", "sealed", chunkPlace(u.id, n), part)
	if err != nil {
		return err
	}
	return u.store.Write(ctx, func(tx *Tx) error {
		return tx.one(`INSERT INTO import_chunks (import_id, n, sealed, stored_at) VALUES ($1, $2, $3, $4)`, u.id, n, sealed, tx.Wall)
	})
}

func chunkPlace(id string, n int) string { return id + "/" + strconv.Itoa(n) }

// DropImport forgets a file that nobody adopts. Should it fail, the sweep does
// it.
func (s *Store) DropImport(ctx context.Context, in *ImportUpload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`DELETE FROM import_chunks WHERE import_id = $1`, in.ID)
		return err
	})
}
