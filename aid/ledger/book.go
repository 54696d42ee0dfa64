package ledger

import "github.com/aidflow/aidflow/aid/money"

// Line is an account, or the part of it that belongs to a purpose.
type Line struct {
	Account Account
	Purpose string
}

// Opening records what a fund brings from older books, before anything else is
// posted to it: natural balances, none of them promised to a case.
func Opening(fund, currency, key string, balances map[Account]int64) Transaction {
	t := Transaction{Kind: KindOpening, Fund: fund, Currency: currency, Key: key}
	for _, account := range Accounts() {
		if n := balances[account]; n != 0 {
			t.Entries = append(t.Entries, Entry{Set: SetOf(account), Account: account, Amount: n * Normal(account)})
		}
	}
	return t
}

// Carry closes a year and opens the next: the first transaction takes every
// balance away, the second brings it back. Sums are the signed sums of the
// year's entries by line, with what was carried into it. A fund without
// balances has two transactions without entries, which Check refuses.
func Carry(fund, currency, key string, sums map[Line]int64, lines []Line) (closing, opening Transaction) {
	closing = Transaction{Kind: KindYearClose, Fund: fund, Currency: currency, Key: key + "/close"}
	opening = Transaction{Kind: KindYearOpen, Fund: fund, Currency: currency, Key: key + "/open"}
	for _, line := range lines {
		n := sums[line]
		if n == 0 {
			continue
		}
		e := Entry{Set: SetOf(line.Account), Account: line.Account, Amount: n, Purpose: line.Purpose}
		opening.Entries = append(opening.Entries, e)
		e.Amount = -n
		closing.Entries = append(closing.Entries, e)
	}
	return closing, opening
}

// Reverse takes back what a transaction posted, entry by entry. Check refuses
// it for a kind that Reversible refuses.
func Reverse(t Transaction, key string) Transaction {
	out := Transaction{Kind: KindReversal, Fund: t.Fund, Currency: t.Currency, Key: key, Entries: make([]Entry, len(t.Entries))}
	for i, e := range t.Entries {
		e.Amount = -e.Amount
		out.Entries[i] = e
	}
	return out
}

// Reversible tells whether a person may take back a posting of this kind. What
// a case posted is taken back by the case, what a year posted by nobody.
func Reversible(kind Kind) bool {
	switch kind {
	case KindContribution, KindAdvanceOut, KindAdvanceIn, KindFee, KindFeeRepaid:
		return true
	}
	return false
}

// Transfer records money that changed its place and nothing else: an advance
// out or brought back, a fee or its repayment; running costs, which Check
// refuses. Another kind has no entries and is refused, too.
func Transfer(kind Kind, fund string, m money.Money, key string) Transaction {
	switch kind {
	case KindAdvanceOut, KindAdvanceIn, KindFee, KindFeeRepaid:
		return post(kind, fund, m, key)
	}
	return Transaction{Kind: kind, Fund: fund, Currency: m.Currency, Key: key}
}

// checkBook checks the kinds whose entries are not one amount moved. known is
// false for every other kind.
func (t Transaction) checkBook() (known bool, err error) {
	switch t.Kind {
	case KindReversal:
		return true, t.checkReversal()
	case KindOpening, KindYearClose, KindYearOpen:
		return true, t.checkLines()
	}
	return false, nil
}

func (t Transaction) checkReversal() error {
	for kind := range postings {
		was := Reverse(t, t.Key)
		was.Kind = kind
		if Reversible(kind) && was.checkKind() == nil {
			return nil
		}
	}
	return refuse("ledger_kind")
}

// checkLines refuses a line that is there twice or on the wrong side, and an
// opening that promises anything to a case.
func (t Transaction) checkLines() error {
	seen := map[Line]bool{}
	for _, e := range t.Entries {
		line, side := Line{e.Account, e.Purpose}, e.Amount*Normal(e.Account) > 0
		if t.Kind == KindYearClose {
			side = !side
		}
		promised := t.Kind == KindOpening && (e.Account == Reserved || e.Account == InTransit)
		if seen[line] || !side || promised || (e.Purpose != "" && !divided(e.Account)) {
			return refuse("ledger_kind")
		}
		seen[line] = true
	}
	return nil
}
