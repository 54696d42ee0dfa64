package api

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// What the store knows to be wrong is refused before an intent is stored: a
// bad decision leaves nothing but its line in the audit.
func TestBadDecisions(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	id := d.submitted("medical")
	task := d.underReview(id)
	tag := func(task string) string { return d.call("manager1", "GET", "/v1/tasks/"+task, nil).Header.Get("ETag") }
	complete := map[string]any{"action": "complete", "note": "canary"}

	decided := d.underReview(d.submitted("schooling"))
	if a := d.decide("verifier1", decided, complete); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	visit := d.opened(t, d.caseOf(decided), aid.FollowUpVisit)
	ended := d.underReview(d.submitted("housing_new"))
	d.withdrawn(t, d.caseOf(ended))
	claimed := d.opened(t, id, aid.FieldVisit)
	if a := d.call("verifier2", "POST", "/v1/tasks/"+claimed+"/claim", nil); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	taken := d.opened(t, d.submit(d.person(7)), aid.FieldVisit)
	if a := d.call("verifier2", "POST", "/v1/tasks/"+taken+"/claim", nil); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	level := d.approval(t, id, "commune")
	unclear := d.opened(t, id, aid.ResolvePayment)
	_, payment, _ := d.reserved(t, 9)
	due := d.call("manager1", "GET", "/v1/tasks?kind=prepare_payment", nil).str("data.0.id")
	if payment == "" || due == "" {
		t.Fatal("nothing is due")
	}
	pays := func(amount int, more ...any) map[string]any {
		body := map[string]any{"action": "confirm", "amount": map[string]any{"amount": amount, "currency": "VND"}}
		for i := 0; i < len(more); i += 2 {
			body[more[i].(string)] = more[i+1]
		}
		return body
	}
	used := key()
	if a := d.call("verifier2", "POST", "/v1/tasks/"+claimed+"/decisions", complete, append(used, "If-Match", tag(claimed))...); a.Status != 200 {
		t.Fatal(a.Raw)
	}

	for _, r := range []refusal{
		{name: "without If-Match", who: "verifier1", path: task, status: 428, code: "if_match_required"},
		{name: "stale", who: "verifier1", path: task, headers: []string{"If-Match", `"99"`}, status: 412, code: "stale"},
		{name: "any version", who: "verifier1", path: task, headers: []string{"If-Match", "*"}, status: 412, code: "stale"},
		{name: "weak tag", who: "verifier1", path: task, headers: []string{"If-Match", "W/" + tag(task)}, status: 412, code: "stale"},
		{name: "partner", who: "portal1", path: task, headers: []string{"If-Match", tag(task)}, status: 403, code: "wrong_role"},
		{name: "wrong role", who: "treasurer1", path: task, headers: []string{"If-Match", tag(task)}, status: 403, code: "wrong_role"},
		{name: "wrong area", who: "verifier3", path: task, headers: []string{"If-Match", tag(task)}, status: 404, code: "task_not_found"},
		{name: "unknown task", who: "verifier1", path: postgres.NewID(aid.TaskID), headers: []string{"If-Match", `"1"`}, status: 404, code: "task_not_found"},
		{name: "four eyes", who: "verifier1", path: visit, headers: []string{"If-Match", tag(visit)}, status: 403, code: "four_eyes"},
		{name: "again by the same", who: "verifier1", path: decided, headers: []string{"If-Match", tag(decided)}, status: 409, code: "task_closed",
			says: []string{`"by":"verifier1"`, `"action":"complete"`, `"at":"2026-`}},
		{name: "again by another", who: "verifier2", path: decided, headers: []string{"If-Match", tag(decided)}, status: 409, code: "task_closed",
			says: []string{`"by":"verifier1"`, `"action":"complete"`, `"at":"2026-`}},
		{name: "claimed by another", who: "verifier1", path: taken, headers: []string{"If-Match", tag(taken)}, status: 409, code: "task_claimed", says: []string{"verifier2"}},
		{name: "wrong level", who: "approver2", path: level, body: map[string]any{"action": "approve"}, headers: []string{"If-Match", tag(level)}, status: 403, code: "wrong_level", says: []string{"commune"}},
		{name: "more than was asked for", who: "approver1", path: level, body: map[string]any{"action": "approve", "amount": map[string]any{"amount": 6_000_001, "currency": "VND"}}, headers: []string{"If-Match", tag(level)},
			status: 422, code: "invalid_content", faults: []string{"/amount/amount amount_above_request"}},
		{name: "on a closed case", who: "verifier1", path: ended, headers: []string{"If-Match", tag(ended)}, status: 409, code: "task_closed", says: []string{"withdrawn"}},
		{name: "key of another content", who: "verifier2", path: claimed, body: map[string]any{"action": "complete"}, headers: append(used, "If-Match", tag(claimed)), status: 422, code: "idempotency_key_reused"},
		{name: "unknown action", who: "verifier1", path: task, body: map[string]any{"action": "canary"}, headers: []string{"If-Match", tag(task)}, status: 422, code: "invalid_content", faults: []string{"/action not_allowed"}},
		{name: "another task's action", who: "verifier1", path: task, body: map[string]any{"action": "approve"}, headers: []string{"If-Match", tag(task)}, status: 422, code: "invalid_content", faults: []string{"/action unknown_action"}},
		{name: "no reason", who: "verifier1", path: task, body: map[string]any{"action": "reject"}, headers: []string{"If-Match", tag(task)}, status: 422, code: "invalid_content", faults: []string{"/reason_code reason_required"}},
		{name: "all at once", who: "verifier1", path: task, body: map[string]any{"action": "return", "reason_code": "canary", "amount": map[string]any{"amount": 5, "currency": "VND"}}, headers: []string{"If-Match", tag(task)},
			status: 422, code: "invalid_content", faults: []string{"/reason_code unknown_reason", "/amount amount_not_allowed", "/data/items items_required"}},
		{name: "another currency", who: "verifier1", path: task, body: map[string]any{"action": "complete", "amount": map[string]any{"amount": 5, "currency": "USD"}}, headers: []string{"If-Match", tag(task)},
			status: 422, code: "invalid_content", faults: []string{"/amount/currency currency_not_accepted", "/amount amount_not_allowed"}},
		{name: "items that are none", who: "verifier1", path: task, body: map[string]any{"action": "return", "reason_code": "documents_missing", "note": "See file.", "data": map[string]any{"items": "canary"}},
			headers: []string{"If-Match", tag(task)}, status: 422, code: "invalid_content", faults: []string{"/data/items wrong_type"}},
		{name: "bad content by the wrong role", who: "treasurer1", path: task, body: map[string]any{"action": "return", "data": map[string]any{"items": "canary"}}, headers: []string{"If-Match", tag(task)}, status: 403, code: "wrong_role"},
		{name: "items without a problem", who: "verifier1", path: task, body: map[string]any{"action": "return", "reason_code": "documents_missing", "data": map[string]any{"items": []any{map[string]any{"kind": "canary"}}}},
			headers: []string{"If-Match", tag(task)}, status: 422, code: "invalid_content", faults: []string{"/data/items/0/problem required"}},
		{name: "data that nobody reads", who: "verifier1", path: task, body: map[string]any{"action": "complete", "data": map[string]any{"evidences": "canary"}},
			headers: []string{"If-Match", tag(task)}, status: 422, code: "invalid_content", faults: []string{"/data/evidences unknown_field"}},
		{name: "returned to nobody", who: "approver1", path: level, body: map[string]any{"action": "return", "reason_code": "information_needed", "note": "?", "data": map[string]any{"to": "canary"}},
			headers: []string{"If-Match", tag(level)}, status: 422, code: "invalid_content", faults: []string{"/data/to not_allowed"}},
		{name: "back to a level that is not earlier", who: "approver1", path: level, body: map[string]any{"action": "return", "reason_code": "information_needed", "note": "?", "data": map[string]any{"to": "province", "tasks": []any{"field_visit"}}},
			headers: []string{"If-Match", tag(level)}, status: 422, code: "invalid_content", faults: []string{"/data/tasks only_to_verification", "/data/to level_not_earlier"}},
		{name: "lowered without a reason", who: "approver1", path: level, body: map[string]any{"action": "approve", "amount": map[string]any{"amount": 1_000_000, "currency": "VND"}},
			headers: []string{"If-Match", tag(level)}, status: 422, code: "invalid_content", faults: []string{"/reason_code reason_required"}},
		{name: "lowered for an unknown reason", who: "approver1", path: level, body: map[string]any{"action": "approve", "reason_code": "canary", "amount": map[string]any{"amount": 1_000_000, "currency": "VND"}},
			headers: []string{"If-Match", tag(level)}, status: 422, code: "invalid_content", faults: []string{"/reason_code unknown_reason"}},
		{name: "conditions that are none", who: "approver1", path: level, body: map[string]any{"action": "approve", "data": map[string]any{"conditions": []any{
			map[string]any{"code": "canary"}, map[string]any{"code": "other", "text": "x", "due": "2026-02-01"}, map[string]any{"code": "other", "text": "x", "due": "2026-02-31"}}}},
			headers: []string{"If-Match", tag(level)}, status: 422, code: "invalid_content", faults: []string{"/data/conditions/0/code unknown_condition",
				"/data/conditions/1/due in_past", "/data/conditions/2 repeated", "/data/conditions/2/due bad_format"}},
		{name: "resolved without an outcome", who: "manager1", path: unclear, body: map[string]any{"action": "confirm"}, headers: []string{"If-Match", tag(unclear)}, status: 422, code: "invalid_content", faults: []string{"/data/outcome required"}},
		{name: "resolved with another outcome", who: "manager1", path: unclear, body: map[string]any{"action": "confirm", "data": map[string]any{"outcome": "canary"}}, headers: []string{"If-Match", tag(unclear)},
			status: 422, code: "invalid_content", faults: []string{"/data/outcome not_allowed"}},
		{name: "more than the payment", who: "treasurer1", path: due, body: pays(6_000_001), headers: []string{"If-Match", tag(due)}, status: 422, code: "invalid_content", faults: []string{"/amount/amount amount_above_payment"}},
		{name: "a part without reason and rest", who: "treasurer1", path: due, body: pays(1), headers: []string{"If-Match", tag(due)}, status: 422, code: "invalid_content", faults: []string{"/reason_code reason_required", "/data/rest required"}},
		{name: "a part for an unknown reason", who: "treasurer1", path: due, body: pays(1, "reason_code", "canary", "data", map[string]any{"rest": "due"}), headers: []string{"If-Match", tag(due)}, status: 422, code: "invalid_content", faults: []string{"/reason_code unknown_reason"}},
		{name: "a rest of the whole", who: "treasurer1", path: due, body: map[string]any{"action": "confirm", "data": map[string]any{"rest": "due"}}, headers: []string{"If-Match", tag(due)}, status: 422, code: "invalid_content", faults: []string{"/amount required"}},
		{name: "a rest that is none", who: "treasurer1", path: due, body: pays(1, "reason_code", "partly_needed", "data", map[string]any{"rest": "canary"}), headers: []string{"If-Match", tag(due)}, status: 422, code: "invalid_content", faults: []string{"/data/rest not_allowed"}},
		{name: "NUL in a note", who: "verifier1", path: task, body: map[string]any{"action": "complete", "note": "canary\x00"}, headers: []string{"If-Match", tag(task)}, status: 422, code: "invalid_content", faults: []string{"/note bad_character"}},
	} {
		r.path, r.secret = "/v1/tasks/"+r.path+"/decisions", "canary"
		if r.body == nil {
			r.body = complete
		}
		if r.code != "idempotency_key_reused" {
			r.headers = append(key(), r.headers...)
		}
		d.refuses(t, r)
	}
	if a := d.decide("verifier2", visit, complete); a.Status != 200 {
		t.Errorf("another person may: %d %s", a.Status, a.Raw)
	}
}

