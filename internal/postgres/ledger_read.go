package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
)

// LedgerRow is one balanced transaction of a fund's ledger.
type LedgerRow struct {
	ID      string           `db:"id"`
	FundID  string           `db:"fund_id"`
	Kind    string           `db:"kind"`
	Key     string           `db:"key"` // business key, unique
	CaseID  *string          `db:"case_id"`
	Actor   string           `db:"actor"`
	At      time.Time        `db:"at"`
	Reverts *string          `db:"reverts"`     // the transaction that it takes back
	Number  string           `db:"reference"`   // the office's own, of the paper or the bank's entry
	Reason  string           `db:"reason_code"` // of what was taken back
	Entries []LedgerEntryRow `db:"-"`
}

// Cursor gives the row's place in the ledger, newest first.
func (r LedgerRow) Cursor() Cursor { return atCursor(r.At, r.ID) }

// LedgerEntryRow is one line of a transaction, in minor units: debit positive,
// credit negative.
type LedgerEntryRow struct {
	TransactionID string `db:"transaction_id"`
	Book          string `db:"book"` // books, commitments
	Account       string `db:"account"`
	Amount        int64  `db:"amount"`
	Currency      string `db:"currency"`
	Purpose       string `db:"purpose"` // id of what the money is bound to; "": free, or not divided
}

// LedgerFilter narrows the ledger; zero values pass everything.
type LedgerFilter struct {
	ID   string
	Fund string // id
	Case string // id or reference
	Kind string
	From *time.Time // included
	To   *time.Time // excluded
}

// LedgerTransactions lists the transactions of the funds that the caller may
// see, newest first, each with its entries.
//
// Errors: Invalid invalid_cursor.
func (s *Store) LedgerTransactions(ctx context.Context, caller *Caller, f LedgerFilter, p Page) ([]LedgerRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	sees, mine := caller.seesFund()
	rows := []LedgerRow{}
	err = s.list(ctx, &rows, `
		SELECT t.id, t.fund_id, t.kind, t.key, t.case_id, t.actor, t.at, t.reverts, t.reference, t.reason_code FROM ledger_transactions t JOIN funds f ON f.id = t.fund_id
		WHERE `+sees+`
		  AND ($2::timestamptz IS NULL OR (t.at, t.id) < ($2, $3))
		  AND ($4::text IS NULL OR t.fund_id = $4) AND ($5::text IS NULL OR t.kind = $5)
		  AND ($6::text IS NULL OR t.case_id = (SELECT c.id FROM cases c WHERE c.id = $6 OR c.reference = $6))
		  AND ($7::timestamptz IS NULL OR t.at >= $7) AND ($8::timestamptz IS NULL OR t.at < $8) AND ($10::text IS NULL OR t.id = $10)
		ORDER BY t.at DESC, t.id DESC LIMIT $9`,
		mine, at, p.After.ID, text(f.Fund), text(f.Kind), text(f.Case), f.From, f.To, p.limit(), text(f.ID))
	if err != nil {
		return nil, err
	}
	return rows, s.fillEntries(ctx, rows)
}

// LedgerTransaction gives one of them.
//
// Errors: NotFound transaction_not_found.
func (s *Store) LedgerTransaction(ctx context.Context, caller *Caller, id string) (*LedgerRow, error) {
	rows, err := s.LedgerTransactions(ctx, caller, LedgerFilter{ID: id}, Page{Limit: 1})
	if err == nil && (len(rows) == 0 || id == "") {
		err = aid.Refuse(aid.NotFound, "transaction_not_found")
	}
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

func (s *Store) fillEntries(ctx context.Context, rows []LedgerRow) error {
	place := map[string]int{}
	ids := make([]string, len(rows))
	for i, r := range rows {
		place[r.ID], ids[i] = i, r.ID
	}
	var entries []LedgerEntryRow
	err := s.list(ctx, &entries, `SELECT transaction_id, book, account, amount, currency, coalesce(purpose_id, '') AS purpose FROM ledger_entries
		WHERE transaction_id = ANY($1) ORDER BY transaction_id, n`, pq.Array(ids))
	for _, e := range entries {
		r := &rows[place[e.TransactionID]]
		r.Entries = append(r.Entries, e)
	}
	return err
}

// BalanceRow is the balance of one account of a fund, in minor units and in
// the account's natural direction.
type BalanceRow struct {
	FundID   string `db:"fund_id"`
	Book     string `db:"book"`
	Account  string `db:"account"`
	Currency string `db:"currency"`
	Balance  int64  `db:"balance"`
}

// LedgerBalances sums the entries of a fund (id or code), or with "" of every
// fund that the caller sees, by account; every account is there. They are sums
// of the ledger itself, not the running balances that approvals are checked
// against: the two must agree.
//
// Errors: NotFound fund_not_found.
func (s *Store) LedgerBalances(ctx context.Context, caller *Caller, fund string) ([]BalanceRow, error) {
	funds, err := s.fundsFor(ctx, caller, fund)
	if err != nil {
		return nil, err
	}
	ids := pq.StringArray{}
	for _, f := range funds {
		ids = append(ids, f.ID)
	}
	type account struct {
		Fund    string `db:"fund_id"`
		Account string `db:"account"`
	}
	var sums []struct {
		account
		Sum int64 `db:"sum"`
	}
	err = s.list(ctx, &sums, `SELECT fund_id, account, sum(amount)::bigint AS sum FROM ledger_entries WHERE fund_id = ANY($1) GROUP BY fund_id, account`, ids)
	if err != nil {
		return nil, err
	}
	byAccount := map[account]int64{}
	for _, row := range sums {
		byAccount[row.account] = row.Sum
	}
	var out []BalanceRow
	for _, f := range funds {
		for _, a := range ledger.Accounts() {
			out = append(out, BalanceRow{FundID: f.ID, Book: string(ledger.SetOf(a)), Account: string(a), Currency: f.Currency,
				Balance: byAccount[account{f.ID, string(a)}] * ledger.Normal(a)})
		}
	}
	return out, nil
}

// fundsFor gives one fund, or with "" all that the caller sees.
func (s *Store) fundsFor(ctx context.Context, caller *Caller, fund string) ([]FundRow, error) {
	if fund == "" {
		return s.Funds(ctx, caller, Page{})
	}
	f, err := s.Fund(ctx, caller, fund)
	if err != nil {
		return nil, err
	}
	return []FundRow{*f}, nil
}
