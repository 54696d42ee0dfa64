package api

import (
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/internal/postgres"
)

// settled makes a case whose one payment has arrived, and which is closed.
func (d *door) settled(t *testing.T, i int) (caseID, payment string) {
	t.Helper()
	caseID, payment, _ = d.reserved(t, i)
	_, err := d.db.SQL(t).Exec(`ALTER TABLE payments DISABLE TRIGGER USER;
		UPDATE payments SET state = 'settled', instructed_at = created_at, ended_at = created_at WHERE id = '` + payment + `';
		ALTER TABLE payments ENABLE TRIGGER USER;
		UPDATE tranches SET state = 'settled' WHERE id = (SELECT tranche_id FROM payments WHERE id = '` + payment + `');
		UPDATE awards SET state = 'completed' WHERE case_id = '` + caseID + `'`)
	if err != nil {
		t.Fatal(err)
	}
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) error {
		p, err := tx.LockPayment(c, payment)
		if err != nil {
			return err
		}
		for _, post := range []ledger.Transaction{ledger.Instruct(p.FundID, p.Money(), p.Key()+"/instruct"), ledger.SettleFromBank(p.FundID, p.Money(), p.Key()+"/settle")} {
			if err := tx.Post(post, c.ID, postgres.System); err != nil {
				return err
			}
		}
		for _, event := range []string{aid.EventInstruct, aid.EventPaid, aid.EventClose} {
			if err := tx.MoveCase(c, event); err != nil {
				return err
			}
		}
		if err := tx.EndTasks(c, "void"); err != nil {
			return err
		}
		return tx.EndWait(c.ID)
	})
	return caseID, payment
}

// cameBack is what the bank's statement says of that payment.
func cameBack(change ...func(map[string]any)) map[string]any {
	body := map[string]any{"amount": map[string]any{"amount": 6_000_000, "currency": "VND"}, "returned_on": "2026-03-02",
		"reference": "FT26061XK2", "reason_code": "account_closed"}
	for _, fn := range change {
		fn(body)
	}
	return body
}

func set(name string, value any) func(map[string]any) {
	return func(body map[string]any) { body[name] = value }
}

// One person's word changes nothing; the second has to say the same, and then
// the case pays again, in a workflow of its own that the engine is asked for.
func TestABankReturnIsRecordedByTwo(t *testing.T) {
	d := openDoor(t)
	caseID, payment := d.settled(t, 5)
	path := "/v1/payments/" + payment + "/returned"
	a := d.call("treasurer1", "POST", path, cameBack(set("reference", "MISREAD")), key()...)
	if a.Status != 202 || a.str("status") != "settled" || a.str("bank_return.recorded_by") != "treasurer1" {
		t.Fatal(a.Raw)
	}
	if a := d.call("releaser1", "POST", path, cameBack(), key()...); a.Status != 409 || a.str("code") != "return_differs" {
		t.Fatal(a.Raw)
	}
	for range 2 { // the first corrects, and says it again
		if a := d.call("treasurer1", "POST", path, cameBack(), key()...); a.Status != 202 || a.str("bank_return.reference") != "FT26061XK2" {
			t.Fatal(a.Raw)
		}
	}
	same := key()
	for i := range 2 {
		a = d.call("releaser1", "POST", path, cameBack(), same...)
		if a.Status != 200 || a.str("status") != "returned" || a.str("bank_return.confirmed_by") != "releaser1" || (a.Header.Get("Idempotent-Replayed") == "true") != (i == 1) {
			t.Fatal(a.Raw)
		}
	}
	if a := d.call("manager1", "POST", path, cameBack(), key()...); a.Status != 409 || a.str("code") != "wrong_payment_state" {
		t.Error(a.Raw)
	}
	if a := d.call("manager1", "GET", "/v1/cases/"+caseID, nil); a.str("status") != "paying" || a.str("stage") != "disbursement" {
		t.Error(a.Raw)
	}
	if n := d.count("workflows WHERE id = 'recovery/" + payment + "' AND started_at IS NOT NULL"); n != 1 {
		t.Errorf("%d workflows to make it good", n)
	}
	if n := d.count("ledger_transactions WHERE kind = 'return'"); n != 1 {
		t.Errorf("%d postings", n)
	}
	task := d.call("treasurer2", "GET", "/v1/tasks?kind=resolve_payment&case="+caseID, nil)
	if task.str("data.0.forms.confirm.example.data.outcome") != "pay_again" && !strings.Contains(d.call("treasurer2", "GET", "/v1/tasks/"+task.str("data.0.id"), nil).Raw, `"pay_again"`) {
		t.Error(task.Raw)
	}
}

