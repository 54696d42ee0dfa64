package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// CreateTaskBatch leaves a decision on many tasks to a worker.
func (h *handlers) CreateTaskBatch(ctx context.Context, r CreateTaskBatchRequestObject) (CreateTaskBatchResponseObject, error) {
	if err := aid.RefuseAll(batchFaults(r.Body)); err != nil {
		return nil, err
	}
	row, err := h.store.CreateBatch(ctx, callerOf(ctx), newBatch(resourceID(ctx, aid.BatchID), r.Body))
	if err != nil {
		return nil, err
	}
	return CreateTaskBatch202JSONResponse{Body: taskBatch(*row), Headers: CreateTaskBatch202ResponseHeaders{Location: location("task-batches", row.ID)}}, nil
}

// batchFaults wants one way of choosing tasks, and a count with a filter: who
// decides on what was not looked at one by one has counted at least.
func batchFaults(b *TaskBatchNew) []aid.Fault {
	ways := 0
	for _, given := range []bool{len(b.TaskIds) > 0, b.Filter != nil, b.Snapshot != ""} {
		if given {
			ways++
		}
	}
	var faults []aid.Fault
	if ways != 1 {
		faults = append(faults, aid.Fault{Pointer: "/task_ids", Code: "one_selection"})
	}
	if b.Filter != nil && b.ExpectedCount == nil && !b.DryRun {
		faults = append(faults, aid.Fault{Pointer: "/expected_count", Code: "required"})
	}
	if b.Snapshot != "" && b.DryRun {
		faults = append(faults, aid.Fault{Pointer: "/dry_run", Code: "not_allowed"})
	}
	return faults
}

func newBatch(id string, b *TaskBatchNew) postgres.NewBatch {
	in := postgres.NewBatch{ID: id, Content: aid.BatchContent{Action: aid.Action(b.Action), Reason: b.ReasonCode}, Note: b.Note, Behalf: b.OnBehalfOf, Tasks: b.TaskIds,
		Follows: b.Snapshot, Expected: b.ExpectedCount, DryRun: b.DryRun}
	if b.MaxAmount.Currency != "" {
		in.Content.MaxAmount, in.Content.Currency = &b.MaxAmount.Amount, b.MaxAmount.Currency
	}
	if f := b.Filter; f != nil {
		in.Filter = &postgres.TaskFilter{View: postgres.View(f.View), Kind: string(f.Kind), Programme: f.Programme, Area: f.Area, SLA: string(f.SLA), Assignee: f.Assignee}
	}
	return in
}

// ListTaskBatches gives a page of the caller's batches.
func (h *handlers) ListTaskBatches(ctx context.Context, r ListTaskBatchesRequestObject) (ListTaskBatchesResponseObject, error) {
	page, err := page("task-batches", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Batches(ctx, callerOf(ctx), page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("task-batches", page, rows)
	return ListTaskBatches200JSONResponse{Data: each(rows, taskBatch), HasMore: next != "", NextCursor: next}, nil
}

// GetTaskBatch tells how a batch stands.
func (h *handlers) GetTaskBatch(ctx context.Context, r GetTaskBatchRequestObject) (GetTaskBatchResponseObject, error) {
	row, err := h.store.Batch(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetTaskBatch200JSONResponse(taskBatch(*row)), nil
}

// ListTaskBatchItems gives a page of the tasks of a batch with what became of
// each.
func (h *handlers) ListTaskBatchItems(ctx context.Context, r ListTaskBatchItemsRequestObject) (ListTaskBatchItemsResponseObject, error) {
	list := "task-batch/" + r.ID
	page, err := page(list, r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.BatchItems(ctx, callerOf(ctx), r.ID, string(r.Params.Status), r.Params.Code, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut(list, page, rows)
	lang := accepts(ctx)
	return ListTaskBatchItems200JSONResponse{Data: each(rows, func(i postgres.BatchItem) TaskBatchItem { return h.batchItem(i, lang) }),
		HasMore: next != "", NextCursor: next}, nil
}

// CancelTaskBatch stops a batch.
func (h *handlers) CancelTaskBatch(ctx context.Context, r CancelTaskBatchRequestObject) (CancelTaskBatchResponseObject, error) {
	row, err := h.store.CancelBatch(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return CancelTaskBatch200JSONResponse(taskBatch(*row)), nil
}

func taskBatch(b postgres.BatchRow) TaskBatch {
	out := TaskBatch{ID: b.ID, Action: Action(b.Action), ReasonCode: b.Reason, DryRun: b.DryRun, OnBehalfOf: b.Behalf, Snapshot: text(b.Follows), Status: b.State,
		Stopping: b.Stopping, Total: b.Total, Decided: b.Decided, LeftOut: b.LeftOut, Cancelled: b.Cancelled,
		Waiting: b.Total - b.Decided - b.LeftOut - b.Cancelled, Reasons: b.Reasons, CreatedAt: b.CreatedAt.UTC(),
		StartedAt: moment(b.StartedAt), FinishedAt: moment(b.FinishedAt)}
	if b.MaxAmount != nil {
		out.MaxAmount = Money{Amount: *b.MaxAmount, Currency: b.Currency}
	}
	return out
}

func (h *handlers) batchItem(i postgres.BatchItem, lang string) TaskBatchItem {
	out := TaskBatchItem{N: i.N, Task: i.Task, Status: TaskBatchItemStatus(i.State), Code: i.Code, Level: text(i.Level), EndedAt: moment(i.EndedAt)}
	if i.Code != "" {
		out.Message = h.problems.texts.say(lang, i.Code, nil)
	}
	if i.Kind != nil {
		out.Kind, out.Case = TaskKind(*i.Kind), CaseRef{ID: text(i.Case), Reference: text(i.Ref)}
	}
	if i.Currency != nil && i.Amount > 0 {
		out.Amount = Money{Amount: i.Amount, Currency: *i.Currency}
	}
	if i.Asked {
		out.Decision = i.Decision
	}
	if i.OvertakenBy != nil {
		out.OvertakenBy = Decided{By: *i.OvertakenBy, Action: Action(*i.Overtaking), At: i.OvertakenAt.UTC()}
	}
	if i.Holder != nil && i.HeldAt != nil {
		out.Held = Held{By: *i.Holder, Action: HeldActionClaim, At: i.HeldAt.UTC()}
		if i.Assigned {
			out.Held.Action = HeldActionAssign
		}
	}
	return out
}
