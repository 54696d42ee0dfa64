package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

// What treasurers post by hand: everything else is posted by the cases.

// Transfer is money of a fund that changed its place: cash to a commune for
// hand-over or brought back, a fee of the bank or its repayment.
type Transfer struct {
	ID       string // of the transaction; the same again posts nothing
	FundID   string // or code
	Kind     ledger.Kind
	Amount   money.Money
	External string // the office's own number of the paper, unique per fund and kind; "": the id
}

// Transfer posts it. Running costs are refused, whoever asks, and the refusal
// is in the audit: a fund pays aid and nothing else.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area; Invalid
// currency_not_accepted, running_costs_refused; Conflict duplicate_external_id,
// money_short.
func (s *Store) Transfer(ctx context.Context, caller *Caller, in Transfer) (*LedgerRow, error) {
	f, err := s.keptFund(ctx, caller, in.FundID)
	if err != nil {
		return nil, err
	}
	if in.Amount.Currency != f.Currency {
		return nil, aid.RefuseAll([]aid.Fault{{Pointer: "/amount/currency", Code: "currency_not_accepted"}})
	}
	number := in.External
	if number == "" {
		number = in.ID
	}
	t := ledger.Transfer(in.Kind, f.ID, in.Amount, f.ID+"/"+string(in.Kind)+"/"+number)
	if err := t.Check(); err != nil {
		if aid.CodeOf(err) != "running_costs_refused" {
			return nil, err
		}
		if err := s.AuditRefusal(ctx, caller, "transfer", f.ID, "running_costs_refused"); err != nil {
			return nil, err
		}
		return nil, aid.RefuseAll([]aid.Fault{{Pointer: "/kind", Code: "running_costs_refused"}})
	}
	return s.postByHand(ctx, caller, "transfer", "duplicate_external_id", posting{Transaction: t, id: in.ID, reference: in.External})
}

// Reverse takes back a transaction that was posted by hand, by one that mirrors
// it, as a treasurer of the fund's area who did not post it. Each is taken back
// at most once; what a case posted is taken back by the case only. id is of the
// new transaction; the same again posts nothing.
//
// Errors: NotFound transaction_not_found; Forbidden wrong_area, second_person;
// Conflict not_reversible (param kind), reverted_already, money_short when the
// money is promised or gone.
func (s *Store) Reverse(ctx context.Context, caller *Caller, transaction, id, reason string) (*LedgerRow, error) {
	was, err := s.LedgerTransaction(ctx, caller, transaction)
	if err != nil {
		return nil, err
	}
	if _, err := s.keptFund(ctx, caller, was.FundID); err != nil {
		return nil, err
	}
	t := was.transaction()
	switch {
	case !ledger.Reversible(t.Kind):
		return nil, aid.Refuse(aid.Conflict, "not_reversible", "kind", was.Kind)
	case was.Actor == caller.Actor():
		return nil, aid.Refuse(aid.Forbidden, "second_person")
	}
	return s.postByHand(ctx, caller, "reverse_transaction", "reverted_already",
		posting{Transaction: ledger.Reverse(t, was.ID+"/reversal"), id: id, reverts: was.ID, reason: reason})
}

// transaction gives the row in the words of the ledger.
func (r *LedgerRow) transaction() ledger.Transaction {
	t := ledger.Transaction{Kind: ledger.Kind(r.Kind), Fund: r.FundID, Key: r.Key}
	for _, e := range r.Entries {
		t.Currency = e.Currency
		t.Entries = append(t.Entries, ledger.Entry{Set: ledger.Set(e.Book), Account: ledger.Account(e.Account), Amount: e.Amount, Purpose: e.Purpose})
	}
	return t
}

// Opening is what a fund brings from older books, in minor units.
type Opening struct {
	Raised     int64 // contributed so far
	Paid       int64 // of that, paid to households
	Recovered  int64 // of that, brought back by them
	Advances   int64 // cash with communes
	Receivable int64 // fees that the operator owes
}

// Open takes over the balances of older books into a fund in which nothing is
// posted yet. What is left at the bank follows from the rest; nothing of it is
// promised to a case. id is of the transaction; the same again posts nothing.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area; Invalid
// opening_unbalanced when more would have gone out than came in; Conflict
// fund_in_use, money_short when more was paid than the budget.
func (s *Store) Open(ctx context.Context, caller *Caller, fund, id string, in Opening) (*LedgerRow, error) {
	f, err := s.keptFund(ctx, caller, fund)
	if err != nil {
		return nil, err
	}
	spent := in.Paid - in.Recovered
	cash := in.Raised - spent - in.Advances - in.Receivable
	if spent < 0 || cash < 0 {
		return nil, aid.RefuseAll([]aid.Fault{{Pointer: "", Code: "opening_unbalanced"}})
	}
	t := ledger.Opening(f.ID, f.Currency, f.ID+"/opening", map[ledger.Account]int64{
		ledger.Cash: cash, ledger.Advances: in.Advances, ledger.Receivable: in.Receivable, ledger.Contributions: in.Raised,
		ledger.AidPaid: in.Paid, ledger.Recovered: in.Recovered,
		ledger.Funding: in.Raised, ledger.Available: in.Raised - spent, ledger.Spent: spent})
	return s.postByHand(ctx, caller, "open_fund", "fund_in_use", posting{Transaction: t, id: id})
}

// keptFund gives a fund whose books the caller keeps: a treasurer of its area.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area.
func (s *Store) keptFund(ctx context.Context, caller *Caller, idOrCode string) (*FundRow, error) {
	f, err := s.Fund(ctx, caller, idOrCode)
	if err == nil && !caller.Has(aid.RoleTreasurer, f.Area) {
		err = aid.Refuse(aid.Forbidden, "wrong_area")
	}
	return f, err
}

// postByHand posts what a person wants, once, and writes it into the audit. What
// was posted before under the same key is refused with a code of its own. New
// free money, if it is any, is offered to the waiting list.
func (s *Store) postByHand(ctx context.Context, caller *Caller, act, twice string, p posting) (*LedgerRow, error) {
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.lockFund(p.Fund); err != nil {
			return err
		}
		var known struct {
			There bool `db:"there"`
			Used  bool `db:"used"`
		}
		err := tx.get(&known, `SELECT EXISTS (SELECT 1 FROM ledger_transactions WHERE id = $1) AS there,
			EXISTS (SELECT 1 FROM ledger_transactions WHERE fund_id = $2) AS used`, p.id, p.Fund)
		switch {
		case err != nil || known.There:
			return err
		case known.Used && p.Kind == ledger.KindOpening:
			return aid.Refuse(aid.Conflict, twice)
		}
		p.at, p.actor = tx.Now, caller.Actor()
		if err := tx.post(p); aid.CodeOf(err) == "posting_exists" {
			return aid.Refuse(aid.Conflict, twice)
		} else if err != nil {
			return err
		}
		if err := tx.AddAudit(caller.Actor(), act, p.id, "done", p.reason); err != nil {
			return err
		}
		return tx.WakeWaiting(p.Fund)
	})
	if err != nil {
		return nil, err
	}
	return s.LedgerTransaction(ctx, caller, p.id)
}
