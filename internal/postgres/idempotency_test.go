package postgres_test

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestIdempotency(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.Empty(t), context.Background()
	scope := postgres.IdemScope{Caller: "par_1", Route: "createCase", Key: "k", Fingerprint: []byte("one")}
	first := must(db.BeginIdempotent(ctx, scope, "case_1"))(t)
	if first.Done || first.ResourceID != "case_1" {
		t.Fatalf("%+v", first)
	}
	_, err := db.BeginIdempotent(ctx, scope, "case_2")
	wantCode(t, err, "idempotency_running")
	other := scope
	other.Fingerprint = []byte("two")
	_, err = db.BeginIdempotent(ctx, other, "case_2")
	wantCode(t, err, "idempotency_key_reused")
	for _, elsewhere := range []postgres.IdemScope{{Caller: "par_2", Route: "createCase", Key: "k", Fingerprint: []byte{1}},
		{Caller: "par_1", Route: "decide", Key: "k", Fingerprint: []byte{1}}, {Caller: "par_1", Route: "createCase", Key: "K", Fingerprint: []byte{1}}} {
		if a := must(db.BeginIdempotent(ctx, elsewhere, "case_3"))(t); a.Done || a.ResourceID != "case_3" {
			t.Fatalf("%+v: %+v", elsewhere, a)
		}
	}
	// A copy that finds the first one silent takes over with its id.
	db.Clock.Advance(61 * time.Second)
	if a := must(db.BeginIdempotent(ctx, scope, "case_2"))(t); a.Done || a.ResourceID != "case_1" {
		t.Fatalf("%+v", a)
	}
	_, err = db.BeginIdempotent(ctx, scope, "case_2")
	wantCode(t, err, "idempotency_running")
	answer := postgres.IdemAnswer{Status: 201, Header: map[string]string{"Location": "/v1/cases/case_1"}, Body: []byte(`{"id":"case_1"}`)}
	if err := db.FinishIdempotent(ctx, scope, answer); err != nil {
		t.Fatal(err)
	}
	if err := db.FinishIdempotent(ctx, scope, postgres.IdemAnswer{Status: 500}); err != nil {
		t.Fatal(err)
	}
	if err := db.AbandonIdempotent(ctx, scope); err != nil { // too late
		t.Fatal(err)
	}
	a := must(db.BeginIdempotent(ctx, scope, "case_9"))(t)
	if !a.Done || a.Status != 201 || a.ResourceID != "case_1" || !bytes.Equal(a.Body, answer.Body) || a.Header["Location"] != "/v1/cases/case_1" {
		t.Fatalf("%+v", a)
	}
	_, err = db.BeginIdempotent(ctx, other, "case_2")
	wantCode(t, err, "idempotency_key_reused")
	db.Clock.Advance(91 * 24 * time.Hour)
	if n := must(db.SweepIdempotency(ctx))(t); n != 4 {
		t.Fatalf("swept %d", n)
	}
	if a := must(db.BeginIdempotent(ctx, scope, "case_9"))(t); a.Done {
		t.Fatal("kept for longer than 90 days")
	}
}

func TestAbandonedKeyIsFree(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.Empty(t), context.Background()
	scope := postgres.IdemScope{Caller: "par_1", Route: "createCase", Key: "k", Fingerprint: []byte("one")}
	must(db.BeginIdempotent(ctx, scope, "case_1"))(t)
	if err := db.AbandonIdempotent(ctx, scope); err != nil {
		t.Fatal(err)
	}
	if a := must(db.BeginIdempotent(ctx, scope, "case_2"))(t); a.Done || a.ResourceID != "case_2" {
		t.Fatalf("%+v", a)
	}
}

// Of fifty copies at once exactly one may go on.
func TestCopiesOfAKeyAtOnce(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.Empty(t), context.Background()
	var wg sync.WaitGroup
	var first atomic.Int64
	for range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := db.BeginIdempotent(ctx, postgres.IdemScope{Caller: "p", Route: "r", Key: "k", Fingerprint: []byte{1}}, "case_1"); err == nil {
				first.Add(1)
			} else {
				wantRunning(t, err)
			}
		}()
	}
	wg.Wait()
	if first.Load() != 1 {
		t.Fatalf("%d copies went on", first.Load())
	}
}

func wantRunning(t *testing.T, err error) {
	if aid.CodeOf(err) != "idempotency_running" {
		t.Errorf("%v", err)
	}
}
