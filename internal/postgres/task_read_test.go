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

func taskIDs(rows []postgres.TaskRow) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.ID)
	}
	return out
}

func committee(level string) aid.Level {
	return aid.Level{Name: level, Mode: aid.ModeCommittee, Quorum: 2, Chair: true}
}

// Who may decide which task, seen in three ways that must agree: the task
// itself, the inbox, and RecordIntent.
func TestWhoDecidesWhat(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	c := submit(t, db, "portal1", request(0))
	everybody := []string{"verifier1", "verifier2", "verifier3", "approver1", "approver2", "approver4", "approver5", "intake1", "treasurer1", "releaser1", "manager1", "auditor1", "admin1"}
	for name, tc := range map[string]struct {
		task postgres.NewTask
		may  []string
	}{
		"verify":    {postgres.NewTask{Kind: aid.VerifyDocuments}, []string{"verifier1", "verifier2"}},
		"commune":   {postgres.NewTask{Kind: aid.Approve, Level: "commune", Rule: aid.Level{Name: "commune", Mode: aid.ModeAny}}, []string{"approver1"}},
		"committee": {postgres.NewTask{Kind: aid.Approve, Level: "province", Rule: committee("province"), Area: "51"}, []string{"approver2", "approver4"}},
		"one of the province": {postgres.NewTask{Kind: aid.Approve, Level: "province", Subject: "any", Rule: aid.Level{Name: "province", Mode: aid.ModeAny}, Area: "51"},
			[]string{"approver2", "approver4", "approver5"}},
		"prepare": {postgres.NewTask{Kind: aid.PreparePayment}, []string{"treasurer1"}},
		"release": {postgres.NewTask{Kind: aid.ReleasePayment}, []string{"releaser1"}},
		"stalled": {postgres.NewTask{Kind: aid.DecideStalled}, []string{"verifier1", "verifier2", "manager1"}},
		"resolve": {postgres.NewTask{Kind: aid.ResolvePayment}, []string{"treasurer1", "releaser1", "manager1"}},
		"repair":  {postgres.NewTask{Kind: aid.RepairConfiguration}, []string{"admin1"}},
		"provide": {postgres.NewTask{Kind: aid.ProvideInformation, Owner: aid.OwnerPartner}, []string{"portal1"}},
	} {
		id := openTask(t, db, c.ID, tc.task)
		for _, who := range append([]string{"portal1", "portal2"}, everybody...) {
			var caller *postgres.Caller
			if who == "portal1" || who == "portal2" {
				caller = db.Partner(t, who)
			} else {
				caller = db.Staff(t, who)
			}
			may := slices.Contains(tc.may, who)
			row, err := db.Task(ctx, caller, id)
			if (err == nil && row.Blocked == "") != may || (may && len(row.AllowedActions) == 0) {
				t.Errorf("%s: %s may %v: %v %+v", name, who, may, err, row)
			}
			inbox := must(db.Tasks(ctx, caller, postgres.TaskFilter{Kind: string(tc.task.Kind)}, postgres.Page{}))(t)
			watches := who == "manager1" || who == "auditor1"
			if slices.Contains(taskIDs(inbox), id) != (may || watches) {
				t.Errorf("%s: in the inbox of %s, may %v: %v", name, who, may, taskIDs(inbox))
			}
			if err == nil && !may {
				_, err := db.RecordIntent(ctx, postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: id, Actor: caller.Actor(), Partner: caller.Partner(),
					TaskVersion: row.Version, Action: aid.ActionComplete})
				if k := aid.KindOf(err); k != aid.Forbidden && k != aid.NotFound {
					t.Errorf("%s: %s is not refused: %v", name, who, err)
				}
			}
		}
	}
}

