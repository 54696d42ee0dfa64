package api

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
)

// RecordReturn records that a bank has returned a payment, by one of two
// persons; by the second it is returned.
func (h *handlers) RecordReturn(ctx context.Context, r RecordReturnRequestObject) (RecordReturnResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.Payment(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	if v := ifMatch(r.Params.IfMatch, false); v != 0 && v != row.Version {
		return nil, aid.Refuse(aid.Stale, "stale")
	}
	returned, recovery, err := h.store.RecordReturn(ctx, caller, row.ID, postgres.NewReturn{Reference: r.Body.Reference,
		ReturnedOn: r.Body.ReturnedOn.Format(time.DateOnly), Reason: string(r.Body.ReasonCode), Amount: money.Of(r.Body.Amount.Amount, r.Body.Amount.Currency)})
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	if recovery != "" {
		h.startWanted(ctx, recovery)
	}
	if row, err = h.store.Payment(ctx, caller, row.ID); err != nil {
		return nil, err
	}
	if !returned {
		return RecordReturn202JSONResponse{Body: payment(*row), Headers: RecordReturn202ResponseHeaders{ETag: etag(row.Version)}}, nil
	}
	return RecordReturn200JSONResponse{Body: payment(*row), Headers: RecordReturn200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// startWanted asks the engine for a workflow that is written down, for a
// moment: the sweep starts what an engine that is away does not.
func (h *handlers) startWanted(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	w, err := h.store.Workflow(ctx, id)
	if err == nil {
		err = h.process.Start(ctx, w.ID, w.Kind, w.Input)
	}
	if err == nil {
		err = h.store.MarkStarted(ctx, w.ID)
	}
	if err != nil {
		h.log.Warn("workflow not started; the sweep will", "workflow", id, "error", err.Error())
	}
}
