package postgres_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// One life that waits for everybody in turn: what the random ones seldom do
// together is done here each time.
func TestClocksCountForEveryOwner(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	done := false
	rapid.Check(t, func(rt *rapid.T) {
		if done { // nothing is drawn: one life says it all
			return
		}
		done = true
		l := newLife(t, rt, db, 1)
		acts := []func(){l.open, l.giveBack, l.answer, l.register, l.forward, l.forward, l.award, l.program, l.household, l.bank, l.pay}
		for _, act := range acts {
			db.Clock.Advance(31 * time.Hour)
			act()
			l.check()
		}
	})
	if owners := rows(t, db, `SELECT DISTINCT owner FROM intervals ORDER BY owner`); len(owners) != 7 {
		t.Errorf("the life waited for %v only", owners)
	}
}
