package api

import (
	"context"

	"github.com/aidflow/aidflow/internal/postgres"
)

// SetCasePriority makes a case urgent, or no longer so.
func (h *handlers) SetCasePriority(ctx context.Context, r SetCasePriorityRequestObject) (SetCasePriorityResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.SetPriority(ctx, caller, r.ID, ifMatch(r.Params.IfMatch, false), r.Body.Urgent, string(r.Body.ReasonCode))
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	return SetCasePriority200JSONResponse{Body: wide(summary(*row)), Headers: SetCasePriority200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// clock shows working time as durations of ISO 8601.
func clock(k postgres.ClockRow) Clock {
	out := Clock{Scope: k.Scope, Allowed: isoDuration(k.Allowed), Accrued: isoDuration(k.Accrued), Left: isoDuration(k.Allowed - k.Accrued),
		Paused: k.Paused != "", PausedBecause: k.Paused, StartedAt: k.StartedAt.UTC(), DueAt: moment(k.DueAt), EndedAt: moment(k.EndedAt),
		BreachedAt: moment(k.BreachedAt)}
	if k.Accrued > k.Allowed {
		out.Overdue = isoDuration(k.Accrued - k.Allowed)
	}
	return out
}
