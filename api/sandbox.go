package api

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// advanceLimit is the longest that letting time pass may take.
const advanceLimit = 50 * time.Second

// AdvanceCase lets time pass for a case and all its workflows, from deadline
// to deadline, so that a reminder of the seventh day sees the seventh day and
// not the thirtieth. Only a test deployment has it.
func (h *handlers) AdvanceCase(ctx context.Context, r AdvanceCaseRequestObject) (AdvanceCaseResponseObject, error) {
	if !h.cfg.Sandbox || h.mode != "test" {
		return nil, aid.Refuse(aid.NotFound, "no_such_path")
	}
	d, err := parseDuration(r.Body.Duration)
	if err != nil {
		return nil, err
	}
	caller := callerOf(ctx)
	row, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	running, err := h.store.RunningWorkflows(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, w := range running {
		ids = append(ids, w.ID)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), advanceLimit)
	defer cancel()
	before := row.ClockOffset
	err = h.process.Advance(ctx, ids, row.Now, d, func(ctx context.Context, step time.Duration) error {
		moved, err := h.store.AdvanceCase(ctx, caller, row.ID, step)
		if err == nil {
			row = moved.Case
		}
		return err
	})
	// A case that ends on the way needs no more time.
	if err != nil && (aid.CodeOf(err) != "case_closed" || row.ClockOffset == before) {
		return nil, err
	}
	offset := time.Duration(row.ClockOffset * float64(time.Second))
	return AdvanceCase200JSONResponse{Body: CaseClock{Case: row.ID, Now: row.Now.UTC(), Offset: isoDuration(offset)}}, nil
}
