package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

func TestTaskShowsWhatMayBeDone(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	task := d.underReview(id)
	a := d.call("verifier1", "GET", "/v1/tasks/"+task, nil)
	if a.Status != 200 || a.Header.Get("ETag") == "" || a.str("case.id") != id || a.str("kind") != "verify_documents" || a.str("role") != "verifier" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if got := a.at("allowed_actions"); len(got.([]any)) != 3 {
		t.Errorf("allowed %v", got)
	}
	if a.at("forms.return.reason_required") != true || a.str("forms.return.reason_codes.0") == "" || a.str("forms.return.example.action") != "return" ||
		a.str("why.because") == "" || a.str("why.rule") != "medical" || a.str("waiting.owner") != "office" || a.str("due_at") == "" {
		t.Error(a.Raw)
	}
	// A person without the right sees the task, and why it may do nothing.
	if a := d.call("manager1", "GET", "/v1/tasks/"+task, nil); a.Status != 200 || len(a.at("allowed_actions").([]any)) != 0 || a.str("blocked") == "" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier1", "GET", "/v1/tasks/next", nil); a.str("id") != task {
		t.Errorf("next: %d %s", a.Status, a.Raw)
	}
	if a := d.call("treasurer1", "GET", "/v1/tasks/next", nil); a.Status != http.StatusNoContent {
		t.Errorf("next of a treasurer: %d %s", a.Status, a.Raw)
	}
	for _, q := range []string{"", "?case=" + id, "?assignee=none", "?kind=verify_documents", "?area=51", "?programme=medical&sort=opened_at", "?sla=on_time"} {
		if a := d.call("verifier1", "GET", "/v1/tasks"+q, nil); a.str("data.0.id") != task {
			t.Errorf("tasks%s: %s", q, a.Raw)
		}
	}
	if a := d.call("verifier1", "GET", "/v1/tasks?assignee=me", nil); len(a.at("data").([]any)) != 0 {
		t.Error(a.Raw)
	}
}

// The example of every form is a body that the form takes.
func TestFormsTakeTheirExamples(t *testing.T) {
	d := openDoor(t)
	def, err := d.db.Programme(t.Context(), "housing_new")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range aid.TaskRules() {
		row := postgres.TaskRow{}
		row.Kind = rule.Kind
		for action, form := range forms(&row, def.Definition) {
			data, _ := form.Example["data"].(map[string]any)
			raw, _ := json.Marshal(data)
			_ = json.Unmarshal(raw, &data) // as it comes over HTTP
			if faults, err := dataFaults(rule.Kind, aid.Action(action), def.Definition, data); err != nil || len(faults) > 0 {
				t.Errorf("%s, %s: %+v %v", rule.Kind, action, faults, err)
			}
			if form.ReasonRequired != (form.Example["reason_code"] != nil) && len(form.ReasonCodes) > 0 {
				t.Errorf("%s, %s: reason in the example %v", rule.Kind, action, form.Example)
			}
		}
	}
}

func TestClaimAndRelease(t *testing.T) {
	d := openDoor(t)
	task := d.underReview(d.submitted("medical"))
	path := "/v1/tasks/" + task
	tag := d.call("verifier1", "GET", path, nil).Header.Get("ETag")
	if a := d.call("verifier1", "POST", path+"/claim", nil, "If-Match", `"99"`); a.Status != 412 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	a := d.call("verifier1", "POST", path+"/claim", nil, "If-Match", tag)
	if a.Status != 200 || a.str("assignee") != "verifier1" || a.str("status") != "claimed" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier2", "POST", path+"/claim", nil); a.Status != 409 || a.str("code") != "task_claimed" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier2", "POST", path+"/decisions", map[string]any{"action": "complete"}, append(key(), "If-Match", a.Header.Get("ETag"))...); a.Status != 409 {
		t.Errorf("decided over a claim: %d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier1", "POST", path+"/release", nil); a.Status != 200 || a.str("status") != "open" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("treasurer1", "POST", path+"/claim", nil); a.Status != 403 {
		t.Errorf("a treasurer claims: %d %s", a.Status, a.Raw)
	}
}

// decide sends a decision with the task's present ETag.
func (d *door) decide(who, task string, body map[string]any) answer {
	tag := d.call(who, "GET", "/v1/tasks/"+task, nil).Header.Get("ETag")
	return d.call(who, "POST", "/v1/tasks/"+task+"/decisions", body, append(key(), "If-Match", tag)...)
}

