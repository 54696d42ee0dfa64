// Package ledger is the double entry of a fund as plain values: every event of
// money becomes one transaction that balances, in two sets of accounts. The
// books say where the money is; the commitments say what it is promised to.
package ledger

// Set is a set of accounts that balances on its own.
type Set string

// The two sets.
const (
	Books       Set = "books"
	Commitments Set = "commitments"
)

// Account is an account of a fund.
type Account string

// The accounts of the books.
const (
	Cash          Account = "cash"          // at the bank
	Advances      Account = "advances"      // cash with a commune, to be handed over
	Receivable    Account = "receivable"    // fees that the operator owes the fund
	Contributions Account = "contributions" // given by donors
	AidPaid       Account = "aid_paid"      // settled to payees
	Recovered     Account = "recovered"     // clawed back
)

// The accounts of the commitments.
const (
	Funding   Account = "funding"    // all that came in to be promised
	Available Account = "available"  // promised to nobody
	Reserved  Account = "reserved"   // set aside by an approval
	InTransit Account = "in_transit" // instructed, not yet settled
	Spent     Account = "spent"      // settled
)

// Accounts lists every account, the books first, each set in the order of
// reports.
func Accounts() []Account {
	return []Account{Cash, Advances, Receivable, Contributions, AidPaid, Recovered,
		Funding, Available, Reserved, InTransit, Spent}
}

// SetOf gives the set of an account, "" for an unknown one.
func SetOf(account Account) Set {
	switch account {
	case Cash, Advances, Receivable, Contributions, AidPaid, Recovered:
		return Books
	case Funding, Available, Reserved, InTransit, Spent:
		return Commitments
	}
	return ""
}

// Normal gives the side on which an account grows: +1 for debit, -1 for
// credit. The natural balance of an account is the sum of its signed entries
// times Normal, and is never negative.
func Normal(account Account) int64 {
	switch account {
	case Cash, Advances, Receivable, AidPaid, Funding:
		return 1
	}
	return -1
}
