package postgres

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// The states of a file: see document_files.
const (
	FileReceiving  = "receiving"
	FileQuarantine = "quarantine"
	FileClean      = "clean"
	FileInfected   = "infected"
	FileRefused    = "refused"
)

// The parts of a file: what was sent, and what is kept in its place.
const (
	PartSent = "sent"
	PartKept = "kept"
)

// File is the row of a file: what is needed to find its bytes.
type File struct {
	ID         string  `db:"id"`
	DocumentID *string `db:"document_id"`
	CaseID     *string `db:"case_id"`
	State      string  `db:"state"`
	Reason     string  `db:"reason"`
	SentType   string  `db:"sent_type"`
	SentSize   int64   `db:"sent_size"`
	SentChunks int     `db:"sent_chunks"`
	Type       string  `db:"type"`
	Size       int64   `db:"size"`
	Chunks     int     `db:"chunks"`
	Part       string  `db:"part"`
	Bucket     bool    `db:"bucket"`
	Looks      int     `db:"looks"`
}

const fileColumns = `f.id, f.document_id, f.case_id, f.state, f.reason, f.sent_type, f.sent_size, f.sent_chunks, f.type, f.size, f.chunks,
	f.part, f.bucket, f.looks`

// BeginFile writes down that a file begins to come: from here on the sweep
// knows of it. It gives the id of the file.
func (s *Store) BeginFile(ctx context.Context, uploader string, bucket bool) (string, error) {
	id := NewID(aid.FileID)
	return id, s.Write(ctx, func(tx *Tx) error {
		if err := tx.unhurried(); err != nil {
			return err
		}
		return tx.one(`INSERT INTO document_files (id, uploader, state, bucket, received_at) VALUES ($1, $2, 'receiving', $3, $4)`,
			id, uploader, bucket, tx.Wall)
	})
}

// Chunk names one piece of a file.
type Chunk struct {
	File string
	Part string // PartSent or PartKept
	N    int    // from 0
	Last bool
}

// row binds the piece to its place: a piece of another file, part or number
// does not open, nor does the last one before the end or the end before the
// last one.
func (c Chunk) row() string {
	row := c.File + "/" + c.Part + "/" + strconv.Itoa(c.N)
	if c.Last {
		row += "/last"
	}
	return row
}

// SealChunk encrypts a piece for its place.
func (s *Store) SealChunk(c Chunk, plain []byte) ([]byte, error) {
	return s.vault.Seal("file_chunks", "sealed", c.row(), plain)
}

// OpenChunk decrypts a piece.
//
// Errors: Invalid sealed_value_unreadable when it is not the piece of this
// place.
func (s *Store) OpenChunk(c Chunk, sealed []byte) ([]byte, error) {
	return s.vault.Open("file_chunks", "sealed", c.row(), sealed)
}

// PutChunk stores a sealed piece.
func (s *Store) PutChunk(ctx context.Context, c Chunk, sealed []byte) error {
	return s.Write(ctx, func(tx *Tx) error {
		if err := tx.unhurried(); err != nil { // what makes it count waits for the disk
			return err
		}
		return tx.one(`INSERT INTO file_chunks (file_id, part, n, sealed) VALUES ($1, $2, $3, $4)`, c.File, c.Part, c.N, sealed)
	})
}

// GetChunk reads a sealed piece.
//
// Errors: NotFound not_found.
func (s *Store) GetChunk(ctx context.Context, c Chunk) ([]byte, error) {
	var sealed []byte
	return sealed, s.get(ctx, &sealed, `SELECT sealed FROM file_chunks WHERE file_id = $1 AND part = $2 AND n = $3`, c.File, c.Part, c.N)
}

// DropChunks removes the pieces of a part. Those that a clean file is served
// from stay.
//
// Errors: Invalid constraint_violated for such a part.
func (s *Store) DropChunks(ctx context.Context, file, part string) error {
	return s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`DELETE FROM file_chunks WHERE file_id = $1 AND part = $2`, file, part)
		return err
	})
}

// ForgetFile removes the row of a file that never became a document. Its
// pieces must be gone.
func (s *Store) ForgetFile(ctx context.Context, id string) error {
	return s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`DELETE FROM document_files WHERE id = $1 AND state = 'receiving'`, id)
		return err
	})
}

