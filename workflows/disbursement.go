package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// Disbursement pays an award: for each tranche it waits for the evidence, for
// a treasurer and a releaser, and then until the rail has told the end.
func Disbursement(ctx workflow.Context, in aid.DisbursementInput) error {
	d, err := newDisbursement(ctx, in)
	if err != nil {
		return err
	}
	err = d.must(ctx, "open_disbursement", func(s aid.Step) (aid.Outcome, error) { return openDisbursement(ctx, aid.OpenRequest{Step: s}) })
	if err != nil {
		return err
	}
	return d.untilOver(ctx)
}

// untilOver pays what is released until nothing is left to do.
func (d *disbursement) untilOver(ctx workflow.Context) error {
	for !d.over() {
		if err := d.await(ctx, func() bool { return d.over() || d.instructed() }, d.attend); err != nil {
			return err
		}
		if d.instructed() {
			if err := d.pay(ctx); err != nil {
				return err
			}
		}
	}
	if d.last.Next != "" {
		if err := handOver(ctx, d.last.Next); err != nil {
			return err
		}
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// disbursement is the state of an award being paid.
type disbursement struct {
	run
	in    aid.DisbursementInput
	asked string // the payment whose end persons are asked about
}

func newDisbursement(ctx workflow.Context, in aid.DisbursementInput) (*disbursement, error) {
	d := &disbursement{run: newRun(ctx, in.Case, 0), in: in}
	if err := d.answerClock(ctx); err != nil {
		return nil, err
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateWithdraw, d.withdraw, workflow.UpdateHandlerOptions{})
	if err != nil {
		return nil, err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, UpdateRetry, d.retry, workflow.UpdateHandlerOptions{})
	if err != nil {
		return nil, err
	}
	return d, workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, d.decide, workflow.UpdateHandlerOptions{Validator: d.unlessBusy(d.mayDecide)})
}

// over tells when nothing of the award is left to do.
func (d *disbursement) over() bool {
	place := d.last.Place
	return d.last.Next != "" || (place.Stage != aid.Disbursement && len(d.last.Tasks) == 0)
}

// instructed tells that a payment is on its way on a rail that can be asked. Of
// one that travels in a file PostgreSQL hears, by the bank's files or by
// persons, and what comes next is done at the look that follows.
func (d *disbursement) instructed() bool {
	return d.payment != nil && !d.payment.Filed && (d.payment.State == aid.PaymentInstructed || d.payment.State == aid.PaymentUnknown)
}

// pay brings the instructed payment to its end and goes on from there. When
// the rail does not tell the end within its time, two persons are asked, and
// the rail is asked on meanwhile: whoever knows first ends it.
func (d *disbursement) pay(ctx workflow.Context) error {
	payment := d.payment.ID
	for d.instructed() {
		trying, cancel := workflow.WithCancel(ctx)
		ended := startPay(trying, aid.PayRequest{Case: d.in.Case, Payment: payment})
		err := d.await(ctx, func() bool { return ended.IsReady() || !d.instructed() }, d.attend)
		if err != nil {
			cancel()
			return err
		}
		if !d.instructed() { // resolved by persons
			cancel()
			break
		}
		if err := d.learn(ctx, payment, ended); err != nil {
			return err
		}
	}
	return d.must(ctx, "after_payment/"+payment, func(s aid.Step) (aid.Outcome, error) {
		return afterPayment(ctx, aid.TrancheRequest{Step: s, Award: d.in.Award})
	})
}

// learn takes the rail's answer, or asks persons when there is none.
func (d *disbursement) learn(ctx workflow.Context, payment string, ended workflow.Future) error {
	var told aid.PaymentStep
	err := ended.Get(ctx, &told)
	if err == nil {
		d.payment = &told
		return nil
	}
	if temporal.IsCanceledError(err) {
		return err
	}
	if err := d.ask(ctx, payment); err != nil {
		return err
	}
	var refused *temporal.ApplicationError
	if !errors.As(err, &refused) || !refused.NonRetryable() {
		return nil // the day is over: the rail is asked for another one
	}
	return d.await(ctx, func() bool { return !d.instructed() }, d.attend) // asking again cannot help: persons decide
}

// ask brings a payment whose end is unknown before two persons, once.
func (d *disbursement) ask(ctx workflow.Context, payment string) error {
	if d.asked == payment {
		return nil
	}
	d.asked = payment
	return d.must(ctx, "open_resolve/"+payment, func(s aid.Step) (aid.Outcome, error) {
		return openResolve(ctx, aid.RetryRequest{Step: s, Retry: aid.Retry{Payment: payment}})
	})
}

func (d *disbursement) opened(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return !d.last.Now.IsZero() })
}
