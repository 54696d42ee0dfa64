package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// The users of the development data, each with its role; "" is nobody.
var everybody = map[string]string{
	"portal1": "partner", "portal2": "partner", "intake1": "intake", "verifier1": "verifier", "verifier2": "verifier", "verifier3": "verifier",
	"approver1": "approver", "approver2": "approver", "approver3": "approver", "approver4": "approver", "approver5": "approver",
	"treasurer1": "treasurer", "treasurer2": "treasurer", "releaser1": "releaser", "manager1": "manager", "auditor1": "auditor",
	"admin1": "admin", "admin2": "admin", "": "",
}

// strangers adds a person of every role in another province, and gives all who
// have no business in province 51.
func (d *door) strangers(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"portal2": "partner", "verifier3": "verifier"}
	for _, role := range []string{"intake", "verifier", "approver", "treasurer", "releaser", "manager", "auditor", "admin"} {
		who := role + "_48"
		out[who] = role
		_, err := d.db.SQL(t).Exec(`WITH s AS (INSERT INTO staff (subject, name, created_at) VALUES ($1, $1, now()) RETURNING subject)
			INSERT INTO staff_roles (subject, role, area, level, committee) SELECT subject, $2, '48', CASE WHEN $2 = 'approver' THEN 'province' ELSE '' END, $2 = 'approver' FROM s`, who, role)
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// Every operation, called by everybody on a case of portal1 in province 51:
// the roles of the document decide, nobody is nobody, and no answer is a fault
// of ours or breaks the document.
func TestRolesByOperation(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	task := d.underReview(id)
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	paths := strings.NewReplacer("/cases/{id}", "/cases/"+id, "/tasks/{id}", "/tasks/"+task, "/funds/{id}", "/funds/"+fund,
		"{code}", "medical", "{subject}", "approver1", "{version}", "1", "{id}", postgres.NewID(aid.PaymentID), "{other}", postgres.NewID(aid.PersonID), "{rail}", "simulator", "{kind}", "request_form", "{contribution}", "none", "{programme}", "medical", "{year}", "2026")
	for _, op := range d.doc.Operations() {
		if op.Public() || slices.Contains(op.Roles, "rail") {
			continue
		}
		for who, role := range everybody {
			var body any
			if op.HasBody {
				body = map[string]any{"unknown": 1} // refused by content, after the roles
			}
			a := d.call(who, op.Method, paths.Replace(op.Path), body, "Idempotency-Key", op.ID+who, "If-Match", `"999"`)
			may := slices.Contains(op.Roles, role)
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
			}
		}
	}
	if n := d.count("audit WHERE code = 'wrong_role'"); n == 0 {
		t.Error("refusals are not in the audit")
	}
}

// dutyInside: claiming and assigning ask for the role of the very task, printing for that of
// the very paper.
func (d *door) dutyInside(op *Operation) bool {
	return op.ID == "getCasePaper" || op.ID == "claimTask" || op.ID == "releaseTask" || op.ID == "createQuestion"
}

// Whoever is of another province finds nothing of province 51, by no operation
// that its role may use, and moves nothing.
func TestStrangersFindNothing(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	id, payment, again := d.reserved(t, 5)
	again()
	task := d.underReview(d.submit(d.person(6)))
	decision := d.decide("verifier1", d.underReview(d.submit(d.person(7))), map[string]any{"action": "complete"}).str("id")
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	paths := strings.NewReplacer("/cases/{id}", "/cases/"+id, "/tasks/{id}", "/tasks/"+task, "/funds/{id}", "/funds/"+fund,
		"/payments/{id}", "/payments/"+payment, "/decisions/{id}", "/decisions/"+decision, "{code}", "medical", "{subject}", "approver1", "{version}", "1",
		"/people/{id}", "/people/"+id, "{other}", task, "{kind}", "request_form", "{contribution}", "none", "{programme}", "medical", "{year}", "2026")
	// Programmes belong to the installation, to be read and revised by its administrators wherever they are.
	everyones := []string{"listProgrammes", "getProgramme", "proposeProgramme", "listProgrammeVersions", "getProgrammeVersion", "recallProgramme", "simulateProgramme", "listAreas", "getArea", "changeAreas", "whoami", "createCase", "validateCase", "uploadDocument", "getNextTask", "claimNextTask", "countTasks", "createFund", "createFreeze", "createCalendar", "listCalendars", "createImport", "recordPartnerAid", "createTaskBatch"}
	everyones = append(everyones, "createPayRun", "createStatement")
	everyones = append(everyones, "createDelegation", "listStaff", "createStaff")
	everyones = append(everyones, "readNotifications", "getNotificationSettings", "setNotificationSettings") // one's own
	strangers := d.strangers(t)
	before := d.content()
	for _, op := range d.doc.Operations() {
		for who, role := range strangers {
			if !slices.Contains(op.Roles, role) || slices.Contains(everyones, op.ID) {
				continue
			}
			var body any
			if op.HasBody {
				body = exampleOf(op)
			}
			a := d.call(who, op.Method, paths.Replace(op.Path), body, append(key(), "If-Match", `"1"`)...)
			data, list := a.at("data").([]any)
			switch {
			case strings.Contains(op.Path, "{") && a.Status != http.StatusNotFound:
				t.Errorf("%s by %s: %d %s", op.ID, who, a.Status, a.Raw)
			case !strings.Contains(op.Path, "{") && (a.Status != http.StatusOK || !list || len(data) != 0):
				t.Errorf("%s by %s: %d %s", op.ID, who, a.Status, a.Raw)
			}
		}
	}
	for who, role := range strangers {
		if a := d.call(who, "GET", "/v1/tasks/next", nil); a.Status != http.StatusNoContent && a.Status != http.StatusForbidden {
			t.Errorf("%s (%s) is given a task: %d %s", who, role, a.Status, a.Raw)
		}
	}
	if after := d.content(); after != before {
		t.Errorf("strangers moved something: %s", difference(before, after))
	}
}

// A partner's key may do what its scopes say.
func TestScopes(t *testing.T) {
	d := openDoor(t)
	id, partner := d.submitted("medical"), d.db.Partner(t, "portal1")
	for scope := range map[string]bool{"cases:read": true, "cases:write": true, "": true} {
		scopes := slices.DeleteFunc([]string{scope}, func(s string) bool { return s == "" })
		keyID, clear, err := d.db.Owner(t).CreateKey(t.Context(), partner.ID, "test", scopes, nil)
		if err != nil {
			t.Fatal(err)
		}
		d.db.Keys = map[string]string{"portal1": clear}
		for _, op := range d.doc.Operations() {
			if !slices.Contains(op.Roles, "partner") {
				continue
			}
			var body any
			if op.HasBody {
				body = map[string]any{"unknown": 1}
			}
			a := d.call("portal1", op.Method, strings.NewReplacer("{id}", id, "{code}", "medical", "{subject}", "approver1", "{kind}", "request_form").Replace(op.Path), body, key()...)
			if refused := a.str("code") == "missing_scope"; refused != (op.Scope != "" && op.Scope != scope) || (refused && a.Status != http.StatusForbidden) {
				t.Errorf("%s with %q: %d %s", op.ID, scope, a.Status, a.Raw)
			}
		}
		if err := d.db.Owner(t).RevokeKey(t.Context(), partner.ID, keyID); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.count("audit WHERE code = 'missing_scope'"); n == 0 {
		t.Error("refusals are not in the audit")
	}
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
