package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// mayDecide is the validator of a decision on a disbursement. A release is
// opened in PostgreSQL when a treasurer has prepared the payment; of it the
// workflow knows only that a payment of its own is waiting. An objection and a
// change of the award, too, come from outside, at any time.
func (d *disbursement) mayDecide(decision aid.Decision) error {
	if _, known := d.task(decision.Task); !known && !d.over() && (decision.Kind == aid.Approve || decision.Kind == aid.ConfirmAccount) {
		return nil // it was opened in PostgreSQL just now
	}
	objection := decision.Kind == aid.DecideObjection
	if decision.Kind != aid.ReleasePayment && !objection {
		return d.run.mayDecide(decision)
	}
	if d.over() || (d.instructed() && !objection) {
		return refusal(aid.Conflict, "task_closed")
	}
	return d.inCleanHands(aid.OpenTask{Duty: aid.DutyOf(decision.Kind, "")}, decision)
}

// decide is the update by which a person decides a task of the disbursement.
func (d *disbursement) decide(ctx workflow.Context, decision aid.Decision) (Result, error) {
	if err := d.opened(ctx); err != nil {
		return Result{}, err
	}
	return d.step(ctx, decision.ID, func(s aid.Step) (aid.Outcome, error) {
		if err := d.mayDecide(decision); err != nil {
			return aid.Outcome{}, err
		}
		return d.apply(ctx, aid.DecisionRequest{Step: s, Decision: decision})
	})
}

func (d *disbursement) apply(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	switch in.Decision.Kind {
	case aid.MeetCondition:
		return meetCondition(ctx, in)
	case aid.Approve:
		return decideChange(ctx, in)
	case aid.ConfirmAccount:
		return decideAccount(ctx, in)
	case aid.ConfirmMilestone:
		return confirmMilestone(ctx, in)
	case aid.ReleasePayment:
		return decideRelease(ctx, in)
	case aid.ResolvePayment:
		return resolvePayment(ctx, in)
	case aid.RecoverMoney:
		return recoverMoney(ctx, in)
	case aid.DecideStalled:
		return decideStalled(ctx, in)
	case aid.PostPublicly:
		return postPublicly(ctx, in)
	case aid.DecideObjection:
		return decideObjection(ctx, in)
	}
	return aid.Outcome{}, refusal(aid.Invalid, "wrong_task_kind")
}

// retry is the update by which a treasurer pays a failed payment anew.
func (d *disbursement) retry(ctx workflow.Context, r aid.Retry) (Result, error) {
	if err := d.opened(ctx); err != nil {
		return Result{}, err
	}
	return d.step(ctx, r.ID, func(s aid.Step) (aid.Outcome, error) {
		return retryPayment(ctx, aid.RetryRequest{Step: s, Retry: r})
	})
}

// withdraw is the update by which the partner ends the case while it is being
// paid: now, or, when a payment is on its way, at that payment's outcome.
func (d *disbursement) withdraw(ctx workflow.Context, w aid.Withdrawal) (Result, error) {
	if err := d.opened(ctx); err != nil {
		return Result{}, err
	}
	return d.step(ctx, w.ID, func(s aid.Step) (aid.Outcome, error) {
		return withdraw(ctx, aid.WithdrawRequest{Step: s, Withdrawal: w})
	})
}
