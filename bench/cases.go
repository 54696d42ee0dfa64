package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// content is a request of the nth invented household.
func (r *rig) content(ctx context.Context, code string, n int) (postgres.CaseContent, error) {
	var in postgres.CaseContent
	row, err := r.store.Programme(ctx, code)
	if err != nil {
		return in, err
	}
	if err := json.Unmarshal(row.Definition.ExampleRequest, &in); err != nil {
		return in, err
	}
	var asked struct{ Requested struct{ Amount int64 } }
	if err := json.Unmarshal(row.Definition.ExampleRequest, &asked); err != nil {
		return in, err
	}
	head := postgres.DevelopmentHousehold(n)[0]
	in.Programme, in.Area, in.ExternalID = code, head.Area, fmt.Sprintf("bench-%s-%d", code, n)
	in.Applicant = postgres.Applicant{FullName: head.FullName, NationalID: head.NationalID, BirthDate: head.BirthDate, Sex: head.Sex}
	in.Household = postgres.Household{Code: head.HouseholdCode}
	in.RequestedAmount, in.Currency = asked.Requested.Amount, "VND"
	in.Payee.AccountNumber = fmt.Sprintf("0051%06d", n) // its own: one account in many cases is a finding
	return in, nil
}

// submit puts in a case as the API does: one transaction, then the start.
func (r *rig) submit(ctx context.Context, code string, n int) (string, error) {
	in, err := r.content(ctx, code, n)
	if err != nil {
		return "", err
	}
	return r.submitContent(ctx, in)
}

func (r *rig) submitContent(ctx context.Context, in postgres.CaseContent) (string, error) {
	c, err := r.store.CreateCase(ctx, r.partner, postgres.NewID(aid.CaseID), in, false)
	if err != nil {
		return "", err
	}
	w, err := r.store.Workflow(ctx, c.WorkflowID)
	if err != nil {
		return "", err
	}
	if err := r.process.Start(ctx, w.ID, w.Kind, w.Input); err != nil {
		return "", err
	}
	return c.ID, r.store.MarkStarted(ctx, w.ID)
}

// task is an open task as far as its decider needs to know it. It is read with
// one small statement: the inbox has its own benchmark.
type task struct {
	ID      string       `db:"id"`
	Kind    aid.TaskKind `db:"kind"`
	Level   string       `db:"level"`
	Version int          `db:"version"`
}

// wholeCase takes one case from its request to its closed door. People decide
// as soon as they are asked.
func (r *rig) wholeCase(ctx context.Context, code string, n int) (string, error) {
	id, err := r.submit(ctx, code, n)
	for waited := 0; err == nil; {
		var t task
		var closed bool
		err = r.plain.QueryRowxContext(ctx, `SELECT c.status = 'closed', coalesce(t.id, ''), coalesce(t.kind, ''), coalesce(t.level, ''), coalesce(t.version, 0)
			FROM cases c LEFT JOIN tasks t ON t.case_id = c.id AND t.closed_at IS NULL WHERE c.id = $1 LIMIT 1`, id).
			Scan(&closed, &t.ID, &t.Kind, &t.Level, &t.Version)
		switch {
		case err != nil || closed:
			return id, err
		case t.ID == "":
			waited++
			time.Sleep(min(time.Duration(waited)*20*time.Millisecond, 300*time.Millisecond))
		default:
			waited = 0
			err = r.decide(ctx, code, t)
		}
	}
	return id, err
}

// decide makes the decision that the task's person would make.
func (r *rig) decide(ctx context.Context, code string, t task) error {
	actor, action := who(t)
	data, err := r.report(ctx, code, t)
	if err != nil {
		return err
	}
	recorded, err := r.store.RecordIntent(ctx, postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: t.ID, Actor: actor, TaskVersion: t.Version,
		Action: action, Data: data})
	if err != nil {
		return err
	}
	if recorded.SQLOnly {
		return r.store.ApplyIntent(ctx, recorded.Decision)
	}
	for {
		_, err = r.process.Decide(ctx, recorded.Workflow, recorded.Decision)
		if aid.CodeOf(err) != "workflow_gone" { // the next workflow is being started
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// report is what a verifier reports of a visit: the programme's own example;
// nil where nothing is asked.
func (r *rig) report(ctx context.Context, code string, t task) (json.RawMessage, error) {
	row, err := r.store.Programme(ctx, code)
	if err != nil || t.Kind != aid.FieldVisit || row.Definition.Visit == nil {
		return nil, err
	}
	var form struct{ Examples []json.RawMessage }
	if err := json.Unmarshal(row.Definition.Visit.Form, &form); err != nil || len(form.Examples) == 0 {
		return nil, err
	}
	return json.Marshal(map[string]json.RawMessage{"seen": form.Examples[0]})
}

func who(t task) (string, aid.Action) {
	switch {
	case t.Kind == aid.ConfirmMilestone:
		return "verifier1", aid.ActionConfirm
	case t.Kind == aid.Approve && t.Level == "commune":
		return "approver1", aid.ActionApprove
	case t.Kind == aid.Approve && t.Version == 1:
		return "approver2", aid.ActionApprove
	case t.Kind == aid.Approve:
		return "approver4", aid.ActionApprove
	case t.Kind == aid.PreparePayment:
		return "treasurer1", aid.ActionConfirm
	case t.Kind == aid.ReleasePayment:
		return "releaser1", aid.ActionApprove
	case t.Kind == aid.FollowUpVisit:
		return "verifier2", aid.ActionComplete
	}
	return "verifier1", aid.ActionComplete
}

// wholeControl takes one control case through the same updates.
func (r *rig) wholeControl(ctx context.Context, code string, n int) (string, error) {
	in := controlInput{Shape: shapes()[code], ID: fmt.Sprintf("%s-%d", code, n)}
	_, err := r.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "c/" + in.ID, TaskQueue: controlQueue}, "controlCase", in)
	if err != nil {
		return "", err
	}
	for range in.Shape.Decisions {
		if err := r.controlUpdate(ctx, "c/"+in.ID); err != nil {
			return "", err
		}
	}
	for _, updates := range in.Shape.Tranches {
		for range updates {
			if err := r.controlUpdate(ctx, "d/"+in.ID); err != nil {
				return "", err
			}
		}
	}
	for range in.Shape.Visits {
		if err := r.controlUpdate(ctx, "f/"+in.ID); err != nil {
			return "", err
		}
	}
	return in.ID, r.temporal.GetWorkflow(ctx, "f/"+in.ID, "").Get(ctx, nil)
}

// controlUpdate sends one update, again while the workflow is not there yet.
func (r *rig) controlUpdate(ctx context.Context, workflow string) error {
	for try := 0; ; try++ {
		h, err := r.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: workflow, UpdateName: "decide",
			Args: []any{aid.Decision{ID: "dec", Task: "task"}}, WaitForStage: client.WorkflowUpdateStageCompleted})
		if err == nil {
			err = h.Get(ctx, nil)
		}
		if err == nil {
			return nil
		}
		if try > 3000 {
			return errors.Join(errors.New("control "+workflow), err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
