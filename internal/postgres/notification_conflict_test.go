package postgres_test

import (
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// Whoever has a conflict of interest is not told, and shown nothing any more.
func TestAConflictOfInterestEndsTheNews(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	event(t, db, c.ID, postgres.Event{Kind: "task.question", Actor: "verifier1", Task: task, Data: map[string]any{"to": "verifier2"}})
	bell := func(want int) {
		t.Helper()
		if n, err := db.Unread(t.Context(), db.Staff(t, "verifier2")); err != nil || n != want {
			t.Errorf("%d %v, want %d", n, err, want)
		}
	}
	bell(2)
	exec(t, db, `INSERT INTO case_recusals (id, case_id, subject, reason_code, recorded_at) VALUES ('rec_1', $1, 'verifier2', 'family', now())`, c.ID)
	bell(0)
	if m, kinds := take(t, db); m != nil {
		t.Errorf("told by mail of %q", kinds)
	}
	exec(t, db, `DELETE FROM notifications`)
	event(t, db, c.ID, postgres.Event{Kind: "task.reminded", Actor: postgres.System, Task: task})
	if got := told(t, db, "task.reminded"); !slices.Equal(got, []string{"verifier1"}) {
		t.Errorf("%q", got)
	}
}
