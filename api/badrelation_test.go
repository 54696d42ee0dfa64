package api

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Whom the staff are related to, and their word not to act: of names, numbers
// and accounts nothing comes back.
func TestBadRelations(t *testing.T) {
	d := openDoor(t)
	good := map[string]any{"kind": "child", "full_name": "Canary Child", "national_id": d.person(3)["applicant"].(map[string]any)["national_id"]}
	with := func(path string, value any) map[string]any { return but(good, path, value) }
	of := func(name, who string, body any, faults ...string) refusal {
		r := invalid(name, who, body, faults...)
		r.path = "/verifier1/relations"
		return r
	}
	made := d.call("verifier1", "POST", "/v1/staff/verifier1/relations", good, key()...).str("id")
	if made == "" {
		t.Fatal("nothing is recorded")
	}
	d.refusesAll(t, "/v1/staff",
		of("an unknown kind", "verifier1", with("kind", "canary"), "/kind not_allowed"),
		of("a number too short", "verifier1", with("national_id", "0511720canary"), "/national_id bad_format"),
		of("no number and no account", "verifier1", with("national_id", nil), "/national_id required"),
		of("an account without its bank", "verifier1", with("account", map[string]any{"account_number": "canary"}), "/account required"),
		of("no name", "verifier1", with("full_name", ""), "/full_name too_short"),
		of("an unknown field", "verifier1", with("note", "canary"), "/note unknown_field"),
		refusal{name: "twice", who: "verifier1", path: "/verifier1/relations", body: good, status: 409, code: "relation_exists"},
		refusal{name: "another's", who: "verifier1", path: "/verifier2/relations", body: good, status: 404, code: "staff_not_found"},
		refusal{name: "nobody's", who: "admin1", path: "/canary/relations", body: good, status: 404, code: "staff_not_found"},
		refusal{name: "end one's own", who: "verifier1", method: "DELETE", path: "/verifier1/relations/" + made, status: 403, code: "wrong_role"},
		refusal{name: "end none", who: "admin1", method: "DELETE", path: "/verifier1/relations/" + postgres.NewID(aid.RelationID), status: 404, code: "relation_not_found"},
	)
	id := d.submitted("medical")
	if a := d.call("verifier2", "POST", "/v1/cases/"+id+"/conflicts", map[string]any{"reason_code": "friendship"}, key()...); a.Status != 201 {
		t.Fatal(a.Raw)
	}
	reviewed := d.decide("approver1", d.approval(t, id, "commune"), map[string]any{"action": "approve"})
	word := map[string]any{"reason_code": "checked_again", "note": "canary"}
	d.refusesAll(t, "/v1",
		refusal{name: "no reason not to act", who: "verifier1", path: "/cases/" + id + "/conflicts", body: map[string]any{}, status: 422, code: "invalid_content", faults: []string{"/reason_code required"}},
		refusal{name: "an unknown reason not to act", who: "verifier1", path: "/cases/" + id + "/conflicts", body: map[string]any{"reason_code": "canary"}, status: 422, code: "invalid_content", faults: []string{"/reason_code not_allowed"}},
		refusal{name: "said already", who: "verifier2", path: "/cases/" + id + "/conflicts", body: map[string]any{"reason_code": "family"}, status: 409, code: "recusal_exists"},
		refusal{name: "in no case", who: "verifier1", path: "/cases/" + postgres.NewID(aid.CaseID) + "/conflicts", body: map[string]any{"reason_code": "family"}, status: 404, code: "case_not_found"},
		refusal{name: "an unknown word", who: "manager1", path: "/decisions/" + postgres.NewID(aid.DecisionID) + "/reviews", body: but(word, "reason_code", "canary"), status: 422, code: "invalid_content", faults: []string{"/reason_code not_allowed"}},
		refusal{name: "on no decision", who: "manager1", path: "/decisions/" + postgres.NewID(aid.DecisionID) + "/reviews", body: word, status: 404, code: "decision_not_found"},
	)
	if reviewed.Status == 200 {
		d.refusesAll(t, "/v1", refusal{name: "on nobody's relative", who: "manager1", path: "/decisions/" + reviewed.str("id") + "/reviews", body: word, status: 409, code: "nothing_to_review"})
	}
}

// Who may not be asked about a task: one clear problem, in each language.
func TestBadColleagues(t *testing.T) {
	d := openDoor(t)
	id := d.submit(d.person(3))
	task := d.underReview(id)
	number := d.person(3)["applicant"].(map[string]any)["national_id"]
	if a := d.call("admin1", "POST", "/v1/staff/approver1/relations", map[string]any{"kind": "child", "full_name": "Canary Child", "national_id": number}, key()...); a.Status != 201 {
		t.Fatal(a.Raw)
	}
	ask := func(to string) map[string]any { return map[string]any{"to": to, "text": "Is this of canary?"} }
	d.refusesAll(t, "/v1/tasks/"+task+"/questions",
		invalid("oneself", "verifier1", ask("verifier1"), "/to ask_oneself"),
		invalid("nobody", "verifier1", ask("canary"), "/to unknown_colleague"),
		invalid("of another area", "verifier1", ask("verifier3"), "/to colleague_not_of_area"),
		invalid("a relative", "verifier1", ask("approver1"), "/to colleague_related"),
		invalid("nothing", "verifier1", map[string]any{"to": "approver2", "text": ""}, "/text too_short"),
		refusal{name: "by a relative", who: "approver1", body: ask("approver2"), status: 403, code: "wrong_role"},
	)
}
