package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// callers of the development data: each role of province 51, a partner and a
// verifier of another province, and nobody.
var everybody = map[string][]string{
	"portal1": {"partner"}, "portal2": {"partner"}, "intake1": {"intake"}, "verifier1": {"verifier"}, "verifier3": {"verifier"},
	"approver1": {"approver"}, "approver4": {"approver"}, "treasurer1": {"treasurer"}, "releaser1": {"releaser"}, "manager1": {"manager"},
	"auditor1": {"auditor"}, "admin1": {"admin"}, "": nil,
}

var foreign = []string{"portal2", "verifier3"}

// Every operation, called by everybody on a case of portal1 in province 51:
// the roles of the document decide, a foreign caller finds nothing, nobody is
// nobody, and no answer is a fault of ours or breaks the document.
func TestRolesByOperation(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	task := d.underReview(id)
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	paths := strings.NewReplacer("/cases/{id}", "/cases/"+id, "/tasks/{id}", "/tasks/"+task, "/funds/{id}", "/funds/"+fund,
		"{code}", "medical", "{id}", postgres.NewID(aid.PaymentID), "{rail}", "simulator")
	for _, op := range d.doc.Operations() {
		if op.Public() || slices.Contains(op.Roles, "rail") {
			continue
		}
		for who, roles := range everybody {
			var body any
			if op.HasBody {
				body = map[string]any{"unknown": 1} // refused by content, after the roles
			}
			a := d.call(who, op.Method, paths.Replace(op.Path), body, "Idempotency-Key", op.ID+who, "If-Match", `"999"`)
			may := slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(op.Roles, r) })
			switch {
			case who == "":
				if a.Status != http.StatusUnauthorized {
					t.Errorf("%s without credentials: %d", op.ID, a.Status)
				}
			case !may:
				if a.Status != http.StatusForbidden {
					t.Errorf("%s by %s: %d %s", op.ID, who, a.Status, a.Raw)
				}
			case a.Status >= 500 || a.Status == http.StatusUnauthorized:
				t.Errorf("%s by %s: %d %s", op.ID, who, a.Status, a.Raw)
			case a.Status == http.StatusForbidden && !d.dutyInside(op):
				t.Errorf("%s by %s is refused: %s", op.ID, who, a.Raw)
			case slices.Contains(foreign, who) && strings.Contains(op.Path, "{id}") && a.Status != http.StatusNotFound && !op.HasBody:
				t.Errorf("%s by %s of another province: %d %s", op.ID, who, a.Status, a.Raw)
			}
		}
	}
	if n := d.count("audit WHERE code = 'wrong_role'"); n == 0 {
		t.Error("refusals are not in the audit")
	}
}

// dutyInside: claiming asks for the role of the very task.
func (d *door) dutyInside(op *Operation) bool {
	return op.ID == "claimTask" || op.ID == "releaseTask"
}

// What is created and decided on somebody else's things, with good content.
func TestForeignThingsCannotBeMoved(t *testing.T) {
	d := openDoor(t)
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	money := map[string]any{"amount": map[string]any{"amount": 1000, "currency": "VND"}, "received_on": "2026-03-02"}
	if a := d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", money, key()...); a.Status != 201 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	for _, c := range []struct {
		who, path string
		body      any
		status    int
	}{
		{"manager1", "/v1/funds/" + fund + "/contributions", money, 403},
		{"manager1", "/v1/funds", map[string]any{"code": "other", "name": "Other", "area": "48", "budget": map[string]any{"amount": 1, "currency": "VND"}}, 422},
		{"manager1", "/v1/funds", map[string]any{"code": "mine", "name": "Mine", "area": "51", "budget": map[string]any{"amount": 1, "currency": "VND"}}, 201},
		{"treasurer1", "/v1/funds/" + postgres.NewID(aid.FundID) + "/contributions", money, 404},
	} {
		if a := d.call(c.who, "POST", c.path, c.body, key()...); a.Status != c.status {
			t.Errorf("%s %s: %d %s", c.who, c.path, a.Status, a.Raw)
		}
	}
}