// What is wrong with a return is told at once, and leaves nothing behind.
func TestBadBankReturns(t *testing.T) {
	d := openDoor(t)
	_, payment := d.settled(t, 5)
	_, due, _ := d.reserved(t, 6)
	for name, tt := range map[string]struct {
		who, payment string
		body         any
		status       int
		says         []string
	}{
		"no body":                {"treasurer1", payment, nil, 400, []string{"body_required"}},
		"an empty one":           {"treasurer1", payment, map[string]any{}, 422, []string{"/amount", "/returned_on", "/reference", "/reason_code"}},
		"unknown member":         {"treasurer1", payment, cameBack(set("note", "canary")), 422, []string{"/note"}},
		"all at once":            {"treasurer1", payment, cameBack(set("amount", map[string]any{"amount": 5_999_999, "currency": "VND"}), set("returned_on", "2026-03-09"), set("reference", " ")), 422, []string{"amount_differs", "in_future", "/reference"}},
		"another currency":       {"treasurer1", payment, cameBack(set("amount", map[string]any{"amount": 6_000_000, "currency": "USD"})), 422, []string{"currency_not_accepted"}},
		"before it was paid":     {"treasurer1", payment, cameBack(set("returned_on", "2026-03-01")), 422, []string{"before_payment"}},
		"no day":                 {"treasurer1", payment, cameBack(set("returned_on", "2026-02-30")), 422, []string{"/returned_on"}},
		"no reason of the list":  {"treasurer1", payment, cameBack(set("reason_code", "canary")), 422, []string{"/reason_code"}},
		"a reference of a novel": {"treasurer1", payment, cameBack(set("reference", strings.Repeat("x", 61))), 422, []string{"/reference"}},
		"not settled":            {"treasurer1", due, cameBack(), 409, []string{"wrong_payment_state"}},
		"by a verifier":          {"verifier1", payment, cameBack(), 403, []string{"wrong_role"}},
		"by its partner":         {"portal1", payment, cameBack(), 403, []string{"wrong_role"}},
		"of another province":    {"verifier3", payment, cameBack(), 403, nil},
		"unknown":                {"treasurer1", postgres.NewID(aid.PaymentID), cameBack(), 404, []string{"payment_not_found"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := d.call(tt.who, "POST", "/v1/payments/"+tt.payment+"/returned", tt.body, key()...)
			if a.Status != tt.status {
				t.Fatalf("%d %s", a.Status, a.Raw)
			}
			for _, part := range tt.says {
				if !strings.Contains(a.Raw, part) {
					t.Errorf("%s is not told: %s", part, a.Raw)
				}
			}
			if strings.Contains(a.Raw, "canary") {
				t.Errorf("the rejected value is told: %s", a.Raw)
			}
		})
	}
	if a := d.call("treasurer1", "POST", "/v1/payments/"+payment+"/returned", cameBack(), append(key(), "If-Match", `"99"`)...); a.Status != 412 {
		t.Error(a.Raw)
	}
	if a := d.call("treasurer1", "POST", "/v1/payments/"+payment+"/returned", cameBack()); a.Status != 400 {
		t.Errorf("without a key: %s", a.Raw)
	}
	if n := d.count("bank_returns"); n != 0 {
		t.Errorf("%d returns were recorded", n)
	}
}

