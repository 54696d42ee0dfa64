package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// runner is a way of running one activity, by name; it keeps what the world
// looks like when it has run.
type runner func(w *world, name string, call func() string)

// What a call is to come to.
const (
	ends      = ""             // an answer, sooner or later
	staysOpen = "payment_open" // the error that asks to be run again
)

// call runs an activity by name in the world's way, and keeps what it said and
// did. It fails when the activity is not there.
func (w *world) call(name string, in any) []byte { return w.callUntil(name, in, ends) }

func (w *world) callUntil(name string, in any, until string) []byte {
	w.t.Helper()
	method := reflect.ValueOf(w.doing).MethodByName(name)
	require.True(w.t, method.IsValid(), "no activity %s", name)
	var answer string
	w.run(w, name, func() string {
		said, err := retried(method, in, until)
		w.mu.Lock()
		defer w.mu.Unlock()
		if answer = said; err != nil {
			w.t.Errorf("%s: %v", name, err)
		}
		return said
	})
	called.Store(name, true)
	return []byte(answer)
}

// called are the activities that some story has called.
var called sync.Map

// retried calls an activity as Temporal would: again, until it answers.
func retried(method reflect.Value, in any, until string) (string, error) {
	var err error
	for range 400 {
		out := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(in)})
		err, _ = out[len(out)-1].Interface().(error)
		var said *temporal.ApplicationError
		switch {
		case err == nil && until == ends:
			return asText(out[0].Interface()), nil
		case !errors.As(err, &said) || said.NonRetryable():
			return "", errors.Join(errors.New("no answer that was to be expected"), err)
		case until != ends && said.Type() == until:
			return until, nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	return "", err
}

// step numbers the next transition of a workflow.
func (w *world) step(workflow string) aid.Step {
	w.seq[workflow]++
	return aid.Step{Workflow: workflow, Cause: "step/" + strconv.Itoa(w.seq[workflow]), Seq: w.seq[workflow], Case: w.caseID}
}

// stepOf numbers the transition that a decision causes.
func (w *world) stepOf(r postgres.RecordedIntent) aid.Step {
	s := w.step(r.Workflow)
	s.Cause = r.Decision.ID
	return s
}

// transition calls an activity that answers with an outcome, and keeps it.
func (w *world) transition(name string, in any) aid.Outcome {
	w.t.Helper()
	var out aid.Outcome
	require.NoError(w.t, json.Unmarshal(w.call(name, in), &out))
	if len(out.Levels) > 0 {
		w.levels = out.Levels
	}
	w.last = out
	return out
}

// goesOn is a transition that is not refused.
func (w *world) goesOn(name string, in any) aid.Outcome {
	w.t.Helper()
	out := w.transition(name, in)
	require.Empty(w.t, out.Refused, name)
	return out
}

// workflow is the one that moves the case now.
func (w *world) workflow() string {
	return w.text(`SELECT workflow_id FROM cases WHERE id = $1`, w.caseID)
}

// intent is a decision that a person asks for.
type intent struct {
	kind   aid.TaskKind
	actor  string // "" for the partner
	action aid.Action
	reason string
	data   string
}

// ask stores an intent on the open task of its kind, as the API does.
func (w *world) ask(i intent) postgres.RecordedIntent {
	w.t.Helper()
	in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Actor: i.actor, Partner: i.actor == "", Action: i.action, Reason: i.reason,
		Note: "Canary note", Data: json.RawMessage(i.data)}
	if in.Partner {
		in.Actor = w.partner.Actor()
	}
	if i.kind == aid.FieldVisit && i.action == aid.ActionComplete && i.data == "" {
		in.Data = w.report()
	}
	row := w.conn.QueryRow(`SELECT id, version FROM tasks WHERE case_id = $1 AND kind = $2 AND closed_at IS NULL ORDER BY opened_at, id LIMIT 1`, w.caseID, i.kind)
	require.NoError(w.t, row.Scan(&in.Task, &in.TaskVersion), "no open task %s", i.kind)
	recorded, err := w.store.RecordIntent(context.Background(), in)
	require.NoError(w.t, err, "%s by %s", i.kind, i.actor)
	return recorded
}

// report is what a verifier reports who found what the programme's example
// says; nil for a programme without a form of the visit.
func (w *world) report() json.RawMessage {
	w.t.Helper()
	var code string
	var version int
	require.NoError(w.t, w.conn.QueryRow(`SELECT programme, programme_version FROM cases WHERE id = $1`, w.caseID).Scan(&code, &version))
	def, err := w.store.Definition(context.Background(), code, version)
	require.NoError(w.t, err)
	if def.Visit == nil {
		return nil
	}
	var form struct {
		Examples []json.RawMessage `json:"examples"`
	}
	require.NoError(w.t, json.Unmarshal(def.Visit.Form, &form))
	return json.RawMessage(`{"seen": ` + string(form.Examples[0]) + `}`)
}

// decides stores an intent and has an activity make it a fact.
func (w *world) decides(activity string, i intent) aid.Outcome {
	w.t.Helper()
	recorded := w.ask(i)
	return w.goesOn(activity, aid.DecisionRequest{Step: w.stepOf(recorded), Decision: recorded.Decision})
}

