package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
)

// NewReturn is what a person has read on a bank's statement about a payment
// that came back.
type NewReturn struct {
	Reference  string
	ReturnedOn string // YYYY-MM-DD, the bank's day
	Reason     string // one of aid.ReturnReasons
	Amount     money.Money
}

// RecordReturn records that a bank has returned a payment. The first person's
// word changes nothing but what is recorded, and may be said anew; when a
// second person says the same, the payment is returned (see Tx.Return). It
// tells whether it is, and the workflow that has to be started, if any.
//
// Errors: NotFound payment_not_found; Forbidden wrong_role for who is neither
// treasurer nor releaser nor manager of the case, conflict_of_interest;
// Invalid bad_format, in_future, before_payment, unknown_reason,
// amount_differs, currency_not_accepted, required; Conflict
// wrong_payment_state, return_differs when another person has recorded
// something else.
func (s *Store) RecordReturn(ctx context.Context, caller *Caller, payment string, in NewReturn) (returned bool, recovery string, err error) {
	row, err := s.Payment(ctx, caller, payment)
	if err != nil {
		return false, "", err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		returned, recovery = false, ""
		c, err := tx.LockCase(row.CaseID)
		if err != nil {
			return err
		}
		if err := tx.maySayReturned(caller, c); err != nil {
			return err
		}
		p, err := tx.LockPayment(c, payment)
		if err != nil {
			return err
		}
		if p.State != aid.PaymentSettled {
			return aid.Refuse(aid.Conflict, "wrong_payment_state", "state", string(p.State))
		}
		said, err := tx.readReturn(c, p, in)
		if err != nil {
			return err
		}
		said.RecordedBy = caller.Actor()
		if returned, err = tx.sayReturned(c, p, said); err != nil || !returned {
			return err
		}
		if c.WorkflowID == RecoveryID(p.ID) {
			recovery = c.WorkflowID
		}
		return nil
	})
	return returned, recovery, err
}

func (tx *Tx) maySayReturned(caller *Caller, c *Case) error {
	if !caller.HasFor(c.Area, c.Programme, aid.RoleTreasurer, aid.RoleReleaser, aid.RoleManager) {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	return tx.unrelated(caller, c)
}

// unrelated refuses who is related to whom a case is for.
func (tx *Tx) unrelated(caller *Caller, c *Case) error {
	var related bool
	if err := tx.get(&related, `SELECT conflicted($1, $2)`, c.ID, caller.Actor()); err != nil {
		return err
	}
	if related {
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	}
	return nil
}

// readReturn reads what a person says of a return, and finds all that is wrong
// with it.
func (tx *Tx) readReturn(c *Case, p *Payment, in NewReturn) (*BankReturn, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	out := &BankReturn{PaymentID: p.ID, Reference: strings.TrimSpace(in.Reference), Reason: in.Reason}
	on, faults := bankDay("/returned_on", in.ReturnedOn, tx.Now.In(def.Location()))
	out.ReturnedOn = on
	if len(faults) == 0 && p.InstructedAt != nil && in.ReturnedOn < p.InstructedAt.In(def.Location()).Format(time.DateOnly) {
		faults = append(faults, aid.Fault{Pointer: "/returned_on", Code: "before_payment"})
	}
	if out.Reference == "" {
		faults = append(faults, aid.Fault{Pointer: "/reference", Code: "required"})
	}
	if !slices.Contains(aid.ReturnReasons(), in.Reason) {
		faults = append(faults, aid.Fault{Pointer: "/reason_code", Code: "unknown_reason"})
	}
	if in.Amount.Currency != p.Currency {
		faults = append(faults, aid.Fault{Pointer: "/amount/currency", Code: "currency_not_accepted", Params: map[string]string{"currency": p.Currency}})
	} else if in.Amount.Amount != p.Amount {
		faults = append(faults, aid.Fault{Pointer: "/amount/amount", Code: "amount_differs"})
	}
	return out, aid.RefuseAll(faults)
}

// bankDay reads a day of a bank's statement: it is not after today.
func bankDay(pointer, day string, now time.Time) (time.Time, []aid.Fault) {
	on, err := time.Parse(time.DateOnly, day)
	switch {
	case err != nil:
		return on, []aid.Fault{{Pointer: pointer, Code: "bad_format"}}
	case day > now.Format(time.DateOnly):
		return on, []aid.Fault{{Pointer: pointer, Code: "in_future"}}
	}
	return on, nil
}

// sayReturned records what one person says, or, when another has said the
// same before, has the payment come back.
func (tx *Tx) sayReturned(c *Case, p *Payment, said *BankReturn) (bool, error) {
	before, err := tx.bankReturn(p.ID)
	if err != nil {
		return false, err
	}
	actor := said.RecordedBy
	if before == nil || before.RecordedBy == actor {
		if before != nil && before.sameAs(said) {
			return false, nil
		}
		return false, tx.firstWord(c, p, said)
	}
	if !before.sameAs(said) {
		return false, aid.Refuse(aid.Conflict, "return_differs")
	}
	err = tx.one(`UPDATE bank_returns SET confirmed_by = $2, confirmed_at = $3 WHERE payment_id = $1 AND confirmed_by IS NULL`, p.ID, actor, tx.Wall)
	if err != nil {
		return false, err
	}
	if err := tx.AddAudit(actor, "confirm_return", p.ID, "done", ""); err != nil {
		return false, err
	}
	return true, tx.comesBack(c, p, said.Reason, actor)
}

func (tx *Tx) firstWord(c *Case, p *Payment, said *BankReturn) error {
	err := tx.one(`INSERT INTO bank_returns (payment_id, case_id, reference, returned_on, reason_code, source, recorded_by, recorded_at)
		VALUES ($1, $2, $3, $4, $5, 'persons', $6, $7)
		ON CONFLICT (payment_id) DO UPDATE SET reference = $3, returned_on = $4, reason_code = $5, recorded_at = $7`,
		p.ID, c.ID, said.Reference, said.ReturnedOn.Format(time.DateOnly), said.Reason, said.RecordedBy, tx.Wall)
	if err != nil {
		return err
	}
	err = tx.AddEvent(c, Event{Kind: "payment.return_recorded", Actor: said.RecordedBy, Data: map[string]any{"payment": p.ID, "tranche": p.TrancheN, "n": p.N,
		"amount": p.Amount, "currency": p.Currency, "reason": said.Reason}})
	if err != nil {
		return err
	}
	return tx.AddAudit(said.RecordedBy, "record_return", p.ID, "done", "")
}

func (r *BankReturn) sameAs(other *BankReturn) bool {
	return r.Reference == other.Reference && r.Reason == other.Reason && r.ReturnedOn.Format(time.DateOnly) == other.ReturnedOn.Format(time.DateOnly)
}
