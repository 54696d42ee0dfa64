package postgres_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// Who was in the chair when voting stays it; who is in the chair elsewhere, or
// only today, is not.
func TestTheChairIsKeptWithTheVote(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner(t, db, `INSERT INTO staff_roles (subject, role, area, level, committee, chair) VALUES ('approver2', 'approver', '48', 'province', true, true)`)
	c := submit(t, db, "portal1", request(0))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Rule: committee("province"), Area: "51"})
	chairs := func() (all []string) {
		change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
			locked, err := tx.LockTask(c, task)
			if err != nil {
				return err
			}
			votes, err := tx.Votes(locked)
			for _, v := range votes {
				if v.Chair {
					all = append(all, v.Actor)
				}
			}
			return err
		})
		return all
	}
	decide(t, db, task, db.Staff(t, "approver2"), aid.ActionApprove, ``)
	if got := chairs(); len(got) != 0 {
		t.Fatalf("the chair of another province counts here: %v", got)
	}
	decide(t, db, task, db.Staff(t, "approver4"), aid.ActionApprove, ``)
	owner(t, db, `UPDATE staff_roles SET chair = subject = 'approver2'`)
	if got := chairs(); len(got) != 1 || got[0] != "approver4" {
		t.Fatalf("%v", got)
	}
}

// A decision is made on what the decider saw: a task that has changed since
// refuses it, also when the intent was stored before.
func TestADecisionOnWhatHasChangedIsStale(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Rule: committee("province"), Area: "51"})
	first, second := record(t, db, asks(t, db, task, "approver2", aid.ActionApprove)), record(t, db, asks(t, db, task, "approver4", aid.ActionApprove))
	apply := func(d aid.Decision) error {
		return db.Write(t.Context(), func(tx *postgres.Tx) error {
			c, err := tx.LockCase(c.ID)
			if err != nil {
				return err
			}
			locked, _, err := tx.ApplyDecision(c, d)
			if err != nil {
				return err
			}
			return tx.Voted(c, locked)
		})
	}
	if err := apply(first); err != nil {
		t.Fatal(err)
	}
	err := apply(second)
	wantCode(t, err, "stale")
	if aid.KindOf(err) != aid.Stale {
		t.Fatalf("%v", err)
	}
	wantCode(t, apply(first), "intent_gone")
}

// An intent that expires is told to its person: in the timeline and the audit.
func TestAnExpiredIntentIsTold(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	d := record(t, db, asks(t, db, task, "verifier1", aid.ActionComplete))
	for range 2 {
		if err := db.ExpireIntent(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM events WHERE case_id = $1 AND kind = 'task.decision_expired' AND actor = 'verifier1' AND task_id = $2`, c.ID, task); n != 1 {
		t.Errorf("%d events", n)
	}
	if n := count(t, db, `SELECT count(*) FROM audit WHERE object = $1 AND code = 'expired'`, d.ID); n != 1 {
		t.Errorf("%d audits", n)
	}
}
