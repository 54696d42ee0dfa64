package postgres

import (
	"database/sql"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Case is the row of a case: facts that every step needs, nothing personal.
type Case struct {
	ID               string     `db:"id"`
	Reference        *string    `db:"reference"`
	PartnerID        string     `db:"partner_id"`
	ExternalID       string     `db:"external_id"`
	Programme        string     `db:"programme"`
	ProgrammeVersion int        `db:"programme_version"`
	Area             string     `db:"area"`
	PersonID         string     `db:"person_id"`
	HouseholdID      *string    `db:"household_id"`
	PayeeAccountID   *string    `db:"payee_account_id"`
	Status           aid.Status `db:"status"`
	Stage            aid.Stage  `db:"stage"`
	Round            int        `db:"round"`
	Review           int        `db:"review"`
	Returns          int        `db:"returns"`
	Urgent           bool       `db:"urgent"`
	Parked           bool       `db:"parked"` // a repair is open; the database keeps it
	WithdrawalAsked  bool       `db:"withdrawal_asked"`
	RequestedAmount  int64      `db:"requested_amount"` // minor units of Currency
	ProposedAmount   *int64     `db:"proposed_amount"`  // what the award rule comes to: the norm
	Amount           *int64     `db:"amount"`           // what the approvals so far come to
	Currency         string     `db:"currency"`
	FundID           *string    `db:"fund_id"`
	ReasonCode       string     `db:"reason_code"`
	WorkflowID       string     `db:"workflow_id"`    // the workflow that moves the case now
	ClockOffset      float64    `db:"offset_seconds"` // seconds that the case's clock is ahead of the wall
	Version          int        `db:"version"`        // rises with every change: the ETag
	CreatedAt        time.Time  `db:"created_at"`
	SubmittedAt      *time.Time `db:"submitted_at"`
	DecidedAt        *time.Time `db:"decided_at"`
	PaidAt           *time.Time `db:"paid_at"`
	ClosedAt         *time.Time `db:"closed_at"`
	UpdatedAt        time.Time  `db:"updated_at"`
}

// caseColumns is the list behind Case; the table alias is c.
const caseColumns = `c.id, c.reference, c.partner_id, c.external_id, c.programme, c.programme_version, c.area, c.person_id,
	c.household_id, c.payee_account_id, c.status, c.stage, c.round, c.review, c.returns, c.urgent, c.parked,
	c.withdrawal_asked, c.requested_amount, c.proposed_amount, c.amount, c.currency, c.fund_id, c.reason_code, c.workflow_id,
	extract(epoch FROM c.clock_offset)::float8 AS offset_seconds, c.version, c.created_at, c.submitted_at, c.decided_at,
	c.paid_at, c.closed_at, c.updated_at`

// Place says where the case stands.
func (c *Case) Place() aid.Place { return aid.Place{Status: c.Status, Stage: c.Stage} }

// Norm is the amount that the approvals are about: what the award rule comes
// to, else what was requested. The levels are those of the norm.
func (c *Case) Norm() int64 {
	if c.ProposedAmount != nil {
		return *c.ProposedAmount
	}
	return c.RequestedAmount
}

// Asking is the amount that the next approver sees: what was approved so far,
// else the norm.
func (c *Case) Asking() int64 {
	if c.Amount != nil {
		return *c.Amount
	}
	return c.Norm()
}

// LockCase locks the case until the end of the transaction and sets the
// transaction's clock to the case's own, as of when it has the lock: whoever
// waited for it acts later than whom it waited for. Locks are always taken in the order
// case, task, fund, audit. Whoever only refers to the case, as a new intent
// does by its foreign keys, takes them in another order and is not kept out:
// hence FOR NO KEY UPDATE, here and for tasks.
//
// Errors: NotFound case_not_found.
func (tx *Tx) LockCase(id string) (*Case, error) {
	var c Case
	err := tx.get(&c, `SELECT `+caseColumns+` FROM cases c WHERE c.id = $1 FOR NO KEY UPDATE`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, aid.Refuse(aid.NotFound, "case_not_found")
	}
	if err != nil {
		return nil, err
	}
	tx.clockOf(&c)
	return &c, nil
}

// clockOf sets the clock of the transaction to that of the case that it has just
// locked.
func (tx *Tx) clockOf(c *Case) {
	tx.Wall = later(tx.Wall, tx.store.Now())
	tx.Now = tx.Wall.Add(time.Duration(c.ClockOffset * float64(time.Second))).Truncate(time.Microsecond)
	tx.locked = c
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// MoveCase takes a case to the place to which an event leads, or refuses.
// The columns of Case that a move may change are written with it. A case that
// leaves its fund's waiting list, wherever it goes, makes room for the next.
//
// Errors: Conflict wrong_state.
func (tx *Tx) MoveCase(c *Case, event string) error {
	to, err := aid.Move(c.Place(), event)
	if err != nil {
		return err
	}
	waited := c.Status == aid.WaitingFunds
	c.Status, c.Stage = to.Status, to.Stage
	if !to.Status.Open() {
		c.ClosedAt = &tx.Now
	}
	if err := tx.SaveCase(c); err != nil || !waited {
		return err
	}
	if _, err := tx.exec(`UPDATE cases SET skipped = false WHERE id = $1 AND skipped`, c.ID); err != nil {
		return err
	}
	return tx.WakeWaiting(*c.FundID)
}

// SaveCase writes the columns that a step may change and raises the version.
func (tx *Tx) SaveCase(c *Case) error {
	c.Version++
	c.UpdatedAt = tx.Now
	return tx.one(`
		UPDATE cases SET status = $2, stage = $3, round = $4, review = $5, returns = $6, withdrawal_asked = $7,
		       amount = $8, fund_id = $9, reason_code = $10, workflow_id = $11, version = $12, submitted_at = $13,
		       decided_at = $14, paid_at = $15, closed_at = $16, updated_at = $17, payee_account_id = $18, proposed_amount = $19
		WHERE id = $1 AND version = $12 - 1`,
		c.ID, c.Status, c.Stage, c.Round, c.Review, c.Returns, c.WithdrawalAsked, c.Amount, c.FundID, c.ReasonCode,
		c.WorkflowID, c.Version, c.SubmittedAt, c.DecidedAt, c.PaidAt, c.ClosedAt, c.UpdatedAt, c.PayeeAccountID, c.ProposedAmount)
}
