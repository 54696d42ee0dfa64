package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// A delegate hears of what the principal would decide, while the delegation
// holds and as far as it goes.
func TestADelegateIsTold(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	begin, end := db.Now().Add(-time.Hour), db.Now().Add(time.Hour)
	exec(t, db, `INSERT INTO staff (subject, name, created_at) VALUES ('helper', 'Helper', now())`)
	exec(t, db, `INSERT INTO staff_roles (subject, role, area, level) VALUES ('helper', 'approver', '48', 'province')`)
	exec(t, db, `INSERT INTO delegations (id, principal, delegate, programmes, ceiling, from_at, until_at, reason_code, created_by, created_at)
		VALUES ('del_1', 'approver1', 'helper', '{medical}', 6000000, $1, $2, 'leave', 'approver1', $1)`, begin, end)
	told := func(want ...string) {
		t.Helper()
		c := submit(t, db, "portal1", request(len(rows(t, db, `SELECT id FROM cases`))+1))
		openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "commune", Rule: aid.Level{Name: "commune", Mode: aid.ModeAny}})
		spreadAll(t, db)
		if got := rows(t, db, `SELECT person FROM notifications WHERE case_id = $1 ORDER BY 1`, c.ID); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	told("approver1", "helper")
	db.Clock.Advance(2 * time.Hour)
	told("approver1")
}
