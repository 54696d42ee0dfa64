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

func TestAssign(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	manager := db.Staff(t, "manager1")
	c := submit(t, db, "portal1", request(0))
	due := db.Clock.Now().Add(72 * time.Hour).Truncate(time.Second)
	id := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments, Due: &due, Alarms: []time.Time{due}})
	_, err := db.AssignTask(ctx, db.Staff(t, "verifier1"), id, "verifier2", 0)
	wantCode(t, err, "wrong_role")
	_, err = db.AssignTask(ctx, manager, id, "verifier1", 9)
	wantCode(t, err, "stale")
	given := must(db.AssignTask(ctx, manager, id, "verifier1", 1))(t)
	if *given.Assignee != "verifier1" || *given.AssignedBy != "manager1" || given.State != "claimed" || given.ClaimedUntil == nil {
		t.Fatalf("%+v", given)
	}
	if again := must(db.AssignTask(ctx, manager, id, "verifier1", 0))(t); again.Version != given.Version {
		t.Fatal("given again, it changed")
	}
	db.Clock.Advance(time.Hour)
	over := must(db.AssignTask(ctx, manager, id, "verifier2", 0))(t)
	if *over.Assignee != "verifier2" || over.Version != given.Version+1 || !over.DueAt.Equal(due) {
		t.Fatalf("%+v", over)
	}
	_, err = db.ClaimTask(ctx, db.Staff(t, "verifier1"), id, 0)
	wantCode(t, err, "task_claimed")
	must(db.ReleaseTask(ctx, db.Staff(t, "verifier2"), id, 0))(t)
	if got, want := taskEvents(t, db, id), []string{"task.assigned manager1", "task.assigned manager1", "task.released verifier2"}; !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	if got, want := waits(t, db, c.ID), []string{"office 0", "office claimed 1", "office "}; !slices.Equal(got, want) {
		t.Fatalf("%q: a hand-over is no new wait", got)
	}
}

// Every person who may not decide the task is one clear problem.
func TestAssignToWhoMayNot(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	manager := db.Staff(t, "manager1")
	if _, err := db.SQL(t).Exec(`INSERT INTO staff (subject, name, created_at, disabled_at) VALUES ('left1', 'Left', now(), now())`); err != nil {
		t.Fatal(err)
	}
	c := submit(t, db, "portal1", request(0))
	first := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FollowUpVisit, Subject: "vis_1"})
	vote := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Rule: committee("province"), Area: "51"})
	decide(t, db, first, db.Staff(t, "verifier1"), aid.ActionComplete, `{}`)
	for name, tc := range map[string]struct{ task, to, code string }{
		"nobody":           {visit, "nobody", "unknown_staff"},
		"left":             {visit, "left1", "staff_disabled"},
		"another province": {visit, "verifier3", "wrong_area"},
		"another role":     {visit, "treasurer1", "wrong_role"},
		"an administrator": {visit, "admin1", "wrong_area"},
		"another level":    {vote, "approver1", "wrong_level"},
		"no member":        {vote, "approver5", "not_in_committee"},
		"has verified":     {visit, "verifier1", "four_eyes"},
		"has decided":      {first, "verifier1", "already_decided"},
	} {
		_, err := db.AssignTask(ctx, manager, tc.task, tc.to, 0)
		t.Run(name, func(t *testing.T) { wantFault(t, err, "/assignee", tc.code) })
	}
	provide := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.ProvideInformation, Owner: aid.OwnerPartner})
	_, err := db.AssignTask(ctx, manager, provide, "verifier2", 0)
	wantCode(t, err, "not_assignable")
	if row := must(db.Task(ctx, manager, visit))(t); row.Assignee != nil || row.Version != 1 {
		t.Fatalf("%+v", row)
	}
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error { return tx.EndTasks(c, "void") })
	_, err = db.AssignTask(ctx, manager, visit, "verifier2", 0)
	wantCode(t, err, "task_closed")
}
