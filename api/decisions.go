package api

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// decided is what became of an intent: applied, or pending when the engine has
// not answered in time.
type decided struct {
	id      string
	pending bool
}

// DecideTask takes a person's decision on what that person has seen: the
// intent is stored, the workflow asked, and 200 means committed.
func (h *handlers) DecideTask(ctx context.Context, r DecideTaskRequestObject) (DecideTaskResponseObject, error) {
	caller := callerOf(ctx)
	in := postgres.Intent{ID: resourceID(ctx, aid.DecisionID), Task: r.ID, Actor: caller.Actor(), Partner: caller.Partner(),
		TaskVersion: ifMatch(r.Params.IfMatch, true), Action: aid.Action(r.Body.Action), Reason: r.Body.ReasonCode, Note: r.Body.Note, Behalf: r.Body.OnBehalfOf}
	if err := h.fillIntent(ctx, caller, &in, *r.Body); err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	done, err := h.decide(ctx, in)
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, h.explain(ctx, in.Task, err))
	}
	row, err := h.store.Decision(ctx, caller, done.id)
	if err != nil {
		return nil, err
	}
	if done.pending {
		return DecideTask202JSONResponse{Body: decision(*row), Headers: DecideTask202ResponseHeaders{Location: location("decisions", done.id)}}, nil
	}
	return DecideTask200JSONResponse{Body: decision(*row)}, nil
}

// fillIntent adds amount and data. A task that the caller does not see is not
// there; the amount is in the currency of its case, the data by the form of
// its action. What is wrong with them the store tells with the rest, once it
// knows that the caller may decide at all.
func (h *handlers) fillIntent(ctx context.Context, caller *postgres.Caller, in *postgres.Intent, body DecisionNew) error {
	task, err := h.store.Task(ctx, caller, in.Task)
	if err != nil {
		return err
	}
	in.Task = task.ID
	if body.Amount.Currency != "" {
		in.Amount = &body.Amount.Amount
		if body.Amount.Currency != task.Currency {
			in.Faults = append(in.Faults, aid.Fault{Pointer: "/amount/currency", Code: "currency_not_accepted", Params: map[string]string{"currency": task.Currency}})
		}
	}
	def, err := h.store.Definition(ctx, task.Programme, task.ProgrammeVersion)
	if err != nil {
		return err
	}
	more, err := dataFaults(task.Kind, in.Action, def, body.Data)
	if err != nil {
		return err
	}
	in.Faults = append(in.Faults, more...)
	if body.Data != nil {
		in.Data, err = json.Marshal(body.Data)
	}
	return err
}

// decide stores an intent and has it applied: in SQL alone where no workflow
// is concerned, else by the workflow. The intent's id is also the id of the
// workflow's update, so that a copy of the request is answered by what the
// first one did.
func (h *handlers) decide(ctx context.Context, in postgres.Intent) (decided, error) {
	out := decided{id: in.ID}
	recorded, err := h.store.RecordIntent(ctx, in)
	if err != nil {
		return h.earlier(ctx, in, err)
	}
	if recorded.SQLOnly {
		err = h.store.ApplyIntent(ctx, recorded.Decision)
	} else {
		_, err = h.process.Decide(ctx, recorded.Workflow, recorded.Decision)
	}
	if aid.KindOf(err) == aid.Unknown {
		out.pending = true
		return out, nil
	}
	return out, h.refuse(ctx, in.ID, err)
}

// earlier answers a copy of a request that has taken over from one that never
// answered: the intent of that one may be there already.
func (h *handlers) earlier(ctx context.Context, in postgres.Intent, refusal error) (decided, error) {
	row, err := h.store.Decision(ctx, callerOf(ctx), in.ID)
	if err != nil || (row.State != "applied" && row.State != "intent") {
		return decided{}, refusal
	}
	return decided{id: row.ID, pending: row.State == "intent"}, nil
}

// refuse records in the intent why it was refused. When the engine was away or
// too busy the intent stays: it is sent again until it expires.
func (h *handlers) refuse(ctx context.Context, intent string, refusal error) error {
	switch aid.KindOf(refusal) {
	case "", aid.Unknown, aid.Unavailable:
		return refusal
	}
	if err := h.store.RefuseIntent(context.WithoutCancel(ctx), intent, aid.KindOf(refusal), aid.CodeOf(refusal)); err != nil {
		h.log.Error("refusal not recorded", "decision", intent, "error", err.Error())
	}
	return refusal
}

// explain names who decided or has the task, what that person did, and when,
// to a person who came too late. A refusal that comes from the engine says only
// that.
func (h *handlers) explain(ctx context.Context, task string, refusal error) error {
	var e *aid.Error
	if !errors.As(refusal, &e) || e.Params["at"] != "" {
		return refusal
	}
	switch e.Code {
	case "task_closed", "already_decided", "task_claimed", "workflow_gone":
		if why := h.store.TooLate(ctx, callerOf(ctx), task, e.Code); aid.KindOf(why) == aid.Conflict {
			return why
		}
	}
	return refusal
}

// overtaken tells who was first, of a decision that was refused for that.
func (h *handlers) overtaken(ctx context.Context, d postgres.DecisionRow) (Decided, Held) {
	var why *aid.Error
	if d.State != "refused" || !errors.As(h.explain(ctx, d.TaskID, aid.Refuse(aid.Conflict, d.Refusal)), &why) {
		return Decided{}, Held{}
	}
	return settled(namesFor(callerOf(ctx), why))
}

// tellRefusal records a refused decision in the audit.
func (h *handlers) tellRefusal(ctx context.Context, caller *postgres.Caller, task string, refusal error) error {
	c, ok := ctx.(*gin.Context)
	if code := aid.CodeOf(refusal); ok && code != "" && aid.KindOf(refusal) != aid.Unavailable {
		h.refused(c, caller, "decide", task, code)
	}
	return refusal
}

// GetDecision tells what became of a decision.
func (h *handlers) GetDecision(ctx context.Context, r GetDecisionRequestObject) (GetDecisionResponseObject, error) {
	row, err := h.store.Decision(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	out := decision(*row)
	out.OvertakenBy, out.Held = h.overtaken(ctx, *row)
	return GetDecision200JSONResponse(out), nil
}

func decision(d postgres.DecisionRow) Decision {
	out := Decision{ID: d.ID, Task: d.TaskID, Case: d.CaseID, Action: Action(d.Action), ReasonCode: d.ReasonCode, Status: d.State,
		Result: d.Outcome, RefusalCode: d.Refusal, DecidedBy: d.Actor, OnBehalfOf: d.Behalf, DecidedAt: d.AskedAt.UTC(), AppliedAt: moment(d.DecidedAt)}
	if d.State == "intent" {
		out.Status = "pending"
	}
	if d.Amount != nil {
		out.Amount = Money{Amount: *d.Amount, Currency: d.Currency}
	}
	return out
}
