package postgres

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
)

// Who says that a payment came back.
const (
	ReturnByPersons   = "persons"   // two, who have read it on a statement
	ReturnByStatement = "statement" // a statement of the bank that was brought in
)

// BankReturn is what a bank says of a payment that it returns.
type BankReturn struct {
	PaymentID   string     `db:"payment_id"`
	Reference   string     `db:"reference"`   // the bank's own
	ReturnedOn  time.Time  `db:"returned_on"` // the bank's day
	Reason      string     `db:"reason_code"` // one of aid.ReturnReasons
	Source      string     `db:"source"`
	RecordedBy  string     `db:"recorded_by"`
	RecordedAt  time.Time  `db:"recorded_at"` // wall clock
	ConfirmedBy *string    `db:"confirmed_by"`
	ConfirmedAt *time.Time `db:"confirmed_at"` // wall clock
}

const bankReturnColumns = `payment_id, reference, returned_on, reason_code, source, recorded_by, recorded_at, confirmed_by, confirmed_at`

// Return books that a bank has returned a payment after it had settled it, by
// word of a statement: what is said is certain, and one person is enough to
// bring it in. For two persons there is RecordReturn.
//
// The money is reserved again, and the tranche due and held until two persons
// have decided what becomes of it; a case that was paid goes back to paying
// for that long, moved by a workflow of its own, while its visits go on. Of a
// cancelled award nothing is paid again: the money goes to the fund at once,
// and counts as got back where it is claimed.
//
// Errors: Conflict wrong_payment_state, when the payment is not settled: a
// return that is told twice is booked once.
func (tx *Tx) Return(c *Case, p *Payment, in BankReturn) error {
	if p.State != aid.PaymentSettled {
		return aid.Refuse(aid.Conflict, "wrong_payment_state", "state", string(p.State))
	}
	err := tx.one(`INSERT INTO bank_returns (payment_id, case_id, reference, returned_on, reason_code, source, recorded_by, recorded_at)
		VALUES ($1, $2, $3, $4, $5, 'statement', $6, $7)
		ON CONFLICT (payment_id) DO UPDATE SET reference = $3, returned_on = $4, reason_code = $5, source = 'statement', recorded_by = $6, recorded_at = $7,
			confirmed_by = NULL, confirmed_at = NULL`,
		p.ID, c.ID, in.Reference, in.ReturnedOn.Format(time.DateOnly), in.Reason, in.RecordedBy, tx.Wall)
	if err != nil {
		return err
	}
	return tx.comesBack(c, p, in.Reason, in.RecordedBy)
}

// comesBack books a return that is certain.
func (tx *Tx) comesBack(c *Case, p *Payment, reason, actor string) error {
	p.Reason = reason
	if err := tx.MovePayment(c, p, aid.PaymentReturned, actor); err != nil {
		return err
	}
	award, tranche, err := tx.dueAgain(c, p, actor)
	if err != nil {
		return err
	}
	if err := tx.Post(ledger.ReturnAfterSettlement(p.FundID, p.Money(), p.Key()+"/return", ledger.Cash), c.ID, actor); err != nil {
		return err
	}
	if award.State == "cancelled" {
		if err := tx.GiveUp(c, award, p, actor); err != nil {
			return err
		}
		return tx.cameBackOf(c, award)
	}
	if err := tx.Hold(tranche, HeldByReturn); err != nil {
		return err
	}
	if award.State == "completed" {
		if err := tx.beginRecovery(c, award, p); err != nil {
			return err
		}
	} else if err := tx.SendSignal(c.WorkflowID, SignalLook); err != nil {
		return err
	}
	return tx.askReturned(c, p)
}

// dueAgain makes the tranche of a returned payment due. What it still had to
// pay is called off: what is left of it is another amount now.
//
// Errors: Conflict wrong_tranche_state while another part of it is on its way.
func (tx *Tx) dueAgain(c *Case, p *Payment, actor string) (*Award, *Tranche, error) {
	award, err := tx.AwardOf(c)
	if err != nil {
		return nil, nil, err
	}
	tranche, err := tx.TrancheOf(award, p.TrancheID)
	if err != nil {
		return nil, nil, err
	}
	rest, err := tx.paymentOf(p.TrancheID, `'due', 'queued'`)
	if err != nil {
		return nil, nil, err
	}
	if rest != nil {
		if err := tx.callOff(c, rest, HeldByReturn, actor); err != nil {
			return nil, nil, err
		}
	}
	if tranche.State == "due" { // a part of it was paid
		return award, tranche, nil
	}
	return award, tranche, tx.MoveTranche(p.TrancheID, "settled", "due")
}

