package ledger

import (
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
	KindRunningCosts  Kind = "running_costs" // always refused
)

// Entry changes one account: debit positive, credit negative, in minor units.
type Entry struct {
	Set     Set     `json:"set"`
	Account Account `json:"account"`
	Amount  int64   `json:"amount"`
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
// make for the same amount, so that a transaction is what its name says.
func (t Transaction) checkKind() error {
	amount := t.Entries[0].Amount
	if amount < 0 {
		return refuse("ledger_amount")
	}
	for _, moves := range postings[t.Kind] {
		if matches(t.Entries, moves, amount) {
			return nil
		}
	}
	return refuse("ledger_kind")
}

func matches(entries []Entry, moves []move, amount int64) bool {
	wanted := entriesOf(moves, amount)
	if len(wanted) != len(entries) {
		return false
	}
	for i := range wanted {
		if wanted[i] != entries[i] {
			return false
		}
	}
	return true
}

func refuse(code string) error { return aid.Refuse(aid.Invalid, code) }

func add(a, b int64) (int64, error) {
	sum, err := money.Of(a, "").Add(money.Of(b, ""))
	return sum.Amount, err
}
