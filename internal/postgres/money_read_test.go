package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// reserved takes a case to an award whose money is set aside, with one payment
// due and one visit planned.
func reserved(t testing.TB, db *pgtest.DB, i int) (c *postgres.CreatedCase, payment string) {
	t.Helper()
	c = submit(t, db, "portal1", request(i))
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
		fund, err := tx.FundFor(c.Area, c.Currency)
		if err != nil {
			return err
		}
		c.FundID, c.DecidedAt = &fund, &tx.Now
		for _, event := range []string{aid.EventOpen, aid.EventVerify, aid.EventAward} {
			if err := tx.MoveCase(c, event); err != nil {
				return err
			}
		}
		award, err := tx.ProposeAward(c)
		if err != nil {
			return err
		}
		if ok, err := tx.Reserve(c, award, "approver1"); err != nil || !ok {
			t.Fatalf("reserve: %v %v", ok, err)
		}
		if err := tx.PlanTranches(c, award); err != nil {
			return err
		}
		tranches, err := tx.Tranches(award)
		if err != nil {
			return err
		}
		p, err := tx.MakeDue(c, award, &tranches[0], c.WorkflowID, "")
		if err != nil {
			return err
		}
		payment = p.ID
		if _, _, err := tx.OpenAttempt(p); err != nil {
			return err
		}
		return tx.PlanVisits(c, []time.Time{tx.Now.AddDate(0, 0, 30), tx.Now.AddDate(0, 3, 0)})
	})
	return c, payment
}

