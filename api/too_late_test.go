package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// wants fails the test unless an answer is a 409 with the code that names who
// was first: at "decided" or "held", with what that person did and when.
func (a answer) wants(t *testing.T, what, code, at, by, action string) {
	t.Helper()
	_, err := time.Parse(time.RFC3339, a.str(at+".at"))
	if a.Status != 409 || a.str("code") != code || a.str(at+".by") != by || a.str(at+".action") != action || err != nil || !strings.Contains(a.str("detail"), by) {
		t.Errorf("%s: %d %s, want %s with %s by %s", what, a.Status, a.Raw, code, action, by)
	}
}

// Whoever comes too late is told who was first, what that person did and when,
// by every way to act on a task.
func TestWhoWasFirst(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	id := d.submitted("medical")
	path := "/v1/tasks/" + d.underReview(id)
	complete, mine := map[string]any{"action": "complete"}, map[string]any{"assignee": "verifier1"}
	decision := func(who string) answer {
		tag := d.call("manager1", "GET", path, nil).Header.Get("ETag")
		return d.call(who, "POST", path+"/decisions", complete, append(key(), "If-Match", tag)...)
	}
	question := func(who string) answer {
		return d.call(who, "POST", path+"/questions", map[string]any{"to": "approver1", "text": "?"}, key()...)
	}

	d.call("verifier1", "POST", path+"/claim", nil)
	d.call("verifier2", "POST", path+"/claim", nil).wants(t, "claim of a claimed task", "task_claimed", "held", "verifier1", "claim")
	d.call("verifier2", "POST", path+"/release", nil).wants(t, "release of a claimed task", "task_claimed", "held", "verifier1", "claim")
	decision("verifier2").wants(t, "decision on a claimed task", "task_claimed", "held", "verifier1", "claim")
	question("verifier2").wants(t, "question on a claimed task", "task_claimed", "held", "verifier1", "claim")
	if a := d.call("manager1", "POST", path+"/assign", mine); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	d.call("manager1", "POST", path+"/release", nil)
	if a := d.call("manager1", "POST", path+"/assign", mine); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	d.call("verifier2", "POST", path+"/claim", nil).wants(t, "claim of an assigned task", "task_claimed", "held", "verifier1", "assign")

	if a := decision("verifier1"); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	for _, who := range []string{"verifier1", "verifier2"} {
		d.call(who, "POST", path+"/claim", nil).wants(t, "claim of a decided task", "task_closed", "decided", "verifier1", "complete")
		d.call(who, "POST", path+"/release", nil).wants(t, "release of a decided task", "task_closed", "decided", "verifier1", "complete")
		decision(who).wants(t, "decision on a decided task", "task_closed", "decided", "verifier1", "complete")
		question(who).wants(t, "question on a decided task", "task_closed", "decided", "verifier1", "complete")
	}
	d.call("manager1", "POST", path+"/assign", mine).wants(t, "giving a decided task", "task_closed", "decided", "verifier1", "complete")
	if a := d.call("verifier2", "POST", path+"/comments", map[string]any{"text": "Seen."}, key()...); a.Status != 201 {
		t.Errorf("a note at a decided task: %s", a.Raw)
	}
}

// A vote keeps its voter from a second one, and decides nothing: when the case
// is withdrawn, nobody is said to have decided.
func TestAVoteIsNoDecision(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	d.underReview(id)
	var task string
	d.moves(t, id, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.Approve, Level: "province", Workflow: c.WorkflowID, Owner: aid.OwnerOffice,
			Rule: aid.Level{Name: "province", Mode: aid.ModeCommittee, Quorum: 2}})
		return err
	})
	d.process.onDecide = func(_ string, dec aid.Decision) error {
		return d.db.Write(context.Background(), func(tx *postgres.Tx) error {
			c, err := tx.LockCase(id)
			if err != nil {
				return err
			}
			t, _, err := tx.ApplyDecision(c, dec)
			if err != nil {
				return err
			}
			return tx.Voted(c, t)
		})
	}
	approve := map[string]any{"action": "approve"}
	if a := d.decide("approver2", task, approve); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	d.decide("approver2", task, approve).wants(t, "a second vote", "already_decided", "decided", "approver2", "approve")
	d.call("approver2", "POST", "/v1/tasks/"+task+"/claim", nil).wants(t, "a claim after the vote", "already_decided", "decided", "approver2", "approve")
	d.withdrawn(t, id)
	for _, a := range []answer{d.decide("approver3", task, approve), d.call("approver3", "POST", "/v1/tasks/"+task+"/claim", nil)} {
		if a.Status != 409 || a.str("code") != "task_closed" || a.at("decided") != nil || strings.Contains(a.str("detail"), "approver2") {
			t.Errorf("after the withdrawal: %s", a.Raw)
		}
	}
}

