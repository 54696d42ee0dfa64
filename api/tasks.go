package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// ListTasks gives a page of tasks, most urgent first.
func (h *handlers) ListTasks(ctx context.Context, r ListTasksRequestObject) (ListTasksResponseObject, error) {
	p := r.Params
	list := "tasks/" + string(p.View) + "/" + string(p.Status) + "/" + string(p.Sort)
	page, err := page(list, p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	sort := map[ListTasksParamsSort]string{"opened_at": "opened", "newest": "newest"}[p.Sort]
	caller, filter := callerOf(ctx), postgres.TaskFilter{View: postgres.View(p.View), Case: p.Case, Assignee: p.Assignee, Kind: string(p.Kind), Level: p.Level, Programme: p.Programme,
		MinAmount: p.MinAmount, MaxAmount: positive(p.MaxAmount), OpenedAfter: instant(p.OpenedAfter), OpenedBefore: instant(p.OpenedBefore),
		Area: p.Area, SLA: string(p.SLA), State: string(p.Status), All: p.Status != "", Sort: sort}
	rows, err := h.store.Tasks(ctx, caller, filter, page)
	if err != nil {
		return nil, err
	}
	rows, next := cutBy(list, page, rows, func(t postgres.TaskRow) postgres.Cursor { return t.CursorIn(caller, filter) })
	return ListTasks200JSONResponse{Data: each(rows, taskSummary), HasMore: next != "", NextCursor: next}, nil
}

// GetNextTask gives the most urgent task that the caller may decide.
func (h *handlers) GetNextTask(ctx context.Context, _ GetNextTaskRequestObject) (GetNextTaskResponseObject, error) {
	row, err := h.store.NextTask(ctx, callerOf(ctx))
	if aid.KindOf(err) == aid.NotFound {
		return GetNextTask204Response{}, nil
	}
	if err != nil {
		return nil, err
	}
	body, err := h.task(ctx, row)
	return GetNextTask200JSONResponse{Body: body, Headers: GetNextTask200ResponseHeaders{ETag: etag(row.Version)}}, err
}

// GetTask gives one task with what its reader may do.
func (h *handlers) GetTask(ctx context.Context, r GetTaskRequestObject) (GetTaskResponseObject, error) {
	row, err := h.store.Task(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	body, err := h.task(ctx, row)
	return GetTask200JSONResponse{Body: body, Headers: GetTask200ResponseHeaders{ETag: etag(row.Version)}}, err
}

// ClaimTask takes a task for the caller.
func (h *handlers) ClaimTask(ctx context.Context, r ClaimTaskRequestObject) (ClaimTaskResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.ClaimTask(ctx, caller, r.ID, ifMatch(r.Params.IfMatch, false))
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, h.explain(ctx, r.ID, err))
	}
	body, err := h.task(ctx, row)
	return ClaimTask200JSONResponse{Body: body, Headers: ClaimTask200ResponseHeaders{ETag: etag(row.Version)}}, err
}

// ReleaseTask gives a claimed task back.
func (h *handlers) ReleaseTask(ctx context.Context, r ReleaseTaskRequestObject) (ReleaseTaskResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.ReleaseTask(ctx, caller, r.ID, ifMatch(r.Params.IfMatch, false))
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	body, err := h.task(ctx, row)
	return ReleaseTask200JSONResponse{Body: body, Headers: ReleaseTask200ResponseHeaders{ETag: etag(row.Version)}}, err
}

func taskSummary(t postgres.TaskRow) TaskSummary {
	rule, _ := aid.RuleOf(t.Kind)
	out := TaskSummary{ID: t.ID, Case: CaseRef{ID: t.CaseID, Reference: text(t.CaseReference)}, Kind: TaskKind(t.Kind), Status: TaskStatus(t.State),
		Level: t.Level, Programme: t.Programme, Area: t.Area, Urgent: t.Urgent, Round: t.Round, Review: t.Review, Assignee: text(t.Assignee), AssignedBy: text(t.AssignedBy), AssignedFor: text(t.AssignedFor), ClaimedUntil: moment(t.ClaimedUntil),
		Subject: t.Subject, Outcome: t.Outcome, OpenedAt: t.OpenedAt.UTC(), DueAt: moment(t.DueAt), SLA: SLA(t.SLA)}
	if len(rule.Roles) > 0 {
		out.Role = string(rule.Roles[0])
	}
	if t.Amount > 0 {
		out.Amount = Money{Amount: t.Amount, Currency: t.Currency}
	}
	return out
}

// task renders a whole task: what may be done, with which forms, and why.
func (h *handlers) task(ctx context.Context, t *postgres.TaskRow) (Task, error) {
	s := taskSummary(*t)
	out := Task{ID: s.ID, Case: s.Case, Kind: s.Kind, Status: s.Status, Role: s.Role, Level: s.Level, Programme: s.Programme, Area: s.Area,
		Urgent: s.Urgent, Round: s.Round, Review: s.Review, Assignee: s.Assignee, AssignedBy: s.AssignedBy, AssignedFor: s.AssignedFor, ClaimedUntil: s.ClaimedUntil, Amount: s.Amount, Subject: s.Subject, Outcome: s.Outcome,
		OpenedAt: s.OpenedAt, DueAt: s.DueAt, SLA: s.SLA, AllowedActions: []Action{}, Blocked: t.Blocked}
	for _, a := range t.AllowedActions {
		out.AllowedActions = append(out.AllowedActions, Action(a))
	}
	def, err := h.store.Definition(ctx, t.Programme, t.ProgrammeVersion)
	if err != nil {
		return Task{}, err
	}
	if out.Why, err = h.why(ctx, t, def); err != nil {
		return Task{}, err
	}
	if out.Waiting, err = h.waiting(ctx, t.CaseID); err != nil {
		return Task{}, err
	}
	k, err := h.store.TaskClock(ctx, t.ID)
	if err != nil {
		return Task{}, err
	}
	if k != nil {
		out.Clock = clock(*k)
	}
	out.Forms = forms(t, def)
	if t.Kind == aid.VerifyDocuments || t.Kind == aid.FieldVisit || t.Kind == aid.Approve {
		if out.Checks, err = h.checks(ctx, t); err != nil {
			return Task{}, err
		}
		err = h.judged(ctx, t, def, &out)
	}
	return out, err
}

// waiting tells whom the task's case awaits. An administrator, who repairs,
// sees no case.
func (h *handlers) waiting(ctx context.Context, caseID string) (Waiting, error) {
	row, err := h.store.CaseByID(ctx, callerOf(ctx), caseID)
	if aid.KindOf(err) == aid.NotFound {
		return Waiting{}, nil
	}
	if err != nil || row.WaitingOwner == nil {
		return Waiting{}, err
	}
	return Waiting{Owner: WaitOwner(*row.WaitingOwner), Since: moment(row.WaitingSince)}, nil
}

func (h *handlers) checks(ctx context.Context, t *postgres.TaskRow) ([]Check, error) {
	rows, err := h.store.Checks(ctx, callerOf(ctx), t.CaseID)
	if err != nil {
		return nil, err
	}
	var out []Check
	for _, c := range rows {
		if c.Round == t.Round {
			result := "failed"
			if c.Passed {
				result = "passed"
			}
			out = append(out, Check{Kind: c.Kind, Result: result, Codes: c.Codes, Review: c.Review, At: c.CheckedAt.UTC()})
		}
	}
	return out, nil
}