func TestDecide(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	id := d.submitted("medical")
	task := d.underReview(id)
	path := "/v1/tasks/" + task + "/decisions"
	complete := map[string]any{"action": "complete", "note": "canary note"}
	tag := d.call("verifier1", "GET", "/v1/tasks/"+task, nil).Header.Get("ETag")

	if a := d.call("verifier1", "POST", path, complete, key()...); a.Status != 428 || a.str("code") != "if_match_required" {
		t.Errorf("without If-Match: %d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier1", "POST", path, complete, append(key(), "If-Match", `"99"`)...); a.Status != 412 || a.str("code") != "stale" {
		t.Errorf("stale: %d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier1", "POST", path, complete, append(key(), "If-Match", "*")...); a.Status != 412 {
		t.Errorf("any version: %d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier1", "POST", path, complete, "If-Match", tag); a.Status != 400 || a.str("code") != "idempotency_key_missing" {
		t.Errorf("without a key: %d %s", a.Status, a.Raw)
	}
	if a := d.decide("treasurer1", task, map[string]any{"action": "complete"}); a.Status != 403 || a.str("code") != "wrong_role" {
		t.Errorf("wrong role: %d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier3", "POST", path, complete, append(key(), "If-Match", tag)...); a.Status != 404 {
		t.Errorf("other area: %d %s", a.Status, a.Raw)
	}
	for _, c := range []struct {
		body map[string]any
		want string
	}{
		{map[string]any{"action": "approve"}, "/action unknown_action"},
		{map[string]any{"action": "canary"}, "/action not_allowed"},
		{map[string]any{"action": "reject"}, "/reason_code reason_required"},
		{map[string]any{"action": "reject", "reason_code": "canary"}, "/reason_code unknown_reason"},
		{map[string]any{"action": "complete", "amount": map[string]any{"amount": 5, "currency": "VND"}}, "/amount amount_not_allowed"},
		{map[string]any{"action": "complete", "amount": map[string]any{"amount": 5, "currency": "USD"}}, "/amount/currency currency_not_accepted"},
		{map[string]any{"action": "complete", "extra": 1}, "/extra unknown_field"},
	} {
		if a := d.decide("verifier1", task, c.body); a.Status != 422 || !slices.Contains(a.codes(), c.want) {
			t.Errorf("%v: %d %v, want %s", c.body, a.Status, a.codes(), c.want)
		}
	}
	k := key()
	a := d.call("verifier1", "POST", path, complete, append(k, "If-Match", tag)...)
	if a.Status != 200 || a.str("status") != "applied" || a.str("decided_by") != "verifier1" || a.str("task") != task || strings.Contains(a.Raw, "canary") {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if again := d.call("verifier1", "POST", path, complete, append(k, "If-Match", tag)...); again.Status != 200 || again.Raw != a.Raw || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s", again.Status, again.Raw)
	}
	for _, who := range []string{"verifier1", "verifier2"} {
		if a := d.decide(who, task, complete); a.Status != 409 || (a.str("code") != "task_closed" && a.str("code") != "already_decided") {
			t.Errorf("second decision by %s: %d %s", who, a.Status, a.Raw)
		}
	}
	if b := d.call("verifier1", "GET", "/v1/decisions/"+a.str("id"), nil); b.Status != 200 || b.str("status") != "applied" {
		t.Errorf("%d %s", b.Status, b.Raw)
	}
	if b := d.call("verifier3", "GET", "/v1/decisions/"+a.str("id"), nil); b.Status != 404 {
		t.Errorf("a foreign decision: %d", b.Status)
	}
	if n := d.count("audit WHERE outcome = 'refused' AND action = 'decide'"); n == 0 {
		t.Error("refusals are not in the audit")
	}
}

func TestOneOfManyDecidersWins(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	task := d.underReview(d.submitted("medical"))
	tag := d.call("verifier1", "GET", "/v1/tasks/"+task, nil).Header.Get("ETag")
	answers := make([]answer, 8)
	var wg sync.WaitGroup
	for i := range answers {
		who := []string{"verifier1", "verifier2"}[i%2]
		wg.Go(func() {
			answers[i] = d.call(who, "POST", "/v1/tasks/"+task+"/decisions", map[string]any{"action": "complete"}, append(key(), "If-Match", tag)...)
		})
	}
	wg.Wait()
	won := 0
	for _, a := range answers {
		switch a.Status {
		case 200:
			won++
		case 409, 412:
		default:
			t.Errorf("%d %s", a.Status, a.Raw)
		}
	}
	if won != 1 {
		t.Errorf("%d winners", won)
	}
}

func TestWhatTheEngineSaysOfADecision(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		state  string
	}{
		"in time":       {nil, 200, ""},
		"not in time":   {aid.Refuse(aid.Unknown, "decision_pending"), 202, "intent"},
		"refused":       {aid.Refuse(aid.Forbidden, "four_eyes"), 403, "refused"},
		"closed":        {aid.Refuse(aid.Conflict, "task_closed"), 409, "refused"},
		"ended":         {aid.Refuse(aid.Conflict, "workflow_gone"), 409, "refused"},
		"too much":      {aid.Refuse(aid.Unavailable, "too_many_in_flight"), 503, "intent"},
		"wrong content": {aid.Refuse(aid.Invalid, "outcome_required"), 422, "refused"},
	} {
		d := openDoor(t)
		task := d.underReview(d.submitted("medical"))
		d.applyDecisions()
		d.process.decideErr = c.err
		a := d.decide("verifier1", task, map[string]any{"action": "complete"})
		if a.Status != c.status {
			t.Errorf("%s: %d %s", name, a.Status, a.Raw)
		}
		if a.Status == 202 && (a.str("status") != "pending" || a.Header.Get("Location") != "/v1/decisions/"+a.str("id")) {
			t.Errorf("%s: %v %s", name, a.Header, a.Raw)
		}
		if a.Status == 503 && a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
		if c.state == "" {
			continue
		}
		var state string
		if err := d.db.SQL(t).QueryRowContext(context.Background(), `SELECT state FROM decisions`).Scan(&state); err != nil || state != c.state {
			t.Errorf("%s: state %q, %v", name, state, err)
		}
	}
}

// The inbox over HTTP: views, counts, search, the next one, and assigning.
func TestInbox(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	task := d.underReview(id)
	visit := d.opened(t, id, aid.FieldVisit)
	first := d.call("verifier1", "POST", "/v1/tasks/next/claim", nil)
	if first.Status != 200 || first.str("assignee") != "verifier1" || first.str("claimed_until") == "" || first.Header.Get("ETag") == "" {
		t.Fatalf("%d %s", first.Status, first.Raw)
	}
	second := d.call("verifier2", "POST", "/v1/tasks/next/claim", nil)
	if second.Status != 200 || second.str("id") == first.str("id") {
		t.Fatalf("%d %s", second.Status, second.Raw)
	}
	if a := d.call("treasurer1", "POST", "/v1/tasks/next/claim", nil); a.Status != http.StatusNoContent {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	for view, n := range map[string]int{"mine": 1, "group": 2, "unclaimed": 0, "overdue": 0, "all": 2} {
		if a := d.call("verifier1", "GET", "/v1/tasks?view="+view, nil); len(a.at("data").([]any)) != n {
			t.Errorf("%s: %s", view, a.Raw)
		}
		if a := d.call("verifier1", "GET", "/v1/tasks/counts", nil); a.at("views."+view) != float64(n) || a.at("kinds.0.open") != 1.0 {
			t.Errorf("%s: %s", view, a.Raw)
		}
	}
	if a := d.call("manager1", "POST", "/v1/tasks/"+visit+"/assign", map[string]any{"assignee": "treasurer1"}); a.Status != 422 || !slices.Equal(a.codes(), []string{"/assignee wrong_role"}) {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("manager1", "POST", "/v1/tasks/"+visit+"/assign", map[string]any{"assignee": "verifier1"}); a.Status != 200 || a.str("assigned_by") != "manager1" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier2", "POST", "/v1/tasks/"+task+"/assign", map[string]any{"assignee": "verifier1"}); a.Status != 403 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	ref := d.call("manager1", "GET", "/v1/cases/"+id, nil).str("reference")
	if a := d.call("verifier1", "POST", "/v1/tasks/search", map[string]any{"text": ref, "limit": 1}); a.Status != 200 || len(a.at("data").([]any)) != 1 || a.str("next_cursor") == "" {
		t.Errorf("%d %s", a.Status, a.Raw)
	} else if b := d.call("verifier1", "POST", "/v1/tasks/search", map[string]any{"text": ref, "limit": 1, "cursor": a.str("next_cursor")}); len(b.at("data").([]any)) != 1 || b.str("data.0.id") == a.str("data.0.id") {
		t.Errorf("%d %s", b.Status, b.Raw)
	}
	if a := d.call("verifier1", "GET", "/v1/tasks?view=everything", nil); a.Status != 400 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}
