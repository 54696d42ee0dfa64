package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// waits gives the intervals of a case: who is awaited, whether somebody works
// on it, and for how long, "" for the open one.
func waits(t *testing.T, db *pgtest.DB, caseID string) []string {
	t.Helper()
	var out []string
	rows, err := db.SQL(t).Query(`SELECT owner || CASE WHEN claimed THEN ' claimed ' ELSE ' ' END || coalesce(round(extract(epoch FROM to_at - from_at) / 3600)::text, '')
		FROM intervals WHERE case_id = $1 AND task_id IS NOT NULL ORDER BY n`, caseID)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var w string
		if err := rows.Scan(&w); err != nil {
			t.Fatal(err)
		}
		out = append(out, w)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func taskEvents(t *testing.T, db *pgtest.DB, task string) []string {
	t.Helper()
	var out []string
	rows, err := db.SQL(t).Query(`SELECT kind || ' ' || actor FROM events WHERE task_id = $1 ORDER BY n`, task)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e string
		if err := rows.Scan(&e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// A claim of Monday at nine holds for eight working hours: until Tuesday at
// nine. From then on it holds nothing, whether the sweep has come or not.
func TestAClaimLapses(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	one, two := db.Staff(t, "verifier1"), db.Staff(t, "verifier2")
	c := submit(t, db, "portal1", request(0))
	id := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	claimed := must(db.ClaimTask(ctx, one, id, 0))(t)
	if claimed.ClaimedUntil == nil || claimed.ClaimedUntil.Sub(db.Clock.Now()).Round(time.Hour) != 24*time.Hour {
		t.Fatalf("claimed until %v", claimed.ClaimedUntil)
	}
	db.Clock.Advance(23 * time.Hour)
	if n := must(db.LapseClaims(ctx))(t); n != 0 {
		t.Fatalf("%d lapsed early", n)
	}
	_, err := db.ClaimTask(ctx, two, id, 0)
	wantCode(t, err, "task_claimed")
	db.Clock.Advance(2 * time.Hour)
	row := must(db.Task(ctx, two, id))(t)
	if row.State != "open" || row.Assignee != nil || row.Blocked != "" || row.Version != claimed.Version {
		t.Fatalf("a lapsed claim holds: %+v", row)
	}
	if free := must(db.Tasks(ctx, two, postgres.TaskFilter{Assignee: "none"}, postgres.Page{}))(t); len(free) != 1 {
		t.Fatalf("free: %v", taskIDs(free))
	}
	if mine := must(db.Tasks(ctx, one, postgres.TaskFilter{Assignee: "me"}, postgres.Page{}))(t); len(mine) != 0 {
		t.Fatalf("still with the first: %v", taskIDs(mine))
	}
	if n := must(db.LapseClaims(ctx))(t); n != 1 {
		t.Fatalf("%d lapsed", n)
	}
	if n := must(db.LapseClaims(ctx))(t); n != 0 {
		t.Fatalf("lapsed again: %d", n)
	}
	if row := must(db.Task(ctx, two, id))(t); row.Version != claimed.Version {
		t.Fatal("tidying up changed what the second saw")
	}
	if got, want := waits(t, db, c.ID), []string{"office 0", "office claimed 24", "office "}; !slices.Equal(got, want) {
		t.Fatalf("waits %q, want %q", got, want)
	}
	if got, want := taskEvents(t, db, id), []string{"task.claimed verifier1", "task.claim_lapsed system"}; !slices.Equal(got, want) {
		t.Fatalf("events %q", got)
	}
}

// The second takes over a lapsed claim before the sweep has come, or decides
// the task at once.
func TestALapsedClaimStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	one, two := db.Staff(t, "verifier1"), db.Staff(t, "verifier2")
	c := submit(t, db, "portal1", request(0))
	taken := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	decided := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	must(db.ClaimTask(ctx, one, taken, 0))(t)
	must(db.ClaimTask(ctx, one, decided, 0))(t)
	db.Clock.Advance(30 * time.Hour)
	if row := must(db.ClaimTask(ctx, two, taken, 0))(t); *row.Assignee != "verifier2" {
		t.Fatalf("%+v", row)
	}
	_, err := db.ReleaseTask(ctx, one, taken, 0)
	wantCode(t, err, "task_claimed")
	if got, want := taskEvents(t, db, taken), []string{"task.claimed verifier1", "task.claim_lapsed system", "task.claimed verifier2"}; !slices.Equal(got, want) {
		t.Fatalf("events %q", got)
	}
	decide(t, db, decided, two, aid.ActionComplete, `{}`)
	if got := taskEvents(t, db, decided); !slices.Equal(got, []string{"task.claimed verifier1", "task.claim_lapsed system", "task.decided verifier2"}) {
		t.Fatalf("events %q", got)
	}
}

// Claiming one's own task again moves its end; a claim of a deployment without
// lapsing holds for ever; the clock is that of the case.
func TestHowLongAClaimHolds(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	one := db.Staff(t, "verifier1")
	c := submit(t, db, "portal1", request(0))
	id := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	first := must(db.ClaimTask(ctx, one, id, 0))(t)
	db.Clock.Advance(2 * time.Hour)
	again := must(db.ClaimTask(ctx, one, id, 0))(t)
	if got := again.ClaimedUntil.Sub(*first.ClaimedUntil).Round(time.Minute); got != 2*time.Hour || again.Version != first.Version {
		t.Fatalf("moved by %v", got)
	}
	must(db.AdvanceCase(ctx, db.Staff(t, "manager1"), c.ID, 7*24*time.Hour))(t)
	if row := must(db.Task(ctx, one, id))(t); row.Assignee != nil {
		t.Fatalf("the clock of the case went on: %+v", row)
	}
	if n := must(db.LapseClaims(ctx))(t); n != 1 {
		t.Fatalf("%d lapsed", n)
	}
	db.SetClaimTime(0)
	if row := must(db.ClaimTask(ctx, one, id, 0))(t); row.ClaimedUntil != nil {
		t.Fatalf("%v", row.ClaimedUntil)
	}
	db.Clock.Advance(1000 * time.Hour)
	if row := must(db.Task(ctx, one, id))(t); row.Assignee == nil {
		t.Fatal("it lapsed all the same")
	}
}
