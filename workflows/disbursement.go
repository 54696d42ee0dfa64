package workflows

import (
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
	_, err = d.step(ctx, func(s aid.Step) (aid.Outcome, error) { return openDisbursement(ctx, aid.OpenRequest{Step: s}) })
	if err != nil {
		return err
	}
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
	in      aid.DisbursementInput
	payment *aid.PaymentStep // the last one that a step told of
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
	return d, workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, d.decide, workflow.UpdateHandlerOptions{Validator: d.mayDecide})
}

// over tells when nothing of the award is left to do.
func (d *disbursement) over() bool {
	place := d.last.Place
	return d.last.Next != "" || (place.Stage != aid.Disbursement && len(d.last.Tasks) == 0)
}

func (d *disbursement) instructed() bool {
	return d.payment != nil && (d.payment.State == aid.PaymentInstructed || d.payment.State == aid.PaymentUnknown)
}

// told keeps the payment that a step told of.
func (d *disbursement) told(ctx workflow.Context, fn func(aid.Step) (aid.Outcome, error)) (Result, error) {
	return d.step(ctx, func(s aid.Step) (aid.Outcome, error) {
		out, err := fn(s)
		if err == nil && out.Refused == "" && out.Payment != nil {
			d.payment = out.Payment
		}
		return out, err
	})
}

// pay brings the instructed payment to its end and goes on from there. When
// the rail does not tell the end within its time, two persons are asked, and
// the rail is asked on meanwhile: whoever knows first ends it.
func (d *disbursement) pay(ctx workflow.Context) error {
	for d.instructed() {
		trying, cancel := workflow.WithCancel(ctx)
		ended := startPay(trying, aid.PayRequest{Case: d.in.Case, Payment: d.payment.ID})
		err := d.await(ctx, func() bool { return ended.IsReady() || !d.instructed() }, d.attend)
		if err != nil {
			cancel()
			return err
		}
		if !d.instructed() { // resolved by persons
			cancel()
			break
		}
		if err := d.learn(ctx, ended); err != nil {
			return err
		}
	}
	_, err := d.step(ctx, func(s aid.Step) (aid.Outcome, error) {
		return afterPayment(ctx, aid.TrancheRequest{Step: s, Award: d.in.Award})
	})
	return err
}

// learn takes the rail's answer, or asks persons when there is none.
func (d *disbursement) learn(ctx workflow.Context, ended workflow.Future) error {
	var told aid.PaymentStep
	err := ended.Get(ctx, &told)
	if err == nil {
		d.payment = &told
		return nil
	}
	if temporal.IsCanceledError(err) {
		return err
	}
	payment := d.payment.ID
	if _, err := d.told(ctx, func(s aid.Step) (aid.Outcome, error) {
		return openResolve(ctx, aid.RetryRequest{Step: s, Retry: aid.Retry{Payment: payment}})
	}); err != nil {
		return err
	}
	if temporal.IsTimeoutError(err) {
		return nil
	}
	return d.await(ctx, func() bool { return !d.instructed() }, d.attend) // asking again cannot help: persons decide
}

func (d *disbursement) attend(ctx workflow.Context) error {
	_, err := d.step(ctx, func(s aid.Step) (aid.Outcome, error) { return attend(ctx, aid.OpenRequest{Step: s}) })
	return err
}

func (d *disbursement) opened(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return !d.last.Now.IsZero() })
}
