package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
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
	out := Transaction{ID: t.ID, At: t.At.UTC(), Kind: t.Kind, Fund: t.FundID, Case: text(t.CaseID), Actor: t.Actor, Reverts: text(t.Reverts),
		ExternalID: t.Number, ReasonCode: t.Reason, Entries: []Entry{}}
	for _, e := range t.Entries {
		out.Currency = e.Currency
		out.Entries = append(out.Entries, Entry{Set: e.Book, Account: e.Account, Amount: e.Amount, Purpose: e.Purpose})
	}
	return out
}

// ReverseTransaction takes back what somebody else posted by hand.
func (h *handlers) ReverseTransaction(ctx context.Context, r ReverseTransactionRequestObject) (ReverseTransactionResponseObject, error) {
	row, err := h.store.Reverse(ctx, callerOf(ctx), r.ID, resourceID(ctx, aid.TransactionID), string(r.Body.ReasonCode))
	if err != nil {
		return nil, err
	}
	return ReverseTransaction201JSONResponse{Body: transaction(*row)}, nil
}

// CreateTransfer records money of a fund that changed its place.
func (h *handlers) CreateTransfer(ctx context.Context, r CreateTransferRequestObject) (CreateTransferResponseObject, error) {
	b := r.Body
	row, err := h.store.Transfer(ctx, callerOf(ctx), postgres.Transfer{ID: resourceID(ctx, aid.TransactionID), FundID: r.ID, Kind: ledger.Kind(b.Kind),
		Amount: money.Of(b.Amount.Amount, b.Amount.Currency), External: b.ExternalID})
	if err != nil {
		return nil, err
	}
	return CreateTransfer201JSONResponse{Body: transaction(*row)}, nil
}

// CreateOpeningBalances takes over the balances of older books.
func (h *handlers) CreateOpeningBalances(ctx context.Context, r CreateOpeningBalancesRequestObject) (CreateOpeningBalancesResponseObject, error) {
	caller, b := callerOf(ctx), r.Body
	f, err := h.store.Fund(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	var faults []aid.Fault
	for member, currency := range map[string]string{"raised": b.Raised.Currency, "paid": b.Paid.Currency, "recovered": b.Recovered.Currency,
		"advances": b.Advances.Currency, "receivable": b.Receivable.Currency} {
		if currency != "" && currency != f.Currency { // the document lets no amount pass without one
			faults = append(faults, aid.Fault{Pointer: "/" + member + "/currency", Code: "currency_not_accepted"})
		}
	}
	if err := aid.RefuseAll(unique(faults)); err != nil {
		return nil, err
	}
	row, err := h.store.Open(ctx, caller, f.ID, resourceID(ctx, aid.TransactionID), postgres.Opening{Raised: b.Raised.Amount, Paid: b.Paid.Amount,
		Recovered: b.Recovered.Amount, Advances: b.Advances.Amount, Receivable: b.Receivable.Amount})
	if err != nil {
		return nil, err
	}
	return CreateOpeningBalances201JSONResponse{Body: transaction(*row)}, nil
}

// ListFundYears gives a page of a fund's closed years.
func (h *handlers) ListFundYears(ctx context.Context, r ListFundYearsRequestObject) (ListFundYearsResponseObject, error) {
	page, err := page("fund-years", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.FundYears(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("fund-years", page, rows)
	return ListFundYears200JSONResponse{Data: each(rows, fundYear), HasMore: next != "", NextCursor: next}, nil
}

// CloseFundYear closes a business year and carries its balances over.
func (h *handlers) CloseFundYear(ctx context.Context, r CloseFundYearRequestObject) (CloseFundYearResponseObject, error) {
	year, err := h.store.CloseYear(ctx, callerOf(ctx), r.ID, r.Body.Year)
	if err != nil {
		return nil, err
	}
	return CloseFundYear201JSONResponse{Body: fundYear(*year)}, nil
}

func fundYear(y postgres.FundYear) FundYear {
	return FundYear{Fund: y.FundID, Year: y.Year, EndsAt: y.EndsAt.UTC(), Closing: y.ClosingID, Opening: y.OpeningID, ClosedBy: y.ClosedBy, ClosedAt: y.ClosedAt.UTC()}
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