func TestFunds(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	treasurer := db.Staff(t, "treasurer1")
	reserved(t, db, 0)
	fund := must(db.Fund(ctx, treasurer, postgres.DevelopmentFund))(t)
	if fund.Raised != 500_000_000 || fund.Budget != 500_000_000 || fund.Reserved != 6_000_000 || fund.Available != 494_000_000 || fund.Room != 494_000_000 || fund.Rails["bank"] != "simulator" {
		t.Fatalf("%+v", fund)
	}
	for who, sees := range map[string]int{"approver1": 1, "manager1": 1, "auditor1": 1, "releaser1": 1, "verifier1": 0, "intake1": 0, "admin1": 0, "verifier3": 0} {
		if got := must(db.Funds(ctx, db.Staff(t, who), postgres.Page{}))(t); len(got) != sees {
			t.Errorf("%s sees %d funds", who, len(got))
		}
	}
	_, err := db.Fund(ctx, db.Partner(t, "portal1"), fund.ID)
	wantCode(t, err, "fund_not_found")
	in := postgres.NewFund{ID: postgres.NewID(aid.FundID), Code: "second", Name: "Second", Area: "51001", Currency: "VND", Budget: 10, Rails: map[string]string{"bank": "simulator"}}
	for range 2 {
		if made := must(db.CreateFund(ctx, treasurer, in))(t); made.ID != in.ID || made.Budget != 10 || made.Raised != 0 {
			t.Fatalf("%+v", made)
		}
	}
	again := in
	again.ID = postgres.NewID(aid.FundID)
	_, err = db.CreateFund(ctx, treasurer, again)
	wantCode(t, err, "duplicate_code")
	_, err = db.CreateFund(ctx, db.Staff(t, "approver1"), again)
	wantCode(t, err, "wrong_role")
	for pointer, change := range map[string]func(*postgres.NewFund){
		"/area":            func(f *postgres.NewFund) { f.Area = "48" },
		"/budget/currency": func(f *postgres.NewFund) { f.Currency = "XXX" },
		"/budget/amount":   func(f *postgres.NewFund) { f.Budget = -1 },
	} {
		wrong := again
		change(&wrong)
		_, err := db.CreateFund(ctx, treasurer, wrong)
		if e, ok := err.(*aid.Error); !ok || len(e.Faults) != 1 || e.Faults[0].Pointer != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	first := must(db.Funds(ctx, treasurer, postgres.Page{Limit: 1}))(t)
	if rest := must(db.Funds(ctx, treasurer, postgres.Page{After: first[0].Cursor()}))(t); len(rest) != 1 || rest[0].ID == first[0].ID {
		t.Fatalf("%+v", rest)
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	auditor := db.Staff(t, "auditor1")
	c, _ := reserved(t, db, 0)
	all := must(db.LedgerTransactions(ctx, auditor, postgres.LedgerFilter{}, postgres.Page{}))(t)
	if len(all) != 2 || all[0].Kind != "reserve" || all[1].Kind != "contribution" {
		t.Fatalf("%+v", all)
	}
	for _, tx := range all {
		sums := map[string]int64{}
		for _, e := range tx.Entries {
			sums[e.Book] += e.Amount
		}
		if len(tx.Entries) == 0 || sums["books"] != 0 || sums["commitments"] != 0 {
			t.Fatalf("%+v", tx)
		}
	}
	soon := db.Clock.Now().Add(time.Hour)
	for name, tc := range map[string]struct {
		filter postgres.LedgerFilter
		n      int
	}{
		"case": {postgres.LedgerFilter{Case: *c.Reference}, 1}, "kind": {postgres.LedgerFilter{Kind: "contribution"}, 1},
		"fund": {postgres.LedgerFilter{Fund: all[0].FundID}, 2}, "from": {postgres.LedgerFilter{From: &soon}, 0}, "to": {postgres.LedgerFilter{To: &soon}, 2},
	} {
		if rows := must(db.LedgerTransactions(ctx, auditor, tc.filter, postgres.Page{}))(t); len(rows) != tc.n {
			t.Errorf("%s: %d", name, len(rows))
		}
	}
	if rest := must(db.LedgerTransactions(ctx, auditor, postgres.LedgerFilter{}, postgres.Page{After: all[0].Cursor()}))(t); len(rest) != 1 || rest[0].ID != all[1].ID {
		t.Fatalf("%+v", rest)
	}
	if rows := must(db.LedgerTransactions(ctx, db.Staff(t, "verifier1"), postgres.LedgerFilter{}, postgres.Page{}))(t); len(rows) != 0 {
		t.Fatalf("a verifier sees %d", len(rows))
	}
	balances := map[string]int64{}
	for _, b := range must(db.LedgerBalances(ctx, auditor, postgres.DevelopmentFund))(t) {
		balances[b.Account] = b.Balance
	}
	if balances["cash"] != 500_000_000 || balances["contributions"] != 500_000_000 || balances["reserved"] != 6_000_000 || balances["available"] != 494_000_000 || balances["spent"] != 0 {
		t.Fatalf("%v", balances)
	}
}

func TestPayments(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	treasurer, portal := db.Staff(t, "treasurer1"), db.Partner(t, "portal1")
	c, id := reserved(t, db, 0)
	_, other := reserved(t, db, 1)
	p := must(db.Payment(ctx, portal, id))(t)
	if p.CaseID != c.ID || p.Amount != 6_000_000 || p.State != aid.PaymentDue || p.Rail != "simulator" || p.Method != "bank" || p.TrancheN != 1 || len(p.Attempts) != 1 || p.TaskID == nil {
		t.Fatalf("%+v", p)
	}
	for name, tc := range map[string]struct {
		filter postgres.PaymentFilter
		n      int
	}{
		"all": {postgres.PaymentFilter{}, 2}, "case": {postgres.PaymentFilter{Case: c.ID}, 1}, "state": {postgres.PaymentFilter{State: "settled"}, 0}, "fund": {postgres.PaymentFilter{Fund: p.FundID}, 2},
	} {
		if rows := must(db.Payments(ctx, treasurer, tc.filter, postgres.Page{}))(t); len(rows) != tc.n {
			t.Errorf("%s: %d", name, len(rows))
		}
	}
	first := must(db.Payments(ctx, treasurer, postgres.PaymentFilter{}, postgres.Page{Limit: 1}))(t)
	if rest := must(db.Payments(ctx, treasurer, postgres.PaymentFilter{}, postgres.Page{After: first[0].Cursor()}))(t); first[0].ID != other || len(rest) != 1 || rest[0].ID != id {
		t.Fatalf("%+v", rest)
	}
	_, err := db.Payment(ctx, db.Partner(t, "portal2"), id)
	wantCode(t, err, "payment_not_found")
	for range 2 {
		if w := must(db.RecordCallback(ctx, "simulator", "msg-1", p.Key(), "settled"))(t); w != "disbursement/"+p.AwardID {
			t.Fatal(w)
		}
	}
	for age, want := range map[time.Duration]string{time.Millisecond: "", 2 * postgres.HintAfter: "disbursement/" + p.AwardID} {
		if _, err := db.SQL(t).Exec(`UPDATE attempts SET sent_at = $1`, db.Clock.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
		if w := must(db.RecordCallback(ctx, "simulator", "msg-4", p.Key(), "settled"))(t); w != want {
			t.Fatalf("sent %s ago: %q", age, w)
		}
	}
	_, err = db.RecordCallback(ctx, "simulator", "msg-2", "x/1/1", "settled")
	wantCode(t, err, "payment_not_found")
	_, err = db.RecordCallback(ctx, "voucher", "msg-3", p.Key(), "settled")
	wantCode(t, err, "payment_not_found")

	// A case whose clock was moved asks by itself.
	if _, err := db.AdvanceCase(ctx, portal, c.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if w := must(db.RecordCallback(ctx, "simulator", "msg-4", p.Key(), "settled"))(t); w != "" {
		t.Fatal(w)
	}

	wantCode(t, db.CancelPayment(ctx, db.Staff(t, "verifier1"), id), "wrong_role")
	if err := db.CancelPayment(ctx, treasurer, id); err != nil {
		t.Fatal(err)
	}
	if p := must(db.Payment(ctx, treasurer, id))(t); p.State != aid.PaymentCancelled || p.TaskID == nil {
		t.Fatalf("a treasurer is asked to pay anew: %+v", p)
	}
	wantCode(t, db.CancelPayment(ctx, treasurer, id), "wrong_payment_state")
}

func TestFollowUps(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	verifier := db.Staff(t, "verifier1")
	c, _ := reserved(t, db, 0)
	all := must(db.FollowUps(ctx, verifier, postgres.VisitFilter{}, postgres.Page{}))(t)
	if len(all) != 2 || all[0].N != 1 || all[0].State != "planned" || *all[0].CaseReference != *c.Reference || all[0].TaskID != nil {
		t.Fatalf("%+v", all)
	}
	soon := db.Clock.Now().AddDate(0, 0, 40)
	for name, tc := range map[string]struct {
		filter postgres.VisitFilter
		n      int
	}{
		"case": {postgres.VisitFilter{Case: *c.Reference}, 2}, "state": {postgres.VisitFilter{State: "completed"}, 0}, "soon": {postgres.VisitFilter{DueBefore: &soon}, 1},
	} {
		if rows := must(db.FollowUps(ctx, verifier, tc.filter, postgres.Page{}))(t); len(rows) != tc.n {
			t.Errorf("%s: %d", name, len(rows))
		}
	}
	if rest := must(db.FollowUps(ctx, verifier, postgres.VisitFilter{}, postgres.Page{After: all[0].Cursor()}))(t); len(rest) != 1 || rest[0].N != 2 {
		t.Fatalf("%+v", rest)
	}
	if rows := must(db.FollowUps(ctx, db.Staff(t, "verifier3"), postgres.VisitFilter{}, postgres.Page{}))(t); len(rows) != 0 {
		t.Fatalf("%+v", rows)
	}
}
