package e2e

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
)

// books is what the bank says really moved.
type books struct {
	Movements []struct {
		Key    string `json:"key"`
		Amount int64  `json:"amount"`
	} `json:"movements"`
	States   map[string]int `json:"states"`
	Balanced bool           `json:"balanced"`
}

// bank gives the operator of the simulated bank, a process of its own.
func (s *stack) bank() *caller {
	bank := &caller{s: &stack{State: s.State}, name: "the operator", bearer: s.Environment["AIDFLOW_SIMULATOR_SECRET"]}
	bank.s.API = s.Simulator
	return bank
}

// settleLate has the bank take its time with what it is told to pay for a case
// from now on: long enough to be killed meanwhile, even on a busy machine.
func (s *stack) settleLate(t *testing.T, id string) {
	t.Helper()
	due := list[payment](t, s.as(t, "treasurer1"), "/v1/payments", "case", id)
	if len(due) == 0 {
		t.Fatalf("no payment of %s", id)
	}
	rule := map[string]any{"kind": "settle_late", "keys": due[0].Award + "/*/*", "delay_ms": 20_000}
	r := s.bank().call(t, http.MethodPost, "/v1/faults", map[string]any{"rules": []any{rule}})
	if r.status != http.StatusNoContent {
		t.Fatalf("%s", r)
	}
}

// books asks the bank what really moved.
func (s *stack) books(t *testing.T) books {
	t.Helper()
	r := s.bank().call(t, http.MethodGet, "/v1/books", nil)
	if r.status != http.StatusOK {
		t.Fatalf("%s", r)
	}
	var b books
	r.into(t, &b)
	return b
}

// checkMoney compares everything that the program says about money with the
// bank's own books and with itself.
func (s *stack) checkMoney(t *testing.T) {
	t.Helper()
	b := s.books(t)
	if !b.Balanced {
		t.Error("the bank's books do not balance")
	}
	var ours, theirs []string
	var paid int64
	for _, m := range b.Movements {
		theirs = append(theirs, m.Key+" "+strconv.FormatInt(m.Amount, 10))
		paid += m.Amount
	}
	for _, p := range list[payment](t, s.as(t, "manager1"), "/v1/payments", "status", "settled") {
		ours = append(ours, p.Award+"/"+itoa(p.Tranche)+"/"+itoa(p.N)+" "+strconv.FormatInt(p.Amount.Amount, 10))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("the bank paid\n%v\nthe program says\n%v", theirs, ours)
	}
	s.checkFunds(t, paid)
}

// checkFunds: each fund adds up, within its limit, and what all have spent is
// what the bank has paid.
func (s *stack) checkFunds(t *testing.T, paid int64) {
	t.Helper()
	manager := s.as(t, "manager1")
	var spent int64
	for _, f := range list[fund](t, manager, "/v1/funds") {
		spent += f.Spent.Amount
		if sum := f.Available.Amount + f.Reserved.Amount + f.InTransit.Amount + f.Spent.Amount; sum != f.Raised.Amount {
			t.Errorf("fund %s: available, reserved, in transit and spent are %d, raised is %d", f.Code, sum, f.Raised.Amount)
		}
		if promised := f.Reserved.Amount + f.InTransit.Amount + f.Spent.Amount; promised > min(f.Budget.Amount, f.Raised.Amount) {
			t.Errorf("fund %s has promised %d, more than its budget %d or what was raised %d", f.Code, promised, f.Budget.Amount, f.Raised.Amount)
		}
		s.checkLedger(t, f)
	}
	if spent != paid {
		t.Errorf("the funds have spent %d, the bank has paid %d", spent, paid)
	}
}

// entry is one line of the ledger.
type entry struct {
	Set     string `json:"set"`
	Account string `json:"account"`
	Amount  int64  `json:"amount"`
}

// checkLedger adds the transactions of a fund up again and compares them with
// the balances of its account and with what the fund says of itself.
func (s *stack) checkLedger(t *testing.T, f fund) {
	t.Helper()
	sums, accounts := map[string]int64{}, map[string]int64{}
	for _, tx := range list[struct {
		ID      string  `json:"id"`
		Entries []entry `json:"entries"`
	}](t, s.as(t, "auditor1"), "/v1/ledger/transactions", "fund", f.ID) {
		each := map[string]int64{}
		for _, e := range tx.Entries {
			each[e.Set] += e.Amount
			sums[e.Set] += e.Amount
			accounts[e.Account] += e.Amount
		}
		for set, sum := range each {
			if sum != 0 {
				t.Errorf("transaction %s: %s sums to %d", tx.ID, set, sum)
			}
		}
	}
	for account, want := range map[string]int64{"available": -f.Available.Amount, "reserved": -f.Reserved.Amount, "in_transit": -f.InTransit.Amount,
		"spent": -f.Spent.Amount, "contributions": -f.Raised.Amount, "aid_paid": f.Spent.Amount, "cash": f.Raised.Amount - f.Spent.Amount} {
		if accounts[account] != want {
			t.Errorf("fund %s: the ledger has %s at %d, the fund says %d", f.Code, account, accounts[account], want)
		}
	}
}
