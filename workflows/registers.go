package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// askRegisters asks the external registers that the opening of the
// verification waits for. One that is away is asked again with growing pauses
// until it answers, or until a person has recorded the check in its place:
// PostgreSQL keeps the first answer. Then the verification is opened.
func (c *supportRequest) askRegisters(ctx workflow.Context) error {
	c.ask = c.last.Ask
	for n := 0; c.asking(); n++ {
		away, err := c.askAll(ctx, triesAt(n))
		if err != nil || !c.asking() {
			return err
		}
		if n == 0 || len(away) < len(c.ask) || len(c.ask) == 0 { // there is something to tell
			err = c.must(ctx, c.numbered("open_verification"), func(s aid.Step) (aid.Outcome, error) {
				return openVerification(ctx, aid.OpenRequest{Step: s, Away: away})
			})
			if err != nil || !c.asking() {
				return err
			}
			c.ask = c.last.Ask
		}
		if err := c.rest(ctx, pauseAfter(n)); err != nil {
			return err
		}
	}
	return nil
}

// asking tells whether the case still waits for its verification to be opened.
func (c *supportRequest) asking() bool { return c.last.Place.Status == aid.Submitted }

// askAll asks the registers side by side and gives those that did not answer.
// It ends early when a person has recorded the last of them.
func (c *supportRequest) askAll(ctx workflow.Context, tries int32) (away []string, err error) {
	asked, cancel := workflow.WithCancel(ctx)
	defer cancel()
	names, answers := c.ask, []workflow.Future(nil)
	for _, name := range names {
		answers = append(answers, startAskRegister(asked, tries, aid.RegisterRequest{Case: c.in.Case, Register: name}))
	}
	told := func() bool {
		for _, a := range answers {
			if !a.IsReady() {
				return false
			}
		}
		return true
	}
	if err := c.await(ctx, func() bool { return told() || c.answered() }, c.attend); err != nil {
		return nil, err
	}
	for i, a := range answers {
		if a.IsReady() && a.Get(ctx, nil) != nil {
			away = append(away, names[i])
		}
	}
	return away, nil
}

// answered tells whether nobody has to be asked any more.
func (c *supportRequest) answered() bool { return len(c.ask) == 0 || !c.asking() }

// rest waits before the registers are asked again; deadlines of tasks are
// attended to meanwhile.
func (c *supportRequest) rest(ctx workflow.Context, pause time.Duration) error {
	if c.answered() {
		return nil
	}
	resting, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer := workflow.NewTimer(resting, pause)
	return c.await(ctx, func() bool { return timer.IsReady() || c.answered() }, c.attend)
}

// triesAt is how often a register is tried at the nth question, from 0. Who
// was away a while ago is tried once: the next question is near.
func triesAt(n int) int32 {
	if n == 0 {
		return 3
	}
	return 1
}

// pauseAfter is how long nobody is asked after the nth vain question, from 0:
// a minute, two, four, up to an hour. After a week a register is asked once a
// day: a case may wait for months, and each question is written down in its
// history.
func pauseAfter(n int) time.Duration {
	switch {
	case n < 6:
		return time.Minute << n
	case n < 175:
		return time.Hour
	}
	return 24 * time.Hour
}
