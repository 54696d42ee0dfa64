package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// CreateConflict records that the caller does not act in a case.
func (h *handlers) CreateConflict(ctx context.Context, r CreateConflictRequestObject) (CreateConflictResponseObject, error) {
	caller := callerOf(ctx)
	err := h.store.Recuse(ctx, caller, r.ID, postgres.NewRecusal{ID: resourceID(ctx, aid.RecusalID), Reason: string(r.Body.ReasonCode)})
	if err != nil {
		return nil, err
	}
	return CreateConflict201JSONResponse{Body: CaseConflict{Person: caller.Actor(), Declared: true, Decisions: []ConflictedDecision{}}}, nil
}

// ListConflicts tells who may not act in a case, and what they had decided.
func (h *handlers) ListConflicts(ctx context.Context, r ListConflictsRequestObject) (ListConflictsResponseObject, error) {
	rows, err := h.store.Conflicts(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return ListConflicts200JSONResponse{Data: each(rows, conflict)}, nil
}

// ReviewDecision records a manager's word that a decision stands.
func (h *handlers) ReviewDecision(ctx context.Context, r ReviewDecisionRequestObject) (ReviewDecisionResponseObject, error) {
	n := postgres.NewReview{ID: resourceID(ctx, aid.ReviewID), Decision: r.ID, Reason: string(r.Body.ReasonCode), Note: r.Body.Note}
	caller := callerOf(ctx)
	if err := h.store.ReviewConflict(ctx, caller, n); err != nil {
		return nil, err
	}
	return ReviewDecision201JSONResponse{Body: ConflictReview{ID: n.ID, Decision: n.Decision, ReasonCode: n.Reason, ReviewedBy: caller.Actor()}}, nil
}

func conflict(c postgres.ConflictRow) CaseConflict {
	return CaseConflict{Person: c.Person, Declared: c.Declared, Decisions: each(c.Decisions, conflictedDecision)}
}

func conflictedDecision(d postgres.ConflictedDecision) ConflictedDecision {
	return ConflictedDecision{ID: d.ID, Task: d.Task, Kind: TaskKind(d.Kind), Duty: d.Duty, DecidedAt: d.DecidedAt.UTC(), Status: d.State}
}
