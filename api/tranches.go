package api

import (
	"context"

	"github.com/aidflow/aidflow/internal/postgres"
)

// ListCaseTranches gives the instalments of a case's awards.
func (h *handlers) ListCaseTranches(ctx context.Context, r ListCaseTranchesRequestObject) (ListCaseTranchesResponseObject, error) {
	rows, err := h.store.CaseTranches(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return ListCaseTranches200JSONResponse{Data: each(rows, tranche)}, nil
}

// HoldTranche keeps an instalment from being paid.
func (h *handlers) HoldTranche(ctx context.Context, r HoldTrancheRequestObject) (HoldTrancheResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.HoldTranche(ctx, caller, r.ID, ifMatch(r.Params.IfMatch, false), string(r.Body.ReasonCode))
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	return HoldTranche200JSONResponse{Body: tranche(*row), Headers: HoldTranche200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// UnholdTranche lets a held instalment go.
func (h *handlers) UnholdTranche(ctx context.Context, r UnholdTrancheRequestObject) (UnholdTrancheResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.UnholdTranche(ctx, caller, r.ID, ifMatch(r.Params.IfMatch, false), string(r.Body.ReasonCode))
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	return UnholdTranche200JSONResponse{Body: tranche(*row), Headers: UnholdTranche200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// SkipTranche gives an instalment up.
func (h *handlers) SkipTranche(ctx context.Context, r SkipTrancheRequestObject) (SkipTrancheResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.SkipTranche(ctx, caller, r.ID, ifMatch(r.Params.IfMatch, false), string(r.Body.ReasonCode))
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	return SkipTranche200JSONResponse{Body: tranche(*row), Headers: SkipTranche200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func tranche(t postgres.TrancheRow) Tranche {
	sum := func(amount int64) Money { return Money{Amount: amount, Currency: t.Currency} }
	return Tranche{ID: t.ID, Case: t.CaseID, Award: t.AwardID, N: t.N, Amount: sum(t.Amount), Paid: sum(t.Paid), Released: sum(t.Released),
		Milestone: t.Milestone, Status: TrancheStatus(t.State), Held: t.Held, HeldReason: t.HeldReason, Task: text(t.TaskID)}
}