// verifies has a verifier say the same about both tasks of verification.
func (w *world) verifies(actor string) {
	w.t.Helper()
	for _, kind := range []aid.TaskKind{aid.VerifyDocuments, aid.FieldVisit} {
		w.decides("DecideVerification", intent{kind: kind, actor: actor, action: aid.ActionComplete})
	}
}

// votes has an approver vote on the level that is being asked; the levels were
// told when the verification ended.
func (w *world) votes(level int, actor string, action aid.Action) aid.Outcome {
	w.t.Helper()
	i := intent{kind: aid.Approve, actor: actor, action: action}
	if aid.NeedsReason(action) {
		i.reason = "not_eligible"
	}
	recorded := w.ask(i)
	in := aid.ApprovalRequest{Step: w.stepOf(recorded), Decision: recorded.Decision}
	if level+1 < len(w.levels) {
		in.Next = aid.Group(w.levels, level+1)
	}
	return w.goesOn("DecideApproval", in)
}

// handOver starts the workflow that takes over.
func (w *world) handOver() {
	w.t.Helper()
	require.NotEmpty(w.t, w.last.Next)
	w.call("HandOver", w.last.Next)
}

// opens brings a submitted case to its verification.
func (w *world) opens() {
	w.t.Helper()
	w.goesOn("OpenVerification", aid.OpenRequest{Step: w.step(w.workflow())})
}

// paidFrom brings a medical case, paid to an account, to its first payment.
func (w *world) paidFrom(account string) {
	w.t.Helper()
	w.submit("medical", account)
	w.opens()
	w.verifies("verifier1")
	w.votes(0, "approver1", aid.ActionApprove)
	w.handOver()
	w.goesOn("OpenDisbursement", aid.OpenRequest{Step: w.step(w.workflow())})
}

// prepares has a treasurer queue the due payment; this needs no workflow.
func (w *world) prepares() {
	w.t.Helper()
	recorded := w.ask(intent{kind: aid.PreparePayment, actor: "treasurer1", action: aid.ActionConfirm})
	require.True(w.t, recorded.SQLOnly)
	require.NoError(w.t, w.store.ApplyIntent(context.Background(), recorded.Decision))
}

// releases has a payment prepared and released; it is on its way then.
func (w *world) releases() aid.PayRequest {
	w.t.Helper()
	w.prepares()
	out := w.decides("DecideRelease", intent{kind: aid.ReleasePayment, actor: "releaser1", action: aid.ActionApprove})
	require.Equal(w.t, aid.PaymentInstructed, out.Payment.State)
	return aid.PayRequest{Case: w.caseID, Payment: out.Payment.ID}
}

// pays brings a payment to its end, which is to be that state.
func (w *world) pays(in aid.PayRequest, state aid.PaymentState) {
	w.t.Helper()
	var out aid.PaymentStep
	require.NoError(w.t, json.Unmarshal(w.call("Pay", in), &out))
	require.Equal(w.t, state, out.State)
}

// after goes on from the end of a payment.
func (w *world) after() aid.Outcome {
	w.t.Helper()
	award := w.text(`SELECT id FROM awards WHERE case_id = $1`, w.caseID)
	return w.goesOn("AfterPayment", aid.TrancheRequest{Step: w.step(w.workflow()), Award: award})
}

// attends lets time pass and does what has come due.
func (w *world) attends(after time.Duration) aid.Outcome {
	w.t.Helper()
	w.clock.pass(after)
	return w.goesOn("Attend", aid.OpenRequest{Step: w.step(w.workflow())})
}

// withdraws is the partner's wish to end the case.
func (w *world) withdraws() aid.Outcome {
	w.t.Helper()
	wish := aid.Withdrawal{ID: "wish", Actor: w.partner.Actor(), Reason: "applicant_request"}
	return w.goesOn("Withdraw", aid.WithdrawRequest{Step: w.step(w.workflow()), Withdrawal: wish})
}

// retries has a failed payment made anew.
func (w *world) retries(payment string) {
	w.t.Helper()
	wish := aid.Retry{ID: "wish", Payment: payment, Actor: "treasurer1"}
	out := w.goesOn("RetryPayment", aid.RetryRequest{Step: w.step(w.workflow()), Retry: wish})
	require.Equal(w.t, aid.PaymentDue, out.Payment.State)
}

// visits makes the nth follow-up visit.
func (w *world) visits(n int) aid.Outcome {
	w.t.Helper()
	in := func() aid.VisitRequest { return aid.VisitRequest{Step: w.step(w.workflow()), Visit: n} }
	planned := w.goesOn("PlanVisit", in())
	require.NotNil(w.t, planned.WakeAt)
	w.clock.pass(planned.WakeAt.Sub(w.clock.now()))
	w.goesOn("OpenVisit", in())
	return w.decides("CompleteVisit", intent{kind: aid.FollowUpVisit, actor: "verifier2", action: aid.ActionComplete})
}
