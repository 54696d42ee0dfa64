package activities

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// OpenResolve brings a payment whose end stays unknown before two persons. The
// rail is asked on meanwhile; its answer ends the question.
func (a *Activities) OpenResolve(ctx context.Context, in aid.RetryRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "open_resolve", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		p, err := tx.LockPayment(c, in.Retry.Payment)
		if err != nil {
			return aid.Outcome{}, err
		}
		out := aid.Outcome{Result: aid.ResultPending, Payment: p.Step()}
		if p.State.Terminal() {
			return out, nil
		}
		if p.State == aid.PaymentInstructed {
			if err := tx.MovePayment(c, p, aid.PaymentUnknown, postgres.System); err != nil {
				return out, err
			}
		}
		out.Payment = p.Step()
		return out, tx.AskPersons(c, p, "payment_unknown")
	})
}

// ResolvePayment applies one of the two confirmations. When the second agrees
// with the first, the payment ends as they say; when they differ, the
// confirmations start again.
func (a *Activities) ResolvePayment(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "resolve_payment", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		p, err := tx.LockPayment(c, t.Subject)
		if err != nil {
			return aid.Outcome{}, err
		}
		said, votes, err := confirmations(tx, t, p)
		if err != nil {
			return aid.Outcome{}, err
		}
		out := aid.Outcome{Result: aid.ResultPending, Payment: p.Step()}
		if votes < 2 {
			return out, tx.Voted(c, t)
		}
		if err := tx.CloseTask(t, "confirmed"); err != nil {
			return out, err
		}
		return resolved(tx, c, p, said, in)
	})
}

// confirmations counts what the persons said: how the payment ended, or what
// becomes of one that came back.
func confirmations(tx *postgres.Tx, t *postgres.Task, p *postgres.Payment) (said map[string]int, votes int, err error) {
	ids, err := tx.AppliedDecisions(t)
	if err != nil {
		return nil, 0, err
	}
	said = map[string]int{}
	for _, id := range ids {
		content, err := tx.Content(id)
		if err != nil {
			return nil, 0, err
		}
		var data struct {
			Outcome string `json:"outcome"`
		}
		if json.Unmarshal(content.Data, &data) != nil || !slices.Contains(p.State.Outcomes(), data.Outcome) {
			return nil, 0, aid.Refuse(aid.Invalid, "outcome_required")
		}
		said[data.Outcome]++
	}
	return said, len(ids), nil
}

func resolved(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, said map[string]int, in aid.DecisionRequest) (aid.Outcome, error) {
	out := aid.Outcome{Result: "resolved"}
	var err error
	switch {
	case len(said) > 1:
		err = tx.AskPersons(c, p, "confirmations_differ")
	case p.State == aid.PaymentReturned:
		return madeGood(tx, c, p, said[aid.OutcomePayAgain] == 2, in)
	case p.State.Terminal():
		return corrected(tx, c, p, said[aid.OutcomeSettled] == 2, in)
	case said[aid.OutcomeSettled] == 2:
		if err = tx.EndAttempt(p, "settled", "resolved_by_persons"); err == nil {
			err = tx.Settle(c, p, in.Decision.Actor)
		}
	default:
		if err = tx.EndAttempt(p, "failed", "resolved_by_persons"); err == nil {
			err = tx.Fail(c, p, "resolved_by_persons", in.Decision.Actor)
		}
	}
	if err == nil && p.Filed && p.State.Terminal() {
		return afterFile(tx, c, p, in.Workflow)
	}
	out.Payment = p.Step()
	return out, err
}

// corrected applies what two persons say of a payment that had failed before
// its rail contradicted: it has arrived after all, or it really has not.
func corrected(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, arrived bool, in aid.DecisionRequest) (aid.Outcome, error) {
	state := "failed"
	if arrived {
		state = "settled"
	}
	if err := tx.EndContradiction(p, state); err != nil {
		return aid.Outcome{}, err
	}
	award, err := tx.AwardOf(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	if !arrived {
		return payOn(tx, c, award, in.Workflow)
	}
	booked, err := tx.Correct(c, award, p, in.Decision.Actor)
	if err != nil {
		return aid.Outcome{}, err
	}
	if !booked {
		_, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.RecoverMoney, Workflow: in.Workflow, Subject: p.ID, Rule: map[string]string{"because": "paid_twice"}})
		if err != nil {
			return aid.Outcome{}, err
		}
	}
	return payOn(tx, c, award, in.Workflow)
}

// madeGood applies what two persons say of a payment that the bank returned: a
// treasurer pays it again, or its money goes to the fund.
func madeGood(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, again bool, in aid.DecisionRequest) (aid.Outcome, error) {
	award, tranche, err := trancheOf(tx, c, p.TrancheID)
	if err != nil {
		return aid.Outcome{}, err
	}
	if again {
		err = tx.Unhold(tranche)
	} else {
		err = tx.GiveUp(c, award, p, in.Decision.Actor)
	}
	if err != nil {
		return aid.Outcome{}, err
	}
	out, err := payOn(tx, c, award, in.Workflow)
	if err != nil || c.Stage != aid.Disbursement {
		return out, err
	}
	return out, awaitAgain(tx, c)
}

// RecoverMoney applies one of the two confirmations that what is outstanding of
// a claim is written off. Money that comes back needs none: it ends the claim
// by itself.
func (a *Activities) RecoverMoney(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "recover_money", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		confirmed, err := tx.AppliedDecisions(t)
		if err != nil {
			return aid.Outcome{}, err
		}
		if len(confirmed) < 2 {
			return aid.Outcome{Result: aid.ResultPending}, tx.Voted(c, t)
		}
		if err := tx.CloseTask(t, "written_off"); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.WriteOff(c, t, in.Decision.Actor, in.Decision.Reason); err != nil || !c.Status.Open() {
			return aid.Outcome{Result: "written_off"}, err
		}
		award, err := tx.AwardOf(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		return payOn(tx, c, award, in.Workflow)
	})
}
