package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// postsMedical lets the programme for medical aid ask the village before it
// pays. It comes before the first request that reads the programme.
func (d *door) postsMedical(t *testing.T) {
	t.Helper()
	const titles = `{"vi":"x","en":"x","id":"x"}`
	_, err := d.db.SQL(t).Exec(`ALTER TABLE programmes DISABLE TRIGGER programmes_stay; UPDATE programmes SET definition =
		'{"posting":{"days":"P5D","titles":` + titles + `},' || replace(substr(definition, 2), '"reasons":{',
		'"reasons":{"objection":[{"code":"not_poor","titles":` + titles + `}],') WHERE code = 'medical'`)
	if err != nil {
		t.Fatal(err)
	}
}

// awarded makes a case whose award is to be hung out, and gives that task.
func (d *door) awarded(t *testing.T, i int) (caseID, task string) {
	t.Helper()
	caseID = d.submit(d.person(i))
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) error {
		award, err := d.award(t, tx, c)
		if err != nil {
			return err
		}
		if err := tx.StartAward(award); err != nil {
			return err
		}
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.PostPublicly, Workflow: c.WorkflowID, Owner: aid.OwnerOffice, Rule: map[string]string{"because": "posting"}})
		return err
	})
	return caseID, task
}

// posted makes a case whose award hangs out, as its workflow would.
func (d *door) posted(t *testing.T, i int) string {
	t.Helper()
	caseID, task := d.awarded(t, i)
	in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: "verifier1", TaskVersion: 1, Action: aid.ActionComplete,
		Data: json.RawMessage(`{"date": "2026-03-02", "place": "House of culture"}`)}
	recorded, err := d.db.RecordIntent(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) error {
		open, _, err := tx.ApplyDecision(c, recorded.Decision)
		if err != nil {
			return err
		}
		award, err := tx.AwardOf(c)
		if err != nil {
			return err
		}
		if _, err := tx.HangPosting(c, award, in.ID, "2026-03-02"); err != nil {
			return err
		}
		return tx.CloseTask(open, "posted")
	})
	return caseID
}

func TestObjections(t *testing.T) {
	d := openDoor(t)
	d.postsMedical(t)
	id := d.posted(t, 1)
	path := "/v1/cases/" + id + "/objections"
	said := map[string]any{"reason_code": "not_poor", "text": "Canary shop", "name": "Canary neighbour", "contact": "0905000000"}
	once := key()
	first := d.call("intake1", "POST", path, said, once...)
	if first.Status != http.StatusCreated || first.at("anonymous") != false || first.str("status") != "open" || first.str("recorded_by") != "intake1" {
		t.Fatalf("%d %s", first.Status, first.Raw)
	}
	if again := d.call("intake1", "POST", path, said, once...); again.Status != http.StatusCreated || again.str("id") != first.str("id") {
		t.Errorf("the same again: %d %s", again.Status, again.Raw)
	}
	nameless := d.call("verifier2", "POST", path, map[string]any{"reason_code": "not_poor", "text": "Canary field"}, key()...)
	if nameless.Status != http.StatusCreated || nameless.at("anonymous") != true {
		t.Errorf("%d %s", nameless.Status, nameless.Raw)
	}
	if n := d.count("objections"); n != 2 {
		t.Fatalf("%d objections", n)
	}
	page := d.call("approver5", "GET", path+"?limit=1", nil)
	next := d.call("approver5", "GET", path+"?limit=1&cursor="+page.str("next_cursor"), nil)
	if page.str("data.0.text") != "Canary shop" || page.at("has_more") != true || next.str("data.0.text") != "Canary field" || next.at("has_more") != false {
		t.Errorf("%s %s", page.Raw, next.Raw)
	}
	masked := d.call("auditor1", "GET", path, nil)
	if masked.Status != http.StatusOK || strings.Contains(masked.Raw, "Canary") || masked.at("data.0.masked") != true {
		t.Errorf("%d %s", masked.Status, masked.Raw)
	}
	if n := d.count("audit WHERE action = 'read_personal' AND actor = 'approver5'"); n != 2 {
		t.Errorf("%d looks in the audit", n)
	}
	if a := d.call("portal1", "GET", path, nil); a.Status != http.StatusForbidden {
		t.Errorf("a partner: %d %s", a.Status, a.Raw)
	}
	task := d.call("approver5", "GET", "/v1/tasks/"+first.str("task"), nil)
	if task.str("kind") != "decide_objection" || len(task.at("allowed_actions").([]any)) != 2 || strings.Contains(task.Raw, "Canary") {
		t.Errorf("%d %s", task.Status, task.Raw)
	}
	if strings.Contains(d.logged(), "Canary") {
		t.Error("what was said is in the log")
	}
}

