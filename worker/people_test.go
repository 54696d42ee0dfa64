package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/programmes"
	"github.com/aidflow/aidflow/workflows"
)

// move is what a person does on a task.
type move struct {
	actor  string
	action aid.Action
	reason string
	note   string
	amount int64
	data   string
	refuse string // the code with which it is to be refused; "" when it is to be accepted
}

// people answers, for an open task and the time since it was opened, who does
// what; nil leaves the task alone for now.
type people func(t postgres.TaskRow, waited time.Duration) *move

// willing people do at once what their role is for.
func willing(t postgres.TaskRow, _ time.Duration) *move {
	switch t.Kind {
	case aid.VerifyDocuments:
		return &move{actor: "verifier1", action: aid.ActionComplete}
	case aid.FieldVisit:
		return &move{actor: verifierOf(t), action: aid.ActionComplete}
	case aid.ProvideInformation:
		return &move{action: aid.ActionComplete}
	case aid.Approve:
		return &move{actor: approver(t), action: aid.ActionApprove}
	case aid.ConfirmMilestone:
		return &move{actor: "verifier1", action: aid.ActionConfirm}
	case aid.PreparePayment:
		if !strings.Contains(string(t.Rule), `"payment_due"`) {
			return nil // it failed, or was cancelled: who pays again looks first
		}
		return &move{actor: "treasurer1", action: aid.ActionConfirm}
	case aid.ReleasePayment:
		return &move{actor: "releaser1", action: aid.ActionApprove}
	case aid.RecoverMoney:
		return &move{actor: map[bool]string{true: "treasurer1", false: "manager1"}[t.Version == 1], action: aid.ActionConfirm, reason: "in_need"}
	case aid.FollowUpVisit:
		return &move{actor: "verifier2", action: aid.ActionComplete}
	}
	return nil
}

// verifierOf is who visits: the second verifier is another one.
func verifierOf(t postgres.TaskRow) string {
	if t.Subject == "2" {
		return "verifier2"
	}
	return "verifier1"
}

// report is what a verifier reports who found what the programme's example
// says; "" for a programme without a form of the visit.
func (tn *town) report(t postgres.TaskRow) string {
	def, err := tn.db.Definition(tn.t.Context(), t.Programme, t.ProgrammeVersion)
	require.NoError(tn.t, err)
	if def.Visit == nil {
		return ""
	}
	var form struct {
		Examples []json.RawMessage `json:"examples"`
	}
	require.NoError(tn.t, json.Unmarshal(def.Visit.Form, &form))
	return `{"seen": ` + string(form.Examples[0]) + `}`
}

// approver is who decides next: in the committee a member, then its chair.
func approver(t postgres.TaskRow) string {
	if t.Level == "commune" {
		return "approver1"
	}
	if t.Version == 1 {
		return "approver2"
	}
	return "approver4"
}

// but gives people who do something else with one kind of task; nil from fn
// leaves it alone.
func (who people) but(kind aid.TaskKind, fn people) people {
	return func(t postgres.TaskRow, waited time.Duration) *move {
		if t.Kind == kind {
			return fn(t, waited)
		}
		return who(t, waited)
	}
}

// first gives people who do the given moves, one after the other, with one
// kind of task, and after them what they would do anyway. A nil move is a look
// without a move.
func (who people) first(kind aid.TaskKind, moves ...*move) people {
	return who.but(kind, func(t postgres.TaskRow, waited time.Duration) *move {
		if len(moves) == 0 {
			return who(t, waited)
		}
		next := moves[0]
		moves = moves[1:]
		return next
	})
}

// after gives people who leave a kind of task alone for a while.
func (who people) after(kind aid.TaskKind, pause time.Duration) people {
	return who.but(kind, func(t postgres.TaskRow, waited time.Duration) *move {
		if waited < pause {
			return nil
		}
		return who(t, waited)
	})
}

// never gives people who do not touch a kind of task.
func (who people) never(kind aid.TaskKind) people {
	return who.but(kind, func(postgres.TaskRow, time.Duration) *move { return nil })
}

// answer is what became of a decision or another update.
type answer struct {
	name     string
	done     bool
	rejected bool // by the validator: no trace in the history
	err      error
	want     string
}

func (a *answer) code() string {
	if a.err == nil {
		return ""
	}
	_, code := said(a.err)
	return code
}

// said reads the refusal that an update gives its caller.
func said(err error) (aid.Kind, string) {
	var refusal *temporal.ApplicationError
	if !errors.As(err, &refusal) {
		return "", err.Error()
	}
	return aid.Kind(refusal.Type()), refusal.Message()
}

// look lets people decide the open tasks of every case, each through the same
// door as the API: an intent, then the update. A case gets one decision at a
// look; whoever comes next sees the new state.
func (tn *town) look(who people) {
	tn.t.Helper()
	for _, h := range tn.hooks {
		if !h.done {
			h.done = h.try()
		}
	}
	tn.dispatch()
	if tn.openTasks() == 0 {
		return
	}
	for _, id := range tn.cases {
		tasks, err := tn.db.Tasks(context.Background(), tn.manager, postgres.TaskFilter{Case: id}, postgres.Page{Limit: 50})
		require.NoError(tn.t, err)
		for _, t := range tasks {
			if m := who(t, tn.now.Sub(t.OpenedAt)); m != nil {
				tn.decide(t, *m)
				tn.idle = 0
				break
			}
		}
	}
	for _, do := range tn.later {
		do()
	}
	tn.later = nil
}

