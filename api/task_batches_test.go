package api

import (
	"net/http"
	"testing"
)

// A batch is refused as a whole with one clear problem; what is not wrong is
// kept once, told to its person only, and stopped at its wish.
func TestTaskBatches(t *testing.T) {
	d := openDoor(t)
	first, second := d.underReview(d.submit(d.person(1))), d.underReview(d.submit(d.person(2)))
	visit := d.opened(t, d.submitted("medical"), "field_visit")
	documents := map[string]any{"kind": "verify_documents"}
	ask := func(body map[string]any, headers ...string) answer {
		return d.call("verifier1", "POST", "/v1/task-batches", body, append(headers, key()...)...)
	}
	for name, c := range map[string]struct {
		body map[string]any
		at   string // of the one fault; "" when the problem says it
		code string
		want int
	}{
		"two ways":          {map[string]any{"action": "complete", "task_ids": []string{first}, "filter": documents, "expected_count": 2}, "/task_ids", "one_selection", 422},
		"no way":            {map[string]any{"action": "complete"}, "/task_ids", "one_selection", 422},
		"not counted":       {map[string]any{"action": "complete", "filter": documents}, "/expected_count", "required", 422},
		"miscounted":        {map[string]any{"action": "complete", "filter": documents, "expected_count": 50}, "", "count_differs", 409},
		"nothing":           {map[string]any{"action": "complete", "filter": map[string]any{"programme": "none"}, "expected_count": 0}, "", "nothing_chosen", 422},
		"unknown action":    {map[string]any{"action": "confirm", "task_ids": []string{first}}, "/action", "unknown_action", 422},
		"with a report":     {map[string]any{"action": "complete", "task_ids": []string{first, visit}}, "/action", "decided_one_by_one", 422},
		"no reason":         {map[string]any{"action": "reject", "task_ids": []string{first, second}}, "/reason_code", "reason_required", 422},
		"unknown reason":    {map[string]any{"action": "reject", "reason_code": "moon", "task_ids": []string{first, second}}, "/reason_code", "unknown_reason", 422},
		"no cap":            {map[string]any{"action": "approve", "task_ids": []string{"task_none"}}, "/max_amount", "cap_required", 422},
		"no such dry run":   {map[string]any{"action": "complete", "snapshot": "bat_none"}, "", "batch_not_found", 404},
		"nobody's delegate": {map[string]any{"action": "complete", "task_ids": []string{first}, "on_behalf_of": "verifier2"}, "", "not_delegated", 403},
		"nothing overdue":   {map[string]any{"action": "complete", "filter": map[string]any{"view": "overdue"}, "expected_count": 0}, "", "nothing_chosen", 422},
		"no such view":      {map[string]any{"action": "complete", "filter": map[string]any{"view": "all"}, "expected_count": 0}, "/filter", "invalid", 422},
		"dry snapshot":      {map[string]any{"action": "complete", "snapshot": "bat_none", "dry_run": true}, "/dry_run", "not_allowed", 422},
	} {
		a := ask(c.body)
		code := a.str("code")
		if c.at != "" {
			code = a.str("errors.0.code")
		}
		if a.Status != c.want || code != c.code || a.str("errors.0.pointer") != c.at || a.at("errors.1") != nil {
			t.Errorf("%s: %d %s", name, a.Status, a.Raw)
		}
	}
	if d.count("task_batches") != 0 {
		t.Fatal("what was refused is kept")
	}

	body, one := map[string]any{"action": "complete", "filter": documents, "expected_count": 2}, key()
	made := d.call("verifier1", "POST", "/v1/task-batches", body, one...)
	again := d.call("verifier1", "POST", "/v1/task-batches", body, one...)
	id := made.str("id")
	if made.Status != http.StatusAccepted || again.str("id") != id || again.Header.Get(headerReplayed) != "true" || d.count("task_batch_items") != 2 {
		t.Fatalf("made %s, again %s", made.Raw, again.Raw)
	}
	if a := ask(body); a.str("code") != "batch_unfinished" || a.Status != http.StatusConflict {
		t.Errorf("a second batch: %s", a.Raw)
	}
	for _, path := range []string{"", "/items"} {
		if a := d.call("verifier2", "GET", "/v1/task-batches/"+id+path, nil); a.Status != http.StatusNotFound {
			t.Errorf("another's batch: %s", a.Raw)
		}
	}
	if a := ask(map[string]any{"action": "complete", "snapshot": id}); a.str("code") != "snapshot_needed" {
		t.Errorf("a snapshot that is no dry run: %s", a.Raw)
	}
	if a := d.call("verifier1", "POST", "/v1/task-batches/"+id+"/cancel", nil); a.str("status") != "cancelled" || a.at("cancelled") != 2.0 {
		t.Errorf("cancelled: %s", a.Raw)
	}
	page := d.call("verifier1", "GET", "/v1/task-batches/"+id+"/items?limit=1", nil)
	rest := d.call("verifier1", "GET", "/v1/task-batches/"+id+"/items?limit=1&cursor="+page.str("next_cursor"), nil)
	if page.str("data.0.status") != "cancelled" || rest.at("has_more") != false || page.str("data.0.task") == rest.str("data.0.task") {
		t.Errorf("items: %s %s", page.Raw, rest.Raw)
	}
}