func TestFourEyesInTheInbox(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	verifier := db.Staff(t, "verifier1")
	c := submit(t, db, "portal1", request(0))
	first := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	second := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FollowUpVisit, Subject: "vis_1"})
	decide(t, db, first, verifier, aid.ActionComplete, `{}`)
	if row := must(db.Task(ctx, verifier, first))(t); row.Blocked != "already_decided" {
		t.Fatalf("%+v", row)
	}
	if row := must(db.Task(ctx, verifier, second))(t); row.Blocked != "" || row.HeldDuty != "verify" {
		t.Fatalf("one's own duty may be repeated: %+v", row)
	}
	if row := must(db.Task(ctx, verifier, visit))(t); row.Blocked != "four_eyes" {
		t.Fatalf("the verifier follows up: %+v", row)
	}
	_, err := db.ClaimTask(ctx, verifier, visit, 0)
	wantCode(t, err, "four_eyes")
	if next := must(db.NextTask(ctx, verifier))(t); next.ID != second {
		t.Fatalf("next is %s", next.Kind)
	}
	if next := must(db.NextTask(ctx, db.Staff(t, "verifier2")))(t); next.ID != first && next.ID != second && next.ID != visit {
		t.Fatalf("next is %s", next.Kind)
	}
	_, err = db.NextTask(ctx, db.Staff(t, "releaser1"))
	wantCode(t, err, "no_task")
}

func TestInboxOrderAndFilters(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	verifier, other := db.Staff(t, "verifier1"), db.Staff(t, "verifier2")
	now := db.Clock.Now()
	open := func(i int, urgent bool, due time.Duration) string {
		content := request(i)
		content.Urgent = urgent
		n := postgres.NewTask{Kind: aid.VerifyDocuments}
		if due != 0 {
			at := now.Add(due)
			n.Due, n.Alarms = &at, []time.Time{at}
		}
		return openTask(t, db, submit(t, db, "portal1", content).ID, n)
	}
	never, late, soon := open(0, false, 0), open(1, false, 48*time.Hour), open(2, false, 2*time.Hour)
	urgent, urgentNever := open(3, true, 72*time.Hour), open(4, true, 0)
	want := []string{urgent, urgentNever, soon, late, never}
	for limit := 1; limit <= 6; limit++ {
		var got []string
		page := postgres.Page{Limit: limit}
		for {
			rows := must(db.Tasks(ctx, verifier, postgres.TaskFilter{}, page))(t)
			got = append(got, taskIDs(rows)...)
			if len(rows) < limit {
				break
			}
			page.After = rows[len(rows)-1].Cursor()
		}
		if !slices.Equal(got, want) {
			t.Fatalf("pages of %d: %v, want %v", limit, got, want)
		}
	}
	must(db.ClaimTask(ctx, verifier, soon, 0))(t)
	must(db.ClaimTask(ctx, other, late, 0))(t)
	rows := must(db.Tasks(ctx, verifier, postgres.TaskFilter{}, postgres.Page{}))(t)
	c := must(db.CaseByID(ctx, verifier, rows[0].CaseID))(t)
	for name, tc := range map[string]struct {
		filter postgres.TaskFilter
		want   []string
	}{
		"mine":       {postgres.TaskFilter{Assignee: "me"}, []string{soon}},
		"free":       {postgres.TaskFilter{Assignee: "none"}, []string{urgent, urgentNever, never}},
		"another's":  {postgres.TaskFilter{Assignee: "verifier2"}, []string{late}},
		"case":       {postgres.TaskFilter{Case: *c.Reference}, []string{urgent}},
		"programme":  {postgres.TaskFilter{Programme: "schooling"}, nil},
		"kind":       {postgres.TaskFilter{Kind: "approve"}, nil},
		"area":       {postgres.TaskFilter{Area: c.Area}, []string{urgent}},
		"province":   {postgres.TaskFilter{Area: "51"}, want},
		"no due":     {postgres.TaskFilter{SLA: "none"}, []string{urgentNever, never}},
		"done":       {postgres.TaskFilter{State: "done"}, nil},
		"claimed":    {postgres.TaskFilter{State: "claimed"}, []string{soon, late}},
		"any":        {postgres.TaskFilter{State: "any"}, []string{urgentNever, urgent, soon, late, never}},
		"by opening": {postgres.TaskFilter{Sort: "opened"}, []string{never, late, soon, urgent, urgentNever}},
		"newest":     {postgres.TaskFilter{Sort: "newest"}, []string{urgentNever, urgent, soon, late, never}},
	} {
		rows, err := db.Tasks(ctx, verifier, tc.filter, postgres.Page{})
		if err != nil || !slices.Equal(taskIDs(rows), tc.want) {
			t.Errorf("%s: %v %v, want %v", name, taskIDs(rows), err, tc.want)
		}
	}
	_, err := db.Tasks(ctx, verifier, postgres.TaskFilter{Sort: "name"}, postgres.Page{})
	wantFault(t, err, "/sort", "unknown_sort")
	for _, bad := range []postgres.Cursor{{Sort: "2026-03-02T00:00:00Z|9|infinity", ID: "x"}, {Sort: "2026-03-02T00:00:00Z|1|never", ID: "x"}, {Sort: "2026-03-02T00:00:00Z|1|infinity"}, {Sort: "now|1|infinity", ID: "x"}, {Sort: "1|infinity", ID: "x"}, {ID: "x"}} {
		_, err := db.Tasks(ctx, verifier, postgres.TaskFilter{}, postgres.Page{After: bad})
		wantCode(t, err, "invalid_cursor")
	}
	db.Clock.Advance(3 * time.Hour)
	if rows := must(db.Tasks(ctx, verifier, postgres.TaskFilter{SLA: "breached"}, postgres.Page{}))(t); !slices.Equal(taskIDs(rows), []string{soon}) {
		t.Fatalf("breached %v", taskIDs(rows))
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	one, two := db.Staff(t, "verifier1"), db.Staff(t, "verifier2")
	c := submit(t, db, "portal1", request(0))
	id := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	_, err := db.ClaimTask(ctx, one, id, 7)
	wantCode(t, err, "stale")
	claimed := must(db.ClaimTask(ctx, one, id, 1))(t)
	if claimed.State != "claimed" || *claimed.Assignee != "verifier1" || claimed.Version != 2 || claimed.Blocked != "" {
		t.Fatalf("%+v", claimed)
	}
	if again := must(db.ClaimTask(ctx, one, id, 0))(t); again.Version != 2 {
		t.Fatalf("claiming again changed it: %+v", again)
	}
	_, err = db.ClaimTask(ctx, two, id, 0)
	wantCode(t, err, "task_claimed")
	_, err = db.ReleaseTask(ctx, two, id, 0)
	wantCode(t, err, "task_claimed")
	for who, code := range map[string]string{"approver1": "wrong_role", "manager1": "wrong_role", "verifier3": "task_not_found"} {
		_, err = db.ClaimTask(ctx, db.Staff(t, who), id, 0)
		wantCode(t, err, code)
	}
	if free := must(db.ReleaseTask(ctx, db.Staff(t, "manager1"), id, 0))(t); free.State != "open" || free.Assignee != nil {
		t.Fatalf("%+v", free)
	}
	must(db.ReleaseTask(ctx, one, id, 0))(t) // free already
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error { return tx.EndTasks(c, "void") })
	_, err = db.ClaimTask(ctx, one, id, 0)
	wantCode(t, err, "task_closed")
}

