package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// SearchTasks finds tasks of the inbox by names and numbers.
func (h *handlers) SearchTasks(ctx context.Context, r SearchTasksRequestObject) (SearchTasksResponseObject, error) {
	b := r.Body
	list := "tasks/search/" + string(b.View)
	page, err := page(list, b.Limit, b.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.SearchTasks(ctx, callerOf(ctx), b.Text, postgres.TaskFilter{View: postgres.View(b.View), Assignee: b.Assignee,
		Kind: string(b.Kind), Level: b.Level, Programme: b.Programme, Area: b.Area, SLA: string(b.SLA)}, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut(list, page, rows)
	return SearchTasks200JSONResponse{Data: each(rows, taskSummary), HasMore: next != "", NextCursor: next}, nil
}

// CountTasks tells how much the inbox holds.
func (h *handlers) CountTasks(ctx context.Context, r CountTasksRequestObject) (CountTasksResponseObject, error) {
	p := r.Params
	counts, err := h.store.CountTasks(ctx, callerOf(ctx), postgres.TaskFilter{Kind: string(p.Kind), Level: p.Level, Programme: p.Programme, Area: p.Area})
	if err != nil {
		return nil, err
	}
	out := CountTasks200JSONResponse{AsOf: counts.AsOf, Kinds: []TaskKindCount{}}
	for _, c := range counts.By {
		switch c.View {
		case postgres.ViewMine:
			out.Views.Mine += c.Open
		case postgres.ViewGroup:
			out.Views.Group += c.Open
		case postgres.ViewAll:
			out.Views.All += c.Open
		default:
			out.Views.Inbox += c.Open
			out.Views.Unclaimed += c.Unclaimed
			out.Views.Overdue += c.Overdue
			kind := TaskKindCount{Kind: TaskKind(c.Kind), Level: c.Level, Open: c.Open, Unclaimed: c.Unclaimed}
			kind.SLA.None, kind.SLA.AtRisk, kind.SLA.Breached = c.Undated, c.AtRisk, c.Overdue
			kind.SLA.OnTime = c.Open - c.Undated - c.AtRisk - c.Overdue
			out.Kinds = append(out.Kinds, kind)
		}
	}
	return out, nil
}

// ClaimNextTask takes the most urgent free task for the caller.
func (h *handlers) ClaimNextTask(ctx context.Context, r ClaimNextTaskRequestObject) (ClaimNextTaskResponseObject, error) {
	p := r.Params
	row, err := h.store.ClaimNextTask(ctx, callerOf(ctx), postgres.TaskFilter{Kind: string(p.Kind), Level: p.Level, Programme: p.Programme, Area: p.Area})
	if aid.CodeOf(err) == "no_task" {
		return ClaimNextTask204Response{}, nil
	}
	if err != nil {
		return nil, err
	}
	body, err := h.task(ctx, row)
	return ClaimNextTask200JSONResponse{Body: body, Headers: ClaimNextTask200ResponseHeaders{ETag: etag(row.Version)}}, err
}

// AssignTask gives a task to a person.
func (h *handlers) AssignTask(ctx context.Context, r AssignTaskRequestObject) (AssignTaskResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.AssignTask(ctx, caller, r.ID, r.Body.Assignee, ifMatch(r.Params.IfMatch, false))
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	body, err := h.task(ctx, row)
	return AssignTask200JSONResponse{Body: body, Headers: AssignTask200ResponseHeaders{ETag: etag(row.Version)}}, err
}

// positive gives nil for 0, which no amount is: a bound that is not set.
func positive(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}
