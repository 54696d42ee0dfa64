package postgres

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

// Payment is one movement of money to a payee.
type Payment struct {
	ID             string           `db:"id"`
	CaseID         string           `db:"case_id"`
	AwardID        string           `db:"award_id"`
	TrancheID      string           `db:"tranche_id"`
	FundID         string           `db:"fund_id"`
	TrancheN       int              `db:"tranche_n"`
	N              int              `db:"n"`
	Amount         int64            `db:"amount"` // minor units
	Currency       string           `db:"currency"`
	PayeeAccountID string           `db:"payee_account_id"`
	Rail           string           `db:"rail"`
	State          aid.PaymentState `db:"state"`
	Reason         string           `db:"reason"`
	RetryOf        *string          `db:"retry_of"`
	Rest           string           `db:"rest"` // of its tranche, when it pays a part: due or released
	Version        int              `db:"version"`
	CreatedAt      time.Time        `db:"created_at"`
	InstructedAt   *time.Time       `db:"instructed_at"`
	EndedAt        *time.Time       `db:"ended_at"`
	Filed          bool             `db:"filed"`      // it travels in the file of a pay run
	ResultDue      *time.Time       `db:"result_due"` // of one that travels in a file: when persons are asked, by the clock of the case
}

const paymentColumns = `p.id, p.case_id, p.award_id, p.tranche_id, p.fund_id,
	(SELECT n FROM tranches t WHERE t.id = p.tranche_id) AS tranche_n, p.n, p.amount, p.currency,
	p.payee_account_id, p.rail, p.state, p.reason, p.retry_of, p.rest, p.version, p.created_at, p.instructed_at, p.ended_at,
	p.filed, p.result_due`

// Money gives the payment's amount with its currency.
func (p *Payment) Money() money.Money { return money.Of(p.Amount, p.Currency) }

// Key is the business key under which the rail knows the payment.
func (p *Payment) Key() string { return aid.RailKey(p.AwardID, p.TrancheN, p.N) }

// Step gives the payment as a workflow carries it.
func (p *Payment) Step() *aid.PaymentStep {
	return &aid.PaymentStep{ID: p.ID, State: p.State, Filed: p.Filed}
}

// OnItsWay tells whether a rail may have heard of the payment, and its end is
// not known.
func (p *Payment) OnItsWay() bool {
	return p.State == aid.PaymentInstructed || p.State == aid.PaymentUnknown
}

// MakeDue makes the payment of all that is left of a tranche that is due, and
// asks a treasurer to prepare it. retryOf links it to a payment that failed or was cancelled. A
// fund that has no rail for the payee parks the case.
//
// Errors: Conflict payment_exists while another is live, tranche_paid,
// tranche_held, payment_contradicted.
func (tx *Tx) MakeDue(c *Case, a *Award, t *Tranche, workflow, retryOf string) (*Payment, error) {
	if err := tx.refuseContradicted(c); err != nil {
		return nil, err
	}
	p, err := tx.newPayment(c, a, t, part{amount: t.Rest()}, retryOf)
	if err != nil {
		return nil, err
	}
	if p.Rail == "" { // intake has refused the method; the fund's setting was changed since
		if err := tx.Park(c, workflow, "rail_of/"+t.ID, "method_not_paid"); err != nil {
			return nil, err
		}
	}
	_, err = tx.OpenOfficeTask(c, NewTask{Kind: aid.PreparePayment, Workflow: workflow, Subject: p.ID, Rule: map[string]string{"because": "payment_due"}})
	return p, err
}

func (tx *Tx) newPayment(c *Case, a *Award, t *Tranche, of part, retryOf string) (*Payment, error) {
	p := Payment{ID: NewID(aid.PaymentID), CaseID: c.ID, AwardID: a.ID, TrancheID: t.ID, FundID: a.FundID, TrancheN: t.N,
		Amount: of.amount, Rest: of.rest, Currency: a.Currency, PayeeAccountID: *c.PayeeAccountID, State: aid.PaymentDue, CreatedAt: tx.Now}
	var err error
	if p.Rail, err = tx.railFor(&p); err != nil {
		return nil, err
	}
	p.Filed = slices.Contains(tx.store.fileRails, p.Rail)
	if retryOf != "" {
		p.RetryOf = &retryOf
	}
	err = tx.get(&p.N, `INSERT INTO payments (id, case_id, award_id, tranche_id, fund_id, n, amount, currency, payee_account_id, rail, state, retry_of, created_at, rest, filed)
		SELECT $1, $2, $3, $4, $5, coalesce(max(n), 0) + 1, $6, $7, $8, $9, 'due', $10, $11, $12, $13 FROM payments WHERE tranche_id = $4
		RETURNING n`, p.ID, p.CaseID, p.AwardID, p.TrancheID, p.FundID, p.Amount, p.Currency, p.PayeeAccountID, p.Rail, p.RetryOf, tx.Now, p.Rest, p.Filed)
	if err != nil {
		return nil, err
	}
	return &p, tx.paymentEvent(c, &p, "payment.due", System)
}

// refuseContradicted refuses what would pay while a rail contradicts the
// books.
func (tx *Tx) refuseContradicted(c *Case) error {
	p, err := tx.Contradicted(c)
	if err == nil && p != nil {
		return aid.Refuse(aid.Conflict, "payment_contradicted", "payment", p.ID)
	}
	return err
}

// railFor gives the rail by which the payment's fund pays its payee, "" when
// it has none.
func (tx *Tx) railFor(p *Payment) (string, error) {
	var rail string
	return rail, tx.get(&rail, `SELECT coalesce(f.rails ->> acc.method, '') FROM funds f, payee_accounts acc WHERE f.id = $1 AND acc.id = $2`,
		p.FundID, p.PayeeAccountID)
}

