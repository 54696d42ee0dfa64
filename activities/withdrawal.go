package activities

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Withdraw ends a case that nothing was paid for: its tasks are void, a
// proposed award is cancelled, reserved money goes back to the fund, all in
// one transaction.
//
// While a payment is on its way the wish stands, and the disbursement applies
// it at the payment's outcome. After a first payment the rest is
// released and somebody has to recover the money.
func (a *Activities) Withdraw(ctx context.Context, in aid.WithdrawRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "withdraw", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		if in.Withdrawal.Actor != c.PartnerID && in.Withdrawal.Actor != postgres.System {
			return aid.Outcome{}, aid.Refuse(aid.NotFound, "case_not_found")
		}
		if err := tx.MayWithdraw(c); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.AnswerWithdrawal(c); err != nil {
			return aid.Outcome{}, err
		}
		c.ReasonCode = in.Withdrawal.Reason
		live, err := tx.LivePayment(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		if live != nil && live.OnItsWay() {
			return askedToWithdraw(tx, c, in.Withdrawal)
		}
		doubtful, err := tx.Contradicted(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		if doubtful != nil {
			return askedToWithdraw(tx, c, in.Withdrawal)
		}
		return withdraw(tx, c, in.Withdrawal.Actor)
	})
}

// askedToWithdraw lets the wish stand: nothing new is instructed.
func askedToWithdraw(tx *postgres.Tx, c *postgres.Case, w aid.Withdrawal) (aid.Outcome, error) {
	c.WithdrawalAsked = true
	if err := tx.SaveCase(c); err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: "recorded"}, tx.AddEvent(c, postgres.Event{Kind: "case.withdrawal_asked", Actor: w.Actor})
}

// withdraw ends the case now; no payment of it is on its way.
func withdraw(tx *postgres.Tx, c *postgres.Case, actor string) (aid.Outcome, error) {
	c.WithdrawalAsked = false
	paid, err := stopPaying(tx, c, actor, "withdrawn")
	if err != nil {
		return aid.Outcome{}, err
	}
	out, err := end(tx, c, aid.EventWithdraw, "case.withdrawn", actor, "withdrawn")
	if err != nil || !paid {
		return out, err
	}
	_, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.RecoverMoney, Workflow: c.WorkflowID, Rule: map[string]string{"because": "withdrawn_after_payment"}})
	return out, err
}

// stopPaying cancels what is not yet instructed, with a reason, and gives the
// rest of the award back; it tells whether anything was paid.
func stopPaying(tx *postgres.Tx, c *postgres.Case, actor, reason string) (paid bool, err error) {
	award, err := tx.AwardOf(c)
	if aid.KindOf(err) == aid.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	live, err := tx.LivePayment(c)
	if err != nil {
		return false, err
	}
	if live != nil {
		live.Reason = reason
		if err := tx.MovePayment(c, live, aid.PaymentCancelled, actor); err != nil {
			return false, err
		}
	}
	if award.State != "proposed" {
		if _, err := tx.SkipRest(c, award, actor); err != nil {
			return false, err
		}
	}
	if err := tx.EndChanges(c); err != nil {
		return false, err
	}
	if err := tx.CancelAward(award); err != nil {
		return false, err
	}
	return tx.AnythingPaid(award)
}
