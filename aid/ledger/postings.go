package ledger

import "github.com/aidflow/aidflow/aid/money"

// move takes an amount from one account to another of the same set.
type move struct{ debit, credit Account }

// postings is the table of events: what each moves. Only a return has a
// choice, of where the money came back to.
var postings = map[Kind][][]move{
	KindContribution:  {{{Cash, Contributions}, {Funding, Available}}},
	KindReserve:       {{{Available, Reserved}}},
	KindRelease:       {{{Reserved, Available}}},
	KindInstruct:      {{{Reserved, InTransit}}},
	KindSettleBank:    {{{AidPaid, Cash}, {InTransit, Spent}}},
	KindSettleAdvance: {{{AidPaid, Advances}, {InTransit, Spent}}},
	KindFail:          {{{InTransit, Reserved}}},
	KindReturn:        {{{Cash, AidPaid}, {Spent, Reserved}}, {{Advances, AidPaid}, {Spent, Reserved}}},
	KindAdvanceOut:    {{{Advances, Cash}}},
	KindAdvanceIn:     {{{Cash, Advances}}},
	KindFee:           {{{Receivable, Cash}}},
	KindFeeRepaid:     {{{Cash, Receivable}}},
	KindClawback:      {{{Cash, Recovered}, {Spent, Available}}},
}

func entriesOf(moves []move, share Share) []Entry {
	entries := make([]Entry, 0, 2*len(moves))
	for _, m := range moves {
		entries = append(entries,
			Entry{Set: SetOf(m.debit), Account: m.debit, Amount: 1}.of(share),
			Entry{Set: SetOf(m.credit), Account: m.credit, Amount: -1}.of(share))
	}
	return entries
}

func post(kind Kind, fund string, m money.Money, key string) Transaction {
	return Transaction{Kind: kind, Fund: fund, Currency: m.Currency, Key: key,
		Entries: entriesOf(postings[kind][0], Share{Amount: m.Amount})}
}

// Contribution records money given to the fund. Like every constructor here it
// checks nothing: Check and Balances.Apply do, an amount of zero or less
// included.
func Contribution(fund string, m money.Money, key string) Transaction {
	return post(KindContribution, fund, m, key)
}

// Reserve sets money aside for an award (last approval).
func Reserve(fund string, m money.Money, key string) Transaction {
	return post(KindReserve, fund, m, key)
}

// Release gives reserved money back (withdrawal, lowered amount, cancel).
func Release(fund string, m money.Money, key string) Transaction {
	return post(KindRelease, fund, m, key)
}

// Instruct records that a rail was told to pay.
func Instruct(fund string, m money.Money, key string) Transaction {
	return post(KindInstruct, fund, m, key)
}

// SettleFromBank records that an instructed payment left the bank account.
func SettleFromBank(fund string, m money.Money, key string) Transaction {
	return post(KindSettleBank, fund, m, key)
}

// SettleFromAdvance records that cash was handed over from an advance.
func SettleFromAdvance(fund string, m money.Money, key string) Transaction {
	return post(KindSettleAdvance, fund, m, key)
}

// FailBeforeSettlement records that an instructed payment did not happen.
func FailBeforeSettlement(fund string, m money.Money, key string) Transaction {
	return post(KindFail, fund, m, key)
}

// ReturnAfterSettlement records that a settled payment came back: to is Cash
// or Advances. With any other account the transaction is refused by Check.
func ReturnAfterSettlement(fund string, m money.Money, key string, to Account) Transaction {
	return Transaction{Kind: KindReturn, Fund: fund, Currency: m.Currency, Key: key,
		Entries: entriesOf([]move{{to, AidPaid}, {Spent, Reserved}}, Share{Amount: m.Amount})}
}

// AdvanceOut records cash given to a commune for hand-over.
func AdvanceOut(fund string, m money.Money, key string) Transaction {
	return post(KindAdvanceOut, fund, m, key)
}

// AdvanceIn records cash that a commune brought back.
func AdvanceIn(fund string, m money.Money, key string) Transaction {
	return post(KindAdvanceIn, fund, m, key)
}

// Fee records a fee that the bank took: the operator owes it to the fund.
func Fee(fund string, m money.Money, key string) Transaction {
	return post(KindFee, fund, m, key)
}

// FeeRepaid records that the operator repaid a fee.
func FeeRepaid(fund string, m money.Money, key string) Transaction {
	return post(KindFeeRepaid, fund, m, key)
}

// Clawback records money that a payee gave back: it may be promised again.
func Clawback(fund string, m money.Money, key string) Transaction {
	return post(KindClawback, fund, m, key)
}

// RunningCosts is refused by Check, always: a fund pays aid and nothing else.
func RunningCosts(fund string, m money.Money, key string) Transaction {
	return Transaction{Kind: KindRunningCosts, Fund: fund, Currency: m.Currency, Key: key}
}