// A decision that was answered 202 and refused later tells the same.
func TestARefusedDecisionTellsWhoWasFirst(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	complete := map[string]any{"action": "complete"}
	later := func(task, who string) string {
		d.process.pending = append(d.process.pending, task)
		a := d.decide(who, task, complete)
		d.process.pending = nil
		if a.Status != 202 {
			t.Fatal(a.Raw)
		}
		return a.str("id")
	}
	refuse := func(decision, code string) answer {
		if err := d.db.RefuseIntent(t.Context(), decision, aid.Conflict, code); err != nil {
			t.Fatal(err)
		}
		return d.call("manager1", "GET", "/v1/decisions/"+decision, nil)
	}
	decided := d.underReview(d.submit(d.person(1)))
	late := later(decided, "verifier2")
	if a := d.call("verifier2", "GET", "/v1/decisions/"+late, nil); a.at("overtaken_by") != nil || a.str("status") != "pending" {
		t.Error(a.Raw)
	}
	if a := d.decide("verifier1", decided, complete); a.Status != 200 || a.at("overtaken_by") != nil {
		t.Fatal(a.Raw)
	}
	if a := refuse(late, "task_closed"); a.str("status") != "refused" || a.str("overtaken_by.by") != "verifier1" || a.str("overtaken_by.action") != "complete" || a.str("overtaken_by.at") == "" {
		t.Error(a.Raw)
	}

	taken := d.underReview(d.submit(d.person(2)))
	late = later(taken, "verifier2")
	d.call("verifier1", "POST", "/v1/tasks/"+taken+"/claim", nil)
	if a := refuse(late, "task_claimed"); a.str("held.by") != "verifier1" || a.str("held.action") != "claim" || a.at("overtaken_by") != nil {
		t.Error(a.Raw)
	}
	d.call("verifier1", "POST", "/v1/tasks/"+taken+"/release", nil)
	if a := d.call("verifier2", "GET", "/v1/decisions/"+late, nil); a.str("held.by") != "verifier1" {
		t.Errorf("who had it last is forgotten: %s", a.Raw)
	}
}

// Items of a batch tell the same of what was left out.
func TestABatchTellsWhoWasFirst(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	decided, taken, free := d.underReview(d.submit(d.person(1))), d.underReview(d.submit(d.person(2))), d.underReview(d.submit(d.person(3)))
	made := d.call("verifier1", "POST", "/v1/task-batches", map[string]any{"action": "complete", "task_ids": []string{decided, taken, free}}, key()...)
	if a := d.decide("verifier2", decided, map[string]any{"action": "complete"}); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	d.call("verifier2", "POST", "/v1/tasks/"+taken+"/claim", nil)
	job, err := d.db.TakeBatch(t.Context())
	if err != nil || job == nil {
		t.Fatal(err)
	}
	if _, _, err := d.db.AskBatch(t.Context(), job, 10); err != nil {
		t.Fatal(err)
	}
	items := d.call("verifier1", "GET", "/v1/task-batches/"+made.str("id")+"/items", nil)
	told := map[string]string{}
	for i := range 3 {
		at := "data." + string(rune('0'+i)) + "."
		told[items.str(at+"task")] = items.str(at+"code") + " " + items.str(at+"overtaken_by.by") + items.str(at+"overtaken_by.action") +
			items.str(at+"held.by") + items.str(at+"held.action")
	}
	for task, want := range map[string]string{decided: "task_closed verifier2complete", taken: "task_claimed verifier2claim", free: " "} {
		if told[task] != want {
			t.Errorf("%s: %q, want %q\n%s", task, told[task], want, items.Raw)
		}
	}
}

// A partner hears of itself and of no member of staff.
func TestAPartnerHearsNoNames(t *testing.T) {
	partner := &postgres.Caller{Kind: postgres.CallerPartner, ID: "ptn_1"}
	staff := &postgres.Caller{Kind: postgres.CallerStaff, ID: "approver1"}
	by := func(who string) *aid.Error {
		return aid.Refuse(aid.Conflict, "task_closed", "state", "done", "by", who, "action", "approve", "at", "2026-03-02T03:15:42Z")
	}
	for _, c := range []struct {
		caller *postgres.Caller
		by     string
		hears  bool
	}{{partner, "ptn_1", true}, {partner, "approver1", false}, {partner, "ptn_2", false}, {staff, "approver2", true}, {nil, "approver2", true}} {
		e := by(c.by)
		decided, _ := settled(namesFor(c.caller, e))
		if (decided.By != "") != c.hears || e.Params["by"] != c.by {
			t.Errorf("%+v of %s: %+v", c.caller, c.by, decided)
		}
	}
}
