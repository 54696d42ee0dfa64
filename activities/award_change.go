package activities

import (
	"context"
	"encoding/json"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// DecideChange applies one approver's decision on a change of an award. When
// the last level has approved, and a treasurer has confirmed a new account, the
// change is made. Rejected or returned by a level, it is over: everything stays
// as it was.
func (a *Activities) DecideChange(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "decide_change", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		var level aid.Level
		if err := json.Unmarshal(t.Rule, &level); err != nil {
			return aid.Outcome{}, err
		}
		votes, err := tx.Votes(t)
		if err != nil {
			return aid.Outcome{}, err
		}
		result := aid.Tally(level, votes)
		if result == aid.ResultPending {
			return aid.Outcome{Result: result}, tx.Voted(c, t)
		}
		if err := tx.CloseTask(t, result); err != nil {
			return aid.Outcome{}, err
		}
		return changeDecided(tx, c, t, in, result == aid.ResultApproved)
	})
}

// DecideAccount applies a second person's word on an account that was named
// after the approval. Rejected, the old one stays.
func (a *Activities) DecideAccount(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "decide_account", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		confirmed, outcome := in.Decision.Action == aid.ActionConfirm, aid.ResultRejected
		if confirmed {
			outcome = "confirmed"
		}
		if err := tx.CloseTask(t, outcome); err != nil {
			return aid.Outcome{}, err
		}
		return changeDecided(tx, c, t, in, confirmed)
	})
}

// changeDecided goes on with a change after a decision on it.
func changeDecided(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, in aid.DecisionRequest, yes bool) (aid.Outcome, error) {
	x, err := tx.ChangeOf(c, t.Subject)
	if err != nil {
		return aid.Outcome{}, err
	}
	award, err := tx.AwardOf(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	if !yes {
		if err := tx.EndChange(c, x, "rejected", in.Decision.Actor, in.Decision.Reason); err != nil {
			return aid.Outcome{}, err
		}
		return payAgain(tx, c, award, in.Workflow, "change_rejected")
	}
	whole, err := tx.ChangeGoesOn(c, x)
	if err != nil {
		return aid.Outcome{}, err
	}
	if !whole {
		return aid.Outcome{Result: aid.ResultPending}, tx.WaitForChange(c, x)
	}
	result := "changed"
	applied, err := tx.ApplyChange(c, award, x, in.Decision.Actor)
	if err != nil {
		return aid.Outcome{}, err
	}
	if !applied {
		result = "change_rejected"
	}
	return payAgain(tx, c, award, in.Workflow, result)
}

// payAgain goes on with an award after a change of it is over: what the case
// waited for before, or what the change has made necessary.
func payAgain(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, workflow, result string) (aid.Outcome, error) {
	if err := awaitAgain(tx, c); err != nil {
		return aid.Outcome{}, err
	}
	out := aid.Outcome{Result: result}
	posting, err := tx.PostingOf(a)
	if err != nil {
		return out, err
	}
	hangs, err := tx.OpenTasks(c, aid.PostPublicly)
	if err != nil || hangs > 0 || (posting != nil && posting.OverAt == nil) || a.State != "running" {
		return out, err
	}
	then, err := payOn(tx, c, a, workflow)
	if then.Result == aid.ResultPending || then.Result == "failed" {
		then.Result = result
	}
	return then, err
}
