package activities

import (
	"context"
	"encoding/json"

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
		_, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.ResolvePayment, Workflow: in.Workflow, Subject: p.ID,
			Rule: map[string]string{"because": "payment_unknown"}})
		return out, err
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
		said, err := confirmations(tx, t)
		if err != nil {
			return aid.Outcome{}, err
		}
		out := aid.Outcome{Result: aid.ResultPending, Payment: p.Step()}
		if said["settled"]+said["failed"] < 2 {
			return out, tx.Voted(c, t)
		}
		if err := tx.CloseTask(t, "confirmed"); err != nil {
			return out, err
		}
		return resolved(tx, c, p, said, in)
	})
}

// confirmations counts what the persons said the end was.
func confirmations(tx *postgres.Tx, t *postgres.Task) (map[string]int, error) {
	ids, err := tx.AppliedDecisions(t)
	if err != nil {
		return nil, err
	}
	said := map[string]int{}
	for _, id := range ids {
		content, err := tx.Content(id)
		if err != nil {
			return nil, err
		}
		var data struct {
			Outcome string `json:"outcome"`
		}
		if json.Unmarshal(content.Data, &data) != nil || (data.Outcome != "settled" && data.Outcome != "failed") {
			return nil, aid.Refuse(aid.Invalid, "outcome_required")
		}
		said[data.Outcome]++
	}
	return said, nil
}

func resolved(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, said map[string]int, in aid.DecisionRequest) (aid.Outcome, error) {
	var err error
	switch {
	case said["settled"] == 2:
		err = tx.EndAttempt(p, "settled", "resolved_by_persons")
		if err == nil {
			err = tx.Settle(c, p, in.Decision.Actor)
		}
	case said["failed"] == 2:
		err = tx.EndAttempt(p, "failed", "resolved_by_persons")
		if err == nil {
			err = tx.Fail(c, p, "resolved_by_persons", in.Decision.Actor)
		}
	default:
		c.Review++
		if err = tx.SaveCase(c); err == nil {
			_, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.ResolvePayment, Workflow: in.Workflow, Subject: p.ID,
				Rule: map[string]string{"because": "confirmations_differ"}})
		}
	}
	return aid.Outcome{Result: "resolved", Payment: p.Step()}, err
}

// RecoverMoney closes the task of getting back what was paid for a withdrawn
// case: the treasurer says that it was handled.
func (a *Activities) RecoverMoney(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "recover_money", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		return aid.Outcome{Result: "recovered"}, tx.CloseTask(t, "confirmed")
	})
}