func TestBadMoves(t *testing.T) {
	d := openDoor(t)
	id, payment, _ := d.reserved(t, 5)
	task := d.underReview(d.submit(d.person(6)))
	draft := d.call("portal1", "POST", "/v1/cases", map[string]any{"programme": "medical", "area": commune, "draft": true}, key()...).str("id")
	_, ended, _ := d.reserved(t, 8)
	if a := d.call("treasurer1", "POST", "/v1/payments/"+ended+"/cancel", nil, key()...); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	d.process.retryErr = aid.Refuse(aid.Conflict, "wrong_payment_state", "state", "due")
	d.process.forwardErr = aid.Refuse(aid.Conflict, "not_supported")
	stale, missing := []string{"If-Match", `"99"`}, postgres.NewID(aid.PaymentID)
	tranche := "/v1/tranches/" + d.call("manager1", "GET", "/v1/cases/"+id+"/tranches", nil).str("data.0.id")
	changes := "/v1/cases/" + id + "/award-changes"
	plan := func(amount int) map[string]any {
		return map[string]any{"reason_code": "cost_lower", "tranches": []any{map[string]any{"amount": map[string]any{"amount": amount, "currency": "VND"}}}}
	}
	payee := func(but map[string]any) map[string]any {
		to := map[string]any{"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0051000777", "account_name": "CANARY"}
		for k, v := range but {
			if to[k] = v; v == nil {
				delete(to, k)
			}
		}
		return map[string]any{"reason_code": "account_closed", "payee": to}
	}
	why := func(reason string) map[string]any { return map[string]any{"reason_code": reason} }
	for _, r := range []refusal{
		{name: "cancel what has changed", who: "treasurer1", path: "/v1/payments/" + payment + "/cancel", headers: stale, status: 412, code: "stale"},
		{name: "cancel what is cancelled", who: "treasurer1", path: "/v1/payments/" + ended + "/cancel", status: 409, code: "wrong_payment_state", says: []string{"cancelled"}},
		{name: "cancel without the role", who: "releaser1", path: "/v1/payments/" + payment + "/cancel", status: 403, code: "wrong_role"},
		{name: "cancel nothing", who: "treasurer1", path: "/v1/payments/" + missing + "/cancel", status: 404, code: "payment_not_found"},
		{name: "retry what has changed", who: "treasurer1", path: "/v1/payments/" + payment + "/retry", headers: stale, status: 412, code: "stale"},
		{name: "retry what has not failed", who: "treasurer1", path: "/v1/payments/" + payment + "/retry", status: 409, code: "wrong_payment_state"},
		{name: "hold what has changed", who: "treasurer1", path: tranche + "/hold", body: why("dispute"), headers: stale, status: 412, code: "stale"},
		{name: "hold without the role", who: "verifier1", path: tranche + "/hold", body: why("dispute"), status: 403, code: "wrong_role"},
		{name: "hold for no reason", who: "treasurer1", path: tranche + "/hold", body: map[string]any{}, status: 422, code: "invalid_content", faults: []string{"/reason_code required"}},
		{name: "hold for another reason", who: "treasurer1", path: tranche + "/hold", body: why("canary"), status: 422, code: "invalid_content", faults: []string{"/reason_code not_allowed"}},
		{name: "let go what is not held", who: "manager1", path: tranche + "/unhold", body: why("cleared"), status: 409, code: "tranche_not_held"},
		{name: "give up in another's role", who: "treasurer1", path: tranche + "/skip", body: why("not_needed"), status: 403, code: "wrong_role"},
		{name: "give up nothing", who: "manager1", path: "/v1/tranches/" + postgres.NewID(aid.TrancheID) + "/skip", body: why("not_needed"), status: 404, code: "tranche_not_found"},
		{name: "hold elsewhere", who: "verifier3", path: tranche + "/hold", body: why("dispute"), status: 403, code: "wrong_role"},
		{name: "a change of nothing", who: "manager1", path: changes, body: map[string]any{"reason_code": "other"}, status: 422, code: "invalid_content", faults: []string{" one_change"}},
		{name: "a payee in another's role", who: "verifier1", path: changes, body: payee(map[string]any{}), status: 403, code: "wrong_role"},
		{name: "a plan in another's role", who: "portal1", path: changes, body: plan(1), status: 403, code: "wrong_role"},
		{name: "an account without a name", who: "portal1", path: changes, body: payee(map[string]any{"kind": "school", "account_name": ""}), status: 422, code: "invalid_content",
			faults: []string{"/payee/account_name too_short"}},
		{name: "an account without a number, of a payee whom the programme does not pay", who: "portal1", path: changes, body: payee(map[string]any{"kind": "school", "account_number": nil}), status: 422, code: "invalid_content",
			faults: []string{"/payee/account_number required", "/payee/kind payee_not_allowed"}},
		{name: "a plan of zero", who: "manager1", path: changes, body: plan(0), status: 422, code: "invalid_content", faults: []string{"/tranches/0/amount/amount too_small"}},
		{name: "a plan in another currency", who: "manager1", path: changes, body: map[string]any{"reason_code": "other", "tranches": []any{
			map[string]any{"amount": map[string]any{"amount": 7, "currency": "USD"}, "milestone": "canary"}}}, status: 422, code: "invalid_content",
			faults: []string{"/tranches/0/amount/currency currency_not_accepted", "/tranches/0/milestone unknown_milestone"}},
		{name: "a plan above the ceiling", who: "manager1", path: changes, body: plan(900_000_000), status: 422, code: "invalid_content", faults: []string{"/tranches amount_above_ceiling"}},
		{name: "the plan that is there", who: "manager1", path: changes, body: plan(6_000_000), status: 422, code: "invalid_content", faults: []string{"/tranches plan_unchanged"}},
		{name: "a plan of a case that is not paid", who: "manager1", path: "/v1/cases/" + d.caseOf(task) + "/award-changes", body: plan(1), status: 409, code: "wrong_state"},
		{name: "claim what has changed", who: "verifier1", path: "/v1/tasks/" + task + "/claim", headers: stale, status: 412, code: "stale"},
		{name: "claim in another's role", who: "treasurer1", path: "/v1/tasks/" + task + "/claim", status: 403, code: "wrong_role"},
		{name: "claim elsewhere", who: "verifier3", path: "/v1/tasks/" + task + "/claim", status: 404, code: "task_not_found"},
		{name: "change what has changed", who: "portal1", method: "PATCH", path: "/v1/cases/" + draft, body: map[string]any{"urgent": true}, headers: stale, status: 412, code: "stale"},
		{name: "change nothing", who: "portal1", method: "PATCH", path: "/v1/cases/" + draft, body: map[string]any{}, status: 422, code: "invalid_content", faults: []string{" empty"}},
		{name: "change what is submitted", who: "portal1", method: "PATCH", path: "/v1/cases/" + id, body: map[string]any{"urgent": true}, status: 409, code: "wrong_state", says: []string{"approved"}},
		{name: "change to a worse", who: "portal1", method: "PATCH", path: "/v1/cases/" + draft, status: 422, code: "invalid_content",
			body:   map[string]any{"area": "48", "requested": map[string]any{"amount": 20_000_001, "currency": "VND"}},
			faults: []string{"/area unknown_area", "/requested/amount amount_above_ceiling"}},
		{name: "submit what is not whole", who: "portal1", path: "/v1/cases/" + draft + "/submit", status: 422, code: "invalid_content",
			faults: []string{"/answers required", "/applicant required", "/consent required", "/payee required", "/requested required", "/submitted_by required"}},
		{name: "submit again", who: "portal1", path: "/v1/cases/" + id + "/submit", status: 409, code: "wrong_state"},
		{name: "withdraw for no known reason", who: "portal1", path: "/v1/cases/" + id + "/withdraw", body: map[string]any{"reason_code": "canary"}, status: 422, code: "invalid_content", faults: []string{"/reason_code unknown_reason"}},
		{name: "answer what nobody asked", who: "portal1", path: "/v1/cases/" + id + "/provide_information", status: 409, code: "nothing_asked"},
		{name: "advance by nothing", who: "portal1", path: "/v1/sandbox/cases/" + id + "/advance", body: map[string]any{"duration": "PT0S"}, status: 422, code: "invalid_content", faults: []string{"/duration duration_out_of_range"}},
		{name: "advance by a word", who: "portal1", path: "/v1/sandbox/cases/" + id + "/advance", body: map[string]any{"duration": "canary"}, status: 422, code: "invalid_content", faults: []string{"/duration bad_format"}},
		{name: "advance where it cannot be", who: "portal1", path: "/v1/sandbox/cases/" + id + "/advance", body: map[string]any{"duration": "P1D"}, status: 409, code: "not_supported"},
		{name: "search for nothing", who: "portal1", path: "/v1/cases/search", body: map[string]any{}, status: 422, code: "invalid_content", faults: []string{" empty"}},
		{name: "search on from nowhere", who: "portal1", path: "/v1/cases/search", body: map[string]any{"name": "nguyen", "cursor": "canary"}, status: 422, code: "invalid_content", faults: []string{"/cursor invalid_cursor"}},
	} {
		r.headers, r.secret = append(key(), r.headers...), "canary"
		d.refuses(t, r)
	}
}

