package postgres

import (
	"database/sql"
	"errors"

	"github.com/aidflow/aidflow/aid"
)

// A contradiction: a payment has ended, and then its rail says something else.
// What the rail says is kept with the attempt that it speaks of and moves no
// other. Until two persons have looked at the bank's statement, nothing of the
// award is paid anew.

// Contradict keeps what a rail says of an attempt after its payment has
// failed, and brings the question before two persons. When the disbursement
// has ended nobody waits for an answer: the event and the audit tell.
func (tx *Tx) Contradict(c *Case, p *Payment, a *Attempt, state, reference, code string) error {
	a.State, a.ContradictedAt, a.SendingUntil = state, &tx.Now, nil
	err := tx.one(`UPDATE attempts SET state = $2, reference = $3, code = $4, asked_at = $5, contradicted_at = $5, sending_until = NULL,
		ended_at = CASE WHEN $6 THEN $5::timestamptz END WHERE id = $1`, a.ID, state, reference, code, tx.Now, over(state))
	if err != nil {
		return err
	}
	if err := tx.TellContradiction(c, p, state); err != nil || c.Stage != aid.Disbursement {
		return err
	}
	if err := tx.AskPersons(c, p, "payment_contradicted"); err != nil {
		return err
	}
	return tx.SendSignal(c.WorkflowID, SignalLook)
}

// TellContradiction tells the timeline and the audit that a rail says
// something else than a payment's end.
func (tx *Tx) TellContradiction(c *Case, p *Payment, said string) error {
	err := tx.AddEvent(c, Event{Kind: "payment.contradicted", Actor: System, Data: map[string]any{"payment": p.ID, "tranche": p.TrancheN, "n": p.N,
		"amount": p.Amount, "currency": p.Currency, "state": p.State, "rail_says": said}})
	if err != nil {
		return err
	}
	return tx.AddAudit(System, "contradict_payment", p.ID, "done", said)
}

// Contradicted gives a payment of the case about which its rail and the books
// differ, nil when there is none.
func (tx *Tx) Contradicted(c *Case) (*Payment, error) {
	var p Payment
	err := tx.get(&p, `SELECT `+paymentColumns+` FROM payments p JOIN attempts a ON a.payment_id = p.id
		WHERE p.case_id = $1 AND a.contradicted_at IS NOT NULL LIMIT 1`, c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &p, err
}

// EndContradiction records how two persons have settled a contradiction.
func (tx *Tx) EndContradiction(p *Payment, state string) error {
	return tx.one(`UPDATE attempts SET state = $2, code = 'resolved_by_persons', contradicted_at = NULL, ended_at = $3
		WHERE key = $1 AND contradicted_at IS NOT NULL`, p.Key(), state, tx.Now)
}

// AskPersons opens the question how a payment has ended, for two persons of
// the office, unless it is open. A caller that is no step of the case's
// workflow tells it to look.
func (tx *Tx) AskPersons(c *Case, p *Payment, because string) error {
	open, err := tx.PersonsAsked(p)
	if err != nil || open {
		return err
	}
	_, err = tx.OpenOfficeTask(c, NewTask{Kind: aid.ResolvePayment, Workflow: c.WorkflowID, Subject: p.ID, Rule: map[string]string{"because": because}})
	return err
}

// PersonsAsked tells whether persons are being asked how a payment has ended.
func (tx *Tx) PersonsAsked(p *Payment) (bool, error) {
	var asked bool
	err := tx.get(&asked, `SELECT EXISTS (SELECT 1 FROM tasks WHERE case_id = $1 AND kind = 'resolve_payment' AND subject = $2 AND closed_at IS NULL)`,
		p.CaseID, p.ID)
	return asked, err
}

// EndQuestions voids what persons are asked about payments that have ended;
// where the rail contradicts, or the payment came back, the question stays.
func (tx *Tx) EndQuestions(c *Case) error {
	_, err := tx.exec(`UPDATE tasks t SET state = 'void', closed_at = $2, attend_at = NULL, version = version + 1
		WHERE case_id = $1 AND kind = 'resolve_payment' AND closed_at IS NULL
		  AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.payment_id = t.subject AND a.contradicted_at IS NOT NULL)
		  AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.id = t.subject AND p.state = 'returned')`, c.ID, tx.Now)
	return err
}

// Correct books money that has arrived although its payment was held for
// failed: two persons have seen it on the bank's statement. The failed payment
// stays what it is; a new one in its place, which no rail hears of, is settled
// at once. A retry that no rail has heard of is cancelled. It gives false, and
// books nothing, when the tranche was paid by another payment meanwhile: then
// the household has the money twice.
//
// Errors: Conflict payment_exists while another payment of the tranche is on
// its way; Forbidden not_approved.
func (tx *Tx) Correct(c *Case, a *Award, p *Payment, actor string) (bool, error) {
	tranche, err := tx.TrancheOf(a, p.TrancheID)
	if err != nil || tranche.Rest() < p.Amount {
		return false, err
	}
	other, err := tx.paymentOf(p.TrancheID, `'due', 'queued', 'instructed', 'unknown'`)
	switch {
	case err != nil:
		return false, err
	case other != nil && other.OnItsWay():
		return false, aid.Refuse(aid.Conflict, "payment_exists")
	case other != nil:
		if err := tx.callOff(c, other, "paid_before", actor); err != nil {
			return false, err
		}
	}
	if err := tx.EndTasksAbout(c, p.ID, "void"); err != nil {
		return false, err
	}
	if err := tx.bookArrived(c, a, tranche, p, actor); err != nil || tranche.HeldReason != HeldByReturn {
		return true, err
	}
	return true, tx.moot(c, tranche)
}

// bookArrived takes a payment in place of another through its whole life.
func (tx *Tx) bookArrived(c *Case, a *Award, t *Tranche, p *Payment, actor string) error {
	to := *c
	to.PayeeAccountID = &p.PayeeAccountID // where it has arrived, whoever is the payee now
	arrived, err := tx.newPayment(&to, a, t, p.arrived(t), p.ID)
	if err != nil {
		return err
	}
	arrived.Reason = "arrived_after_all"
	if err := tx.MovePayment(c, arrived, aid.PaymentQueued, actor); err != nil {
		return err
	}
	if err := tx.instruct(c, a, arrived, actor); err != nil {
		return err
	}
	return tx.Settle(c, arrived, actor)
}

// callOff cancels a payment that no rail has heard of, with its tasks.
func (tx *Tx) callOff(c *Case, p *Payment, reason, actor string) error {
	p.Reason = reason
	if err := tx.MovePayment(c, p, aid.PaymentCancelled, actor); err != nil {
		return err
	}
	return tx.EndTasksAbout(c, p.ID, "void")
}

// EndTasksAbout closes the open tasks about one thing of the case as void or
// replaced.
func (tx *Tx) EndTasksAbout(c *Case, subject, state string) error {
	_, err := tx.exec(`UPDATE tasks SET state = $3, closed_at = $4, attend_at = NULL, version = version + 1
		WHERE case_id = $1 AND subject = $2 AND closed_at IS NULL`, c.ID, subject, state, tx.Now)
	return err
}
