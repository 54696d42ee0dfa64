package workflows

import (
	"strconv"

	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// FollowUp visits a household after it was paid. Each visit is a run of its
// own, continued as new: between two visits lie months, and each run begins
// with the code of its day.
func FollowUp(ctx workflow.Context, in aid.FollowUpInput) error {
	f, err := newFollowUp(ctx, in)
	if err != nil {
		return err
	}
	if f.last.WakeAt == nil {
		if err := f.plan(ctx); err != nil {
			return err
		}
	}
	if err := f.await(ctx, f.visiting, f.visit); err != nil {
		return err
	}
	if err := f.await(ctx, f.visited, f.attend); err != nil {
		return err
	}
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	if f.last.Result != "next" {
		return nil
	}
	next := aid.FollowUpInput{Case: in.Case, Round: in.Round, Visit: in.Visit + 1, Seq: f.seq, Now: f.now(ctx), WakeAt: f.last.WakeAt}
	return workflow.NewContinueAsNewError(ctx, FollowUp, next)
}

// followUp is the state of one visit.
type followUp struct {
	run
	in     aid.FollowUpInput
	opened bool
}

func newFollowUp(ctx workflow.Context, in aid.FollowUpInput) (*followUp, error) {
	f := &followUp{run: newRun(ctx, in.Case, in.Seq), in: in}
	f.last.Now, f.last.WakeAt = in.Now, in.WakeAt
	if err := f.answerClock(ctx); err != nil {
		return nil, err
	}
	return f, workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, f.decide, workflow.UpdateHandlerOptions{Validator: f.unlessBusy(f.mayDecide)})
}

func (f *followUp) visiting() bool { return f.opened }

func (f *followUp) visited() bool { return f.last.Result == "next" || !f.last.Place.Status.Open() }

func (f *followUp) plan(ctx workflow.Context) error {
	return f.must(ctx, f.nth("plan_visit"), func(s aid.Step) (aid.Outcome, error) {
		return planVisit(ctx, aid.VisitRequest{Step: s, Visit: f.in.Visit})
	})
}

// visit asks a verifier to go, when the day has come.
func (f *followUp) visit(ctx workflow.Context) error {
	err := f.must(ctx, f.nth("open_visit"), func(s aid.Step) (aid.Outcome, error) {
		return openVisit(ctx, aid.VisitRequest{Step: s, Visit: f.in.Visit})
	})
	f.opened = err == nil
	return err
}

// nth is the cause of a step that is made once for the visit of this run.
func (f *followUp) nth(name string) string { return name + "/" + strconv.Itoa(f.in.Visit) }

// decide is the update by which a verifier reports the visit.
func (f *followUp) decide(ctx workflow.Context, d aid.Decision) (Result, error) {
	return f.step(ctx, d.ID, func(s aid.Step) (aid.Outcome, error) {
		if err := f.mayDecide(d); err != nil {
			return aid.Outcome{}, err
		}
		return completeVisit(ctx, aid.DecisionRequest{Step: s, Decision: d})
	})
}
