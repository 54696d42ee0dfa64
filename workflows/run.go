// Package workflows is the order: what comes after what, for how long a case
// waits, and until when. It is deterministic; every fact, rule and date comes
// from an activity. The way in is client.go.
package workflows

import (
	"strconv"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// Names of the updates, signals and queries of every workflow of a case.
const (
	UpdateDecide   = "decide"
	UpdateWithdraw = "withdraw"
	UpdateRetry    = "retry_payment"
	UpdateVersion  = "move_version"
	SignalFunds    = "funds" // the fund may have money again
	SignalLook     = "look"  // something has changed in PostgreSQL: look again
	QueryClock     = "clock"
)

// run is what the three workflows of a case have in common: the number of
// their last step, what it told, one lock and one timer.
type run struct {
	id    string
	of    string // the case
	seq   int    // of the last step that has begun
	told  int    // steps that have told what they did
	last  aid.Outcome
	began time.Time // the workflow's time when last was told
	lock  workflow.Mutex
	alarm alarm

	payment *aid.PaymentStep // the last one that was told of; every step tells of the one that is not over
	levels  []aid.Level      // of approval, when a step has told them
	level   int              // the first of those that are being asked
}

func newRun(ctx workflow.Context, caseID string, seq int) run {
	return run{id: workflow.GetInfo(ctx).WorkflowExecution.ID, of: caseID, seq: seq, began: workflow.Now(ctx), lock: workflow.NewMutex(ctx)}
}

// next gives the next step, made necessary by cause. A number is never used
// twice, not even after a refusal.
func (r *run) next(cause string) aid.Step {
	r.seq++
	return aid.Step{Workflow: r.id, Cause: cause, Seq: r.seq, Case: r.of}
}

// numbered is the cause of a step that may be made again and again and does
// each time what is to be done by then.
func (r *run) numbered(name string) string { return name + "/" + strconv.Itoa(r.seq+1) }

// tell keeps what a step told, and turns a refusal into the error that the
// caller of an update sees: kind and code, nothing else.
func (r *run) tell(ctx workflow.Context, out aid.Outcome, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	if out.Refused != "" {
		return Result{}, refusal(out.RefusedKind, out.Refused)
	}
	r.last, r.began = out, workflow.Now(ctx)
	r.told++
	if out.Payment != nil {
		r.payment = out.Payment
	}
	if len(out.Levels) > 0 {
		r.levels, r.level = out.Levels, 0
	}
	return Result{Result: out.Result, Status: out.Place.Status, Stage: out.Place.Stage}, nil
}

// now is the case's clock, as the workflow can tell it without asking: what
// the last step told, and the time since.
func (r *run) now(ctx workflow.Context) time.Time {
	return r.last.Now.Add(workflow.Now(ctx).Sub(r.began))
}

// step runs fn as the next step, one at a time.
func (r *run) step(ctx workflow.Context, cause string, fn stepFunc) (Result, error) {
	if err := r.lock.Lock(ctx); err != nil {
		return Result{}, err
	}
	defer r.lock.Unlock()
	out, err := fn(r.next(cause))
	return r.tell(ctx, out, err)
}

// stepFunc makes one step.
type stepFunc func(aid.Step) (aid.Outcome, error)

// attend does what has come due.
func (r *run) attend(ctx workflow.Context) error {
	return r.must(ctx, r.numbered("attend"), func(s aid.Step) (aid.Outcome, error) { return attend(ctx, aid.OpenRequest{Step: s}) })
}

// task gives the open task of an id, if the workflow waits for it.
func (r *run) task(id string) (aid.OpenTask, bool) {
	for _, t := range r.last.Tasks {
		if t.ID == id {
			return t, true
		}
	}
	return aid.OpenTask{}, false
}

// unlessBusy makes the validator of decisions: a refused one leaves no trace in
// the history. While a step is being made, PostgreSQL may have opened tasks of
// which the workflow has not been told yet; then nothing is refused here, and
// the decision is judged when its turn comes.
func (r *run) unlessBusy(may func(aid.Decision) error) func(aid.Decision) error {
	return func(d aid.Decision) error {
		if r.lock.IsLocked() {
			return nil
		}
		return may(d)
	}
}

// mayDecide judges a decision by what the last step told: who holds which duty
// and who has voted. It looks at both persons of a delegated act. PostgreSQL
// checks the same again, on its own.
func (r *run) mayDecide(d aid.Decision) error {
	t, ok := r.task(d.Task)
	switch {
	case !ok:
		return refusal(aid.Conflict, "task_closed")
	case t.Kind != d.Kind:
		return refusal(aid.Invalid, "wrong_task_kind")
	}
	if err := r.inCleanHands(t, d); err != nil {
		return err
	}
	for _, person := range aid.Hands(d) {
		for _, voter := range t.Voters {
			if voter == person {
				return refusal(aid.Conflict, "already_decided")
			}
		}
	}
	return nil
}

// inCleanHands refuses a decision by, or in the name of, somebody who is
// related to whom the case is for or who holds another duty in it.
func (r *run) inCleanHands(t aid.OpenTask, d aid.Decision) error {
	for _, person := range aid.Hands(d) {
		if r.last.Bars(person) {
			return refusal(aid.Forbidden, "conflict_of_interest")
		}
		if !aid.MayHold(r.last.Duties[person], t.Duty) {
			return refusal(aid.Forbidden, "four_eyes")
		}
	}
	return nil
}

// Result is what the caller of an update is told.
type Result struct {
	Result string     `json:"result"`
	Status aid.Status `json:"status"`
	Stage  aid.Stage  `json:"stage"`
}

func refusal(kind aid.Kind, code string) error {
	return temporal.NewNonRetryableApplicationError(code, string(kind), nil)
}

// Clock is the answer to the query of a workflow's clock.
type Clock struct {
	WakeAt *time.Time `json:"wake_at,omitempty"` // when the workflow will act by itself, on the case's clock
}

func (r *run) answerClock(ctx workflow.Context) error {
	return workflow.SetQueryHandler(ctx, QueryClock, func() (Clock, error) { return Clock{WakeAt: r.last.WakeAt}, nil })
}
