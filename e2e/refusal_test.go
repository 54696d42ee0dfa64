package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// text gives a request as JSON, to be spoilt by hand.
func (r request) text() string {
	raw, _ := json.Marshal(r)
	return string(raw)
}

// TestRefusedRequests: what is wrong with a submit is told at once and leaves
// nothing behind. The api room has the long table; this is the real stack.
func TestRefusedRequests(t *testing.T) {
	s := theStack(t)
	portal, good := s.partner(t), newRequest(t, s, "medical")
	applicant := func(name string, value any) request {
		r := good.clone()
		r.in("applicant")[name] = value
		return r
	}
	asked := func(amount any, currency string) request {
		return good.with(request{"requested": map[string]any{"amount": amount, "currency": currency}})
	}
	body := good.text()
	before := len(list[caseView](t, portal, "/v1/cases"))
	for name, test := range map[string]struct {
		body   any
		status int
		want   string // code, or pointer and code
	}{
		"malformed":           {body[:len(body)-5], 400, " not_json"},
		"trailing bytes":      {body + "{}", 400, " trailing_data"},
		"duplicate field":     {strings.Replace(body, `{`, `{"urgent":true,`, 1), 422, "/urgent duplicate_field"},
		"unknown field":       {good.with(request{"canary": 1}), 422, "/canary unknown_field"},
		"wrong type":          {good.with(request{"urgent": "yes"}), 422, "/urgent wrong_type"},
		"no consent":          {good.with(request{"consent": nil}), 422, "/consent required"},
		"another birth date":  {applicant("birth_date", "1999-01-01"), 422, "/applicant/"},
		"amount zero":         {asked(0, "VND"), 422, "/requested/amount too_small"},
		"amount negative":     {asked(-1, "VND"), 422, "/requested/amount too_small"},
		"above the ceiling":   {asked(20_000_001, "VND"), 422, "/requested/amount amount_above_ceiling"},
		"in another currency": {asked(6_000_000, "USD"), 422, "/requested/currency "},
		"unknown programme":   {good.with(request{"programme": "castles"}), 422, "/programme unknown_programme"},
		"unknown area":        {good.with(request{"area": "00000"}), 422, "/area unknown_area"},
		"area of another":     {good.with(request{"area": "48001"}), 422, "/area unknown_area"},
	} {
		t.Run(name, func(t *testing.T) {
			r := portal.call(t, http.MethodPost, "/v1/cases", test.body, newKey())
			expectProblem(t, r, test.status, r.problem.Code)
			said := []string{r.problem.Code}
			for _, f := range r.problem.Errors {
				said = append(said, f.Pointer+" "+f.Code)
			}
			if !strings.Contains(strings.Join(said, "\n"), test.want) || len(r.problem.Errors) > 1 {
				t.Errorf("said %q, want %q", said, test.want)
			}
		})
	}
	if after := len(list[caseView](t, portal, "/v1/cases")); after != before {
		t.Errorf("%d cases were %d", after, before)
	}
	if r := portal.call(t, http.MethodPost, "/v1/cases", good, newKey()); r.status != http.StatusCreated {
		t.Errorf("the good one: %s", r)
	}
}

