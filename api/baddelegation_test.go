package api

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// invalid is the problem of a content with these faults, all of them.
func invalid(name, who string, body any, faults ...string) refusal {
	return refusal{name: name, who: who, body: body, status: 422, code: "invalid_content", faults: faults}
}

// but is a copy of a body with one thing changed.
func but(body map[string]any, path string, value any) map[string]any {
	raw, _ := json.Marshal(body)
	var out map[string]any
	_ = json.Unmarshal(raw, &out)
	return change(out, path, value)
}

// refusesAll sends bad requests to one path, each with a key of its own.
func (d *door) refusesAll(t *testing.T, path string, all ...refusal) {
	t.Helper()
	for _, r := range all {
		r.path, r.headers, r.secret = path+r.path, append(key(), r.headers...), "canary"
		d.refuses(t, r)
	}
}

func TestBadDelegations(t *testing.T) {
	d := openDoor(t)
	if _, err := d.db.SQL(t).Exec(`UPDATE staff SET disabled_at = now() WHERE subject = 'approver4'`); err != nil {
		t.Fatal(err)
	}
	at := func(hours int) string { return d.db.Now().Add(time.Duration(hours) * time.Hour).Format(time.RFC3339) }
	good := map[string]any{"delegate": "approver3", "until": at(24), "reason_code": "leave"}
	lend := func(changes ...any) map[string]any {
		body := good
		for i := 0; i < len(changes); i += 2 {
			body = but(body, changes[i].(string), changes[i+1])
		}
		return body
	}
	lent := d.call("approver2", "POST", "/v1/delegations", lend("delegate", "approver5", "programmes", []string{"medical"}), key()...).str("id")
	if lent == "" {
		t.Fatal("nothing is delegated")
	}
	const who = "approver3"
	d.refusesAll(t, "/v1/delegations",
		invalid("to oneself", who, lend("delegate", who), "/delegate delegation_to_oneself"),
		invalid("in the past", who, lend("delegate", "approver1", "from", at(-2)), "/from delegation_in_past"),
		invalid("ends before it begins", who, lend("delegate", "approver1", "from", at(5), "until", at(4)), "/until ends_before_it_begins"),
		invalid("ends as it begins", who, lend("delegate", "approver1", "from", at(5), "until", at(5)), "/until ends_before_it_begins"),
		invalid("for years", who, lend("delegate", "approver1", "until", at(24*400)), "/until delegation_too_long"),
		invalid("without the role", who, lend("delegate", "treasurer1"), "/delegate delegate_without_role"),
		invalid("disabled", who, lend("delegate", "approver4"), "/delegate staff_disabled"),
		invalid("nobody", who, lend("delegate", "canary"), "/delegate unknown_person"),
		invalid("an unknown programme", who, lend("delegate", "approver1", "programmes", []string{"medical", "canary"}), "/programmes/1 unknown_programme"),
		invalid("a ceiling below nothing", who, lend("delegate", "approver1", "ceiling", -1), "/ceiling too_small"),
		invalid("a ceiling of nothing", who, lend("delegate", "approver1", "ceiling", 0), "/ceiling too_small"),
		invalid("an unknown reason", who, lend("delegate", "approver1", "reason_code", "canary"), "/reason_code not_allowed"),
		invalid("no day", who, lend("delegate", "approver1", "until", "canary"), "/until bad_format"),
		invalid("nothing at all", who, map[string]any{}, "/delegate required", "/reason_code required", "/until required"),
		invalid("all at once", who, lend("delegate", "canary", "programmes", []string{"canary"}, "from", at(-2)),
			"/delegate unknown_person", "/programmes/0 unknown_programme", "/from delegation_in_past"),
		refusal{name: "overlapping", who: "approver2", body: lend("programmes", []string{"schooling", "medical"}), status: 409, code: "delegation_overlaps"},
		refusal{name: "handed on", who: "approver5", body: lend(), status: 409, code: "delegation_chain"},
		refusal{name: "to who is away", who: who, body: lend("delegate", "approver2"), status: 409, code: "delegation_chain"},
		refusal{name: "for another by no manager", who: who, body: lend("principal", "approver1"), status: 403, code: "wrong_role"},
		invalid("for nobody", "manager1", lend("principal", "canary"), "/principal unknown_person"),
		invalid("for a stranger", "manager1", lend("principal", "verifier3"), "/principal unknown_person"),
		invalid("for who has left", "manager1", lend("principal", "approver4"), "/principal staff_disabled"),
		invalid("to the recorder", "manager1", lend("principal", "approver3", "delegate", "manager1"), "/delegate delegation_to_recorder"),
		refusal{name: "end it unseen", who: "approver2", method: "DELETE", path: "/" + lent, status: 428, code: "if_match_required"},
		refusal{name: "end what has changed", who: "approver2", method: "DELETE", path: "/" + lent, headers: []string{"If-Match", `"2"`}, status: 412, code: "stale"},
		refusal{name: "end a stranger's", who: "verifier3", method: "DELETE", path: "/" + lent, headers: []string{"If-Match", `"1"`}, status: 404, code: "delegation_not_found"},
		refusal{name: "end none", who: "approver2", method: "DELETE", path: "/" + postgres.NewID(aid.DelegationID), headers: []string{"If-Match", `"1"`}, status: 404, code: "delegation_not_found"},
	)
	ended := d.call("approver2", "DELETE", "/v1/delegations/"+lent, nil, "If-Match", `"1"`)
	if ended.Status != 200 || ended.str("status") != "revoked" || ended.Header.Get("ETag") != `"2"` {
		t.Fatalf("%d %s %v", ended.Status, ended.Raw, ended.Header)
	}
	d.refusesAll(t, "/v1/delegations", refusal{name: "end it again", who: "approver2", method: "DELETE", path: "/" + lent, headers: []string{"If-Match", `"2"`}, status: 409, code: "delegation_over"})
}

