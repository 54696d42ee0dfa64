package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// pieceSize is how much of a file is sealed and stored at once: small enough
// that many uploads at a time take little memory.
const pieceSize = 256 << 10

// put seals and stores one piece.
func (a *Archive) put(ctx context.Context, bucket bool, c postgres.Chunk, plain []byte) error {
	sealed, err := a.store.SealChunk(c, plain)
	if err != nil {
		return err
	}
	if !bucket {
		return a.store.PutChunk(ctx, c, sealed)
	}
	if a.bucket == nil {
		return noBucket()
	}
	return away(a.bucket.WriteAll(ctx, key(c), sealed, &blob.WriterOptions{ContentType: "application/octet-stream", DisableContentTypeDetection: true}))
}

// get reads and opens one piece.
func (a *Archive) get(ctx context.Context, bucket bool, c postgres.Chunk) ([]byte, error) {
	var sealed []byte
	var err error
	switch {
	case !bucket:
		sealed, err = a.store.GetChunk(ctx, c)
	case a.bucket == nil:
		err = noBucket()
	default:
		sealed, err = a.bucket.ReadAll(ctx, key(c))
		err = away(err)
	}
	if err != nil {
		return nil, err
	}
	return a.store.OpenChunk(c, sealed)
}

// drop removes all pieces of a part.
func (a *Archive) drop(ctx context.Context, bucket bool, file, part string) error {
	if !bucket {
		return a.store.DropChunks(ctx, file, part)
	}
	if a.bucket == nil {
		return noBucket()
	}
	list := a.bucket.List(&blob.ListOptions{Prefix: file + "/" + part + "/"})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return away(err)
		}
		if err := a.bucket.Delete(ctx, object.Key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return away(err)
		}
	}
}

// key is the name of a piece in the bucket: ids and numbers, nothing that a
// person gave.
func key(c postgres.Chunk) string { return fmt.Sprintf("%s/%s/%06d", c.File, c.Part, c.N) }

func noBucket() error { return aid.Refuse(aid.Unavailable, "bucket_away") }

func away(err error) error {
	if err == nil {
		return nil
	}
	return &aid.Error{Kind: aid.Unavailable, Code: "bucket_away", Cause: err}
}

// pieces reads a part of a file.
type pieces struct {
	ctx   context.Context //nolint:containedctx // it lives as long as the reader
	a     *Archive
	file  postgres.File
	part  string
	count int
	n     int
	rest  []byte
}

// Read gives the next bytes; it holds one piece at a time.
func (p *pieces) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.n == p.count {
			return 0, io.EOF
		}
		var err error
		p.rest, err = p.a.get(p.ctx, p.file.Bucket, postgres.Chunk{File: p.file.ID, Part: p.part, N: p.n, Last: p.n == p.count-1})
		if err != nil {
			return 0, err
		}
		p.n++
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