// FilesToForget gives files that began to come before an instant and never
// became documents.
func (s *Store) FilesToForget(ctx context.Context, before time.Time) ([]File, error) {
	rows := []File{}
	err := s.list(ctx, &rows, `SELECT `+fileColumns+` FROM document_files f WHERE f.state = 'receiving' AND f.received_at < $1
		ORDER BY f.received_at LIMIT 100`, before)
	return rows, err
}

// FilesWithLeftovers gives files some of whose pieces nobody needs.
func (s *Store) FilesWithLeftovers(ctx context.Context) ([]File, error) {
	rows := []File{}
	err := s.list(ctx, &rows, `SELECT `+fileColumns+` FROM document_files f WHERE f.leftovers ORDER BY f.id LIMIT 100`)
	return rows, err
}

// NoLeftovers records that only the pieces that are needed are left.
func (s *Store) NoLeftovers(ctx context.Context, id string) error {
	return s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`UPDATE document_files SET leftovers = false WHERE id = $1`, id)
		return err
	})
}

// LeaseFile takes the next file in quarantine whose time has come: until the
// lease ends nobody else gets it. It gives nil when there is none.
func (s *Store) LeaseFile(ctx context.Context, lease time.Duration) (*File, error) {
	var f *File
	err := s.Write(ctx, func(tx *Tx) error {
		f = nil
		var row File
		err := tx.get(&row, `UPDATE document_files f SET look_at = $2, looks = looks + 1 WHERE f.id = (
			SELECT id FROM document_files WHERE state = 'quarantine' AND look_at <= $1 ORDER BY look_at LIMIT 1 FOR UPDATE SKIP LOCKED)
			RETURNING `+fileColumns, tx.Wall, tx.Wall.Add(lease))
		if notFound(err) {
			return nil
		}
		f = &row
		return err
	})
	return f, err
}

// PostponeFile ends a look that found nothing out: why, and when to look
// again.
func (s *Store) PostponeFile(ctx context.Context, id, reason string, after time.Duration) error {
	return s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`UPDATE document_files SET reason = $2, look_at = $3 WHERE id = $1 AND state = 'quarantine'`, id, reason, tx.Wall.Add(after))
		return err
	})
}

// lockFile locks a file together with its case, in the order of all locks. It
// gives no file when that one is not in quarantine any more.
func (tx *Tx) lockFile(id string) (*Case, *fileFacts, error) {
	var caseID string
	if err := tx.get(&caseID, `SELECT case_id FROM document_files WHERE id = $1 AND case_id IS NOT NULL`, id); err != nil {
		return nil, nil, err
	}
	c, err := tx.LockCase(caseID)
	if err != nil {
		return nil, nil, err
	}
	var f fileFacts
	err = tx.get(&f, `SELECT id, document_id, kind, task_id, uploader, dated::text AS dated, visited_on::text AS visited_on, sealed, added_at
		FROM document_files WHERE id = $1 AND state = 'quarantine' FOR UPDATE`, id)
	if notFound(err) {
		return c, nil, nil
	}
	return c, &f, err
}

type fileFacts struct {
	ID         string    `db:"id"`
	DocumentID string    `db:"document_id"`
	Kind       string    `db:"kind"`
	TaskID     *string   `db:"task_id"`
	Uploader   string    `db:"uploader"`
	Dated      *string   `db:"dated"`
	VisitedOn  *string   `db:"visited_on"`
	Sealed     []byte    `db:"sealed"`
	AddedAt    time.Time `db:"added_at"`
}

// RejectFile ends a file that is not to be kept: it is infected (state
// FileInfected) or no good (FileRefused), with the code of the reason. Its
// pieces become leftovers. The case hears of it.
func (s *Store) RejectFile(ctx context.Context, id, state, reason string) error {
	if state != FileInfected && state != FileRefused {
		return errors.New("no end of a file that is rejected")
	}
	return s.Write(ctx, func(tx *Tx) error {
		c, f, err := tx.lockFile(id)
		if err != nil || f == nil {
			return err
		}
		err = tx.one(`UPDATE document_files SET state = $2, reason = $3, looked_at = $4, look_at = NULL, leftovers = true WHERE id = $1`,
			id, state, reason, tx.Wall)
		if err != nil {
			return err
		}
		if err := tx.SaveCase(c); err != nil {
			return err
		}
		return tx.AddEvent(c, Event{Kind: "document.rejected", Actor: System, Data: map[string]any{"document": f.DocumentID, "kind": f.Kind, "reason_code": reason}})
	})
}
