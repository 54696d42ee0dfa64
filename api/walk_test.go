package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/files/filestest"
	"github.com/aidflow/aidflow/rails/simulator"
)

// step is one good request and the answer that the document promises for it.
type step struct {
	op, who string
	params  string // what stands in the path for {id} and the like; with "/" for several
	query   string
	body    any
	headers []string
	status  int
}

// The walk: every operation of the document gets a request that fits the
// document and gives each answer of success that the document promises for
// it, checked against the document as every answer of every test is.
func TestEveryOperationAnswersAsDocumented(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	given := map[string]map[int]bool{}
	for _, s := range d.walk(t) {
		op := d.operationNamed(t, s.op)
		path := op.Path
		for _, param := range strings.Split(s.params, "/") {
			if i := strings.Index(path, "{"); i >= 0 {
				path = path[:i] + param + path[strings.Index(path, "}")+1:]
			}
		}
		if s.query != "" {
			path += "?" + s.query
		}
		r := d.newRequest(s.who, op.Method, path, s.body, s.headers...)
		if err := d.doc.requestBreaks(r, bytesOf(s.body)); err != nil {
			t.Errorf("%s: the request breaks the document: %v", s.op, err)
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if a := d.checked(r, w); a.Status != s.status {
			t.Errorf("%s by %s: %d %s, want %d", s.op, s.who, a.Status, a.Raw, s.status)
		}
		if given[s.op] == nil {
			given[s.op] = map[int]bool{}
		}
		given[s.op][s.status] = true
	}
	for _, op := range d.doc.Operations() {
		for status := range op.spec.Responses.Map() {
			if n, _ := strconv.Atoi(status); n < 300 && !given[op.ID][n] {
				t.Errorf("the walk does not see %s answer %s", op.ID, status)
			}
		}
	}
}

// week is a calendar of some areas; without a code, what an edit sends.
func week(code string, areas ...string) map[string]any {
	out := map[string]any{"zone": "Asia/Ho_Chi_Minh", "week": map[string]any{"mon": []any{[]string{"07:30", "11:30"}}},
		"holidays": []any{map[string]any{"date": "2027-02-05", "name": "Tết"}}, "areas": areas}
	if code != "" {
		out["code"] = code
	}
	return out
}

func bytesOf(body any) []byte {
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return []byte(b)
	default:
		raw, _ := json.Marshal(b) // door.newRequest fails where this does
		return raw
	}
}

func (d *door) operationNamed(t *testing.T, id string) *Operation {
	t.Helper()
	i := slices.IndexFunc(d.doc.Operations(), func(op *Operation) bool { return op.ID == id })
	if i < 0 {
		t.Fatalf("no operation %s", id)
	}
	return d.doc.Operations()[i]
}

