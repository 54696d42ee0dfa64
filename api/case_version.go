package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// MoveCaseVersion brings a manager's wish to move a returned case to another
// version to the case's workflow. What PostgreSQL keeps decides, in its step.
func (h *handlers) MoveCaseVersion(ctx context.Context, r MoveCaseVersionRequestObject) (MoveCaseVersionResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.caseToMove(ctx, caller, r.ID, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if !caller.HasFor(row.Area, row.Programme, aid.RoleManager) {
		return nil, h.tellRefusal(ctx, caller, r.ID, aid.Refuse(aid.Forbidden, "wrong_area"))
	}
	if row.Status != aid.ActionNeeded {
		return nil, aid.Refuse(aid.Conflict, "wrong_state", "status", string(row.Status))
	}
	_, err = h.process.MoveVersion(ctx, row.WorkflowID, aid.VersionMove{ID: resourceID(ctx, aid.DecisionID), Version: r.Body.Version,
		Actor: caller.Actor(), Reason: string(r.Body.ReasonCode)})
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	if row, err = h.store.CaseByID(ctx, caller, row.ID); err != nil {
		return nil, err
	}
	return MoveCaseVersion200JSONResponse{Body: wide(summary(*row)), Headers: MoveCaseVersion200ResponseHeaders{ETag: etag(row.Version)}}, nil
}
