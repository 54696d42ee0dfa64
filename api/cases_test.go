package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
)

// change sets, or with nil removes, a member of a request: "payee.kind".
func change(request map[string]any, path string, value any) map[string]any {
	at := request
	steps := strings.Split(path, ".")
	for _, s := range steps[:len(steps)-1] {
		at = at[s].(map[string]any)
	}
	last := steps[len(steps)-1]
	if value == nil {
		delete(at, last)
	} else {
		at[last] = value
	}
	return request
}

func (d *door) count(table string) int {
	d.t.Helper()
	var n int
	if err := d.db.SQL(d.t).QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

func TestEveryExampleRequestIsAccepted(t *testing.T) {
	d := openDoor(t)
	for _, programme := range []string{"housing_new", "medical", "schooling"} {
		a := d.call("portal1", "GET", "/v1/programmes/"+programme, nil)
		if a.Status != http.StatusOK || a.at("form.examples.0") == nil {
			t.Fatalf("%s: %d %s", programme, a.Status, a.Raw)
		}
		request := a.at("example_request").(map[string]any)
		request["area"] = commune
		v := d.call("portal1", "POST", "/v1/cases/validate", request)
		if v.Status != http.StatusOK || v.at("valid") != true || len(v.at("missing_documents").([]any)) != 0 {
			t.Errorf("%s: %s", programme, v.Raw)
		}
		c := d.call("portal1", "POST", "/v1/cases", request, key()...)
		if c.Status != http.StatusCreated || !strings.HasPrefix(c.str("reference"), "HS-") || c.str("status") != "submitted" ||
			c.str("tracking_token") == "" || c.Header.Get("Location") != "/v1/cases/"+c.str("id") || c.Header.Get("ETag") == "" {
			t.Errorf("%s: %d %s", programme, c.Status, c.Raw)
		}
		request["answers"] = a.at("form.examples.0")
		request["applicant"].(map[string]any)["national_id"] = nil
		delete(request["applicant"].(map[string]any), "national_id")
		if c := d.call("portal1", "POST", "/v1/cases", request, key()...); c.Status != http.StatusCreated {
			t.Errorf("%s: the form's example: %d %s", programme, c.Status, c.Raw)
		}
	}
	if len(d.process.started) != 6 {
		t.Errorf("started %v", d.process.started)
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	d := openDoor(t)
	r := change(change(change(d.request("medical"), "canary", 1), "consent", nil), "requested.amount", 999000000)
	a := d.call("portal1", "POST", "/v1/cases", change(r, "answers.cost", "x"), key()...)
	want := []string{"/answers/cost type", "/canary unknown_field", "/consent required", "/requested/amount amount_above_ceiling"}
	if a.Status != 422 || !slices.Equal(a.codes(), want) {
		t.Errorf("%d %v, want %v", a.Status, a.codes(), want)
	}
	dup := `{"programme": "medical", "programme": "medical", "area": "51001", "x": 1}`
	if a := d.call("portal1", "POST", "/v1/cases", dup, key()...); a.Status != 422 || !slices.Contains(a.codes(), "/programme duplicate_field") || !slices.Contains(a.codes(), "/x unknown_field") {
		t.Errorf("%d %v", a.Status, a.codes())
	}
}

func TestConflictsNameTheCallersOwnCase(t *testing.T) {
	d := openDoor(t)
	first := d.call("portal1", "POST", "/v1/cases", change(d.request("medical"), "external_id", "P1-1"), key()...)
	a := d.call("portal1", "POST", "/v1/cases", change(d.request("schooling"), "external_id", "P1-1"), key()...)
	if a.Status != 409 || a.str("code") != "duplicate_external_id" || a.str("case") != first.str("id") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	a = d.call("portal1", "POST", "/v1/cases", d.request("medical"), key()...)
	if a.Status != 409 || a.str("code") != "open_case_exists" || a.str("case") != first.str("id") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}

func TestSubmitWhileTheEngineIsAway(t *testing.T) {
	d := openDoor(t)
	d.process.startErr = aid.Refuse(aid.Unavailable, "process_away")
	if a := d.call("portal1", "POST", "/v1/cases", d.request("medical"), key()...); a.Status != 201 {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	waiting, err := d.db.Unstarted(context.Background(), 0)
	if err != nil || len(waiting) != 1 {
		t.Errorf("the sweep finds %v, %v", waiting, err)
	}
}

func TestDraftGrowsIsSubmittedAndWithdrawn(t *testing.T) {
	d := openDoor(t)
	draft := d.call("portal1", "POST", "/v1/cases", map[string]any{"programme": "medical", "area": commune, "draft": true}, key()...)
	if draft.Status != 201 || draft.str("status") != "draft" || draft.str("reference") != "" {
		t.Fatalf("%d %s", draft.Status, draft.Raw)
	}
	path := "/v1/cases/" + draft.str("id")
	if a := d.call("portal1", "POST", path+"/submit", nil, key()...); a.Status != 422 || !slices.Contains(a.codes(), "/applicant required") {
		t.Errorf("an empty draft: %d %s", a.Status, a.Raw)
	}
	whole := d.request("medical")
	delete(whole, "programme")
	if a := d.call("portal1", "PATCH", path, whole, "If-Match", `"99"`); a.Status != 412 {
		t.Errorf("stale: %d %s", a.Status, a.Raw)
	}
	a := d.call("portal1", "PATCH", path, whole, "If-Match", draft.Header.Get("ETag"))
	if a.Status != 200 || a.Header.Get("ETag") == draft.Header.Get("ETag") {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("portal1", "PATCH", path, map[string]any{"requested": map[string]any{"amount": 7000000, "currency": "VND"}}); a.at("requested.amount") != 7e6 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("portal1", "GET", path, nil); a.str("applicant.full_name") == "" || a.str("payee.account_number") == "" {
		t.Errorf("the change of one member lost others: %s", a.Raw)
	}
	if a := d.call("portal1", "POST", path+"/submit", nil, key()...); a.Status != 200 || a.str("status") != "submitted" || a.str("reference") == "" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("portal1", "POST", path+"/submit", nil, key()...); a.Status != 409 {
		t.Errorf("submitted twice: %d %s", a.Status, a.Raw)
	}
	if a := d.call("portal1", "PATCH", path, map[string]any{"urgent": true}); a.Status != 409 {
		t.Errorf("changed after submitting: %d %s", a.Status, a.Raw)
	}
	other := d.call("portal1", "POST", "/v1/cases", map[string]any{"programme": "schooling", "area": commune, "draft": true}, key()...)
	if a := d.call("portal1", "POST", "/v1/cases/"+other.str("id")+"/withdraw", nil, key()...); a.Status != 200 || a.str("status") != "withdrawn" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}

func TestWithdraw(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	path := "/v1/cases/" + id + "/withdraw"
	if a := d.call("portal1", "POST", path, map[string]any{"reason_code": "canary"}, key()...); a.Status != 422 || !slices.Contains(a.codes(), "/reason_code unknown_reason") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("portal1", "POST", path, nil, append(key(), "If-Match", `"99"`)...); a.Status != 412 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	d.process.onWithdraw = func(aid.Withdrawal) string { return "recorded" }
	if a := d.call("portal1", "POST", path, nil, key()...); a.Status != 202 || a.Header.Get("Location") == "" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	// The wish is stored: while no workflow takes it, it is sent again.
	d.process.withdrawErr = aid.Refuse(aid.Conflict, "workflow_gone")
	if a := d.call("portal1", "POST", path, nil, key()...); a.Status != 202 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	d.withdrawn(t, id)
	if a := d.call("portal1", "POST", path, nil, key()...); a.Status != 409 || a.str("code") != "wrong_state" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if len(d.process.withdrawn) != 2 || d.process.withdrawn[0].Reason != "applicant_request" {
		t.Errorf("%+v", d.process.withdrawn)
	}
}

func TestForeignCaseIsNotThere(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	reference := d.call("portal1", "GET", "/v1/cases/"+id, nil).str("reference")
	for _, who := range []string{"portal2", "verifier3"} {
		for _, ref := range []string{id, reference} {
			for _, rest := range []string{"", "/timeline", "/checklist", "/status", "/payments"} {
				if a := d.call(who, "GET", "/v1/cases/"+ref+rest, nil); a.Status != 404 {
					t.Errorf("%s reads %s%s: %d", who, ref, rest, a.Status)
				}
			}
		}
		if a := d.call(who, "GET", "/v1/cases", nil); len(a.at("data").([]any)) != 0 {
			t.Errorf("%s lists %s", who, a.Raw)
		}
	}
	for _, rest := range []string{"/submit", "/withdraw", "/provide_information"} {
		if a := d.call("portal2", "POST", "/v1/cases/"+id+rest, nil, key()...); a.Status != 404 {
			t.Errorf("portal2 %s: %d %s", rest, a.Status, a.Raw)
		}
	}
	if a := d.call("portal2", "PATCH", "/v1/cases/"+id, map[string]any{"urgent": true}); a.Status != 404 {
		t.Errorf("portal2 changes it: %d", a.Status)
	}
	for _, odd := range []string{"nothing", "case_x", "%00", "%ff", strings.Repeat("a", 300), "HS-2026-999999", "a%20b"} {
		if a := d.call("portal1", "GET", "/v1/cases/"+odd, nil); a.Status != 404 {
			t.Errorf("%q: %d", odd, a.Status)
		}
	}
}

// Personal data shows in one place, to those who work with it.
func TestPersonalDataShowsOnlyWhereItMay(t *testing.T) {
	d := openDoor(t)
	request := d.request("medical")
	person := request["applicant"].(map[string]any)
	secrets := []string{person["full_name"].(string), person["national_id"].(string), person["phone"].(string), request["payee"].(map[string]any)["account_number"].(string)}
	created := d.call("portal1", "POST", "/v1/cases", request, key()...)
	d.underReview(created.str("id"))
	shows := func(a answer) bool {
		return slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(a.Raw, s) })
	}
	if shows(created) {
		t.Error("the answer to a submit repeats personal data")
	}
	for _, who := range []string{"portal1", "intake1", "verifier1", "approver1", "treasurer1"} {
		if a := d.call(who, "GET", "/v1/cases/"+created.str("id"), nil); a.Status != 200 || !shows(a) || a.str("applicant.full_name") != secrets[0] {
			t.Errorf("%s: %d %s", who, a.Status, a.Raw)
		}
	}
	for _, who := range []string{"releaser1", "manager1", "auditor1"} {
		if a := d.call(who, "GET", "/v1/cases/"+created.str("id"), nil); a.Status != 200 || shows(a) || (who == "auditor1") != (a.at("masked") == true) {
			t.Errorf("%s: %d %s", who, a.Status, a.Raw)
		}
	}
	for _, path := range []string{"/v1/cases", "/v1/cases/" + created.str("id") + "/timeline", "/v1/cases/" + created.str("id") + "/checklist", "/v1/cases/" + created.str("id") + "/status",
		"/v1/tasks?case=" + created.str("id"), "/v1/tasks/next"} {
		if a := d.call("verifier1", "GET", path, nil); a.Status != 200 || shows(a) {
			t.Errorf("%s: %d %s", path, a.Status, a.Raw)
		}
	}
	if a := d.call("verifier1", "POST", "/v1/cases/search", map[string]any{"name": strings.ToLower(secrets[0])}); shows(a) || a.str("data.0.id") != created.str("id") {
		t.Errorf("search: %s", a.Raw)
	}
	for _, s := range secrets {
		if strings.Contains(d.logged(), s) {
			t.Errorf("%q is in the log", s)
		}
	}
}

func TestPagesGoOnUnderInserts(t *testing.T) {
	d := openDoor(t)
	var made []string
	create := func(i int) {
		a := d.call("portal1", "POST", "/v1/cases", map[string]any{"programme": "medical", "area": commune, "draft": true, "external_id": fmt.Sprint("P", i)}, key()...)
		made = append(made, a.str("id"))
	}
	for i := range 5 {
		create(i)
	}
	var seen []string
	cursor := ""
	for n := 0; n < 10; n++ {
		a := d.call("portal1", "GET", "/v1/cases?limit=2&cursor="+cursor, nil)
		for _, c := range a.at("data").([]any) {
			seen = append(seen, c.(map[string]any)["id"].(string))
		}
		if a.at("has_more") != true {
			break
		}
		cursor = a.str("next_cursor")
		create(100 + n)
	}
	want := slices.Clone(made[:5])
	slices.Reverse(want)
	if !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
	if a := d.call("portal1", "GET", "/v1/cases?external_id=P3", nil); a.str("data.0.id") != made[3] || len(a.at("data").([]any)) != 1 {
		t.Error(a.Raw)
	}
}

func TestProvideInformation(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	path := "/v1/cases/" + id + "/provide_information"
	if a := d.call("portal1", "POST", path, nil, key()...); a.Status != 409 || a.str("code") != "nothing_asked" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	d.underReview(id)
	d.returned(t, id)
	if a := d.call("portal1", "GET", "/v1/cases/"+id, nil); a.str("next_action.who") != "partner" || a.str("next_action.what") != "provide_information" {
		t.Error(a.at("next_action"))
	}
	bad := map[string]any{"documents": []any{map[string]any{"kind": "canary", "dated": "2026-01-01", "location": "x"}}}
	if a := d.call("portal1", "POST", path, bad, key()...); a.Status != 422 || !slices.Contains(a.codes(), "/documents/0/kind unknown_document") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	good := map[string]any{"submitted_by": "officer 18", "documents": []any{map[string]any{"kind": "cost_statement", "dated": "2026-01-01", "location": "x"}}}
	k := key()
	if a := d.call("portal1", "POST", path, good, k...); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if len(d.process.decisions) != 1 || d.process.decisions[0].Kind != aid.ProvideInformation || d.process.decisions[0].Actor == "" {
		t.Errorf("%+v", d.process.decisions)
	}
	if a := d.call("portal1", "POST", path, good, k...); a.Header.Get("Idempotent-Replayed") != "true" {
		t.Error("not replayed")
	}
}

func TestAdvance(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	path := "/v1/sandbox/cases/" + id + "/advance"
	a := d.call("portal1", "POST", path, map[string]any{"duration": "P30D"})
	if a.Status != 200 || a.str("offset") != "PT720H" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	for _, bad := range []string{"P", "30", "P1Y", "PT0S"} {
		if a := d.call("portal1", "POST", path, map[string]any{"duration": bad}); a.Status != 422 {
			t.Errorf("%s: %d", bad, a.Status)
		}
	}
	d.process.forwardErr = aid.Refuse(aid.Conflict, "not_supported")
	if a := d.call("portal1", "POST", path, map[string]any{"duration": "P1D"}); a.Status != 409 || a.str("code") != "not_supported" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	live := openDoor(t, func(c *Config) { c.Sandbox = false })
	if a := live.call("portal1", "POST", path, map[string]any{"duration": "P1D"}); a.Status != 404 {
		t.Errorf("without a sandbox: %d", a.Status)
	}
}