// walk prepares a deployment with something of everything and lists requests.
func (d *door) walk(t *testing.T) []step {
	t.Helper()
	d.postsMedical(t)
	posted := d.posted(t, 9)
	paid, due, _ := d.reserved(t, 5)
	_, failed, again := d.reserved(t, 6)
	d.process.onRetry = func(aid.Retry) error { again(); return nil }
	_, back := d.settled(t, 11)
	_, claim := d.claimed(t, 12)
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	granted, _, _ := d.reserved(t, 10)
	otherPayee := map[string]any{"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0051000777", "account_name": "CANARY"}
	instalment := d.call("portal1", "GET", "/v1/cases/"+granted+"/tranches", nil).str("data.0.id")
	runs := d.walkRuns(t)
	fileFund, otherFund, sentRun, bank, preparedRun, runHash, draftRun, heard := runs.fund, runs.other, runs.sent, runs.bank, runs.prepared, runs.hash, runs.draft, runs.heard
	waits := d.waiting(t, 15)
	id := d.submitted("medical")
	task := d.underReview(id)
	late := d.opened(t, id, aid.FieldVisit)
	recorded := d.opened(t, id, aid.RecordCheck)
	d.opened(t, id, aid.RepairConfiguration)
	asked, _ := d.asked(t, 1)
	slow, question := d.asked(t, 2)
	draft := d.call("portal1", "POST", "/v1/cases", map[string]any{"programme": "medical", "area": commune, "draft": true}, key()...).str("id")
	gone := d.submitted("housing_new")
	d.process.onWithdraw = func(w aid.Withdrawal) string {
		return map[bool]string{true: "withdrawn", false: "recorded"}[w.Reason == "applicant_request"]
	}
	d.process.pending = []string{late, question}
	tag := func(path string) []string {
		return []string{"If-Match", d.call("manager1", "GET", path, nil).Header.Get("ETag")}
	}
	list := d.call("manager1", "POST", "/v1/imports?what=register&year=2026", "household_code\n", append(key(), "Content-Type", "text/csv")...).str("id")
	whole := d.person(7)
	delete(whole, "programme")
	money := map[string]any{"amount": 1000, "currency": "VND"}
	given := d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", map[string]any{"amount": money, "received_on": "2026-03-02"}, key()...).str("id")
	posting := d.call("treasurer1", "GET", "/v1/ledger/transactions?kind=contribution&limit=1", nil).str("data.0.id")
	empty, old := d.fund("empty"), d.fund("old")
	d.postedIn(t, old, 2024)
	complete := map[string]any{"action": "complete"}
	until := d.db.Now().AddDate(0, 0, 7).Format(time.RFC3339)
	frozen := d.call("manager1", "POST", "/v1/freezes", map[string]any{"area": "51001", "until": until, "reason_code": "audit"}, key()...).str("id")
	made := d.decide("verifier1", d.underReview(d.submit(d.person(8))), complete).str("id")
	kin := d.person(8)["applicant"].(map[string]any)["national_id"]
	relation := d.call("admin1", "POST", "/v1/staff/verifier1/relations", map[string]any{"kind": "child", "full_name": "Canary Child", "national_id": kin}, key()...).str("id")
	batch := d.call("verifier1", "POST", "/v1/task-batches", map[string]any{"action": "complete", "task_ids": []string{task}}, key()...).str("id")
	callback := []byte(`{"type": "payment.updated", "key": "award/1/1", "state": "settled"}`)
	var signed []string
	for name, values := range simulator.SignCallback("secret", "msg_1", d.db.Now(), callback) {
		signed = append(signed, name, values[0])
	}
	reason := map[string]any{"reason": "papers_seen"}
	moved, _ := d.asked(t, 14)
	d.process.onMove = func(aid.VersionMove) error { return nil }
	proposed, dropped, next := d.proposed(t, "medical", nil), d.proposed(t, "schooling", nil), map[string]any{"definition": d.nextVersion(t, "housing_new", nil)}
	sent := d.upload("portal1", filestest.PDF(), "case", gone, "kind", "request_form").str("id")
	formType, paper := form("a.pdf", filestest.PDF(), "case", gone, "kind", "land_use_confirmation")
	lends := func(to string) map[string]any {
		return map[string]any{"delegate": to, "until": d.db.Now().Add(24 * time.Hour), "reason_code": "leave"}
	}
	lent := d.call("approver2", "POST", "/v1/delegations", lends("approver3"), key()...).str("id")
	return []step{
		{op: "uploadDocument", who: "portal1", body: paper, headers: append(key(), "Content-Type", formType), status: 201},
		{op: "getDocument", who: "auditor1", params: sent, status: 200},
		{op: "getDocumentContent", who: "verifier1", params: sent, query: "why=verification&inline=true", status: 200},
		{op: "listCaseDocuments", who: "portal1", params: id, status: 200},
		{op: "createDelegation", who: "treasurer1", body: lends("treasurer2"), headers: key(), status: 201},
		{op: "listDelegations", who: "treasurer2", query: "person=me&status=active&limit=1", status: 200},
		{op: "getDelegation", who: "auditor1", params: lent, status: 200},
		{op: "revokeDelegation", who: "manager1", params: lent, headers: []string{"If-Match", `"1"`}, status: 200},
		{op: "createStaff", who: "admin1", body: map[string]any{"subject": "approver9", "name": "Canary", "superior": "manager1", "roles": []any{map[string]any{"role": "approver", "area": "51", "level": "province", "committee": true, "programmes": []string{"medical"}}}}, headers: key(), status: 201},
		{op: "listStaff", who: "manager1", query: "role=approver&area=51&limit=1", status: 200},
		{op: "getStaff", who: "auditor1", params: "approver9", status: 200},
		{op: "changeStaff", who: "admin2", params: "approver9", body: map[string]any{"disabled": true}, headers: []string{"If-Match", `"2"`}, status: 200},
		{op: "listProgrammes", who: "portal1", status: 200},
		{op: "getProgramme", who: "portal1", params: "housing_new", status: 200},
		{op: "proposeProgramme", who: "admin1", body: next, headers: key(), status: 201},
		{op: "listProgrammeVersions", who: "auditor1", params: "medical", status: 200},
		{op: "getProgrammeVersion", who: "manager1", params: "medical/2", status: 200},
		{op: "simulateProgramme", who: "auditor1", params: "medical", body: map[string]any{"version": 2}, status: 200},
		{op: "publishProgramme", who: "admin2", params: "medical/2", body: map[string]any{"draft": proposed}, headers: key(), status: 200},
		{op: "withdrawProgramme", who: "admin2", params: "schooling/2", body: map[string]any{"draft": dropped}, headers: key(), status: 200},
		{op: "recallProgramme", who: "admin1", params: "medical/2", body: map[string]any{"reason": "The norm was misread."}, headers: key(), status: 200},
		{op: "listAreas", who: "intake1", query: "level=commune&parent=51&at=2026-03-02&limit=2", status: 200},
		{op: "getArea", who: "portal1", params: "51001", status: 200},
		{op: "changeAreas", who: "admin1", body: map[string]any{"areas": []any{map[string]any{"code": "51006", "name": "New", "level": "commune", "parent": "51", "valid_from": "2030-01-01"}}},
			headers: key(), status: 200},
		{op: "listCalendars", who: "auditor1", query: "limit=1", status: 200},
		{op: "createCalendar", who: "admin1", body: week("mountain-office", "51002"), headers: key(), status: 201},
		{op: "getCalendar", who: "verifier1", params: "vn-office", status: 200},
		{op: "changeCalendar", who: "admin2", params: "mountain-office", body: week("", "51002", "51003"), headers: []string{"If-Match", `"1"`}, status: 200},
		{op: "listCalendarVersions", who: "manager1", params: "mountain-office", query: "limit=1", status: 200},
		{op: "listFreezes", who: "approver1", query: "limit=1", status: 200},
		{op: "createFreeze", who: "manager1", body: map[string]any{"area": "51", "programmes": []string{"schooling"}, "until": until, "reason_code": "disaster"}, headers: key(), status: 201},
		{op: "getFreeze", who: "verifier1", params: frozen, status: 200},
		{op: "endFreeze", who: "manager1", params: frozen, headers: []string{"If-Match", `"1"`}, status: 200},
		{op: "setCasePriority", who: "manager1", params: id, body: map[string]any{"urgent": true, "reason_code": "homeless"}, headers: key(), status: 200},
		{op: "skipCase", who: "manager1", params: waits, body: map[string]any{"skipped": true, "reason_code": "amount_too_large"}, headers: key(), status: 200},
		{op: "listWaiting", who: "auditor1", params: fund, query: "limit=1", status: 200},
		{op: "getAreaPoverty", who: "auditor1", params: "51", query: "year=2026", status: 200},
		{op: "listHouseholds", who: "manager1", query: "area=51001&year=2026&classification=poor&limit=2", status: 200},
		{op: "searchHouseholds", who: "verifier1", body: map[string]any{"code": "HN-51-0001"}, status: 200},
		{op: "getHousehold", who: "verifier1", params: "HN-51-0001", status: 200},
		{op: "listImports", who: "manager1", status: 200},
		{op: "createImport", who: "manager1", query: "what=households_total&year=2026", body: "area_code,households\n51001,120\n",
			headers: append(key(), "Content-Type", "application/octet-stream"), status: 201},
		{op: "getImport", who: "manager1", params: list, status: 200},
		{op: "getImportFaults", who: "manager1", params: list, status: 200},
		{op: "recordPartnerAid", who: "intake1", body: d.partnerAid("W-1"), headers: key(), status: 201},
		{op: "listPartnerAid", who: "auditor1", query: "area=51&programme=housing_new&source=Red%20Cross&from=2026-01-01&to=2027-01-01", status: 200},
		{op: "createCase", who: "portal1", body: d.person(3), headers: key(), status: 201},
		{op: "validateCase", who: "portal1", body: d.person(4), status: 200},
		{op: "listCases", who: "auditor1", query: "status=submitted&stage=intake&programme=medical&area=51&sla=none&created_after=2026-01-01T00:00:00Z&limit=5", status: 200},
		{op: "searchCases", who: "intake1", body: map[string]any{"name": "nguyen"}, status: 200},
		{op: "getCase", who: "treasurer1", params: id, status: 200},
		{op: "changeCase", who: "portal1", params: draft, body: whole, headers: []string{"If-Match", `"1"`}, status: 200},
		{op: "submitCase", who: "portal1", params: draft, body: map[string]any{"submitted_by": "officer 18"}, headers: key(), status: 200},
		{op: "getCaseTimeline", who: "portal1", params: id, query: "limit=1", status: 200},
		{op: "getCaseFindings", who: "verifier1", params: id, status: 200},
		{op: "getCaseChecklist", who: "verifier1", params: id, status: 200},
		{op: "getCaseStatus", who: "portal1", params: id, status: 200},
		{op: "listCasePapers", who: "portal1", params: id, query: "lang=vi", status: 200},
		{op: "getCasePaper", who: "verifier1", params: id + "/request_form", query: "lang=vi&format=pdf", status: 200},
		{op: "getReceipt", who: "treasurer1", params: fund + "/" + given, query: "format=html", status: 200},
		{op: "getPostingList", who: "verifier1", params: "51001", query: "programme=medical&lang=en", status: 200},
		{op: "listCasePayments", who: "portal1", params: paid, status: 200},
		{op: "provideInformation", who: "portal1", params: asked, body: map[string]any{"note": "Found."}, headers: key(), status: 200},
		{op: "provideInformation", who: "portal1", params: slow, headers: key(), status: 202},
		{op: "createRelation", who: "approver1", params: "approver1", body: map[string]any{"kind": "self", "full_name": "Canary Self",
			"account": map[string]any{"bank_bin": "970416", "account_number": "0000000001"}}, headers: key(), status: 201},
		{op: "listRelations", who: "verifier1", params: "verifier1", query: "limit=1", status: 200},
		{op: "reviewDecision", who: "manager1", params: made, body: map[string]any{"reason_code": "remote", "note": "Seen."}, headers: key(), status: 201},
		{op: "createConflict", who: "intake1", params: gone, body: map[string]any{"reason_code": "friendship"}, headers: key(), status: 201},
		{op: "listConflicts", who: "auditor1", params: gone, status: 200},
		{op: "endRelation", who: "admin1", params: "verifier1/" + relation, status: 204},
		{op: "createObjection", who: "intake1", params: posted, body: map[string]any{"reason_code": "not_poor", "text": "A shop."}, headers: key(), status: 201},
		{op: "listObjections", who: "auditor1", params: posted, query: "limit=1", status: 200},
		{op: "listConditions", who: "portal1", params: id, status: 200},
		{op: "listTasks", who: "manager1", query: "case=" + id + "&assignee=none&kind=verify_documents&status=open&area=51&sort=newest", status: 200},
		{op: "getNextTask", who: "verifier1", status: 200},
		{op: "getNextTask", who: "releaser1", status: 204},
		{op: "getTask", who: "auditor1", params: task, status: 200},
		{op: "createComment", who: "manager1", params: task, body: map[string]any{"text": "Nobody was at home."}, headers: key(), status: 201},
		{op: "listTaskComments", who: "auditor1", params: task, query: "limit=1", status: 200},
		{op: "createQuestion", who: "verifier1", params: task, body: map[string]any{"to": "verifier2", "text": "Have you seen the paper?"}, headers: key(), status: 201},
		{op: "listTaskQuestions", who: "verifier2", params: task, query: "limit=1", status: 200},
		{op: "listTasks", who: "verifier1", query: "view=group&level=commune&min_amount=1&max_amount=9000000&opened_after=2026-01-01T00:00:00Z&opened_before=2030-01-01T00:00:00Z", status: 200},
		{op: "searchTasks", who: "auditor1", body: map[string]any{"text": "nguyen", "view": "all", "kind": "field_visit", "area": "51", "limit": 2}, status: 200},
		{op: "countTasks", who: "manager1", query: "programme=medical&area=51&kind=approve&level=commune", status: 200},
		{op: "claimNextTask", who: "manager1", query: "kind=decide_stalled&programme=medical&area=51", status: 204},
		{op: "claimNextTask", who: "admin1", query: "kind=repair_configuration", status: 200},
		{op: "assignTask", who: "manager1", params: recorded, body: map[string]any{"assignee": "verifier2"}, status: 200},
		{op: "claimTask", who: "verifier1", params: task, status: 200},
		{op: "releaseTask", who: "verifier1", params: task, status: 200},
		{op: "decideTask", who: "verifier2", params: late, body: complete, headers: append(key(), tag("/v1/tasks/"+late)...), status: 202},
		{op: "decideTask", who: "verifier1", params: task, body: complete, headers: append(key(), "If-Match", fmt.Sprintf("%q", "3")), status: 200},
		{op: "createTaskBatch", who: "verifier2", body: map[string]any{"action": "complete", "task_ids": []string{"task_none"}, "expected_count": 1, "dry_run": true}, headers: key(), status: 202},
		{op: "listTaskBatches", who: "verifier1", query: "limit=1", status: 200},
		{op: "getTaskBatch", who: "verifier1", params: batch, status: 200},
		{op: "listTaskBatchItems", who: "verifier1", params: batch, query: "status=waiting&code=stale&limit=2", status: 200},
		{op: "cancelTaskBatch", who: "verifier1", params: batch, status: 200},
		{op: "getDecision", who: "verifier1", params: made, status: 200},
		{op: "moveCaseVersion", who: "manager1", params: moved, body: map[string]any{"version": 2, "reason_code": "law_changed"}, headers: key(), status: 200},
		{op: "withdrawCase", who: "portal1", params: gone, headers: key(), status: 200},
		{op: "withdrawCase", who: "portal1", params: gone, body: map[string]any{"reason_code": "moved_away"}, headers: key(), status: 202},
		{op: "listFunds", who: "auditor1", status: 200},
		{op: "createFund", who: "manager1", body: map[string]any{"code": "other", "name": "Other", "area": "51", "budget": money}, headers: key(), status: 201},
		{op: "getFund", who: "approver1", params: fund, status: 200},
		{op: "changeFund", who: "manager1", params: fund, body: map[string]any{"name": "Fund", "reason_code": "corrected"}, headers: tag("/v1/funds/" + fund), status: 200},
		{op: "listPurposes", who: "approver1", params: fund, query: "limit=1", status: 200},
		{op: "listBudgets", who: "auditor1", params: fund, query: "limit=1", status: 200},
		{op: "createBudget", who: "manager1", params: fund, body: map[string]any{"programme": "medical", "year": 2030, "budget": money}, headers: key(), status: 201},
		{op: "getBudget", who: "treasurer1", params: fund + "/medical/2030", status: 200},
		{op: "changeBudget", who: "manager1", params: fund + "/medical/2030", body: map[string]any{"budget": map[string]any{"amount": 0, "currency": "VND"}, "reason_code": "plan"},
			headers: []string{"If-Match", `"1"`}, status: 200},
		{op: "contribute", who: "treasurer1", params: fund, body: map[string]any{"amount": money, "received_on": "2026-03-02", "purpose": map[string]any{"programme": "medical", "area": "51001"}}, headers: key(), status: 201},
		{op: "createTransfer", who: "treasurer1", params: fund, body: map[string]any{"kind": "fee", "amount": money, "external_id": "F-1"}, headers: key(), status: 201},
		{op: "createOpeningBalances", who: "treasurer1", params: empty, body: map[string]any{"raised": money, "paid": money}, headers: key(), status: 201},
		{op: "closeFundYear", who: "treasurer1", params: old, body: map[string]any{"year": 2024}, headers: key(), status: 201},
		{op: "listFundYears", who: "auditor1", params: old, query: "limit=1", status: 200},
		{op: "reverseTransaction", who: "treasurer2", params: posting, body: map[string]any{"reason_code": "typed_wrong"}, headers: key(), status: 201},
		{op: "listLedgerTransactions", who: "auditor1", query: "case=" + paid + "&kind=reserve&from=2026-01-01T00:00:00Z", status: 200},
		{op: "listLedgerBalances", who: "manager1", query: "fund=" + fund, status: 200},
		{op: "previewPayRun", who: "manager1", query: "fund=" + fileFund + "&programme=medical&area=51&due_until=2030-01-01T00:00:00Z", status: 200},
		{op: "createPayRun", who: "treasurer1", body: map[string]any{"fund": fileFund, "rail": "bankfile", "programme": "medical", "area": "51", "execute_on": "2026-03-10"}, headers: key(), status: 201},
		{op: "listPayRuns", who: "auditor1", query: "status=prepared&fund=" + fileFund + "&limit=1", status: 200},
		{op: "getPayRun", who: "releaser1", params: sentRun, status: 200},
		{op: "listPayRunLines", who: "treasurer1", params: sentRun, query: "limit=1", status: 200},
		{op: "preparePayRun", who: "treasurer1", params: draftRun, headers: append(key(), "If-Match", `"1"`), status: 200},
		{op: "releasePayRun", who: "releaser1", params: preparedRun, body: map[string]any{"hash": runHash}, headers: append(key(), "If-Match", `"2"`), status: 200},
		{op: "getPayRunFile", who: "releaser1", params: sentRun, status: 200},
		{op: "cancelPayRun", who: "manager1", params: preparedRun, headers: append(key(), "If-Match", `"3"`), status: 200},
		{op: "createStatement", who: "treasurer1", query: "fund=" + fileFund + "&rail=bankfile", body: string(bank.Notices()), headers: append(key(), "Content-Type", "application/octet-stream"), status: 201},
		{op: "listStatements", who: "auditor1", query: "limit=1", status: 200},
		{op: "getStatement", who: "treasurer1", params: heard, status: 200},
		{op: "listUnmatched", who: "treasurer1", params: heard, status: 200},
		{op: "setFundAccount", who: "manager1", params: otherFund, body: map[string]any{"holder": "QUY", "bank_bin": "970436", "number": "0011223344", "result_days": 3}, headers: tag("/v1/funds/" + otherFund), status: 200},
		{op: "listPayments", who: "releaser1", query: "case=" + paid + "&status=due", status: 200},
		{op: "getPayment", who: "auditor1", params: due, status: 200},
		{op: "cancelPayment", who: "treasurer1", params: due, headers: append(key(), tag("/v1/payments/"+due)...), status: 200},
		{op: "retryPayment", who: "treasurer1", params: failed, headers: key(), status: 201},
		{op: "createAwardChange", who: "portal1", params: paid, body: map[string]any{"reason_code": "account_closed", "payee": otherPayee}, headers: key(), status: 201},
		{op: "listAwardChanges", who: "auditor1", params: paid, status: 200},
		{op: "listCaseTranches", who: "portal1", params: granted, status: 200},
		{op: "holdTranche", who: "treasurer1", params: instalment, body: map[string]any{"reason_code": "dispute"}, headers: append(key(), "If-Match", `"1"`), status: 200},
		{op: "unholdTranche", who: "manager1", params: instalment, body: map[string]any{"reason_code": "cleared"}, headers: key(), status: 200},
		{op: "skipTranche", who: "manager1", params: instalment, body: map[string]any{"reason_code": "not_needed"}, headers: key(), status: 200},
		{op: "recordRepayment", who: "treasurer1", params: claim, body: repaid(1_000_000, "PT-1"), headers: key(), status: 201},
		{op: "getMoneyClaim", who: "auditor1", params: claim, status: 200},
		{op: "recordReturn", who: "treasurer1", params: back, body: cameBack(), headers: key(), status: 202},
		{op: "recordReturn", who: "manager1", params: back, body: cameBack(), headers: key(), status: 200},
		{op: "getPerson", who: "auditor1", params: id, status: 200},
		{op: "differPeople", who: "verifier1", params: id + "/" + asked, body: reason, headers: key(), status: 201},
		{op: "mergePeople", who: "manager1", params: id, body: map[string]any{"into": asked, "reason": "papers_seen"}, headers: key(), status: 201},
		{op: "splitPerson", who: "verifier1", params: id, body: map[string]any{"cases": []string{id}, "reason": "merged_by_mistake"}, headers: key(), status: 201},
		{op: "listFollowUps", who: "verifier1", query: "case=" + paid + "&status=planned", status: 200},
		{op: "railCallback", params: "simulator", body: string(callback), headers: signed, status: 202},
		{op: "advanceCase", who: "portal1", params: id, body: map[string]any{"duration": "P1D"}, status: 200},
		{op: "listNotifications", who: "verifier1", query: "unread=true&limit=2", status: 200},
		{op: "readNotifications", who: "verifier1", body: map[string]any{"all": true}, status: 200},
		{op: "getNotificationSettings", who: "admin2", status: 200},
		{op: "setNotificationSettings", who: "auditor1", body: map[string]any{"address": "a@fund.example", "language": "en", "zone": "Asia/Jakarta", "digest_at": "06:00",
			"channels": map[string]any{"work": "off"}}, headers: tag("/v1/me/notifications"), status: 200},
		{op: "whoami", who: "approver4", status: 200},
		{op: "livez", status: 200}, {op: "readyz", status: 200}, {op: "version", status: 200}, {op: "metrics", status: 200},
		{op: "openapiYaml", status: 200}, {op: "openapiJson", status: 200}, {op: "docs", status: 200},
	}
}

