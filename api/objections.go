package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// CreateObjection records what somebody says against an award that hangs out,
// and asks an approver without a duty in the case to decide it.
func (h *handlers) CreateObjection(ctx context.Context, r CreateObjectionRequestObject) (CreateObjectionResponseObject, error) {
	row, err := h.store.Object(ctx, callerOf(ctx), r.ID, postgres.NewObjection{ID: resourceID(ctx, aid.ObjectionID), Reason: r.Body.ReasonCode,
		Text: r.Body.Text, Name: r.Body.Name, Contact: r.Body.Contact})
	if err != nil {
		return nil, err
	}
	return CreateObjection201JSONResponse{Body: objection(*row)}, nil
}

// ListObjections gives a page of the objections to a case's awards.
func (h *handlers) ListObjections(ctx context.Context, r ListObjectionsRequestObject) (ListObjectionsResponseObject, error) {
	const list = "objections"
	page, err := page(list, r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Objections(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut(list, page, rows)
	return ListObjections200JSONResponse{Data: each(rows, objection), HasMore: next != "", NextCursor: next}, nil
}

func objection(o postgres.ObjectionRow) Objection {
	return Objection{ID: o.ID, Case: o.CaseID, Task: o.TaskID, ReasonCode: o.Reason, Anonymous: o.Anonymous, Text: o.Text, Name: o.Name,
		Contact: o.Contact, Masked: o.Masked, Status: o.State, RecordedBy: o.RecordedBy, RecordedAt: o.RecordedAt.UTC(), DecidedBy: o.DecidedBy,
		DecidedAt: moment(o.DecidedAt)}
}
