package postgres

import (
	"database/sql"
	"errors"

	"github.com/aidflow/aidflow/aid"
)

// AskRetry brings a payment that failed, was cancelled or came back before a
// treasurer: its tranche is due, and nobody pays it. Who confirms the task pays anew; the
// task has a deadline as every other, so that nothing is forgotten.
func (tx *Tx) AskRetry(c *Case, p *Payment) error {
	var open bool
	err := tx.get(&open, `SELECT EXISTS (SELECT 1 FROM tasks WHERE case_id = $1 AND kind = 'prepare_payment' AND subject = $2 AND closed_at IS NULL)`, c.ID, p.ID)
	if err != nil || open {
		return err
	}
	_, err = tx.OpenOfficeTask(c, NewTask{Kind: aid.PreparePayment, Workflow: c.WorkflowID, Subject: p.ID,
		Rule: map[string]string{"because": "payment_" + string(p.State), "reason_code": p.Reason}})
	return err
}

// LastPayment gives the newest payment of a tranche, nil when there is none.
func (tx *Tx) LastPayment(t *Tranche) (*Payment, error) {
	var p Payment
	err := tx.get(&p, `SELECT `+paymentColumns+` FROM payments p WHERE p.tranche_id = $1 ORDER BY p.n DESC LIMIT 1 FOR UPDATE`, t.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &p, err
}

// toQueue gives the payment that a treasurer queues by confirming the task of
// one: that one while it is due and paid as it is, else a new one in its place.
// A payment whose fund had no rail for the payee when it was made is replaced,
// and so is one of which only a part is paid.
//
// Errors: Conflict method_not_paid; those of payAnew.
func (tx *Tx) toQueue(c *Case, p *Payment, of *part, actor string) (*Payment, error) {
	if p.State == aid.PaymentDue && p.Rail != "" && of == nil {
		return p, nil
	}
	if p.State == aid.PaymentDue {
		if p.Reason = "method_not_paid"; of != nil {
			p.Reason = "part_payment"
		}
		if err := tx.MovePayment(c, p, aid.PaymentCancelled, actor); err != nil {
			return nil, err
		}
	}
	again, err := tx.payAnew(c, p, of)
	if err == nil && again.Rail == "" {
		return nil, aid.Refuse(aid.Conflict, "method_not_paid")
	}
	return again, err
}

// payAnew makes a new payment in place of one that failed, was cancelled or
// came back: of the same part of its tranche, unless another is asked for.
//
// Errors: Conflict wrong_payment_state, wrong_tranche_state, tranche_held,
// payment_exists; those of MakeDue.
func (tx *Tx) payAnew(c *Case, old *Payment, of *part) (*Payment, error) {
	award, tranche, err := tx.toPayAnew(c, old)
	if err != nil {
		return nil, err
	}
	if err := tx.refuseContradicted(c); err != nil {
		return nil, err
	}
	if of == nil {
		same := old.again(tranche)
		of = &same
	}
	return tx.newPayment(c, award, tranche, *of, old.ID)
}

// RetryPayment does the same for a treasurer who asks for it of his own
// accord, and asks for its preparation in place of the open question.
//
// Errors: as payAnew.
func (tx *Tx) RetryPayment(c *Case, old *Payment, workflow string) (*Payment, error) {
	award, tranche, err := tx.toPayAnew(c, old)
	if err != nil {
		return nil, err
	}
	if err := tx.EndTasksAbout(c, old.ID, "replaced"); err != nil {
		return nil, err
	}
	return tx.MakeDue(c, award, tranche, workflow, old.ID)
}

func (tx *Tx) toPayAnew(c *Case, old *Payment) (*Award, *Tranche, error) {
	if old.State.Live() || old.State == aid.PaymentSettled {
		return nil, nil, aid.Refuse(aid.Conflict, "wrong_payment_state", "state", string(old.State))
	}
	award, err := tx.AwardOf(c)
	if err != nil {
		return nil, nil, err
	}
	tranche, err := tx.TrancheOf(award, old.TrancheID)
	if err != nil {
		return nil, nil, err
	}
	if tranche.State != "due" {
		return nil, nil, aid.Refuse(aid.Conflict, "wrong_tranche_state", "state", tranche.State)
	}
	if tranche.Held {
		return nil, nil, aid.Refuse(aid.Conflict, "tranche_held")
	}
	if live, err := tx.LivePayment(c); err != nil {
		return nil, nil, err
	} else if live != nil { // said here: the sum of the tranche would say less
		return nil, nil, aid.Refuse(aid.Conflict, "payment_exists")
	}
	return award, tranche, nil
}

// NewestPayment gives the payment of a case that was made last; nil when there
// is none.
func (tx *Tx) NewestPayment(c *Case) (*Payment, error) {
	var p Payment
	err := tx.get(&p, `SELECT `+paymentColumns+` FROM payments p WHERE p.case_id = $1 ORDER BY p.created_at DESC, p.n DESC LIMIT 1 FOR UPDATE`, c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &p, err
}
