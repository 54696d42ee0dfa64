package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// twin makes a case of portal1 and one of portal2 in another province, about
// the same person, household, house, telephone and account; with same false
// the other case is about somebody else. The checks of portal1's case have run.
func (d *door) twin(t *testing.T, same bool) (caseID, other string) {
	t.Helper()
	mine, theirs := d.request("medical"), d.request("medical")
	mine["applicant"] = map[string]any{"full_name": "Nguyễn Thị Hồng", "national_id": "051184000913", "birth_date": "1984-03-02", "sex": "female",
		"phone": "0905000913", "address": "Số nhà 12, thôn 3"}
	mine["household"] = map[string]any{"code": "HN-51-0001", "members": []any{map[string]any{"full_name": "Trần Bình", "national_id": "051080000001", "birth_date": "1980-01-01"}}}
	delete(theirs, "external_id")
	theirs["area"] = "48001"
	if same {
		for _, part := range []string{"applicant", "household", "payee"} {
			theirs[part] = mine[part]
		}
	} else {
		theirs["applicant"] = map[string]any{"full_name": "Lê Văn Sơn", "national_id": "048070000002", "birth_date": "1970-05-06", "sex": "male"}
		theirs["household"] = map[string]any{"code": "HN-48-0001"}
		theirs["payee"] = map[string]any{"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "5550001", "account_name": "LE VAN SON"}
	}
	if _, err := d.db.SQL(t).Exec(`INSERT INTO funds (id, code, name, area, rails, currency, created_at) SELECT 'fund_48', 'fund-48', '48', '48', rails, currency, created_at FROM funds LIMIT 1;
		INSERT INTO fund_balances (fund_id) VALUES ('fund_48')`); err != nil {
		t.Fatal(err)
	}
	a := d.call("portal2", "POST", "/v1/cases", theirs, key()...)
	if a.Status != http.StatusCreated {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	caseID, other = d.submit(mine), a.str("id")
	doing := activities.Activities{Store: d.db.Store}
	out, err := doing.OpenVerification(t.Context(), aid.OpenRequest{Step: aid.Step{Workflow: postgres.CaseWorkflowID(caseID, 1), Cause: "open", Seq: 1, Case: caseID}})
	if err != nil || out.Refused != "" {
		t.Fatal(out, err)
	}
	return caseID, other
}

var (
	anyID     = regexp.MustCompile(`\b(case|doc|task|dec|pay|fund|evt|per|hh|acc|req|awd|tra|par|trx|key)_[0-9a-z]{26}\b`)
	anyTime   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	anyLength = regexp.MustCompile(`"PT?[0-9.HMS]+"`)
	anySecret = regexp.MustCompile(`"(tracking_token|request_id|next_cursor)":"[^"]*"`)
)

// everything gives all answers that portal1 gets about its case and person, in
// the order of asking. What differs from one run to the next, ids and
// instants, is numbered in the order of appearance.
func (d *door) everything(caseID string) string {
	var out strings.Builder
	say := func(method, path string, body any, headers ...string) {
		a := d.call("portal1", method, path, body, headers...)
		names := slices.Sorted(maps.Keys(a.Header))
		fmt.Fprintf(&out, "%s %s\n%d\n", method, path, a.Status)
		for _, name := range names {
			if name != "X-Request-Id" && name != "Date" {
				fmt.Fprintf(&out, "%s: %s\n", name, a.Header.Get(name))
			}
		}
		out.WriteString(a.Raw + "\n")
	}
	whole := d.call("portal1", "GET", "/v1/cases/"+caseID, nil)
	var mine map[string]any
	_ = json.Unmarshal([]byte(whole.Raw), &mine)
	again := d.request("medical")
	for _, part := range []string{"applicant", "household", "payee"} {
		again[part] = mine[part]
	}
	delete(again, "external_id")
	for _, op := range d.doc.Operations() {
		if op.Method != http.MethodGet || !slices.Contains(op.Roles, "partner") || strings.Count(op.Path, "{") > 1 {
			continue
		}
		path := strings.NewReplacer("/cases/{id}", "/cases/"+caseID, "{code}", "medical").Replace(op.Path)
		say("GET", path, nil)
	}
	applicant, _ := mine["applicant"].(map[string]any)
	household, _ := mine["household"].(map[string]any)
	say("GET", "/v1/cases?status=in_review", nil)
	say("GET", "/v1/tasks?case="+caseID, nil)
	for _, search := range []map[string]any{{"name": "hong nguyen"}, {"national_id": applicant["national_id"]}, {"phone": applicant["phone"]},
		{"household_code": household["code"]}, {"reference": "HS-2026-000001"}, {"reference": "HS-2026-000002"}} {
		say("POST", "/v1/cases/search", search)
	}
	say("GET", "/v1/cases/HS-2026-000001", nil)
	say("POST", "/v1/cases/validate", again)
	say("POST", "/v1/cases", again, key()...)
	say("POST", "/v1/cases", change(again, "programme", "schooling"), key()...)
	draft := d.call("portal1", "POST", "/v1/cases", change(again, "draft", true), key()...).str("id")
	say("GET", "/v1/cases/"+draft, nil)
	say("POST", "/v1/cases/"+draft+"/submit", map[string]any{"submitted_by": "officer 17"}, key()...)
	for _, path := range []string{"/v1/people/" + caseID, "/v1/cases/" + caseID + "/findings"} {
		say("GET", path, nil)
	}
	say("POST", "/v1/people/"+caseID+"/merge", map[string]any{"into": "HS-2026-000001", "reason": "papers_seen"}, key()...)
	say("POST", "/v1/cases/"+caseID+"/withdraw", map[string]any{"reason_code": "canary"}, key()...)
	return d.alike(out.String())
}

// alike replaces what no two runs have in common.
func (d *door) alike(text string) string {
	seen := map[string]string{}
	text = anyID.ReplaceAllStringFunc(text, func(id string) string {
		if seen[id] == "" {
			prefix, _, _ := strings.Cut(id, "_")
			seen[id] = fmt.Sprintf("%s#%d", prefix, len(seen))
		}
		return seen[id]
	})
	text = anySecret.ReplaceAllString(text, `"$1":"…"`)
	return anyLength.ReplaceAllString(anyTime.ReplaceAllString(text, "…"), `"…"`)
}

// A portal never learns of another partner's case: whether there is one about
// the same person or not, it gets the same answers, byte for byte, on every
// way it has, also when the hits block the approval.
func TestAPartnerLearnsNothingOfAnothersCase(t *testing.T) {
	var answers [2]string
	for i, same := range []bool{false, true} {
		d := openDoor(t)
		caseID, other := d.twin(t, same)
		answers[i] = d.everything(caseID)
		findings := d.call("manager1", "GET", "/v1/cases/"+caseID+"/findings", nil)
		if told := strings.Contains(findings.Raw, other); told != same {
			t.Fatalf("the office is told of the other case: %v\n%s", told, findings.Raw)
		}
		if strings.Contains(answers[i], other) || strings.Contains(d.logged(), "same_person") {
			t.Error("the other case is named")
		}
	}
	if answers[0] != answers[1] {
		t.Errorf("the answers differ: %s", difference(answers[0], answers[1]))
	}
	if n := strings.Count(answers[0], "\n200\n"); n < 15 {
		t.Errorf("only %d answers were compared", n)
	}
}
