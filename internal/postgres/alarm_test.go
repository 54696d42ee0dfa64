package postgres_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// A warning, the breach and what follows are told of once each, whoever asks
// and however often, and a case of which many rungs have passed tells each.
func TestEachRungRingsOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	id := submit(t, db, "portal1", request(1)).ID
	change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		_, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Rule: map[string]any{}})
		return err
	})
	rung := map[string]int{}
	for range 12 {
		db.Clock.Advance(30 * time.Hour)
		for range 2 {
			change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) error {
				alarms, err := tx.DueAlarms(c, c.WorkflowID)
				for _, a := range alarms {
					rung[a.Scope+" "+a.Act]++
				}
				return err
			})
		}
	}
	raw, _ := json.Marshal(rung)
	want := map[string]int{"task remind": 1, "task breach": 1, "task notify_superior": 1, "task reassign": 1,
		"verification remind": 1, "verification breach": 1, "verification notify_superior": 1}
	if fmt.Sprint(rung) != fmt.Sprint(want) {
		t.Errorf("rang %s, want %v", raw, want)
	}
}

// What a calendar has changed counts before anything rings, also for a case to
// which the sweep has not come yet; a case to which it has come is left alone.
func TestNothingRingsByTheCalendarOfYesterday(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	id := submit(t, db, "portal1", request(1)).ID
	var task string
	change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		task, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Rule: map[string]any{}})
		return err
	})
	due := func() time.Time { return instant(t, db, `SELECT due_at FROM tasks WHERE id = $1`, task) }
	before := due()
	manager := db.Staff(t, "manager1")
	_, err := db.CreateFreeze(t.Context(), manager, postgres.Freeze{ID: postgres.NewID(aid.FreezeID), Area: "51", Until: db.Now().Add(30 * 24 * time.Hour), Reason: "disaster"})
	if err != nil {
		t.Fatal(err)
	}
	db.Clock.Advance(before.Sub(db.Now()) + time.Hour) // its deadline, had there been no flood
	change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) error {
		alarms, err := tx.DueAlarms(c, c.WorkflowID)
		if len(alarms) > 0 {
			t.Errorf("rang in the freeze: %+v", alarms)
		}
		return err
	})
	if after := due(); !after.After(before.Add(20 * 24 * time.Hour)) {
		t.Errorf("due %v, was %v", after, before)
	}
}

// A task whose area is frozen is not late in the inbox, however long that
// lasts; when the freeze is ended it is late when its time is over.
func TestAFrozenTaskDoesNotRankAsOverdue(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx, manager, verifier := t.Context(), db.Staff(t, "manager1"), db.Staff(t, "verifier1")
	open := func(i int) string {
		var task string
		change(t, db, submit(t, db, "portal1", request(i)).ID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
			if err := tx.MoveCase(c, aid.EventOpen); err != nil {
				return err
			}
			task, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Rule: map[string]any{}})
			return err
		})
		return task
	}
	first := open(1)
	db.Clock.Advance(10 * time.Minute)
	open(2)
	recount := func() {
		for n := 1; n > 0; {
			n = must(db.Recount(ctx, 1))(t)
		}
	}
	overdue := func() (late []string) {
		list := must(db.Tasks(ctx, verifier, postgres.TaskFilter{SLA: "breached"}, postgres.Page{}))(t)
		for _, row := range list {
			late = append(late, row.ID)
		}
		return late
	}
	f := must(db.CreateFreeze(ctx, manager, postgres.Freeze{ID: postgres.NewID(aid.FreezeID), Area: "51", Until: db.Now().Add(90 * 24 * time.Hour), Reason: "disaster"}))(t)
	recount()
	db.Clock.Advance(60 * 24 * time.Hour)
	if late := overdue(); len(late) > 0 {
		t.Fatalf("late in the freeze: %v", late)
	}
	must(db.EndFreeze(ctx, manager, f.ID, f.Version))(t)
	recount()
	if late := overdue(); len(late) > 0 {
		t.Fatalf("late when the freeze ended: %v", late)
	}
	due := instant(t, db, `SELECT due_at FROM tasks WHERE id = $1`, first)
	if allowed := due.Sub(db.Now()); allowed < 24*time.Hour {
		t.Fatalf("%v are left of its days", allowed)
	}
	db.Clock.Advance(due.Sub(db.Now()) + time.Second)
	if late := overdue(); len(late) != 1 || late[0] != first {
		t.Fatalf("late %v, want %s", late, first)
	}
}

func instant(t testing.TB, db *pgtest.DB, query string, args ...any) (at time.Time) {
	t.Helper()
	if err := db.SQL(t).QueryRow(query, args...).Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at
}
