package api

import "testing"

// What is wrong with a decision about who is who, and what is told of it.
func TestBadDecisionsAboutPeople(t *testing.T) {
	d := openDoor(t)
	id, other := d.submit(d.person(1)), d.submit(d.person(2))
	merge, split := "/v1/people/"+id+"/merge", "/v1/people/"+id+"/split"
	good := map[string]any{"into": other, "reason": "papers_seen"}
	for _, r := range []refusal{
		{name: "no key", path: merge, body: good, status: 400, code: "idempotency_key_missing", faults: []string{"Idempotency-Key required"}},
		{name: "no reason, no person", path: merge, body: map[string]any{}, headers: key(), status: 422, code: "invalid_content", faults: []string{"/into required", "/reason required"}},
		{name: "unknown reason and field", path: merge, body: map[string]any{"into": other, "reason": "canary", "note": "canary"}, headers: key(), status: 422, code: "invalid_content",
			faults: []string{"/note unknown_field", "/reason not_allowed"}},
		{name: "into nobody", path: merge, body: map[string]any{"into": "per_canary", "reason": "papers_seen"}, headers: key(), status: 404, code: "person_not_found"},
		{name: "into itself", path: merge, body: map[string]any{"into": id, "reason": "papers_seen"}, headers: key(), status: 409, code: "one_person"},
		{name: "different from itself", path: "/v1/people/" + id + "/matches/" + id, body: map[string]any{"reason": "papers_seen"}, headers: key(), status: 409, code: "one_person"},
		{name: "nobody", path: "/v1/people/per_canary/split", body: map[string]any{"cases": []string{id}, "reason": "papers_seen"}, headers: key(), status: 404, code: "person_not_found"},
		{name: "no cases", path: split, body: map[string]any{"cases": []string{}, "reason": "papers_seen"}, headers: key(), status: 422, code: "invalid_content", faults: []string{"/cases too_short"}},
		{name: "foreign cases", path: split, body: map[string]any{"cases": []string{id, other, "canary"}, "reason": "papers_seen"}, headers: key(), status: 422, code: "invalid_content",
			faults: []string{"/cases/1 unknown_case", "/cases/2 unknown_case"}},
		{name: "all cases", path: split, body: map[string]any{"cases": []string{id}, "reason": "papers_seen"}, headers: key(), status: 422, code: "invalid_content", faults: []string{"/cases all_cases"}},
	} {
		r.who = "verifier1"
		if r.secret == "" {
			r.secret = "canary"
		}
		d.refuses(t, r)
	}
	k := key()
	first := d.call("verifier1", "POST", merge, good, k...)
	again := d.call("verifier1", "POST", merge, good, k...)
	if first.Status != 201 || again.Raw != first.Raw || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s, again %d %s", first.Status, first.Raw, again.Status, again.Raw)
	}
	if p := d.call("manager1", "GET", "/v1/people/"+other, nil); p.at("numbers") != 2.0 || p.str("history.0.id") != first.str("id") || p.str("history.0.by") != "verifier1" {
		t.Errorf("%s", p.Raw)
	}
}