// What the tests hold answers and routes to is no empty promise: each
// difference is noticed.
func TestDifferencesFromTheDocumentAreNoticed(t *testing.T) {
	d := openDoor(t)
	r := d.newRequest("portal1", "GET", "/v1/whoami", nil)
	good := httptest.NewRecorder()
	d.ServeHTTP(good, r)
	if err := d.doc.breaks(r, good); err != nil {
		t.Fatal(err)
	}
	answer := func(status int, contentType, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.WriteString(body)
		return w
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"undocumented status": answer(418, "application/json", good.Body.String()),
		"a member is missing": answer(200, "application/json", `{"kind": "partner"}`),
		"another type":        answer(200, "application/json", strings.Replace(good.Body.String(), `"mode":"test"`, `"mode":1`, 1)),
		"no problem":          answer(403, "application/problem+json", `{"code": "x"}`),
		"another media type":  answer(200, "application/xml", `<a/>`),
		"no Retry-After":      answer(503, "application/problem+json", `{"type":"a","title":"a","status":503,"detail":"a","code":"a","request_id":"a"}`),
	} {
		if d.doc.breaks(r, w) == nil {
			t.Errorf("%s is not noticed", name)
		}
	}
	tagged := d.newRequest("portal1", "GET", "/v1/cases/"+d.submitted("medical")+"/status", nil)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, tagged)
	w.Header().Del("ETag")
	if d.doc.breaks(tagged, w) == nil {
		t.Error("a missing ETag is not noticed")
	}
}

