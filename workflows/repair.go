package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// A person whose decision is refused is told. What a workflow does by itself
// has nobody to tell: a refusal there is a fault of the configuration (no fund,
// no such level, a broken calendar), and a case must not die of it. It is
// parked before an administrator and tried again.

// must makes a step that the workflow makes by itself, again and again until
// it is not refused.
func (r *run) must(ctx workflow.Context, cause string, fn stepFunc) error {
	for {
		_, err := r.step(ctx, cause, fn)
		if err == nil {
			return nil
		}
		if err := r.repair(ctx, cause, err); err != nil {
			return err
		}
	}
}

// repair parks the case for a refusal and waits until an administrator says
// that the cause is mended, an hour at most. An error that is no refusal is
// given back.
func (r *run) repair(ctx workflow.Context, cause string, err error) error {
	var refused *temporal.ApplicationError
	if !errors.As(err, &refused) || temporal.IsCanceledError(err) {
		return err
	}
	_, err = r.step(ctx, r.numbered("park"), func(s aid.Step) (aid.Outcome, error) {
		return park(ctx, aid.ParkRequest{Step: s, Of: cause, Code: refused.Message()})
	})
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	r.alarm.set(ctx, r.now(ctx), r.now(ctx).Add(time.Hour))
	looks := workflow.GetSignalChannel(ctx, SignalLook)
	if err := workflow.Await(ctx, func() bool { return r.alarm.ringing() || looks.Len() > 0 }); err != nil {
		return err
	}
	r.drain(looks)
	if r.alarm.ringing() {
		r.alarm.off()
	}
	return nil
}

// drain takes all signals of a channel: one look answers them all.
func (r *run) drain(signals workflow.ReceiveChannel) {
	for signals.ReceiveAsync(nil) {
		continue
	}
}
