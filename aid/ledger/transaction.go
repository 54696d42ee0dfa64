package ledger

import (
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
)

// Kind names the event that a transaction records.
type Kind string

// The events of a fund's money.
const (
	KindContribution  Kind = "contribution"
	KindReserve       Kind = "reserve"
	KindRelease       Kind = "release"
	KindInstruct      Kind = "instruct"
	KindSettleBank    Kind = "settle_bank"
	KindSettleAdvance Kind = "settle_advance"
	KindFail          Kind = "fail"
	KindReturn        Kind = "return"
	KindAdvanceOut    Kind = "advance_out"
	KindAdvanceIn     Kind = "advance_in"
	KindFee           Kind = "fee"
	KindFeeRepaid     Kind = "fee_repaid"
	KindClawback      Kind = "clawback"
	KindOpening       Kind = "opening"       // what a fund brings from older books
	KindYearClose     Kind = "year_close"    // balances out of a year ...
	KindYearOpen      Kind = "year_open"     // ... and into the next
	KindReversal      Kind = "reversal"      // takes back another transaction
	KindRunningCosts  Kind = "running_costs" // always refused
)

// Entry changes one account: debit positive, credit negative, in minor units.
// Purpose names bound money on the accounts that purposes divide; "" is free.
type Entry struct {
	Set     Set     `json:"set"`
	Account Account `json:"account"`
	Amount  int64   `json:"amount"`
	Purpose string  `json:"purpose,omitempty"`
}

// Transaction is one event on one fund in one currency. Key is its business
// key (an award, a tranche and its number, a contribution): the same event
// always has the same key, so that it is posted once however often it is
// tried.
type Transaction struct {
	Kind     Kind    `json:"kind"`
	Fund     string  `json:"fund"`
	Currency string  `json:"currency"`
	Key      string  `json:"key"`
	Entries  []Entry `json:"entries"`
}

// Check refuses a transaction that must not be posted, whoever made it: each
// set sums to zero, there are at least two entries, none of zero, every
// account is in its own set and moves as its kind says. Codes:
// running_costs_refused, ledger_incomplete, ledger_amount,
// ledger_account_unknown, ledger_unbalanced, ledger_kind.
func (t Transaction) Check() error {
	if t.Kind == KindRunningCosts {
		return refuse("running_costs_refused")
	}
	if t.Fund == "" || t.Key == "" || len(t.Entries) < 2 {
		return refuse("ledger_incomplete")
	}
	if _, known := money.Exponent(t.Currency); !known {
		return refuse("currency_unknown")
	}
	sums := map[Set]int64{}
	for _, entry := range t.Entries {
		if entry.Set == "" || SetOf(entry.Account) != entry.Set {
			return refuse("ledger_account_unknown")
		}
		sum, err := add(sums[entry.Set], entry.Amount)
		if entry.Amount == 0 || err != nil {
			return refuse("ledger_amount")
		}
		sums[entry.Set] = sum
	}
	if sums[Books] != 0 || sums[Commitments] != 0 {
		return refuse("ledger_unbalanced")
	}
	return t.checkKind()
}

// checkKind compares the entries with those that the kind's constructor would
// make for the same amount, or for each of its shares, so that a transaction is
// what its name says.
func (t Transaction) checkKind() error {
	if known, err := t.checkBook(); known {
		return err
	}
	if t.Entries[0].Amount < 0 {
		return refuse("ledger_amount")
	}
	for _, moves := range postings[t.Kind] {
		if t.matches(moves) {
			return nil
		}
	}
	return refuse("ledger_kind")
}

func (t Transaction) matches(moves []move) bool {
	size, seen := 2*len(moves), map[string]bool{}
	for rest := t.Entries; len(rest) > 0; rest = rest[size:] {
		if len(rest) < size || rest[0].Amount <= 0 {
			return false
		}
		purpose := purposeOf(rest[:size])
		if seen[purpose] || !slices.Equal(rest[:size], entriesOf(moves, Share{purpose, rest[0].Amount})) {
			return false
		}
		seen[purpose] = true
	}
	return true
}

// purposeOf gives the purpose that a share of a transaction names.
func purposeOf(entries []Entry) string {
	for _, e := range entries {
		if divided(e.Account) {
			return e.Purpose
		}
	}
	return ""
}

func refuse(code string) error { return aid.Refuse(aid.Invalid, code) }

func add(a, b int64) (int64, error) {
	sum, err := money.Of(a, "").Add(money.Of(b, ""))
	return sum.Amount, err
}
