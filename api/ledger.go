package api

import (
	"context"

	"github.com/aidflow/aidflow/internal/postgres"
)

// ListLedgerTransactions gives balanced transactions, newest first.
func (h *handlers) ListLedgerTransactions(ctx context.Context, r ListLedgerTransactionsRequestObject) (ListLedgerTransactionsResponseObject, error) {
	p := r.Params
	page, err := page("ledger", p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.LedgerTransactions(ctx, callerOf(ctx), postgres.LedgerFilter{Fund: p.Fund, Case: p.Case, Kind: p.Kind,
		From: instant(p.From), To: instant(p.To)}, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("ledger", page, rows)
	return ListLedgerTransactions200JSONResponse{Data: each(rows, transaction), HasMore: next != "", NextCursor: next}, nil
}

func transaction(t postgres.LedgerRow) Transaction {
	out := Transaction{ID: t.ID, At: t.At.UTC(), Kind: t.Kind, Fund: t.FundID, Case: text(t.CaseID), Actor: t.Actor, Entries: []Entry{}}
	for _, e := range t.Entries {
		out.Currency = e.Currency
		out.Entries = append(out.Entries, Entry{Set: e.Book, Account: e.Account, Amount: e.Amount, Purpose: e.Purpose})
	}
	return out
}

// ListLedgerBalances gives the natural balance of every account: what a debit
// account holds and what a credit account owes are both above zero.
func (h *handlers) ListLedgerBalances(ctx context.Context, r ListLedgerBalancesRequestObject) (ListLedgerBalancesResponseObject, error) {
	rows, err := h.store.LedgerBalances(ctx, callerOf(ctx), r.Params.Fund)
	if err != nil {
		return nil, err
	}
	return ListLedgerBalances200JSONResponse{Data: each(rows, func(b postgres.BalanceRow) Balance {
		return Balance{Fund: b.FundID, Set: b.Book, Account: b.Account, Balance: Money{Amount: b.Balance, Currency: b.Currency}}
	})}, nil
}
