package ledger_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
)

// lines are all accounts, divided by purposes where they are.
func lines(purposes ...string) []ledger.Line {
	var out []ledger.Line
	for _, account := range ledger.Accounts() {
		out = append(out, ledger.Line{Account: account})
		if account == ledger.Contributions || account == ledger.Available {
			for _, p := range purposes {
				out = append(out, ledger.Line{Account: account, Purpose: p})
			}
		}
	}
	return out
}

func sum(sums map[ledger.Line]int64, transactions ...ledger.Transaction) map[ledger.Line]int64 {
	for _, t := range transactions {
		for _, e := range t.Entries {
			sums[ledger.Line{Account: e.Account, Purpose: e.Purpose}] += e.Amount
		}
	}
	return sums
}

// TestAYearIsCarriedOver: closing takes every balance away, opening brings the
// same back, to the same purposes.
func TestAYearIsCarriedOver(t *testing.T) {
	before := sum(map[ledger.Line]int64{},
		ledger.Contribution(fund, vnd(100), "c1").From(ledger.Share{Purpose: "a", Amount: 100}),
		ledger.Contribution(fund, vnd(50), "c2"),
		ledger.Reserve(fund, vnd(60), "r").From(ledger.Share{Purpose: "a", Amount: 40}, ledger.Share{Amount: 20}),
		ledger.Instruct(fund, vnd(30), "i"), ledger.SettleFromBank(fund, vnd(30), "s"))
	closing, opening := ledger.Carry(fund, "VND", "2026", before, lines("a"))
	for _, tx := range []ledger.Transaction{closing, opening} {
		if err := tx.Check(); err != nil {
			t.Fatalf("%s: %v", tx.Kind, err)
		}
	}
	for line, n := range sum(sum(map[ledger.Line]int64{}, opening), closing) {
		if n != 0 {
			t.Errorf("%v: %d is left", line, n)
		}
	}
	for line, n := range before {
		if got := sum(map[ledger.Line]int64{}, opening)[line]; got != n {
			t.Errorf("%v: %d opens, %d closed", line, got, n)
		}
	}
	if empty, _ := ledger.Carry(fund, "VND", "2026", nil, lines()); aid.CodeOf(empty.Check()) != "ledger_incomplete" {
		t.Error("a year of nothing is carried over")
	}
	opening.Kind = ledger.KindYearClose
	if aid.CodeOf(opening.Check()) != "ledger_kind" {
		t.Error("a closing that adds")
	}
}

// TestOpeningBalances: older books are taken over as they balance, and promise
// nothing to a case.
func TestOpeningBalances(t *testing.T) {
	good := map[ledger.Account]int64{ledger.Cash: 60, ledger.Advances: 10, ledger.Contributions: 100, ledger.AidPaid: 30,
		ledger.Funding: 100, ledger.Available: 70, ledger.Spent: 30}
	opening := ledger.Opening(fund, "VND", "o", good)
	if err := opening.Check(); err != nil {
		t.Fatal(err)
	}
	b, err := ledger.Balances{Fund: fund, Currency: "VND"}.Apply(opening)
	if err != nil || b.Check() != nil || b.Cash != 60 || b.Available != 70 {
		t.Fatalf("%+v %v", b, err)
	}
	for name, change := range map[string]map[ledger.Account]int64{
		"promised": {ledger.Reserved: 5, ledger.Available: 65}, "unbalanced": {ledger.Cash: 61}, "owed cash": {ledger.Cash: -60, ledger.AidPaid: 150},
	} {
		bad := map[ledger.Account]int64{}
		for account, n := range good {
			bad[account] = n
		}
		for account, n := range change {
			bad[account] = n
		}
		if code := aid.CodeOf(ledger.Opening(fund, "VND", "o", bad).Check()); code != "ledger_kind" && code != "ledger_unbalanced" {
			t.Errorf("%s: %q", name, code)
		}
	}
}

// TestReversals: what a person posted is taken back exactly; what a case or a
// year posted is not.
func TestReversals(t *testing.T) {
	for _, was := range []ledger.Transaction{
		ledger.Contribution(fund, vnd(7), "k").From(ledger.Share{Purpose: "a", Amount: 7}),
		ledger.Transfer(ledger.KindAdvanceOut, fund, vnd(7), "k"), ledger.Transfer(ledger.KindAdvanceIn, fund, vnd(7), "k"),
		ledger.Transfer(ledger.KindFee, fund, vnd(7), "k"), ledger.Transfer(ledger.KindFeeRepaid, fund, vnd(7), "k"),
	} {
		back := ledger.Reverse(was, "k/reversal")
		if err := back.Check(); err != nil || !ledger.Reversible(was.Kind) {
			t.Errorf("%s: %v", was.Kind, err)
		}
		for line, n := range sum(map[ledger.Line]int64{}, was, back) {
			if n != 0 {
				t.Errorf("%s: %v is %d", was.Kind, line, n)
			}
		}
	}
	for _, was := range []ledger.Transaction{
		ledger.Reserve(fund, vnd(7), "k"), ledger.Release(fund, vnd(7), "k"), ledger.Instruct(fund, vnd(7), "k"), ledger.SettleFromBank(fund, vnd(7), "k"),
		ledger.SettleFromAdvance(fund, vnd(7), "k"), ledger.FailBeforeSettlement(fund, vnd(7), "k"), ledger.Clawback(fund, vnd(7), "k"),
		ledger.ReturnAfterSettlement(fund, vnd(7), "k", ledger.Cash), ledger.Reverse(ledger.Contribution(fund, vnd(7), "k"), "r"),
	} {
		if ledger.Reversible(was.Kind) || aid.CodeOf(ledger.Reverse(was, "r2").Check()) != "ledger_kind" && was.Kind != ledger.KindReversal {
			t.Errorf("%s is taken back by hand", was.Kind)
		}
	}
	for kind, code := range map[ledger.Kind]string{ledger.KindRunningCosts: "running_costs_refused", ledger.KindReserve: "ledger_incomplete", "gift": "ledger_incomplete"} {
		if got := aid.CodeOf(ledger.Transfer(kind, fund, vnd(7), "k").Check()); got != code {
			t.Errorf("%s: %q", kind, got)
		}
	}
}
