package api

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

func TestMoveVersion(t *testing.T) {
	d := openDoor(t)
	id, _ := d.asked(t, 1)
	running := d.submitted("medical")
	d.call("admin2", "POST", "/v1/programmes/medical/versions/2/publish", map[string]any{"draft": d.proposed(t, "medical", nil)}, key()...)
	d.process.onMove = func(m aid.VersionMove) error {
		return d.db.Write(t.Context(), func(tx *postgres.Tx) error {
			c, err := tx.LockCase(id)
			if err != nil {
				return err
			}
			if err := tx.MoveVersion(c, m); err != nil {
				return err
			}
			return tx.MoveCase(c, aid.EventMoveVersion)
		})
	}
	move := func(version int) map[string]any {
		return map[string]any{"version": version, "reason_code": "law_changed"}
	}
	path := "/v1/cases/" + id + "/version"
	for _, r := range []refusal{
		{name: "a verifier", who: "verifier1", body: move(2), status: 403, code: "wrong_role"},
		{name: "its partner", who: "portal1", body: move(2), status: 403, code: "wrong_role"},
		{name: "the same version", body: move(1), status: 409, code: "version_not_newer"},
		{name: "no such version", body: move(7), status: 404, code: "version_not_found"},
		{name: "no reason", body: map[string]any{"version": 2}, status: 422, code: "invalid_content", faults: []string{"/reason_code required"}},
		{name: "an invented reason", body: map[string]any{"version": 2, "reason_code": "canary"}, status: 422, code: "invalid_content", faults: []string{"/reason_code not_allowed"}},
		{name: "a running case", path: "/v1/cases/" + running + "/version", body: move(2), status: 409, code: "wrong_state"},
		{name: "changed meanwhile", body: move(2), headers: []string{"If-Match", `"77"`}, status: 412, code: "stale"},
	} {
		if r.who == "" {
			r.who = "manager1"
		}
		if r.path == "" {
			r.path = path
		}
		r.headers, r.secret = append(key(), r.headers...), "canary"
		d.refuses(t, r)
	}
	k := key()
	for range 2 {
		a := d.call("manager1", "POST", path, move(2), k...)
		if a.Status != 200 || a.at("programme_version") != 2.0 || a.str("status") != "action_needed" || a.str("stage") != "verification" {
			t.Fatalf("%d %s", a.Status, a.Raw)
		}
	}
	if n := d.count("audit WHERE action = 'move_version' AND outcome = 'done' AND actor = 'manager1'"); n != 1 {
		t.Errorf("%d moves in the audit", n)
	}
}