// Every look-up of a case takes its id or its reference.
func TestACaseIsFoundByItsReference(t *testing.T) {
	d := openDoor(t)
	id, _, _ := d.reserved(t, 5)
	reference := d.call("portal1", "GET", "/v1/cases/"+id, nil).str("reference")
	now := regexp.MustCompile(`"now":"[^"]*"|P[T0-9DHMS.]+`)
	for _, path := range []string{"/v1/cases/", "/v1/cases/?/timeline", "/v1/cases/?/checklist", "/v1/cases/?/status", "/v1/cases/?/payments",
		"/v1/tasks?case=", "/v1/payments?case=", "/v1/ledger/transactions?case=", "/v1/follow-ups?case="} {
		at := func(ref string) string {
			if before, after, inside := strings.Cut(path, "?/"); inside {
				return before + ref + "/" + after
			}
			return path + ref
		}
		one, other := d.call("manager1", "GET", at(id), nil), d.call("manager1", "GET", at(reference), nil)
		if rows, list := one.at("data").([]any); one.Status != 200 || now.ReplaceAllString(one.Raw, "") != now.ReplaceAllString(other.Raw, "") || (list && len(rows) == 0) {
			t.Errorf("%s: %d %s\n%d %s", path, one.Status, one.Raw, other.Status, other.Raw)
		}
	}
	if a := d.call("portal1", "POST", "/v1/sandbox/cases/"+reference+"/advance", map[string]any{"duration": "P1D"}); a.Status != 200 || a.str("case") != id {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}
