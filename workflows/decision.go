package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// decide is the update by which a person decides a task of the case. It is
// answered when the decision is committed, with everything that follows from
// it.
func (c *supportRequest) decide(ctx workflow.Context, d aid.Decision) (Result, error) {
	if err := c.opened(ctx); err != nil {
		return Result{}, err
	}
	return c.step(ctx, d.ID, func(s aid.Step) (aid.Outcome, error) {
		if err := c.mayDecide(d); err != nil {
			return aid.Outcome{}, err
		}
		out, err := c.apply(ctx, s, d)
		if err == nil && d.Kind == aid.Approve && out.Result == aid.ResultApproved && out.Place.Stage == aid.Approval {
			c.level += len(c.asked())
		}
		if err == nil && d.Kind == aid.RecordCheck && out.Refused == "" {
			c.ask = out.Ask
		}
		return out, err
	})
}

func (c *supportRequest) apply(ctx workflow.Context, s aid.Step, d aid.Decision) (aid.Outcome, error) {
	switch d.Kind {
	case aid.Approve:
		return decideApproval(ctx, aid.ApprovalRequest{Step: s, Decision: d, Asked: c.asked(), Next: aid.Group(c.levels, c.level+len(c.asked()))})
	case aid.ProvideInformation:
		return provideInformation(ctx, aid.ApprovalRequest{Step: s, Decision: d})
	case aid.DecideStalled:
		return decideStalled(ctx, aid.DecisionRequest{Step: s, Decision: d})
	case aid.RecordCheck:
		return recordCheck(ctx, aid.DecisionRequest{Step: s, Decision: d})
	default:
		return decideVerification(ctx, aid.DecisionRequest{Step: s, Decision: d})
	}
}

// asked gives the levels that are being asked together.
func (c *supportRequest) asked() []aid.Level { return aid.Group(c.levels, c.level) }