// askReturned asks two persons what becomes of a returned payment. A payment
// that is on its way keeps the case waiting for its rail.
func (tx *Tx) askReturned(c *Case, p *Payment) error {
	if err := tx.AskPersons(c, p, "payment_returned"); err != nil {
		return err
	}
	live, err := tx.LivePayment(c)
	if err != nil || live == nil || !live.OnItsWay() {
		return err
	}
	return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerRail})
}

// beginRecovery takes a case that was paid back to paying, with a workflow of
// its own.
func (tx *Tx) beginRecovery(c *Case, a *Award, p *Payment) error {
	if err := tx.StartAward(a); err != nil {
		return err
	}
	if err := tx.one(`UPDATE cases SET former_status = status WHERE id = $1`, c.ID); err != nil {
		return err
	}
	next := RecoveryID(p.ID)
	if err := tx.WantWorkflow(next, c.ID, RecoveryWorkflow, aid.RecoveryInput{Case: c.ID, Award: a.ID, Payment: p.ID}); err != nil {
		return err
	}
	c.WorkflowID, c.ClosedAt = next, nil
	if err := tx.MoveCase(c, aid.EventBankReturn); err != nil {
		return err
	}
	return tx.bridge(c.ID)
}

// Former gives the status that the case had when a bank returned a payment of
// it, "" for a case that was not paid before.
func (tx *Tx) Former(c *Case) (aid.Status, error) {
	var former aid.Status
	return former, tx.get(&former, `SELECT coalesce(former_status, '') FROM cases WHERE id = $1`, c.ID)
}

// EndRecovery takes a case back to the status that it had before a bank
// returned a payment: everything is paid again, or given up. The workflow of
// its visits, where there is one, has it again.
func (tx *Tx) EndRecovery(c *Case, former aid.Status) error {
	if err := tx.EndWorkflow(c.WorkflowID); err != nil {
		return err
	}
	if former == aid.FollowingUp {
		c.WorkflowID = FollowUpID(c.ID, c.Round)
		if err := tx.SendSignal(c.WorkflowID, SignalLook); err != nil { // its last visit may be done
			return err
		}
	}
	if err := tx.MoveCase(c, aid.EventAgain(former)); err != nil { // before the status is forgotten: a closed case is in no other's way
		return err
	}
	return tx.one(`UPDATE cases SET former_status = NULL WHERE id = $1`, c.ID)
}

// GiveUp gives to the fund what came back of a tranche that is due. When
// nothing else is left of it, it is skipped, or settled with what was paid.
func (tx *Tx) GiveUp(c *Case, a *Award, p *Payment, actor string) error {
	err := tx.one(`UPDATE tranches t SET released = t.released + $2, held = false, held_reason = '',
			state = CASE WHEN t.amount - t.released - $2 > s.paid THEN 'due' WHEN s.paid > 0 THEN 'settled' ELSE 'skipped' END
		FROM (SELECT coalesce(sum(amount), 0)::bigint AS paid FROM payments WHERE tranche_id = $1 AND state = 'settled') s
		WHERE t.id = $1 AND t.state = 'due'`, p.TrancheID, p.Amount)
	if err != nil {
		return err
	}
	return tx.release(c, a, p.Amount, p.Key()+"/give_up", actor)
}

// moot ends the question what becomes of money that came back: the tranche was
// paid otherwise, as a rail has said late.
func (tx *Tx) moot(c *Case, t *Tranche) error {
	if err := tx.Unhold(t); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE tasks k SET state = 'void', closed_at = $3, attend_at = NULL, version = version + 1
		WHERE k.case_id = $1 AND k.kind = 'resolve_payment' AND k.closed_at IS NULL
		  AND EXISTS (SELECT 1 FROM payments p WHERE p.id = k.subject AND p.tranche_id = $2 AND p.state = 'returned')`, c.ID, t.ID, tx.Now)
	return err
}

// outcomeFaults tells that what a person says of a payment cannot be said of
// it: the form asks what of any payment may be asked.
func (tx *Tx) outcomeFaults(t *Task, data json.RawMessage) ([]aid.Fault, error) {
	var said struct {
		Outcome string `json:"outcome"`
	}
	if json.Unmarshal(data, &said) != nil || said.Outcome == "" {
		return nil, nil // the form tells
	}
	var state aid.PaymentState
	err := tx.get(&state, `SELECT state FROM payments WHERE id = $1`, t.Subject)
	if notFound(err) || slices.Contains(state.Outcomes(), said.Outcome) {
		return nil, nil
	}
	return []aid.Fault{{Pointer: "/data/outcome", Code: "outcome_not_possible"}}, err
}

// bankReturn gives what is recorded of a return, nil when nothing is.
func (tx *Tx) bankReturn(payment string) (*BankReturn, error) {
	var r BankReturn
	err := tx.get(&r, `SELECT `+bankReturnColumns+` FROM bank_returns WHERE payment_id = $1 FOR UPDATE`, payment)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &r, err
}
