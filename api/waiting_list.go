package api

import (
	"context"

	"github.com/aidflow/aidflow/internal/postgres"
)

// ListWaiting gives a page of a fund's waiting list.
func (h *handlers) ListWaiting(ctx context.Context, r ListWaitingRequestObject) (ListWaitingResponseObject, error) {
	page, err := page("waiting", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.WaitingList(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("waiting", page, rows)
	return ListWaiting200JSONResponse{Data: each(rows, waitingCase), HasMore: next != "", NextCursor: next}, nil
}

func waitingCase(w postgres.WaitingRow) WaitingCase {
	return WaitingCase{Place: w.Place, Case: w.CaseID, Reference: w.Reference, Programme: w.Programme, Area: w.Area,
		Amount: Money{Amount: w.Amount, Currency: w.Currency}, Urgent: w.Urgent, DecidedAt: w.DecidedAt.UTC(), Skipped: w.Skipped}
}

// SkipCase lets others pass a case on its fund's waiting list, or no longer.
func (h *handlers) SkipCase(ctx context.Context, r SkipCaseRequestObject) (SkipCaseResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.SkipWaiting(ctx, caller, r.ID, ifMatch(r.Params.IfMatch, false), r.Body.Skipped, string(r.Body.ReasonCode))
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	return SkipCase200JSONResponse{Body: wide(summary(*row)), Headers: SkipCase200ResponseHeaders{ETag: etag(row.Version)}}, nil
}
