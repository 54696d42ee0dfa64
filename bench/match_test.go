package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A small register with the same plants as the large one: what is found for
// certain stays so, and the rest does not fall below what docs/matching.md
// says.
func TestTheSearchForDuplicatesKeepsItsQuality(t *testing.T) {
	db, ctx := pgtest.New(t), context.Background()
	b, err := newMatchBench(ctx, db.Store, sqlx.NewDb(db.SQL(t), "postgres"), 7, 6)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.register(ctx, 1500); err != nil {
		t.Fatal(err)
	}
	tally, err := b.measure(ctx, 8)
	if err != nil {
		t.Fatal(err)
	}
	// What nobody can know, and what is known to be missed.
	hard := map[string]float64{"year mistyped by one": 0.5, "moved, no number, typing error": 0, "year wrong by several": 0,
		"a typing error": 0.85, "no accents and a typing error": 0.85, "a digit of the number": 0.85, "initials": 0.85, "a word left out": 0.85}
	for name, p := range tally.plants {
		floor, listed := hard[name]
		if !listed {
			floor = 1
		}
		if got := ratio(p.found, p.n); p.same && (got < floor || p.n < 5) {
			t.Errorf("%s: %d of %d found", name, p.found, p.n)
		}
		guess := strings.HasSuffix(name, "no number")
		if !p.same && !guess && p.any > 0 {
			t.Errorf("%s: %d of %d are hit", name, p.any, p.n)
		}
	}
	if tally.recall() < 0.88 || tally.precision() < 0.90 {
		t.Errorf("recall %.3f, precision %.3f", tally.recall(), tally.precision())
	}
	for kind, k := range tally.kinds {
		if kind != "similar_name" && k.right < k.hits {
			t.Errorf("%s: %d of %d hits are wrong", kind, k.hits-k.right, k.hits)
		}
	}
}