func TestBadObjections(t *testing.T) {
	d := openDoor(t)
	d.postsMedical(t)
	posted := d.posted(t, 1)
	awarded, _ := d.awarded(t, 2)
	submitted := d.submit(d.person(3))
	good := func() map[string]any { return map[string]any{"reason_code": "not_poor", "text": "canary"} }
	for _, r := range []refusal{
		{name: "no reason", path: posted, body: change(good(), "reason_code", nil), status: 422, code: "invalid_content", faults: []string{"/reason_code required"}},
		{name: "unknown reason", path: posted, body: change(good(), "reason_code", "canary"), status: 422, code: "invalid_content", faults: []string{"/reason_code unknown_reason"}},
		{name: "nothing said", path: posted, body: change(good(), "text", ""), status: 422, code: "invalid_content", faults: []string{"/text too_short"}},
		{name: "too much", path: posted, body: change(good(), "text", strings.Repeat("canary", 400)), status: 422, code: "invalid_content", faults: []string{"/text too_long"}},
		{name: "unknown field", path: posted, body: change(good(), "surplus", 1), status: 422, code: "invalid_content", faults: []string{"/surplus unknown_field"}},
		{name: "not hung out", path: awarded, body: good(), status: 409, code: "not_posted"},
		{name: "not awarded", path: submitted, body: good(), status: 409, code: "wrong_state"},
		{name: "no such case", path: postgres.NewID(aid.CaseID), body: good(), status: 404, code: "case_not_found"},
		{name: "another province", who: "verifier3", path: posted, body: good(), status: 404, code: "case_not_found"},
		{name: "an approver", who: "approver1", path: posted, body: good(), status: 403, code: "wrong_role"},
		{name: "a partner", who: "portal1", path: posted, body: good(), status: 403, code: "wrong_role"},
	} {
		if r.who == "" {
			r.who = "intake1"
		}
		r.path, r.headers, r.secret = "/v1/cases/"+r.path+"/objections", key(), "canary"
		d.refuses(t, r)
	}
	if n := d.count("objections"); n != 0 {
		t.Errorf("%d objections", n)
	}
}

// What a verifier tells of a list that hangs, and of a register that is away,
// has a form.
func TestFormsOfWhatHappensOutside(t *testing.T) {
	d := openDoor(t)
	d.postsMedical(t)
	_, post := d.awarded(t, 2)
	var record string
	d.moves(t, d.submit(d.person(3)), func(tx *postgres.Tx, c *postgres.Case) (err error) {
		record, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.RecordCheck, Subject: "population", Workflow: c.WorkflowID, Owner: aid.OwnerRegister, Rule: map[string]string{"because": "register_away"}})
		return err
	})
	for _, r := range []struct {
		task string
		body map[string]any
		want string
	}{
		{post, map[string]any{"action": "complete"}, "/data/date required,/data/place required"},
		{post, map[string]any{"action": "complete", "data": map[string]any{"date": "2.3.2026", "place": "x"}}, "/data/date bad_format,/data/date bad_format"},
		{post, map[string]any{"action": "complete", "data": map[string]any{"date": "2026-02-20", "place": "x"}}, "/data/date before_award"},
		{post, map[string]any{"action": "complete", "data": map[string]any{"date": "2026-03-04", "place": "x"}}, "/data/date in_future"},
		{record, map[string]any{"action": "complete"}, "/data/reference required,/data/result required,/note required"},
		{record, map[string]any{"action": "complete", "note": "x", "data": map[string]any{"result": "canary", "reference": "x"}}, "/data/result not_allowed"},
	} {
		a := d.call("verifier1", "POST", "/v1/tasks/"+r.task+"/decisions", r.body, append(key(), "If-Match", `"1"`)...)
		if got := strings.Join(a.codes(), ","); a.Status != http.StatusUnprocessableEntity || got != r.want {
			t.Errorf("%v: %d %s, want %s", r.body, a.Status, a.Raw, r.want)
		}
	}
	for _, task := range []string{post, record} {
		row := d.call("verifier1", "GET", "/v1/tasks/"+task, nil)
		example, _ := row.at("forms.complete.example").(map[string]any)
		if a := d.call("verifier1", "POST", "/v1/tasks/"+task+"/decisions", example, append(key(), "If-Match", `"1"`)...); a.Status != http.StatusOK {
			t.Errorf("the example of the form: %d %s", a.Status, a.Raw)
		}
	}
}
