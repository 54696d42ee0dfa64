package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/files"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Lease is how long one look at a file may take before somebody else begins
// another; a look ends itself well before.
const (
	Lease   = 10 * time.Minute
	looking = 5 * time.Minute
)

// Look takes a file out of quarantine, if it can: it is scanned, decoded and
// encoded anew, and then visible as clean; or it is infected or no good, and
// its bytes are destroyed. While the scanner is away it stays where it is, and
// the sweep looks again.
//
// Errors: Invalid with the code for which the file was rejected:
// file_infected, or one of files.Make. Others mean that the file still waits.
func (a *Archive) Look(ctx context.Context, f *postgres.File) error {
	ctx, cancel := context.WithTimeout(ctx, looking)
	defer cancel()
	if f.State != postgres.FileQuarantine {
		return nil
	}
	found, err := a.scan(ctx, f)
	if err != nil {
		a.postpone(ctx, f, "scanner_unavailable", err)
		return nil
	}
	if found != "" {
		a.log.Warn("infected file", "document", *f.DocumentID, "found", found)
		return a.reject(ctx, f, postgres.FileInfected, "file_infected")
	}
	err = a.make(ctx, f)
	switch {
	case err == nil:
		return nil
	case aid.KindOf(err) == aid.Invalid && aid.CodeOf(err) != "sealed_value_unreadable":
		return a.reject(ctx, f, postgres.FileRefused, aid.CodeOf(err))
	}
	a.postpone(ctx, f, "look_interrupted", err)
	return nil
}

// scan gives the name of what a scanner found; "" for nothing.
func (a *Archive) scan(ctx context.Context, f *postgres.File) (string, error) {
	if a.scanner == nil {
		if a.open {
			return "", nil
		}
		return "", aid.Refuse(aid.Unavailable, "scanner_missing")
	}
	return a.scanner.scan(ctx, a.sent(ctx, f))
}

func (a *Archive) sent(ctx context.Context, f *postgres.File) io.Reader {
	return &pieces{ctx: ctx, a: a, file: *f, part: postgres.PartSent, count: f.SentChunks}
}

// make has the whole file in memory, and what is decoded of it: one at a time.
func (a *Archive) make(ctx context.Context, f *postgres.File) error {
	select {
	case a.making <- struct{}{}:
		defer func() { <-a.making }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var data bytes.Buffer
	data.Grow(int(f.SentSize) + bytes.MinRead)
	if _, err := data.ReadFrom(a.sent(ctx, f)); err != nil {
		return err
	}
	made, err := files.Make(data.Bytes())
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data.Bytes())
	kept := postgres.KeptFile{Type: string(made.Type), Size: f.SentSize, Hash: sum[:], Part: postgres.PartSent, Chunks: f.SentChunks}
	if made.Data != nil {
		kept.Part, kept.Size = postgres.PartKept, int64(len(made.Data))
		if kept.Chunks, kept.Hash, err = a.write(ctx, f, made.Data); err != nil {
			return err
		}
	}
	if made.Taken != nil {
		kept.TakenAt = func(zone *time.Location) *time.Time { t := made.Taken.In(zone); return &t }
	}
	if made.Place != nil {
		kept.Place = &[2]float64{made.Place.Latitude, made.Place.Longitude}
	}
	if err := a.store.KeepFile(ctx, f.ID, kept); err != nil || made.Data == nil {
		return err
	}
	a.tidy(ctx, f.ID, f.Bucket, postgres.PartSent)
	return nil
}

func (a *Archive) reject(ctx context.Context, f *postgres.File, state, code string) error {
	if err := a.store.RejectFile(ctx, f.ID, state, code); err != nil {
		return err
	}
	a.tidy(ctx, f.ID, f.Bucket, postgres.PartSent, postgres.PartKept)
	return aid.Refuse(aid.Invalid, code)
}

// tidy removes pieces that nobody needs; what fails the sweep does again.
func (a *Archive) tidy(ctx context.Context, file string, bucket bool, parts ...string) {
	for _, part := range parts {
		if err := a.drop(ctx, bucket, file, part); err != nil {
			a.log.Warn("pieces not removed; the sweep will", "file", file, "error", err.Error())
			return
		}
	}
	if err := a.store.NoLeftovers(ctx, file); err != nil {
		a.log.Warn("pieces removed, not recorded", "file", file, "error", err.Error())
	}
}

// postpone lets a file wait longer with every look in vain, at most 5 minutes.
func (a *Archive) postpone(ctx context.Context, f *postgres.File, reason string, cause error) {
	a.log.Warn("file waits", "document", *f.DocumentID, "reason", reason, "looks", f.Looks, "error", cause.Error())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	after := min(5*time.Second<<min(f.Looks, 10), 5*time.Minute)
	if err := a.store.PostponeFile(ctx, f.ID, reason, after); err != nil {
		a.log.Warn("file not postponed; its lease will end", "document", *f.DocumentID, "error", err.Error())
	}
}
