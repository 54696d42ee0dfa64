package ledger

import (
	"slices"

	"github.com/aidflow/aidflow/aid"
)

// Balances are the natural balances of one fund in one currency, in minor
// units: every account is zero or more.
type Balances struct {
	Fund          string `json:"fund"`
	Currency      string `json:"currency"`
	Cash          int64  `json:"cash"`
	Advances      int64  `json:"advances"`
	Receivable    int64  `json:"receivable"`
	Contributions int64  `json:"contributions"`
	AidPaid       int64  `json:"aid_paid"`
	Recovered     int64  `json:"recovered"`
	Funding       int64  `json:"funding"`
	Available     int64  `json:"available"`
	Reserved      int64  `json:"reserved"`
	InTransit     int64  `json:"in_transit"`
	Spent         int64  `json:"spent"`
}

// FromSums makes balances of the sums of signed entries (debit positive) per
// account, as a database adds them up.
func FromSums(fund, currency string, sums map[Account]int64) Balances {
	b := Balances{Fund: fund, Currency: currency}
	for _, account := range Accounts() {
		*b.at(account) = sums[account] * Normal(account)
	}
	return b
}

// Of gives the natural balance of an account, 0 for an unknown one.
func (b Balances) Of(account Account) int64 {
	if SetOf(account) == "" {
		return 0
	}
	return *b.at(account)
}

func (b *Balances) at(account Account) *int64 {
	fields := []*int64{&b.Cash, &b.Advances, &b.Receivable, &b.Contributions, &b.AidPaid, &b.Recovered,
		&b.Funding, &b.Available, &b.Reserved, &b.InTransit, &b.Spent}
	return fields[slices.Index(Accounts(), account)]
}

// Apply gives the balances after a transaction. It refuses what Check refuses,
// another fund or currency (ledger_other_fund), an account that would fall
// below zero (money_short for available, balance_negative for the others; both
// conflicts: the state does not allow it) and sums that do not fit
// (ledger_amount).
func (b Balances) Apply(t Transaction) (Balances, error) {
	if err := t.Check(); err != nil {
		return b, err
	}
	if t.Fund != b.Fund || t.Currency != b.Currency {
		return b, refuse("ledger_other_fund")
	}
	after := b
	for _, entry := range t.Entries {
		field := after.at(entry.Account)
		sum, err := add(*field, entry.Amount*Normal(entry.Account))
		if err != nil {
			return b, refuse("ledger_amount")
		}
		*field = sum
	}
	for _, entry := range t.Entries {
		if after.Of(entry.Account) < 0 {
			return b, short(entry.Account)
		}
	}
	return after, nil
}

func short(account Account) error {
	if account == Available {
		return aid.Refuse(aid.Conflict, "money_short")
	}
	return aid.Refuse(aid.Conflict, "balance_negative", "account", string(account))
}

// Check tells whether the balances can be true: none is negative
// (balance_negative), both sets balance (ledger_unbalanced), and the money
// there is equals the money that is promised or free:
// cash + advances + receivable = available + reserved + in transit
// (ledger_out_of_step).
func (b Balances) Check() error {
	sums := map[Set]int64{}
	for _, account := range Accounts() {
		if b.Of(account) < 0 {
			return short(account)
		}
		sums[SetOf(account)] += b.Of(account) * Normal(account)
	}
	if sums[Books] != 0 || sums[Commitments] != 0 {
		return refuse("ledger_unbalanced")
	}
	if b.Cash+b.Advances+b.Receivable != b.Available+b.Reserved+b.InTransit {
		return refuse("ledger_out_of_step")
	}
	return nil
}

// CheckLimit refuses balances that promise more than allowed:
// reserved + in transit + spent <= least(budget, raised), where raised is what
// donors contributed. Code: limit_exceeded.
func (b Balances) CheckLimit(budget int64) error {
	if b.promised() > min(budget, b.Contributions) {
		return aid.Refuse(aid.Conflict, "limit_exceeded")
	}
	return nil
}

// Room gives how much may still be reserved under a budget, never less than
// zero.
func (b Balances) Room(budget int64) int64 {
	return max(min(min(budget, b.Contributions)-b.promised(), b.Available), 0)
}

func (b Balances) promised() int64 { return b.Reserved + b.InTransit + b.Spent }
