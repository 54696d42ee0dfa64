package api

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/internal/postgres"
)

// ListConditions gives what the approvals of a case ask for before money goes
// out.
func (h *handlers) ListConditions(ctx context.Context, r ListConditionsRequestObject) (ListConditionsResponseObject, error) {
	rows, err := h.store.Conditions(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return ListConditions200JSONResponse{Data: each(rows, condition)}, nil
}

func condition(k postgres.ConditionRow) Condition {
	out := Condition{ID: k.ID, Code: k.Code, Text: k.Text, Masked: k.Masked, Level: k.Level, Status: k.State(), Task: text(k.TaskID),
		StatedBy: k.StatedBy, StatedAt: k.StatedAt.UTC(), MetAt: moment(k.MetAt)}
	if k.DueOn != nil {
		out.Due = k.DueOn.Format(time.DateOnly)
	}
	return out
}
