package activities

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// DecideRelease applies the releaser's decision on a queued payment. Approved,
// it is instructed: the approvals are checked in PostgreSQL, the money is in
// transit, and nothing but the rail's answer ends it. Rejected, it is
// cancelled and a treasurer prepares a new one.
func (a *Activities) DecideRelease(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "decide_release", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		p, err := tx.LockPayment(c, t.Subject)
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.CloseTask(t, string(in.Decision.Action)); err != nil {
			return aid.Outcome{}, err
		}
		if in.Decision.Action == aid.ActionReject {
			return releaseRefused(tx, c, p, in)
		}
		if err := a.carries(tx, p); err != nil {
			return aid.Outcome{}, err
		}
		return released(tx, c, p, in.Decision.Actor)
	})
}

// carries refuses a payment that no rail of this deployment could carry, while
// its money is still only reserved.
//
// Errors: Conflict method_not_paid, unknown_rail, rail_cannot_pay.
func (a *Activities) carries(tx *postgres.Tx, p *postgres.Payment) error {
	if p.Rail == "" {
		return aid.Refuse(aid.Conflict, "method_not_paid")
	}
	rail, ok := a.Rails[p.Rail]
	if !ok {
		return aid.Refuse(aid.Conflict, "unknown_rail")
	}
	method, err := tx.PayeeMethod(p)
	if err != nil {
		return err
	}
	can := rail.Capabilities()
	if !can.Takes(p.Currency, method) || (can.MaxAmount > 0 && p.Amount > can.MaxAmount) {
		return aid.Refuse(aid.Conflict, "rail_cannot_pay")
	}
	return nil
}

func released(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, actor string) (aid.Outcome, error) {
	award, err := tx.AwardOf(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.Instruct(c, award, p, actor); err != nil {
		return aid.Outcome{}, err
	}
	if c.Status == aid.Approved {
		if err := tx.MoveCase(c, aid.EventInstruct); err != nil {
			return aid.Outcome{}, err
		}
	}
	return aid.Outcome{Result: "instructed", Payment: p.Step()}, tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerRail})
}

func releaseRefused(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, in aid.DecisionRequest) (aid.Outcome, error) {
	p.Reason = in.Decision.Reason
	if err := tx.MovePayment(c, p, aid.PaymentCancelled, in.Decision.Actor); err != nil {
		return aid.Outcome{}, err
	}
	award, tranche, err := trancheOf(tx, c, p.TrancheID)
	if err != nil {
		return aid.Outcome{}, err
	}
	again, err := tx.MakeDue(c, award, tranche, in.Workflow, p.ID)
	if err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: "refused", Payment: again.Step()}, nil
}

// AfterPayment goes on when a payment has ended: with the next tranche, with
// the end of the disbursement, with a withdrawal that was asked for meanwhile,
// or, when the payment failed, with a treasurer who looks why.
func (a *Activities) AfterPayment(ctx context.Context, in aid.TrancheRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "after_payment", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		if err := tx.EndQuestions(c); err != nil {
			return aid.Outcome{}, err
		}
		if c.Stage != aid.Disbursement { // a look has gone on before
			return aid.Outcome{Result: aid.ResultPending}, nil
		}
		award, err := tx.AwardOf(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		return payOn(tx, c, award, in.Workflow)
	})
}

// RetryPayment makes a new payment, linked to one that failed, and asks a
// treasurer to prepare it.
func (a *Activities) RetryPayment(ctx context.Context, in aid.RetryRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "retry_payment", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		p, err := tx.LockPayment(c, in.Retry.Payment)
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.AddEvent(c, postgres.Event{Kind: "payment.retried", Actor: in.Retry.Actor, Data: map[string]any{"payment": p.ID}}); err != nil {
			return aid.Outcome{}, err
		}
		again, err := tx.RetryPayment(c, p, in.Workflow)
		if err != nil {
			return aid.Outcome{}, err
		}
		return aid.Outcome{Result: "due", Payment: again.Step()}, nil
	})
}
