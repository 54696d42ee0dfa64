package activities

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
)

// endPayment records what is known of the attempt now. Persons may have ended
// the payment meanwhile: then the rail's word is kept with the attempt, and
// where it differs from theirs, they are asked again.
func (a *Activities) endPayment(ctx context.Context, in aid.PayRequest, j *job, said answer) (aid.PaymentStep, error) {
	out := *j.payment.Step()
	err := a.Store.Write(context.WithoutCancel(ctx), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(in.Case)
		if err != nil {
			return err
		}
		p, err := tx.LockPayment(c, in.Payment)
		if err != nil {
			return err
		}
		attempt, _, err := tx.OpenAttempt(p)
		if err != nil {
			return err
		}
		j.giveBack(attempt)
		if p.State.Terminal() {
			err = j.late(tx, c, p, attempt, said)
		} else {
			err = j.learn(tx, c, p, attempt, said)
		}
		out = *p.Step()
		return err
	})
	switch {
	case err != nil:
		a.release(ctx, j, false)
		return out, retryDecision(err)
	case out.State.Terminal():
		return out, nil
	case said.sent && said.err != nil && rails.CodeOf(said.err) == rails.CodeKeyConflict:
		return out, neverTold(rails.CodeKeyConflict)
	}
	return out, stillOpen(said.err)
}

// giveBack clears the lease of an attempt that this job has had, and nobody
// else's; it is written with what is recorded. Whose lease has run out cannot
// know what others did since.
func (j *job) giveBack(attempt *postgres.Attempt) {
	if !j.holds {
		return
	}
	if j.holds = attempt.SendingUntil != nil && attempt.SendingUntil.Equal(*j.attempt.SendingUntil); j.holds {
		attempt.SendingUntil = nil
	}
}

// learn moves attempt and payment to what the rail said.
func (j *job) learn(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, a *postgres.Attempt, said answer) error {
	if said.err != nil {
		return j.doubt(tx, c, p, a, said.err)
	}
	status := said.status
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
	if !said.sent {
		return nil // not found, and not sent by us: nothing is known that was not known before
	}
	return tx.MoveAttempt(a, "unknown", status.Reference, string(status.State))
}

// doubt records an error of the rail. Only a rail that certainly executed
// nothing leaves the attempt as it was, to be sent again under the same key.
func (j *job) doubt(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, a *postgres.Attempt, asked error) error {
	code := rails.CodeOf(asked)
	switch {
	case rails.CertaintyOf(asked) == rails.NotExecuted:
		return tx.EndLease(a, j.holds && j.unsent)
	case rails.CertaintyOf(asked) == rails.Never && code == rails.CodeInvalidInstruction:
		if err := tx.MoveAttempt(a, "failed", "", code); err != nil {
			return err
		}
		return tx.Fail(c, p, code, postgres.System)
	}
	if err := tx.MoveAttempt(a, "unknown", "", code); err != nil {
		return err
	}
	if p.State != aid.PaymentUnknown {
		if err := tx.MovePayment(c, p, aid.PaymentUnknown, postgres.System); err != nil {
			return err
		}
	}
	if code != codeUnsafe || j.asked {
		return nil
	}
	if err := tx.AskPersons(c, p, codeUnsafe); err != nil {
		return err
	}
	return tx.SendSignal(c.WorkflowID, postgres.SignalLook)
}

// late takes what a rail says of a payment that has ended without it: persons
// ended it while this machine stood still. It never moves the payment.
func (j *job) late(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, a *postgres.Attempt, said answer) error {
	state, code := string(said.status.State), said.status.Code
	if said.err != nil {
		state, code = "unknown", rails.CodeOf(said.err)
	}
	switch {
	case p.State == aid.PaymentFailed && a.State != state && mayHaveMoved(said):
		return tx.Contradict(c, p, a, state, said.status.Reference, code)
	case p.State == aid.PaymentSettled && said.err == nil && (said.status.State == rails.Refused || said.status.State == rails.Failed):
		return tx.TellContradiction(c, p, state)
	case j.holds:
		return tx.EndLease(a, false)
	}
	return nil
}

// mayHaveMoved tells whether money may have moved by what a rail said.
func mayHaveMoved(said answer) bool {
	switch {
	case said.err == nil:
		return said.status.State == rails.Settled || said.status.State == rails.Accepted
	case !said.sent:
		return false
	}
	certainty := rails.CertaintyOf(said.err)
	return certainty == rails.Unknown || (certainty == rails.Never && rails.CodeOf(said.err) == rails.CodeKeyConflict)
}