func TestRoutesAndDocumentAgree(t *testing.T) {
	docs := func(r gin.IRouter) { r.GET("/docs", func(*gin.Context) {}) }
	if got := disagreements(t, docs, nil); len(got) > 0 {
		t.Error(got)
	}
	more := func(r gin.IRouter) { docs(r); r.POST("/v1/hidden", func(*gin.Context) {}) }
	if got := disagreements(t, more, nil); !slices.Equal(got, []string{"POST /v1/hidden is not in the document"}) {
		t.Error("an undocumented route:", got)
	}
	promise := func(d *Document) {
		op := *d.ops[0]
		op.Method, op.spec = "PUT", &openapi3.Operation{}
		d.ops = append(d.ops, &op)
	}
	if got := disagreements(t, docs, promise); len(got) != 1 || !strings.HasPrefix(got[0], "PUT ") {
		t.Error("an operation without a route:", got)
	}
}

// disagreements lists routes without operation and operations without route.
func disagreements(t *testing.T, pages func(gin.IRouter), change func(*Document)) (out []string) {
	t.Helper()
	s, err := New(Config{Mode: "test"}, nil, nil, func(_ *Server, r gin.IRouter) { pages(r) })
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s.doc)
	}
	routes := map[string]bool{}
	for _, r := range s.engine.Routes() {
		routes[r.Method+" "+r.Path] = true
		if s.doc.operation(r.Method, r.Path) == nil {
			out = append(out, r.Method+" "+r.Path+" is not in the document")
		}
	}
	for _, op := range s.doc.Operations() {
		if route := op.Method + " " + ginPath(op.Path); !routes[route] {
			out = append(out, route+" has no route")
		}
	}
	return out
}

// A HEAD asks for what a GET would answer, without the body.
func TestHead(t *testing.T) {
	d := openDoor(t)
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	path := "/v1/cases/" + d.submitted("medical")
	for _, c := range []struct {
		who, path string
		status    int
	}{{"", "/livez", 200}, {"portal1", path, 200}, {"portal2", path, 404}, {"", path, 401}, {"portal1", "/nothing", 404}} {
		head := d.newRequest(c.who, http.MethodHead, server.URL+c.path, nil)
		head.RequestURI = ""
		answer, err := http.DefaultClient.Do(head)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != c.status || body.Len() != 0 || (c.path == path && c.status == 200) != (answer.Header.Get("ETag") != "") {
			t.Errorf("HEAD %s by %s: %d %v %s", c.path, c.who, answer.StatusCode, answer.Header, &body)
		}
	}
	if a := d.call("portal1", "DELETE", path, nil); !strings.Contains(a.Header.Get("Allow"), "GET") || !strings.Contains(a.Header.Get("Allow"), "PATCH") {
		t.Errorf("405 without what is allowed: %v", a.Header)
	}
}
