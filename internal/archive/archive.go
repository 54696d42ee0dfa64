// Package archive keeps the files that are sent: sealed piece by piece as they
// come, in quarantine until a scanner and the decoders have looked at them,
// and then served as they were found clean. The pieces lie in PostgreSQL, or
// in a bucket; what there is of each file is always known to PostgreSQL first.
package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file:///folder
	_ "gocloud.dev/blob/memblob"  // mem://
	_ "gocloud.dev/blob/s3blob"   // s3://bucket

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/files"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Config is what a deployment says of its files.
type Config struct {
	Bucket    string // URL of the bucket; "" keeps the pieces in PostgreSQL
	Scanner   string // clamd://host:port, clamd:///path/of/socket; "" or "none" for no scanner
	Unscanned bool   // files pass without a scanner: never true in live mode
	Log       *slog.Logger
}

// Archive stores, looks at and serves files. It is safe for concurrent use.
type Archive struct {
	store   *postgres.Store
	bucket  *blob.Bucket // nil: in PostgreSQL
	scanner *clamd       // nil: none
	open    bool         // files pass without a scanner
	log     *slog.Logger
	making  chan struct{} // one image is in memory at a time
}

// New opens the archive of a deployment.
//
// Errors: a URL of a bucket or scanner that is none.
func New(ctx context.Context, store *postgres.Store, c Config) (*Archive, error) {
	a := &Archive{store: store, open: c.Unscanned, log: c.Log, making: make(chan struct{}, 1)}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if c.Scanner != "" && c.Scanner != "none" {
		var err error
		if a.scanner, err = newClamd(c.Scanner); err != nil {
			return nil, err
		}
	}
	if c.Bucket == "" {
		return a, nil
	}
	var err error
	a.bucket, err = blob.OpenBucket(ctx, c.Bucket)
	return a, err
}

// Close gives the bucket back.
func (a *Archive) Close() error {
	if a.bucket == nil {
		return nil
	}
	return a.bucket.Close()
}

// Upload is a file that has come completely and belongs to nothing yet.
type Upload struct {
	ID     string
	Type   files.Type
	Size   int64
	Chunks int
	Hash   []byte // SHA-256

	bucket bool
}

// Receive takes a file as it comes and stores it sealed, a piece at a time. A
// file of another type than those that are accepted is refused by its first
// bytes. Whatever goes wrong: nothing of it can be seen, and what is left is
// swept up.
//
// Errors: Invalid file_empty, unsupported_file_type, file_too_large,
// upload_cut; those of the store.
func (a *Archive) Receive(ctx context.Context, uploader string, r io.Reader) (*Upload, error) {
	first := make([]byte, pieceSize)
	n, err := fill(r, first)
	if err != nil {
		return nil, cut(err)
	}
	u := &Upload{bucket: a.bucket != nil}
	if u.Type, err = files.Sniff(first[:min(n, files.HeadSize)]); err != nil {
		return nil, err
	}
	if u.ID, err = a.store.BeginFile(ctx, uploader, u.bucket); err != nil {
		return nil, err
	}
	if err := a.receive(ctx, u, first[:n], r); err != nil {
		a.Discard(ctx, u)
		return nil, err
	}
	return u, nil
}

// receive writes pieces until the end. Each is held back until it is known
// whether another follows: the last one is sealed as the last.
func (a *Archive) receive(ctx context.Context, u *Upload, held []byte, r io.Reader) error {
	sum := sha256.New()
	next := make([]byte, pieceSize)
	for {
		n := 0
		if len(held) == pieceSize {
			var err error
			if n, err = fill(r, next); err != nil {
				return cut(err)
			}
		}
		u.Size += int64(len(held))
		if u.Size > files.MaxSize || (u.Size == files.MaxSize && n > 0) {
			return aid.Refuse(aid.Invalid, "file_too_large")
		}
		sum.Write(held)
		piece := postgres.Chunk{File: u.ID, Part: postgres.PartSent, N: u.Chunks, Last: n == 0}
		if err := a.put(ctx, u.bucket, piece, held); err != nil {
			return err
		}
		u.Chunks++
		if n == 0 {
			u.Hash = sum.Sum(nil)
			return nil
		}
		held, next = next[:n], held[:pieceSize]
	}
}

// Discard removes a file that became no document. What it cannot remove now
// the sweep does later.
func (a *Archive) Discard(ctx context.Context, u *Upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := a.forget(ctx, u.ID, u.bucket); err != nil {
		a.log.Warn("upload not discarded; the sweep will", "file", u.ID, "error", err.Error())
	}
}

func (a *Archive) forget(ctx context.Context, id string, bucket bool) error {
	if err := a.drop(ctx, bucket, id, postgres.PartSent); err != nil {
		return err
	}
	return a.store.ForgetFile(ctx, id)
}

// fill reads until the buffer is full or the reader has come to its end, and
// only then: io.ReadFull would not tell an end from a request that was cut.
func fill(r io.Reader, b []byte) (int, error) {
	for n := 0; ; {
		m, err := r.Read(b[n:])
		n += m
		switch {
		case n == len(b), errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// cut tells that a file did not come to its end. A refusal of whoever reads
// the request passes.
func cut(err error) error {
	if aid.CodeOf(err) != "" {
		return err
	}
	return &aid.Error{Kind: aid.Invalid, Code: "upload_cut", Cause: err}
}

// Content gives the bytes of a clean document, piece by piece.
//
// Errors: of the store, while reading; Invalid sealed_value_unreadable when
// pieces were changed, lost or moved.
func (a *Archive) Content(ctx context.Context, f postgres.File) io.Reader {
	return &pieces{ctx: ctx, a: a, file: f, part: f.Part, count: f.Chunks}
}

// write stores bytes as the kept part of a file and tells how many pieces they
// are, and their hash.
func (a *Archive) write(ctx context.Context, f *postgres.File, data []byte) (count int, sum []byte, err error) {
	if !f.Bucket { // in a bucket the same names are written over
		if err := a.drop(ctx, false, f.ID, postgres.PartKept); err != nil {
			return 0, nil, err
		}
	}
	h := sha256.Sum256(data)
	for ; len(data) > 0; count++ {
		piece := data[:min(len(data), pieceSize)]
		data = data[len(piece):]
		at := postgres.Chunk{File: f.ID, Part: postgres.PartKept, N: count, Last: len(data) == 0}
		if err := a.put(ctx, f.Bucket, at, piece); err != nil {
			return 0, nil, err
		}
	}
	return count, h[:], nil
}
