package e2e

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	activitypb "go.temporal.io/api/activity/v1"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

var record = flag.Bool("record", false, "write the histories of workflows/testdata/histories anew")

// TestRecordHistories writes what workflows is tested with before a deploy:
// the real histories of cases that went every way that matters. One folder for
// a tale, one file for a run. It runs on demand only: the recorded histories
// are those of versions that have run, and are kept.
func TestRecordHistories(t *testing.T) {
	if !*record {
		t.Skip("on demand: go test ./e2e -run RecordHistories -record")
	}
	s := theStack(t)
	for _, v := range variants() {
		v.publish(t, s)
	}
	for _, one := range tales() {
		t.Run(one.name, func(t *testing.T) {
			p := one.tell(t, s)
			folder := filepath.Join("..", "workflows", "testdata", "histories", one.name)
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, h := range s.histories(t, p.id) {
				p.expectNone(t, "the history of the "+h.kind, readable(t, h.of))
				name := h.kind
				if h.kind == "followup" {
					name += "-" + itoa(h.run)
				}
				if err := os.WriteFile(filepath.Join(folder, name+".json"), anonymous(t, h.of), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// tales are the ways that are recorded: each programme as it should go, and
// what makes the workflows do something else.
func tales() []tale {
	paper := missing("request_form")
	return []tale{
		{name: "housing", programme: "housing_new", end: "closed"},
		{name: "medical", programme: "medical", end: "closed"},
		{name: "schooling", programme: "schooling", end: "closed"},
		{name: "housing_returned_twice", programme: "housing_new", end: "withdrawn", says: map[string][]said{
			"verify_documents":  {{who: "verifier1", action: "return", reason: "documents_missing", data: paper}},
			"approve/commune":   {{who: "approver1", action: "return", reason: "documents_missing", data: paper}},
			"approve/province":  {{who: "approver2", action: "approve"}, {who: "approver4", action: "return", reason: "information_needed", data: again()}},
			"confirm_milestone": {{waits: true}},
		}, once: []moment{{has("confirm_milestone"), withdraws}}},
		{name: "housing_withdrawn_after_payment", programme: "housing_new", end: "withdrawn",
			says: map[string][]said{"confirm_milestone": {{who: "verifier1", action: "confirm"}, {waits: true}}},
			once: []moment{{func(t *testing.T, p *player) bool {
				return len(p.payments(t, "settled")) == 1 && has("confirm_milestone")(t, p)
			}, withdraws}}},
		{name: "housing_not_started", programme: "housing_new", end: "closed", says: map[string][]said{
			"confirm_milestone": {{after: "P91D", opens: "decide_stalled"}, {who: "verifier1", action: "return", reason: "evidence_insufficient", data: missing("photo")}},
			"decide_stalled":    {{who: "manager1", action: "reject", reason: "other"}},
		}},
		{name: "medical_rejected", programme: "medical", end: "rejected", says: map[string][]said{
			"approve/commune": {{who: "approver1", action: "reject", reason: "not_eligible"}}}},
		{name: "schooling_rejected_on_the_spot", programme: "schooling", end: "rejected", says: map[string][]said{
			"field_visit": {{who: "verifier1", action: "reject", reason: "false_information"}}}},
		{name: "medical_withdrawn", programme: "medical", end: "withdrawn", says: map[string][]said{
			"verify_documents": {{waits: true}}, "field_visit": {{waits: true}}}, once: []moment{{has("field_visit"), withdraws}}},
		{name: "medical_late", programme: "medical", end: "closed", says: map[string][]said{
			"verify_documents": {{after: "P12D"}}, "field_visit": {{after: "P5D"}}, "approve/commune": {{after: "P12D"}},
			"prepare_payment": {{after: "P12D"}}, "release_payment": {{after: "P12D"}}, "follow_up_visit": {{after: "P12D"}},
		}},
		{name: "schooling_silent_partner", programme: "schooling", end: "withdrawn", says: map[string][]said{
			"verify_documents":    {{who: "verifier1", action: "return", reason: "documents_missing", data: paper}},
			"provide_information": {{after: "P31D", opens: "decide_stalled"}, {after: "P31D", opens: "decide_stalled"}},
			"decide_stalled":      {{who: "manager1", action: "reject", reason: "other"}, {who: "verifier1", action: "confirm"}},
		}},
		{name: "medical_account_changed", programme: "medical", end: "closed", once: []moment{{has("prepare_payment"), changesAccount}}},
		{name: "medical_payment_retried", programme: "medical", account: blockedOnce, end: "closed"},
		{name: "medical_payment_failed", programme: "medical", account: rejectedLater, end: "withdrawn", says: map[string][]said{
			"release_payment": {{who: "releaser1", action: "reject", reason: "payment_data_wrong"}}},
			once: []moment{{pays("failed"), withdraws}}},
		{name: "medical_withdrawn_while_paying", programme: "medical", account: settlesLate, end: "withdrawn",
			once: []moment{{pays("instructed"), withdraws}}},
		{name: "medical_payment_unknown", programme: "medical", account: neverSettles, end: "withdrawn", says: map[string][]said{
			"resolve_payment": {{who: "treasurer2", action: "confirm", data: map[string]any{"outcome": "settled"}},
				{who: "manager1", action: "confirm", data: map[string]any{"outcome": "failed"}},
				{who: "treasurer2", action: "confirm", data: map[string]any{"outcome": "failed"}},
				{who: "manager1", action: "confirm", data: map[string]any{"outcome": "failed"}}},
		}, once: []moment{{pays("instructed"), losesPatience}, {pays("failed"), withdraws}}},
		{name: "medical_parked", programme: "medical", end: "closed",
			once: []moment{{is("following_up"), movesVisits(100)}, {has("repair_configuration"), movesVisits(-100)}}},
		{name: "medical_on_condition", programme: "medical", end: "closed", says: map[string][]said{
			"approve/commune": {{who: "approver1", action: "approve", data: map[string]any{"conditions": []any{
				map[string]any{"code": "paper_handed_in", "text": "The Qanary family hands in the invoice."}}}}}}},
		{name: "housing_returned_to_a_level", programme: "housing_new", end: "closed", says: map[string][]said{
			"approve/province": {{who: "approver2", action: "return", reason: "information_needed", data: map[string]any{"to": "commune",
				"items": []any{map[string]any{"kind": "answers", "problem": "unclear"}}}}}}},
		{name: "medical_checked_by_hand", programme: "medical_checked", end: "closed"},
		{name: "medical_posted", programme: "medical_posted", end: "closed", says: map[string][]said{
			"decide_objection": {{who: "approver5", action: "reject", reason: "other"}}},
			once: []moment{{hangs, objects}, {hangs, passes("P12D")}}},
		{name: "medical_moved", programme: "medical_posted", end: "closed", says: map[string][]said{
			"verify_documents": {{who: "verifier1", action: "return", reason: "documents_missing", data: paper}}},
			once: []moment{{is("action_needed"), moves}, {hangs, passes("P12D")}}},
		{name: "medical_objection_upheld", programme: "medical_posted", end: "closed", once: []moment{{hangs, objects}}},
		{name: "medical_returned", programme: "medical", end: "closed", says: map[string][]said{
			"resolve_payment": {{who: "treasurer2", action: "confirm", data: map[string]any{"outcome": "pay_again"}},
				{who: "manager1", action: "confirm", data: map[string]any{"outcome": "pay_again"}}},
		}, once: []moment{{is("following_up"), comesBack}, {pays("settled"), nothingMore}}},
		// The last: from here on the commune has a poor fund of its own.
		{name: "medical_waiting_funds", programme: "medical", end: "closed",
			once: []moment{{has("field_visit"), opensFund(1_000_000)}, {is("waiting_funds"), contributes(1_000_000)}, {is("waiting_funds"), contributes(50_000_000)}}},
	}
}

// changesAccount has the partner name another account after the approval; the
// level and a treasurer agree, and the account waits its day.
func changesAccount(t *testing.T, p *player) {
	t.Helper()
	r := p.s.partner(t).insist(t, http.MethodPost, "/v1/cases/"+p.id+"/award-changes", map[string]any{"reason_code": "account_closed",
		"payee": map[string]any{"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0078" + ordinary, "account_name": "KIM QANARY VOGELIN"}}, newKey())
	if r.status != http.StatusCreated {
		t.Fatalf("%s\n%s", r, p.s.tail())
	}
	p.say(t, p.s.awaitTask(t, p.id, "approve", "commune"), said{who: "approver1", action: "approve"})
	p.say(t, p.s.awaitTask(t, p.id, "confirm_account", ""), said{who: "treasurer2", action: "confirm"})
	p.s.advance(t, p.id, "P1DT1H")
}

// losesPatience lets the time end within which the rail has to tell the end of
// a payment; it is a day, and a payment on its way does not let time pass.
func losesPatience(t *testing.T, p *player) {
	t.Helper()
	temporal := p.s.engine(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, workflow := range texts(t, p.s.database(t), `SELECT id FROM workflows WHERE case_id = $1 AND kind = 'disbursement'`, p.id) {
		_, err := temporal.WorkflowService().UpdateActivityOptions(ctx, &workflowservice.UpdateActivityOptionsRequest{
			Namespace: p.s.Environment["TEMPORAL_NAMESPACE"], Execution: &commonpb.WorkflowExecution{WorkflowId: workflow},
			Activity:        &workflowservice.UpdateActivityOptionsRequest_Type{Type: "Pay"},
			ActivityOptions: &activitypb.ActivityOptions{ScheduleToCloseTimeout: durationpb.New(time.Second)},
			UpdateMask:      &fieldmaskpb.FieldMask{Paths: []string{"schedule_to_close_timeout"}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// comesBack has two persons record that the bank has returned the payment.
func comesBack(t *testing.T, p *player) {
	t.Helper()
	day := p.now(t).In(time.FixedZone("Vietnam", 7*60*60)).Format(time.DateOnly)
	for _, paid := range p.payments(t, "settled") {
		for i, who := range []string{"treasurer2", "manager1"} {
			r := p.s.as(t, who).insist(t, http.MethodPost, "/v1/payments/"+paid.ID+"/returned", map[string]any{"amount": paid.Amount,
				"returned_on": day, "reference": "FT26061XK2", "reason_code": "account_closed"}, newKey())
			if r.status != []int{http.StatusAccepted, http.StatusOK}[i] {
				t.Fatalf("%s\n%s", r, p.s.tail())
			}
		}
	}
}

// nothingMore is what happens when it was only to be waited for: no visit is
// made before.
func nothingMore(*testing.T, *player) {}

// movesVisits gives what takes the visits of a case out of the way, as a
// careless hand in the database would, or brings them back.
func movesVisits(by int) func(*testing.T, *player) {
	return func(t *testing.T, p *player) {
		t.Helper()
		if _, err := p.s.database(t).Exec(`UPDATE visits SET n = n + $2 WHERE case_id = $1`, p.id, by); err != nil {
			t.Fatal(err)
		}
	}
}

// opensFund gives what opens a fund for the commune of the case, with little
// money in it.
func opensFund(amount int64) func(*testing.T, *player) {
	return func(t *testing.T, p *player) {
		t.Helper()
		area := p.s.caseOf(t, p.id).Area
		r := p.s.as(t, "manager1").insist(t, http.MethodPost, "/v1/funds", map[string]any{"code": "commune_" + area, "name": "Fund of a commune",
			"area": area, "budget": vnd(1_000_000_000)}, newKey())
		if r.status != http.StatusCreated {
			t.Fatalf("%s", r)
		}
		contributes(amount)(t, p)
	}
}

// contributes gives what brings money into that fund.
func contributes(amount int64) func(*testing.T, *player) {
	return func(t *testing.T, p *player) {
		t.Helper()
		area := p.s.caseOf(t, p.id).Area
		for _, f := range list[fund](t, p.s.as(t, "manager1"), "/v1/funds") {
			if f.Area != area {
				continue
			}
			r := p.s.as(t, "treasurer1").insist(t, http.MethodPost, "/v1/funds/"+f.ID+"/contributions", map[string]any{"amount": vnd(amount),
				"received_on": time.Now().UTC().Format(time.DateOnly), "donor": "Qanary and sons", "external_id": itoa(int(amount)) + newKey().value}, newKey())
			if r.status != http.StatusCreated {
				t.Fatalf("%s", r)
			}
		}
	}
}