func (tx *Tx) paymentEvent(c *Case, p *Payment, kind, actor string) error {
	return tx.AddEvent(c, Event{Kind: kind, Actor: actor, Data: map[string]any{"payment": p.ID, "tranche": p.TrancheN, "n": p.N,
		"amount": p.Amount, "currency": p.Currency, "reason": p.Reason}})
}

// LockPayment locks a payment of a case that is already locked.
//
// Errors: NotFound payment_not_found.
func (tx *Tx) LockPayment(c *Case, id string) (*Payment, error) {
	var p Payment
	err := tx.get(&p, `SELECT `+paymentColumns+` FROM payments p WHERE p.id = $1 AND p.case_id = $2 FOR UPDATE`, id, c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, aid.Refuse(aid.NotFound, "payment_not_found")
	}
	return &p, err
}

// paymentOf gives the payment of a tranche in one of these states, nil when
// there is none. States are SQL text, never input.
func (tx *Tx) paymentOf(tranche, states string) (*Payment, error) {
	var p Payment
	err := tx.get(&p, `SELECT `+paymentColumns+` FROM payments p WHERE p.tranche_id = $1 AND p.state IN (`+states+`) FOR UPDATE`, tranche)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &p, err
}

// LivePayment gives the payment of a case that may still move money, or nil.
func (tx *Tx) LivePayment(c *Case) (*Payment, error) {
	var p Payment
	err := tx.get(&p, `SELECT `+paymentColumns+` FROM payments p WHERE p.case_id = $1 AND p.state IN ('due', 'queued', 'instructed', 'unknown') FOR UPDATE`, c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &p, err
}

// MovePayment takes a payment to another state and tells the timeline.
//
// Errors: Conflict wrong_payment_state (params state).
func (tx *Tx) MovePayment(c *Case, p *Payment, to aid.PaymentState, actor string) error {
	if !follows(p.State, to) {
		return aid.Refuse(aid.Conflict, "wrong_payment_state", "state", string(p.State))
	}
	from := p.State
	p.State, p.Version = to, p.Version+1
	if to == aid.PaymentInstructed {
		p.InstructedAt = &tx.Now
	}
	if to.Terminal() {
		p.EndedAt = &tx.Now
	}
	err := tx.one(`UPDATE payments SET state = $2, version = $3, instructed_at = $4, ended_at = $5, reason = $6 WHERE id = $1 AND state = $7`,
		p.ID, p.State, p.Version, p.InstructedAt, p.EndedAt, p.Reason, from)
	if err == nil && p.Filed && to.Terminal() {
		err = tx.outOfRun(p)
	}
	if err != nil {
		return err
	}
	return tx.paymentEvent(c, p, "payment."+string(to), actor)
}

func follows(from, to aid.PaymentState) bool {
	for _, s := range aid.PaymentMoves()[from] {
		if s == to {
			return true
		}
	}
	return false
}

// Instruct commits a queued payment to its rail: from here on it is on its
// way, and its money in transit. It is the moment at which the approvals are
// checked for the last time before the rail hears of it.
//
// Errors: Forbidden not_approved; Conflict wrong_payment_state,
// withdrawal_asked, payment_contradicted, method_not_paid when the fund had no
// rail for the payee.
func (tx *Tx) Instruct(c *Case, a *Award, p *Payment, actor string) error {
	switch {
	case c.WithdrawalAsked:
		return aid.Refuse(aid.Conflict, "withdrawal_asked")
	case p.Rail == "":
		return aid.Refuse(aid.Conflict, "method_not_paid")
	}
	if err := tx.refuseContradicted(c); err != nil {
		return err
	}
	return tx.instruct(c, a, p, actor)
}

func (tx *Tx) instruct(c *Case, a *Award, p *Payment, actor string) error {
	if err := tx.CheckApprovals(c, a); err != nil {
		return err
	}
	if err := tx.MovePayment(c, p, aid.PaymentInstructed, actor); err != nil {
		return err
	}
	if err := tx.MoveTranche(p.TrancheID, "due", "paying"); err != nil {
		return err
	}
	return tx.Post(ledger.Instruct(p.FundID, p.Money(), p.Key()+"/instruct"), c.ID, actor)
}

// Settle records that the money has arrived. Of a tranche of which only a part
// was paid the rest is due again, or goes back to the fund, as was said when
// the payment was prepared.
func (tx *Tx) Settle(c *Case, p *Payment, actor string) error {
	if err := tx.MovePayment(c, p, aid.PaymentSettled, actor); err != nil {
		return err
	}
	then := "settled"
	if p.Rest == "due" {
		then = "due"
	}
	if err := tx.MoveTranche(p.TrancheID, "paying", then); err != nil {
		return err
	}
	if err := tx.Post(ledger.SettleFromBank(p.FundID, p.Money(), p.Key()+"/settle"), c.ID, actor); err != nil {
		return err
	}
	return tx.releaseRest(c, p, actor)
}

// Fail records that the money certainly did not move: it is reserved again.
func (tx *Tx) Fail(c *Case, p *Payment, reason, actor string) error {
	p.Reason = reason
	if err := tx.MovePayment(c, p, aid.PaymentFailed, actor); err != nil {
		return err
	}
	if err := tx.MoveTranche(p.TrancheID, "paying", "due"); err != nil {
		return err
	}
	return tx.Post(ledger.FailBeforeSettlement(p.FundID, p.Money(), p.Key()+"/fail"), c.ID, actor)
}