// TestRefusedDecisions: who may not decide, or does not know what they decide,
// is told so, and the case is as it was.
func TestRefusedDecisions(t *testing.T) {
	s := theStack(t)
	c := submit(t, s, newRequest(t, s, "medical"))
	d := &drive{s: s, id: c.ID}
	seen := s.awaitTask(t, c.ID, "verify_documents", "")
	_, old := getTagged[task](t, s.as(t, "verifier1"), "/v1/tasks/"+seen.ID)
	one := d.until(t, "approve", "commune")
	approver := s.as(t, "approver1")
	_, stale := getTagged[task](t, approver, "/v1/tasks/"+one.ID)
	if r := approver.call(t, http.MethodPost, "/v1/tasks/"+one.ID+"/claim", nil); r.status != http.StatusOK {
		t.Fatalf("%s", r)
	}
	_, etag := getTagged[task](t, approver, "/v1/tasks/"+one.ID)
	approve, path := map[string]string{"action": "approve"}, "/v1/tasks/"+one.ID+"/decisions"
	history := func() int { return len(s.timeline(t, c.ID)) }
	before := history()
	key := newKey()
	for _, test := range []struct {
		name, who, path string
		body            any
		headers         []header
		status          int
		code            string
	}{
		{"no If-Match", "approver1", path, approve, []header{newKey()}, 428, "if_match_required"},
		{"stale If-Match", "approver1", path, approve, []header{newKey(), ifMatch(stale)}, 412, "stale"},
		{"no Idempotency-Key", "approver1", path, approve, []header{ifMatch(etag)}, 400, "idempotency_key_missing"},
		{"unknown action", "approver1", path, map[string]string{"action": "bless"}, []header{newKey(), ifMatch(etag)}, 422, "invalid_content"},
		{"action of another task", "approver1", path, map[string]string{"action": "complete"}, []header{newKey(), ifMatch(etag)}, 422, ""},
		{"wrong role", "treasurer1", path, approve, []header{newKey(), ifMatch(etag)}, 403, ""},
		{"wrong level", "approver2", path, approve, []header{newKey(), ifMatch(etag)}, 403, "wrong_level"},
		{"wrong area", "verifier3", "/v1/tasks/" + seen.ID + "/decisions", map[string]string{"action": "complete"}, []header{newKey(), ifMatch(old)}, 404, ""},
		{"a second decision", "verifier1", "/v1/tasks/" + seen.ID + "/decisions", map[string]string{"action": "complete"}, []header{newKey(), ifMatch(old)}, 409, ""},
		{"a partner", "portal1", path, approve, []header{newKey(), ifMatch(etag)}, 403, ""},
		{"a foreign case", "portal2", "/v1/cases/" + c.ID + "/withdraw", map[string]string{"submitted_by": "officer 1"}, []header{newKey()}, 404, "case_not_found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := s.as(t, test.who).call(t, http.MethodPost, test.path, test.body, test.headers...)
			if test.code == "" {
				test.code = r.problem.Code
			}
			expectProblem(t, r, test.status, test.code)
		})
	}
	if r := s.as(t, "portal2").call(t, http.MethodGet, "/v1/cases/"+c.ID, nil); r.status != http.StatusNotFound {
		t.Errorf("another partner's case: %s", r)
	}
	if after := history(); after != before || !get[task](t, s.as(t, "manager1"), "/v1/tasks/"+one.ID).open() {
		t.Errorf("%d events were %d, or the task is not open", after, before)
	}
	if r := approver.call(t, http.MethodPost, path, approve, key, ifMatch(etag)); r.status != http.StatusOK {
		t.Fatalf("the right one: %s", r)
	}
	reused := approver.call(t, http.MethodPost, path, map[string]string{"action": "reject", "reason_code": "other", "note": "x"}, key, ifMatch(etag))
	expectProblem(t, reused, http.StatusUnprocessableEntity, "idempotency_key_reused")
	d.toEnd(t)
	r := approver.call(t, http.MethodPost, path, approve, newKey(), ifMatch(etag))
	expectProblem(t, r, http.StatusConflict, r.problem.Code)
	r = s.partner(t).call(t, http.MethodPost, "/v1/cases/"+c.ID+"/withdraw", map[string]string{"submitted_by": "officer 17"}, newKey())
	expectProblem(t, r, http.StatusConflict, r.problem.Code)
}

// event is one line of a case's timeline.
type event struct {
	Type string `json:"type"`
}

func (s *stack) timeline(t *testing.T, id string) []event {
	t.Helper()
	return list[event](t, s.as(t, "auditor1"), "/v1/cases/"+id+"/timeline")
}