// claimed makes a case that was withdrawn after it was paid, and gives the task
// of getting the money back.
func (d *door) claimed(t *testing.T, i int) (caseID, task string) {
	t.Helper()
	caseID, _ = d.settled(t, i)
	_, err := d.db.SQL(t).Exec(`UPDATE awards SET state = 'cancelled' WHERE case_id = $1`, caseID)
	if err != nil {
		t.Fatal(err)
	}
	return caseID, d.opened(t, caseID, aid.RecoverMoney)
}

func repaid(amount int, reference string) map[string]any {
	return map[string]any{"amount": map[string]any{"amount": amount, "currency": "VND"}, "received_on": "2026-03-02", "reference": reference}
}

// Money comes back in parts, each once; the last one ends the task.
func TestMoneyIsPaidBack(t *testing.T) {
	d := openDoor(t)
	_, task := d.claimed(t, 5)
	path := "/v1/tasks/" + task + "/repayments"
	same := key()
	for range 2 {
		a := d.call("treasurer1", "POST", path, repaid(2_000_000, "PT-1"), same...)
		if a.Status != 201 || a.at("outstanding.amount") != float64(4_000_000) {
			t.Fatal(a.Raw)
		}
	}
	for name, tt := range map[string]struct {
		who, task string
		body      any
		status    int
		says      []string
	}{
		"the same again":     {"treasurer2", task, repaid(2_000_000, "PT-1"), 409, []string{"repayment_exists"}},
		"more than is due":   {"treasurer1", task, repaid(4_000_001, "PT-2"), 422, []string{"amount_above_claim"}},
		"all at once":        {"treasurer1", task, map[string]any{"amount": map[string]any{"amount": 1, "currency": "USD"}, "received_on": "2026-03-09", "reference": " "}, 422, []string{"currency_not_accepted", "in_future", "/reference"}},
		"nothing":            {"treasurer1", task, repaid(0, "PT-2"), 422, []string{"/amount"}},
		"unknown member":     {"treasurer1", task, map[string]any{"canary": 1}, 422, []string{"/canary", "/amount", "/reference"}},
		"no body":            {"treasurer1", task, nil, 400, []string{"body_required"}},
		"by a releaser":      {"releaser1", task, repaid(1, "PT-2"), 403, []string{"wrong_role"}},
		"of an unknown task": {"treasurer1", postgres.NewID(aid.TaskID), repaid(1, "PT-2"), 404, []string{"task_not_found"}},
		"of another work":    {"treasurer1", d.opened(t, d.submitted("medical"), aid.PreparePayment), repaid(1, "PT-2"), 409, []string{"no_money_claimed"}},
		"broken JSON":        {"treasurer1", task, "{", 400, []string{"malformed_json"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := d.call(tt.who, "POST", "/v1/tasks/"+tt.task+"/repayments", tt.body, key()...)
			if a.Status != tt.status {
				t.Fatalf("%d %s", a.Status, a.Raw)
			}
			for _, part := range tt.says {
				if !strings.Contains(a.Raw, part) {
					t.Errorf("%s is not told: %s", part, a.Raw)
				}
			}
		})
	}
	for _, body := range []map[string]any{{"action": "confirm"}, {"action": "confirm", "reason_code": "canary"}} {
		if a := d.decide("treasurer1", task, body); a.Status != 422 || !strings.Contains(a.Raw, "/reason_code") {
			t.Errorf("written off without a reason: %s", a.Raw)
		}
	}
	if a := d.call("treasurer2", "POST", path, repaid(4_000_000, "PT-3"), key()...); a.Status != 201 || a.at("outstanding.amount") != float64(0) {
		t.Fatal(a.Raw)
	}
	if a := d.call("treasurer2", "POST", path, repaid(1, "PT-4"), key()...); a.Status != 409 || a.str("code") != "task_closed" {
		t.Error(a.Raw)
	}
	if a := d.call("manager1", "GET", path, nil); a.Status != 200 || a.at("repaid.amount") != float64(6_000_000) || a.str("repayments.0.reference") != "PT-1" {
		t.Error(a.Raw)
	}
	if n := d.count("ledger_transactions WHERE kind = 'clawback'"); n != 2 {
		t.Errorf("%d postings", n)
	}
}
