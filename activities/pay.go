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
//   - whoever sends has the attempt's lease: two never send at once, and no
//     person says that it failed while it may be on its way;
//   - an attempt that exists is asked about, never simply sent again; where
//     the rail does not know it, the same key is sent again, if the rail pays
//     a key only once;
//   - while persons are asked how it ended, the rail is asked and nothing sent;
//   - an answer that is not understood leaves the attempt unknown.
//
// It gives the payment once it is settled or failed, with its postings made in
// the same transaction. While the end is open it gives a retryable error, and
// one that is not retryable when the rail can never tell.
func (a *Activities) Pay(ctx context.Context, in aid.PayRequest) (aid.PaymentStep, error) {
	sending, cancel := context.WithTimeout(ctx, postgres.SendTime)
	defer cancel()
	j, err := a.beginPayment(ctx, in)
	if err != nil || j.payment.State.Terminal() {
		return a.giveUp(ctx, j, err)
	}
	rail, ok := a.Rails[j.payment.Rail]
	switch {
	case !ok:
		return aid.PaymentStep{}, temporal.NewApplicationError("unknown_rail", "fault")
	case j.attempt.Code == rails.CodeKeyConflict:
		return aid.PaymentStep{}, neverTold(j.attempt.Code)
	}
	var said answer
	if j.holds {
		said = j.send(sending, rail)
	} else if said, err = a.ask(ctx, in, j, rail); err != nil {
		return a.giveUp(ctx, j, err)
	}
	return a.endPayment(ctx, in, j, a.await(ctx, j, rail, said))
}

// await asks for the end of what the rail has just accepted, again and again
// for a moment: a try more costs the engine more than a question costs the
// rail.
func (a *Activities) await(ctx context.Context, j *job, rail rails.Rail, said answer) answer {
	if !said.sent || !rail.Capabilities().CanAsk {
		return said
	}
	waiting, cancel := context.WithTimeout(ctx, a.Patience)
	defer cancel()
	for pause := firstQuestion; said.err == nil && said.status.State == rails.Accepted; pause *= 2 {
		select {
		case <-waiting.Done():
			return said
		case <-time.After(pause):
		}
		status, err := rails.Ask(ctx, rail, j.attempt.Key, j.payment.Amount, j.payment.Currency)
		if err != nil || status.State == rails.NotFound {
			return said // it was accepted: the next try asks again
		}
		said.status = status
	}
	return said
}

const firstQuestion = 100 * time.Millisecond

// giveUp ends a try in which nothing was sent. When PostgreSQL may have given
// a lease and could not say so, it is given back at once: else the next try
// would wait for its end.
func (a *Activities) giveUp(ctx context.Context, j *job, err error) (aid.PaymentStep, error) {
	if err != nil {
		a.release(ctx, j, j.unsent)
	}
	return *j.payment.Step(), retryDecision(err)
}

// job is one payment on its way to the rail; the payee is in memory only.
type job struct {
	payment postgres.Payment
	attempt postgres.Attempt
	holds   bool // the lease: it may be sent, by nobody else
	unsent  bool // before this lease the rail had certainly not heard of it
	asked   bool // persons are asked how it ended
	payee   postgres.PayeeAccount
	purpose string
}

// answer is what a rail said: a status, or an error that proves more or less.
type answer struct {
	status rails.Status
	err    error
	sent   bool // it answers an instruction, not a question
}

func (a *Activities) beginPayment(ctx context.Context, in aid.PayRequest) (*job, error) {
	j := &job{}
	err := a.Store.Write(ctx, func(tx *postgres.Tx) error {
		*j = job{}
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

// prepare writes the attempt down. A new one is sent at once.
func (j *job) prepare(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment) error {
	attempt, fresh, err := tx.OpenAttempt(p)
	if err != nil {
		return err
	}
	if p.State == aid.PaymentUnknown {
		if j.asked, err = tx.PersonsAsked(p); err != nil {
			return err
		}
	}
	if fresh && !j.asked {
		award, err := tx.AwardOf(c)
		if err != nil {
			return err
		}
		if err := tx.CheckApprovals(c, award); err != nil {
			return err
		}
		if j.holds, err = tx.LeaseAttempt(attempt); err != nil {
			return err
		}
		j.unsent = true
	}
	j.attempt = *attempt
	j.purpose = p.Key()
	if c.Reference != nil {
		j.purpose = *c.Reference
	}
	j.payee, err = tx.PayeeAccount(p.PayeeAccountID)
	return err
}

// ask asks the rail about an attempt that may have arrived, and sends one that
// it does not know.
func (a *Activities) ask(ctx context.Context, in aid.PayRequest, j *job, rail rails.Rail) (answer, error) {
	var said answer
	if rail.Capabilities().CanAsk {
		said.status, said.err = rails.Ask(ctx, rail, j.attempt.Key, j.payment.Amount, j.payment.Currency)
		if said.err != nil || said.status.State != rails.NotFound {
			return said, nil
		}
	}
	said.status = rails.Status{Key: j.attempt.Key, State: rails.NotFound}
	if j.asked {
		return said, nil
	}
	if !j.resendable(rail.Capabilities(), a.Store.Now()) {
		said.err = &rails.Error{Certainty: rails.Unknown, Code: codeUnsafe}
		return said, nil
	}
	sending, cancel := context.WithTimeout(ctx, postgres.SendTime)
	defer cancel()
	if err := a.lease(ctx, in, j); err != nil || !j.holds {
		return said, err
	}
	return j.send(sending, rail), nil
}

func (j *job) send(ctx context.Context, rail rails.Rail) answer {
	status, err := rails.Submit(ctx, rail, rails.Instruction{Key: j.attempt.Key, Amount: j.payment.Amount, Currency: j.payment.Currency,
		Purpose: j.purpose, Payee: rails.Payee{Method: j.payee.Method, BankBIN: j.payee.BankBIN,
			AccountNumber: j.payee.AccountNumber, AccountName: j.payee.AccountName}})
	return answer{status, err, true}
}

// stillOpen asks Temporal to run the activity again.
func stillOpen(asked error) error {
	code := "payment_open"
	if asked != nil {
		code = rails.CodeOf(asked)
	}
	return temporal.NewApplicationErrorWithOptions(code, "payment_open", // the usual course: no fault for a log or a count of failures
		temporal.ApplicationErrorOptions{Category: temporal.ApplicationErrorCategoryBenign})
}

// neverTold ends the asking: the rail can say nothing of this payment that
// could be believed.
func neverTold(code string) error {
	return temporal.NewNonRetryableApplicationError(code, "payment_unclear", nil)
}
