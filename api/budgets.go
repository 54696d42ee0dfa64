package api

import (
	"context"

	"github.com/aidflow/aidflow/internal/postgres"
)

// ListBudgets gives a page of a fund's budgets.
func (h *handlers) ListBudgets(ctx context.Context, r ListBudgetsRequestObject) (ListBudgetsResponseObject, error) {
	page, err := page("budgets", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Budgets(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("budgets", page, rows)
	return ListBudgets200JSONResponse{Data: each(rows, budget), HasMore: next != "", NextCursor: next}, nil
}

// GetBudget gives one programme's year.
func (h *handlers) GetBudget(ctx context.Context, r GetBudgetRequestObject) (GetBudgetResponseObject, error) {
	row, err := h.store.BudgetOf(ctx, callerOf(ctx), r.ID, r.Programme, r.Year)
	if err != nil {
		return nil, err
	}
	return GetBudget200JSONResponse{Body: budget(*row), Headers: GetBudget200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// CreateBudget limits what a programme may promise of a fund in a year.
func (h *handlers) CreateBudget(ctx context.Context, r CreateBudgetRequestObject) (CreateBudgetResponseObject, error) {
	b := r.Body
	row, err := h.store.CreateBudget(ctx, callerOf(ctx), postgres.Budget{FundID: r.ID, Programme: b.Programme, Year: b.Year,
		Budget: &b.Budget.Amount, Currency: b.Budget.Currency})
	if err != nil {
		return nil, err
	}
	return CreateBudget201JSONResponse{Body: budget(*row), Headers: CreateBudget201ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// ChangeBudget gives a programme another budget for a year.
func (h *handlers) ChangeBudget(ctx context.Context, r ChangeBudgetRequestObject) (ChangeBudgetResponseObject, error) {
	b := r.Body
	row, err := h.store.ChangeBudget(ctx, callerOf(ctx), postgres.Budget{FundID: r.ID, Programme: r.Programme, Year: r.Year,
		Budget: &b.Budget.Amount, Currency: b.Budget.Currency, Version: ifMatch(r.Params.IfMatch, true)}, string(b.ReasonCode))
	if err != nil {
		return nil, err
	}
	return ChangeBudget200JSONResponse{Body: budget(*row), Headers: ChangeBudget200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func budget(b postgres.Budget) Budget {
	out := Budget{Fund: b.FundID, Programme: b.Programme, Year: b.Year, Promised: Money{Amount: b.Promised, Currency: b.Currency}}
	if b.Budget != nil {
		out.Budget = Money{Amount: *b.Budget, Currency: b.Currency}
	}
	return out
}