func TestBadStaff(t *testing.T) {
	d := openDoor(t)
	role := func(name string, more ...any) map[string]any {
		r := map[string]any{"role": name, "area": "51"}
		for i := 0; i < len(more); i += 2 {
			r[more[i].(string)] = more[i+1]
		}
		return r
	}
	person := func(roles ...any) map[string]any {
		return map[string]any{"subject": "new1", "name": "Invented", "roles": roles}
	}
	tag := []string{"If-Match", d.call("admin1", "GET", "/v1/staff/approver1", nil).Header.Get("ETag")}
	patch := func(name, subject string, body any, faults ...string) refusal {
		r := invalid(name, "admin1", body, faults...)
		r.method, r.path, r.headers = "PATCH", "/"+subject, tag
		return r
	}
	refused := func(r refusal, status int, code string) refusal {
		r.status, r.code, r.faults = status, code, nil
		return r
	}
	roles := func(all ...any) map[string]any { return map[string]any{"roles": all} }
	d.refusesAll(t, "/v1/staff",
		invalid("an unknown role", "admin1", person(role("canary")), "/roles/0/role not_allowed"),
		invalid("an unknown area", "admin1", person(role("verifier", "area", "canary")), "/roles/0/area unknown_area"),
		invalid("another's area", "admin1", person(role("verifier", "area", "48")), "/roles/0/area unknown_area"),
		invalid("an unknown level", "admin1", person(role("approver", "level", "canary")), "/roles/0/level unknown_level"),
		invalid("an approver of no level", "admin1", person(role("approver")), "/roles/0/level level_required"),
		invalid("a verifier's level", "admin1", person(role("verifier", "level", "commune")), "/roles/0/level level_not_allowed"),
		invalid("a chair without a seat", "admin1", person(role("approver", "level", "province", "chair", true)), "/roles/0/chair chair_without_seat"),
		invalid("a treasurer's seat", "admin1", person(role("treasurer", "committee", true)), "/roles/0/committee seat_not_allowed"),
		invalid("an unknown programme", "admin1", person(role("verifier", "programmes", []string{"canary"})), "/roles/0/programmes/0 unknown_programme"),
		invalid("a role twice", "admin1", person(role("verifier"), role("verifier")), "/roles/1 duplicate_role"),
		invalid("all at once", "admin1", but(person(role("approver", "area", "canary"), role("verifier", "level", "commune")), "superior", "canary"),
			"/superior unknown_person", "/roles/0/area unknown_area", "/roles/0/level level_required", "/roles/1/level level_not_allowed"),
		invalid("under oneself", "admin1", but(person(role("verifier")), "superior", "new1"), "/superior superior_of_oneself"),
		invalid("no subject", "admin1", but(person(role("verifier")), "subject", "canary !"), "/subject bad_format"),
		refused(invalid("there already", "admin1", but(person(role("verifier")), "subject", "verifier1")), 409, "staff_exists"),
		refused(invalid("by a manager", "manager1", person(role("verifier"))), 403, "wrong_role"),
		refused(patch("to oneself", "admin1", roles(role("treasurer"))), 403, "own_roles"),
		refused(patch("nobody", "canary", roles(role("treasurer"))), 404, "staff_not_found"),
		refused(patch("elsewhere", "verifier3", map[string]any{"disabled": true}), 404, "staff_not_found"),
		patch("own superior", "approver1", map[string]any{"superior": "approver1"}, "/superior superior_of_oneself"),
		patch("a superior who is nobody", "approver1", map[string]any{"superior": "canary"}, "/superior unknown_person"),
		patch("nothing", "approver1", map[string]any{}, " empty"),
		patch("a role of nowhere", "approver1", roles(role("verifier", "area", "canary")), "/roles/0/area unknown_area"),
	)
	stale := patch("what has changed", "approver1", roles(role("verifier")))
	stale.headers = []string{"If-Match", `"99"`}
	unseen := patch("what was not seen", "approver1", roles(role("verifier")))
	unseen.headers = nil
	d.refusesAll(t, "/v1/staff", refused(stale, 412, "stale"), refused(unseen, 428, "if_match_required"))
}
