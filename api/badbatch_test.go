package api

import "testing"

// What is wrong with a batch as a whole is said before anything is kept.
func TestBadBatches(t *testing.T) {
	d := openDoor(t)
	id := d.submit(d.person(1))
	first := d.underReview(id)
	level := d.approval(t, id, "commune")
	ask := func(more ...any) map[string]any {
		body := map[string]any{"action": "complete"}
		for i := 0; i < len(more); i += 2 {
			body[more[i].(string)] = more[i+1]
		}
		return body
	}
	documents := map[string]any{"kind": "verify_documents"}
	money := map[string]any{"amount": 1_000_000, "currency": "VND"}
	const who = "verifier1"
	d.refusesAll(t, "/v1/task-batches",
		invalid("two ways to choose", who, ask("task_ids", []string{first}, "filter", documents, "expected_count", 1), "/task_ids one_selection"),
		invalid("no way to choose", who, ask(), "/task_ids one_selection"),
		invalid("not counted", who, ask("filter", documents), "/expected_count required"),
		refusal{name: "count differs", who: who, body: ask("filter", documents, "expected_count", 50), status: 409, code: "count_differs", says: []string{"1"}},
		refusal{name: "nothing matches", who: who, body: ask("filter", map[string]any{"programme": "canary"}, "expected_count", 0), status: 422, code: "nothing_chosen"},
		invalid("an unknown action", who, ask("action", "canary", "task_ids", []string{first}), "/action not_allowed"),
		invalid("another task's action", who, ask("action", "confirm", "task_ids", []string{first}), "/action unknown_action"),
		invalid("no reason", who, ask("action", "reject", "task_ids", []string{first}), "/reason_code reason_required"),
		invalid("an unknown reason", who, ask("action", "reject", "reason_code", "canary", "task_ids", []string{first}), "/reason_code unknown_reason"),
		invalid("approve without a cap", "approver1", ask("action", "approve", "task_ids", []string{level}), "/max_amount cap_required"),
		invalid("a cap of nothing", "approver1", ask("action", "approve", "task_ids", []string{level}, "max_amount", map[string]any{"amount": 0, "currency": "VND"}), "/max_amount/amount too_small"),
		invalid("all at once", who, ask("filter", documents, "task_ids", []string{first}, "snapshot", "canary", "dry_run", true), "/task_ids one_selection", "/dry_run not_allowed"),
		refusal{name: "no such dry run", who: who, body: ask("snapshot", "bat_canary"), status: 404, code: "batch_not_found"},
		refusal{name: "a partner", who: "portal1", body: ask("task_ids", []string{first}), status: 403, code: "wrong_role"},
	)
	above := d.call("approver1", "POST", "/v1/task-batches", ask("action", "approve", "task_ids", []string{level}, "max_amount", money, "dry_run", true), key()...)
	if above.Status != 202 {
		t.Fatalf("what is above the cap is left out one by one: %d %s", above.Status, above.Raw)
	}
}
