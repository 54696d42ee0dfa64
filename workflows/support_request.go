package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// SupportRequest carries a case through its round: verification, approval,
// award. It ends when the case is rejected or withdrawn, or when the
// disbursement has taken over.
func SupportRequest(ctx workflow.Context, in aid.CaseInput) error {
	c, err := newSupportRequest(ctx, in)
	if err != nil {
		return err
	}
	if err := c.check(ctx); err != nil {
		return err
	}
	for c.last.Place.Status.Open() && c.last.Next == "" {
		switch c.last.Place.Stage {
		case aid.Verification:
			err = c.verify(ctx)
		default:
			err = c.approve(ctx)
		}
		if err != nil {
			return err
		}
	}
	if err := c.award(ctx); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// supportRequest is the state of a case's round.
type supportRequest struct {
	run
	in  aid.CaseInput
	ask []string // external registers that have not answered
}

func newSupportRequest(ctx workflow.Context, in aid.CaseInput) (*supportRequest, error) {
	c := &supportRequest{run: newRun(ctx, in.Case, 0), in: in}
	if err := c.answerClock(ctx); err != nil {
		return nil, err
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateWithdraw, c.withdraw, workflow.UpdateHandlerOptions{})
	if err != nil {
		return nil, err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, UpdateVersion, c.moveVersion, workflow.UpdateHandlerOptions{})
	if err != nil {
		return nil, err
	}
	return c, workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, c.decide, workflow.UpdateHandlerOptions{Validator: c.unlessBusy(c.mayDecide)})
}

// verify waits until the verifiers have done their tasks.
func (c *supportRequest) verify(ctx workflow.Context) error {
	return c.await(ctx, c.left(aid.Verification), c.attend)
}

// approve waits until every level has decided, and, when money is short, until
// the fund has it.
func (c *supportRequest) approve(ctx workflow.Context) error {
	if c.last.Place.Status == aid.WaitingFunds {
		return c.waitForFunds(ctx)
	}
	left := c.left(aid.Approval)
	return c.await(ctx, func() bool { return left() || c.last.Place.Status == aid.WaitingFunds }, c.attend)
}

// award hands the case over to its disbursement, if there is one.
func (c *supportRequest) award(ctx workflow.Context) error {
	if c.last.Next == "" {
		return nil
	}
	return handOver(ctx, c.last.Next)
}

// left tells when the case has left a stage, wherever it went.
func (c *supportRequest) left(stage aid.Stage) func() bool {
	return func() bool { return c.last.Place.Stage != stage }
}

// waitForFunds tries again whenever the fund says that there may be money.
func (c *supportRequest) waitForFunds(ctx workflow.Context) error {
	funds := workflow.GetSignalChannel(ctx, SignalFunds)
	for c.last.Place.Status == aid.WaitingFunds {
		err := c.await(ctx, func() bool { return funds.Len() > 0 || c.last.Place.Status != aid.WaitingFunds }, c.attend)
		if err != nil || c.last.Place.Status != aid.WaitingFunds {
			return err
		}
		c.drain(funds)
		err = c.must(ctx, c.numbered("try_funds"), func(s aid.Step) (aid.Outcome, error) { return tryFunds(ctx, aid.OpenRequest{Step: s}) })
		if err != nil {
			return err
		}
	}
	return nil
}

// withdraw is the update by which the partner ends the case.
func (c *supportRequest) withdraw(ctx workflow.Context, w aid.Withdrawal) (Result, error) {
	if err := c.opened(ctx); err != nil {
		return Result{}, err
	}
	return c.step(ctx, w.ID, func(s aid.Step) (aid.Outcome, error) {
		return withdraw(ctx, aid.WithdrawRequest{Step: s, Withdrawal: w})
	})
}

// moveVersion is the update by which a manager moves a returned case to the
// version of its programme that is in force. The levels that had approved are
// forgotten: the verification that follows tells new ones.
func (c *supportRequest) moveVersion(ctx workflow.Context, m aid.VersionMove) (Result, error) {
	if err := c.opened(ctx); err != nil {
		return Result{}, err
	}
	return c.step(ctx, m.ID, func(s aid.Step) (aid.Outcome, error) {
		out, err := moveVersion(ctx, aid.MoveVersionRequest{Step: s, Move: m})
		if err == nil && out.Refused == "" {
			c.levels, c.level = nil, 0
		}
		return out, err
	})
}

// opened waits until the case's tasks are there.
func (c *supportRequest) opened(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return !c.last.Now.IsZero() })
}
