package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// alarm is the one timer of a run. It is set again only when something is due
// earlier than it rings; a ring that comes too early costs less than a timer
// cancelled and started with every decision.
type alarm struct {
	at     time.Time // on the case's clock; zero when no timer runs
	rings  workflow.Future
	cancel workflow.CancelFunc
}

// set makes sure that the alarm rings no later than at.
func (a *alarm) set(ctx workflow.Context, now, at time.Time) {
	if !a.at.IsZero() && !at.Before(a.at) {
		return
	}
	if a.cancel != nil && !a.at.IsZero() {
		a.cancel()
	}
	timer, cancel := workflow.WithCancel(ctx)
	a.at, a.cancel = at, cancel
	a.rings = workflow.NewTimerWithOptions(timer, max(at.Sub(now), time.Second), workflow.TimerOptions{Summary: "next deadline"})
}

func (a *alarm) ringing() bool { return !a.at.IsZero() && a.rings.IsReady() }

// off forgets the timer that has rung.
func (a *alarm) off() { a.at = time.Time{} }

// await waits until done, and calls onAlarm whenever something has come due.
// Whenever a step has told what it did, the alarm is set anew; whenever
// somebody says that PostgreSQL has changed, the run looks again.
func (r *run) await(ctx workflow.Context, done func() bool, onAlarm func(workflow.Context) error) error {
	looks := workflow.GetSignalChannel(ctx, SignalLook)
	for !done() {
		if r.last.WakeAt != nil {
			r.alarm.set(ctx, r.now(ctx), *r.last.WakeAt)
		}
		told := r.told
		err := workflow.Await(ctx, func() bool { return done() || r.alarm.ringing() || r.told != told || looks.Len() > 0 })
		if err != nil {
			return err
		}
		switch {
		case done():
		case r.alarm.ringing():
			r.alarm.off()
			err = onAlarm(ctx)
		case looks.Len() > 0:
			r.drain(looks)
			err = r.attend(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
