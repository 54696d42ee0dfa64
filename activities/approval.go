package activities

import (
	"context"
	"encoding/json"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// DecideApproval applies one approver's decision. The votes on the task are
// counted here and recorded with the step; what follows when the level
// approves is said by the workflow: the next level, or the award.
func (a *Activities) DecideApproval(ctx context.Context, in aid.ApprovalRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "decide_approval", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		var level aid.Level
		if err := json.Unmarshal(t.Rule, &level); err != nil {
			return aid.Outcome{}, err
		}
		asking := c.Asking()
		if err := lowerAmount(c, level, in.Decision); err != nil {
			return aid.Outcome{}, err
		}
		if err := bindAmount(tx, c, t, level, in, asking); err != nil {
			return aid.Outcome{}, err
		}
		votes, err := tx.Votes(t)
		if err != nil {
			return aid.Outcome{}, err
		}
		result := aid.Tally(level, votes)
		if result == aid.ResultPending && in.Decision.Amount != 0 { // whoever votes next votes on the lowered amount
			if err := tx.SaveCase(c); err != nil {
				return aid.Outcome{}, err
			}
		}
		return counted(tx, c, t, in, result)
	})
}

// lowerAmount takes over an amount that an approver has lowered; from then on
// it binds. A committee votes on one amount and lowers none.
func lowerAmount(c *postgres.Case, level aid.Level, d aid.Decision) error {
	if d.Action != aid.ActionApprove || d.Amount == 0 || d.Amount == c.Asking() {
		return nil
	}
	if level.Mode == aid.ModeCommittee {
		return aid.Refuse(aid.Invalid, "amount_not_by_committee")
	}
	if d.Amount > c.Asking() {
		return aid.Refuse(aid.Invalid, "amount_above_request")
	}
	c.Amount = &d.Amount
	return nil
}

// bindAmount refuses an approval of more than the level may approve. Where the
// amount was lowered from what was asked, those who are asked at the same time
// look again.
func bindAmount(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, level aid.Level, in aid.ApprovalRequest, asking int64) error {
	if in.Decision.Action == aid.ActionApprove && level.Above(c.Asking()) {
		return aid.Refuse(aid.Invalid, "amount_above_level_limit")
	}
	if c.Asking() == asking || len(in.Asked) < 2 {
		return nil
	}
	return tx.TouchLevels(c, t)
}

func counted(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, in aid.ApprovalRequest, result string) (aid.Outcome, error) {
	switch result {
	case aid.ResultPending:
		return aid.Outcome{Result: result}, tx.Voted(c, t)
	case aid.ResultRejected:
		return rejectByTask(tx, c, t, in.Decision)
	case aid.ResultReturned:
		return sendBack(tx, c, t, in.Decision)
	}
	if err := tx.CloseTask(t, result); err != nil {
		return aid.Outcome{}, err
	}
	left, err := othersLeft(tx, c, in.Asked)
	if err != nil {
		return aid.Outcome{}, err
	}
	if !left && len(in.Next) == 0 {
		return award(tx, c, in)
	}
	if err := tx.SaveCase(c); err != nil {
		return aid.Outcome{}, err
	}
	if left {
		return aid.Outcome{Result: aid.ResultPending}, tx.WaitForOpenTask(c, aid.OwnerOffice)
	}
	return aid.Outcome{Result: result}, askLevels(tx, c, in.Workflow, in.Next)
}

// othersLeft tells whether levels that are asked together with the one that
// has just approved have not.
func othersLeft(tx *postgres.Tx, c *postgres.Case, asked []aid.Level) (bool, error) {
	if len(asked) < 2 {
		return false, nil
	}
	left, err := tx.Remaining(c, asked)
	return len(left) > 0, err
}

// award grants what the last level approved and reserves the money, in the
// transaction of the approval itself. Money short: the decision stands, and
// the case waits for the fund.
func award(tx *postgres.Tx, c *postgres.Case, in aid.ApprovalRequest) (aid.Outcome, error) {
	c.DecidedAt = &tx.Now
	a, err := tx.ProposeAward(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	ok, err := tx.Reserve(c, a, in.Decision.Actor)
	if err != nil {
		return aid.Outcome{}, err
	}
	if ok {
		return reserved(tx, c, a, in.Decision.Actor)
	}
	if err := tx.MoveCase(c, aid.EventWaitFunds); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.AddEvent(c, postgres.Event{Kind: "case.waiting_funds", Actor: postgres.System}); err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: "waiting_funds"}, tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerFund})
}

// reserved moves an awarded case on to its disbursement.
func reserved(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, actor string) (aid.Outcome, error) {
	if err := tx.PlanTranches(c, a); err != nil {
		return aid.Outcome{}, err
	}
	next := "disbursement/" + a.ID
	err := tx.WantWorkflow(next, c.ID, postgres.DisbursementWorkflow, aid.DisbursementInput{Case: c.ID, Round: c.Round, Award: a.ID})
	if err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.EndWorkflow(c.WorkflowID); err != nil {
		return aid.Outcome{}, err
	}
	c.WorkflowID, c.Amount = next, &a.Amount
	if err := tx.MoveCase(c, aid.EventAward); err != nil {
		return aid.Outcome{}, err
	}
	err = tx.AddEvent(c, postgres.Event{Kind: "case.approved", Actor: actor, Data: map[string]any{"award": a.ID, "amount": a.Amount, "currency": a.Currency, "fund": a.FundID}})
	if err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: aid.ResultApproved, Next: next}, tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerSystem})
}

// TryFunds tries to reserve the money of a case that waits for its fund. It
// reserves only while the case heads the waiting list and the approvals still
// hold, and the same transaction wakes the next in the list.
func (a *Activities) TryFunds(ctx context.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "try_funds", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		if c.Status != aid.WaitingFunds {
			return aid.Outcome{Result: aid.ResultPending}, nil
		}
		award, err := tx.AwardOf(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.CheckApprovals(c, award); aid.CodeOf(err) == "not_approved" {
			return askAgain(tx, c, in.Workflow)
		} else if err != nil {
			return aid.Outcome{}, err
		}
		ok, err := tx.Reserve(c, award, postgres.System)
		if err != nil || !ok {
			return aid.Outcome{Result: "waiting_funds"}, err
		}
		return reserved(tx, c, award, postgres.System)
	})
}

// askAgain brings a waiting case whose approvals no longer hold back to the
// levels that have to approve anew.
func askAgain(tx *postgres.Tx, c *postgres.Case, workflow string) (aid.Outcome, error) {
	c.Review++
	if err := tx.MoveCase(c, aid.EventBack); err != nil {
		return aid.Outcome{}, err
	}
	return askRest(tx, c, workflow)
}