func TestWhoSeesADecision(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	c := submit(t, db, "portal1", request(0))
	decide(t, db, openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments}), db.Staff(t, "verifier1"), aid.ActionComplete, `{}`)
	decide(t, db, openTask(t, db, c.ID, postgres.NewTask{Kind: aid.ProvideInformation, Owner: aid.OwnerPartner}), db.Partner(t, "portal1"), aid.ActionComplete, `{}`)
	var office, partner string
	for kind, id := range map[string]*string{"verify_documents": &office, "provide_information": &partner} {
		if err := db.SQL(t).QueryRow(`SELECT d.id FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE t.kind = $1`, kind).Scan(id); err != nil {
			t.Fatal(err)
		}
	}
	row := must(db.Decision(ctx, db.Staff(t, "manager1"), office))(t)
	if row.Actor != "verifier1" || row.State != "applied" || row.Action != aid.ActionComplete || row.DecidedAt == nil || row.CaseID != c.ID {
		t.Fatalf("%+v", row)
	}
	must(db.Decision(ctx, db.Partner(t, "portal1"), partner))(t)
	must(db.Decision(ctx, db.Staff(t, "auditor1"), partner))(t)
	for who, caller := range map[string]*postgres.Caller{"its partner": db.Partner(t, "portal1"), "another": db.Partner(t, "portal2"),
		"elsewhere": db.Staff(t, "verifier3"), "admin": db.Staff(t, "admin1")} {
		_, err := db.Decision(ctx, caller, office)
		if aid.CodeOf(err) != "decision_not_found" {
			t.Errorf("%s: %v", who, err)
		}
	}
}