// judge looks at the answers that have come since: a refusal is recorded as
// the API records it, and fails the test unless the move said so.
func (tn *town) judge() {
	tn.t.Helper()
	for _, a := range tn.answers {
		require.True(tn.t, a.done, "%s was not answered", a.name)
		require.Equal(tn.t, a.want, a.code(), "%s: %v", a.name, a.err)
	}
	tn.answers = nil
}

func (tn *town) decide(t postgres.TaskRow, m move) {
	tn.t.Helper()
	ctx, name := context.Background(), string(t.Kind)+" by "+m.actor
	in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: t.ID, Actor: m.actor, Partner: t.Kind == aid.ProvideInformation,
		TaskVersion: t.Version, Action: m.action, Reason: m.reason, Note: m.note, Data: json.RawMessage(m.data)}
	if t.Kind == aid.FieldVisit && m.action == aid.ActionComplete && m.data == "" {
		in.Data = json.RawMessage(tn.report(t))
		tn.sendPhotos(t, m.actor)
	}
	if in.Partner {
		in.Actor = t.PartnerID
	}
	if m.amount > 0 {
		in.Amount = &m.amount
	}
	recorded, err := tn.db.RecordIntent(ctx, in)
	if err != nil && m.refuse != "" {
		require.Equal(tn.t, m.refuse, aid.CodeOf(err), name)
		return
	}
	require.NoError(tn.t, err, name)
	if recorded.SQLOnly {
		require.NoError(tn.t, tn.db.ApplyIntent(ctx, recorded.Decision), name)
		return
	}
	a := tn.update(recorded.Workflow, workflows.UpdateDecide, recorded.Decision.ID, recorded.Decision)
	a.want = m.refuse
	tn.answers = append(tn.answers, a)
}

// update sends an update to a workflow; it is answered in the next hour.
func (tn *town) update(workflow, name, id string, in any) *answer {
	tn.t.Helper()
	a := &answer{name: name}
	tn.overhear(in)
	r := tn.workflow(workflow)
	require.NotNil(tn.t, r, "%s does not run", workflow)
	end := func(err error) {
		a.err, a.done = err, true
		if err != nil && name == workflows.UpdateDecide {
			kind, code := said(err)
			require.NoError(tn.t, tn.db.RefuseIntent(context.Background(), id, kind, code))
		}
	}
	r.env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
		OnAccept:   func() {},
		OnReject:   func(err error) { a.rejected = true; end(err) },
		OnComplete: func(_ any, err error) { end(err) },
	}, in)
	return a
}

// withdraw is the partner's wish to end a case: stored, then the update.
func (tn *town) withdraw(id string) *answer {
	tn.t.Helper()
	return tn.bring(tn.wish(id))
}

// wish stores a partner's wish to end a case, which no workflow hears of yet.
func (tn *town) wish(id string) postgres.PendingWithdrawal {
	tn.t.Helper()
	wish, err := tn.db.AskWithdrawal(context.Background(), tn.db.Partner(tn.t, "portal1"), id, postgres.Wish{Reason: "applicant_request", By: "officer 17"})
	require.NoError(tn.t, err)
	return wish
}

// bring sends a stored wish to the workflow.
func (tn *town) bring(wish postgres.PendingWithdrawal) *answer {
	tn.t.Helper()
	a := tn.update(wish.Workflow, workflows.UpdateWithdraw, wish.Withdrawal.ID, wish.Withdrawal)
	tn.answers = append(tn.answers, a)
	return a
}

// dispatch brings the signals of the outbox to their workflows.
func (tn *town) dispatch() {
	tn.t.Helper()
	_, err := tn.db.Dispatch(context.Background(), 50, func(_ context.Context, m postgres.Message) error {
		if r := tn.workflow(m.WorkflowID); r != nil {
			r.env.SignalWorkflow(m.Name, nil)
		}
		return nil
	})
	require.NoError(tn.t, err)
}

// example gives the complete example request of a programme, in an area.
func example(t *testing.T, code string) postgres.CaseContent {
	t.Helper()
	defs, err := programmes.All()
	require.NoError(t, err)
	for _, def := range defs {
		if def.Code != code {
			continue
		}
		var content postgres.CaseContent
		require.NoError(t, json.Unmarshal(def.ExampleRequest, &content))
		var asked struct {
			Requested struct {
				Amount   int64
				Currency string
			}
		}
		require.NoError(t, json.Unmarshal(def.ExampleRequest, &asked))
		content.RequestedAmount, content.Currency = asked.Requested.Amount, asked.Requested.Currency
		content.Area, content.Programme = "51001", code
		return content
	}
	t.Fatalf("no programme %s", code)
	return postgres.CaseContent{}
}

// another gives a request like one, for the ith household of the register.
func another(content postgres.CaseContent, i int) postgres.CaseContent {
	p := postgres.DevelopmentHousehold(i)[0]
	content.Applicant = postgres.Applicant{FullName: p.FullName, NationalID: p.NationalID, BirthDate: p.BirthDate, Sex: p.Sex}
	content.Household, content.Area = postgres.Household{Code: p.HouseholdCode}, p.Area
	return content
}

func (tn *town) submit(content postgres.CaseContent) string {
	tn.t.Helper()
	ctx := context.Background()
	created, err := tn.db.CreateCase(ctx, tn.db.Partner(tn.t, "portal1"), postgres.NewID(aid.CaseID), content, false)
	require.NoError(tn.t, err)
	w, err := tn.db.Workflow(ctx, created.WorkflowID)
	require.NoError(tn.t, err)
	tn.wanted = append(tn.wanted, w)
	tn.cases = append(tn.cases, created.ID)
	return created.ID
}
