package worker_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// sendPhotos brings the photos in that a visit needs, and has them found clean.
func (tn *town) sendPhotos(t postgres.TaskRow, actor string) {
	tn.t.Helper()
	ctx := tn.t.Context()
	def, err := tn.db.Definition(ctx, t.Programme, t.ProgrammeVersion)
	require.NoError(tn.t, err)
	needed, err := tn.db.PhotosNeeded(ctx, t.ID, def)
	require.NoError(tn.t, err)
	for range needed {
		tn.sendPhoto(t, actor)
	}
}

func (tn *town) sendPhoto(t postgres.TaskRow, actor string) {
	tn.t.Helper()
	ctx, content := tn.t.Context(), []byte("a picture, as far as anybody looks here")
	sum := sha256.Sum256(content)
	id, err := tn.db.BeginFile(ctx, actor, false)
	require.NoError(tn.t, err)
	piece := postgres.Chunk{File: id, Part: postgres.PartSent, Last: true}
	sealed, err := tn.db.SealChunk(piece, content)
	require.NoError(tn.t, err)
	require.NoError(tn.t, tn.db.PutChunk(ctx, piece, sealed))
	file, err := tn.db.AdmitFile(ctx, tn.db.Staff(tn.t, actor), postgres.NewFile{ID: id, DocumentID: postgres.NewID(aid.DocumentID), Case: t.CaseID,
		Kind: postgres.VisitPhoto, Type: "image/jpeg", Image: true, Task: t.ID, Size: int64(len(content)), Chunks: 1, Hash: sum[:]}, time.Minute)
	require.NoError(tn.t, err)
	require.NoError(tn.t, tn.db.KeepFile(ctx, file.ID, postgres.KeptFile{Type: "image/jpeg", Size: file.SentSize, Hash: sum[:], Part: postgres.PartSent, Chunks: 1}))
}

// A visit is completed with its photos, and shown with them.
func TestAVisitNeedsItsPhotos(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", `{"follow_up": [], "visit": {"photos": 2, "form": {"type": "object", "additionalProperties": false, "required": ["people"],
		"properties": {"people": {"type": "integer", "minimum": 1, "maximum": 30}}, "examples": [{"people": 3}]}}}`)
	c := tn.submit(example(t, "medical"))
	bare := &move{actor: "verifier1", action: aid.ActionComplete, data: `{"seen": {"people": 3}}`, refuse: "invalid_content"}
	tn.live(people(willing).first(aid.FieldVisit, bare))
	require.Equal(t, aid.Closed, tn.status(c))
	reports, err := tn.db.VisitReports(t.Context(), tn.db.Staff(t, "approver1"), c)
	require.NoError(t, err)
	require.Len(t, reports[0].Photos, 2)
	tn.check()
}
