package api

import (
	"context"

	"github.com/aidflow/aidflow/internal/postgres"
)

// ListFollowUps gives a page of visits, the next one first.
func (h *handlers) ListFollowUps(ctx context.Context, r ListFollowUpsRequestObject) (ListFollowUpsResponseObject, error) {
	p := r.Params
	page, err := page("follow-ups", p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.FollowUps(ctx, callerOf(ctx), postgres.VisitFilter{Case: p.Case, State: string(p.Status), DueBefore: instant(p.DueBefore)}, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("follow-ups", page, rows)
	return ListFollowUps200JSONResponse{Data: each(rows, visit), HasMore: next != "", NextCursor: next}, nil
}

func visit(v postgres.VisitRow) FollowUp {
	return FollowUp{ID: v.ID, Case: CaseRef{ID: v.CaseID, Reference: text(v.CaseReference)}, N: v.N, DueAt: v.DueAt.UTC(), Status: VisitStatus(v.State),
		Task: text(v.TaskID), DoneAt: moment(v.DoneAt), Outcome: v.Outcome}
}
