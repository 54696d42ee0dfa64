package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
)

// Pay brings one instructed payment to its end on its rail. It is run again
// until the end is known, by the retry policy of the workflow:
//
//   - the attempt is written down before the rail hears of it, so that a
//     machine that dies in between leaves a trace that is asked about;
//   - an attempt that exists is asked about, never simply sent again; where
//     the rail does not know it, the same key is sent again;
//   - an answer that is not understood leaves the attempt unknown.
//
// It gives the payment once it is settled or failed, with its postings made in
// the same transaction. While the end is open it gives a retryable error.
func (a *Activities) Pay(ctx context.Context, in aid.PayRequest) (aid.PaymentStep, error) {
	job, err := a.beginPayment(ctx, in)
	if err != nil || job.payment.State.Terminal() {
		return *job.payment.Step(), retryDecision(err)
	}
	rail, ok := a.Rails[job.payment.Rail]
	if !ok {
		return aid.PaymentStep{}, temporal.NewApplicationError("unknown_rail", "fault")
	}
	status, err := job.reach(ctx, rail)
	return a.endPayment(ctx, in, status, err)
}

// job is one payment on its way to the rail; the payee is in memory only.
type job struct {
	payment postgres.Payment
	attempt postgres.Attempt
	fresh   bool
	age     time.Duration // of the attempt, on the case's clock
	payee   postgres.PayeeAccount
	purpose string
}

func (a *Activities) beginPayment(ctx context.Context, in aid.PayRequest) (job, error) {
	var j job
	err := a.Store.Write(ctx, func(tx *postgres.Tx) error {
		c, err := tx.LockCase(in.Case)
		if err != nil {
			return err
		}
		p, err := tx.LockPayment(c, in.Payment)
		if err != nil {
			return err
		}
		j.payment = *p
		if p.State.Terminal() {
			return nil
		}
		if p.State != aid.PaymentInstructed && p.State != aid.PaymentUnknown {
			return aid.Refuse(aid.Conflict, "wrong_payment_state", "state", string(p.State))
		}
		return j.prepare(tx, c, p)
	})
	return j, err
}

func (j *job) prepare(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment) error {
	attempt, fresh, err := tx.OpenAttempt(p)
	if err != nil {
		return err
	}
	j.attempt, j.fresh, j.age = *attempt, fresh, tx.Now.Sub(attempt.StartedAt)
	if fresh {
		award, err := tx.AwardOf(c)
		if err != nil {
			return err
		}
		if err := tx.CheckApprovals(c, award); err != nil {
			return err
		}
	}
	j.purpose = p.Key()
	if c.Reference != nil {
		j.purpose = *c.Reference
	}
	j.payee, err = tx.PayeeAccount(p.PayeeAccountID)
	return err
}

// reach asks the rail about an attempt that may have arrived, and sends one
// that certainly has not. A rail that may have forgotten the key cannot tell:
// nothing is sent again, and persons are asked in the end. Half of its memory
// is trusted, for clocks differ.
func (j *job) reach(ctx context.Context, rail rails.Rail) (rails.Status, error) {
	if !j.fresh {
		status, err := rails.Ask(ctx, rail, j.attempt.Key, j.payment.Amount, j.payment.Currency)
		memory := rail.Capabilities().KeyMemory
		if err != nil || status.State != rails.NotFound || (memory > 0 && j.age >= memory/2) {
			return status, err
		}
	}
	return rails.Submit(ctx, rail, rails.Instruction{Key: j.attempt.Key, Amount: j.payment.Amount, Currency: j.payment.Currency,
		Purpose: j.purpose, Payee: rails.Payee{Method: j.payee.Method, BankBIN: j.payee.BankBIN,
			AccountNumber: j.payee.AccountNumber, AccountName: j.payee.AccountName}})
}

// endPayment records what is known of the attempt now.
func (a *Activities) endPayment(ctx context.Context, in aid.PayRequest, status rails.Status, asked error) (aid.PaymentStep, error) {
	var out aid.PaymentStep
	err := a.Store.Write(context.WithoutCancel(ctx), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(in.Case)
		if err != nil {
			return err
		}
		p, err := tx.LockPayment(c, in.Payment)
		if err != nil || p.State.Terminal() {
			out = *p.Step()
			return err
		}
		attempt, _, err := tx.OpenAttempt(p)
		if err != nil {
			return err
		}
		err = learn(tx, c, p, attempt, status, asked)
		out = *p.Step()
		return err
	})
	switch {
	case err != nil:
		return out, retryDecision(err)
	case out.State.Terminal():
		return out, nil
	}
	return out, stillOpen(asked)
}

// learn moves attempt and payment to what the rail said.
func learn(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, a *postgres.Attempt, status rails.Status, asked error) error {
	if asked != nil {
		return doubt(tx, c, p, a, asked)
	}
	switch status.State {
	case rails.Settled:
		if err := tx.MoveAttempt(a, "settled", status.Reference, status.Code); err != nil {
			return err
		}
		return tx.Settle(c, p, postgres.System)
	case rails.Refused, rails.Failed:
		if err := tx.MoveAttempt(a, string(status.State), status.Reference, status.Code); err != nil {
			return err
		}
		return tx.Fail(c, p, status.Code, postgres.System)
	case rails.Accepted:
		return tx.MoveAttempt(a, "accepted", status.Reference, status.Code)
	}
	return tx.MoveAttempt(a, "unknown", status.Reference, string(status.State))
}

// doubt records an error of the rail. Only a rail that certainly executed
// nothing leaves the attempt as it was, to be sent again under the same key.
func doubt(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, a *postgres.Attempt, asked error) error {
	switch {
	case rails.CertaintyOf(asked) == rails.NotExecuted:
		return nil
	case rails.CertaintyOf(asked) == rails.Never && rails.CodeOf(asked) == rails.CodeInvalidInstruction:
		if err := tx.MoveAttempt(a, "failed", "", rails.CodeOf(asked)); err != nil {
			return err
		}
		return tx.Fail(c, p, rails.CodeOf(asked), postgres.System)
	}
	if err := tx.MoveAttempt(a, "unknown", "", rails.CodeOf(asked)); err != nil || p.State == aid.PaymentUnknown {
		return err
	}
	return tx.MovePayment(c, p, aid.PaymentUnknown, postgres.System)
}

// stillOpen asks Temporal to run the activity again.
func stillOpen(asked error) error {
	code := "payment_open"
	if asked != nil {
		code = rails.CodeOf(asked)
	}
	return temporal.NewApplicationError(code, "payment_open")
}
