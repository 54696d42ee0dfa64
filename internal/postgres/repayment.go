package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

// Repayment is money that a household has given back.
type Repayment struct {
	ID         string    `db:"id"`
	TaskID     string    `db:"task_id"`
	CaseID     string    `db:"case_id"`
	FundID     string    `db:"fund_id"`
	Amount     int64     `db:"amount"` // minor units
	Currency   string    `db:"currency"`
	ReceivedOn time.Time `db:"received_on"` // a date
	Reference  string    `db:"reference"`   // unique in the fund
	Booked     bool      `db:"booked"`      // in the ledger
	RecordedBy string    `db:"recorded_by"`
	RecordedAt time.Time `db:"recorded_at"` // the case's clock
}

const repaymentColumns = `id, task_id, case_id, fund_id, amount, currency, received_on, reference, booked, recorded_by, recorded_at`

// Claim is what a task recover_money wants back, and what of it has come.
type Claim struct {
	Case       string
	Currency   string
	Claimed    int64 // minor units
	Repaid     int64
	Repayments []Repayment // oldest first
}

// Outstanding is what has not come.
func (c *Claim) Outstanding() int64 { return c.Claimed - c.Repaid }

// ClaimOf gives the claim of a task.
//
// Errors: NotFound task_not_found; Conflict no_money_claimed when the task is
// of another kind.
func (s *Store) ClaimOf(ctx context.Context, caller *Caller, task string) (*Claim, error) {
	row, err := s.Task(ctx, caller, task)
	if err != nil {
		return nil, err
	}
	if row.Kind != aid.RecoverMoney {
		return nil, aid.Refuse(aid.Conflict, "no_money_claimed")
	}
	out := &Claim{Case: row.CaseID, Currency: row.Currency, Repayments: []Repayment{}}
	if err := s.get(ctx, &out.Claimed, `SELECT claimed_by($1)`, row.ID); err != nil {
		return nil, err
	}
	err = s.list(ctx, &out.Repayments, `SELECT `+repaymentColumns+` FROM repayments WHERE task_id = $1 ORDER BY recorded_at, id`, row.ID)
	for _, r := range out.Repayments {
		out.Repaid += r.Amount
	}
	return out, err
}

// NewRepayment is money that was received, as a treasurer records it. The id
// comes from the caller: the same id again changes nothing.
type NewRepayment struct {
	ID         string
	Task       string
	Amount     money.Money
	ReceivedOn string // YYYY-MM-DD
	Reference  string // number of the bank's entry or the receipt
}

// Repay records money that a household has given back: it is the fund's again,
// and the waiting list hears of it. When nothing is outstanding the task ends.
// What came twice was never in the books and is only recorded.
//
// Errors: NotFound task_not_found; Forbidden wrong_role, conflict_of_interest;
// Invalid amount_not_positive, amount_above_claim, currency_not_accepted,
// bad_format, in_future, required; Conflict task_closed, no_money_claimed,
// repayment_exists when the reference was recorded before.
func (s *Store) Repay(ctx context.Context, caller *Caller, in NewRepayment) error {
	row, err := s.Task(ctx, caller, in.Task)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.CaseID)
		if err != nil {
			return err
		}
		if !caller.HasFor(c.Area, c.Programme, aid.RoleTreasurer) {
			return aid.Refuse(aid.Forbidden, "wrong_role")
		}
		if err := tx.unrelated(caller, c); err != nil {
			return err
		}
		if row.Kind != aid.RecoverMoney {
			return aid.Refuse(aid.Conflict, "no_money_claimed")
		}
		var there bool
		if err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM repayments WHERE id = $1)`, in.ID); err != nil || there {
			return err
		}
		t, err := tx.LockTask(c, row.ID)
		if err != nil {
			return err
		}
		in.Reference = strings.TrimSpace(in.Reference)
		if err := tx.checkRepayment(c, t, in); err != nil {
			return err
		}
		return tx.repay(c, t, in, caller.Actor())
	})
}

func (tx *Tx) checkRepayment(c *Case, t *Task, in NewRepayment) error {
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	left, err := tx.outstanding(t)
	if err != nil {
		return err
	}
	_, faults := bankDay("/received_on", in.ReceivedOn, tx.Now.In(def.Location()))
	switch {
	case in.Amount.Currency != c.Currency:
		faults = append(faults, aid.Fault{Pointer: "/amount/currency", Code: "currency_not_accepted", Params: map[string]string{"currency": c.Currency}})
	case in.Amount.Amount <= 0:
		faults = append(faults, aid.Fault{Pointer: "/amount/amount", Code: "amount_not_positive"})
	case in.Amount.Amount > left:
		faults = append(faults, aid.Fault{Pointer: "/amount/amount", Code: "amount_above_claim"})
	}
	if in.Reference == "" {
		faults = append(faults, aid.Fault{Pointer: "/reference", Code: "required"})
	}
	return aid.RefuseAll(faults)
}

func (tx *Tx) repay(c *Case, t *Task, in NewRepayment, actor string) error {
	award, err := tx.AwardOf(c)
	if err != nil {
		return err
	}
	booked := t.Subject == "" // else it came twice
	err = tx.one(`INSERT INTO repayments (`+repaymentColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		in.ID, t.ID, c.ID, award.FundID, in.Amount.Amount, in.Amount.Currency, in.ReceivedOn, in.Reference, booked, actor, tx.Now)
	if err != nil {
		return err
	}
	if booked {
		if err := tx.Post(ledger.Clawback(award.FundID, in.Amount, award.ID+"/repaid/"+in.ID), c.ID, actor); err != nil {
			return err
		}
		if err := tx.WakeWaiting(award.FundID); err != nil {
			return err
		}
	}
	err = tx.AddEvent(c, Event{Kind: "case.money_repaid", Actor: actor, Task: t.ID, Data: map[string]any{"repayment": in.ID,
		"amount": in.Amount.Amount, "currency": in.Amount.Currency}})
	if err != nil {
		return err
	}
	if err := tx.AddAudit(actor, "record_repayment", in.ID, "done", ""); err != nil {
		return err
	}
	return tx.claimChanged(c, award, t)
}

// claimChanged ends a claim of which nothing is outstanding, and shows who
// looks at one of which something is that it is another now.
func (tx *Tx) claimChanged(c *Case, a *Award, t *Task) error {
	left, err := tx.outstanding(t)
	if err != nil {
		return err
	}
	if left > 0 {
		return tx.TouchTask(t.ID)
	}
	if err := tx.CloseTask(t, "repaid"); err != nil {
		return err
	}
	if err := tx.AddEvent(c, Event{Kind: "case.money_recovered", Actor: System, Task: t.ID}); err != nil {
		return err
	}
	if !c.Status.Open() {
		return tx.SendSignal(t.WorkflowID, SignalLook)
	}
	return tx.Look(c, a)
}

// outstanding gives what has not come of what a task claims.
func (tx *Tx) outstanding(t *Task) (int64, error) {
	var left int64
	return left, tx.get(&left, `SELECT claimed_by($1) - coalesce(sum(amount), 0)::bigint FROM repayments WHERE task_id = $1`, t.ID)
}

// cameBackOf lowers the claim on everything that was paid of a cancelled award
// by a payment that the bank has returned.
func (tx *Tx) cameBackOf(c *Case, a *Award) error {
	var open []Task
	err := tx.list(&open, `SELECT `+taskColumns+` FROM tasks t WHERE case_id = $1 AND kind = 'recover_money' AND subject = '' AND closed_at IS NULL
		FOR NO KEY UPDATE`, c.ID)
	for i := range open {
		if err == nil {
			err = tx.claimChanged(c, a, &open[i])
		}
	}
	return err
}

// WriteOff tells the timeline that two persons claim no more what is
// outstanding.
func (tx *Tx) WriteOff(c *Case, t *Task, actor, reason string) error {
	left, err := tx.outstanding(t)
	if err != nil {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "case.money_written_off", Actor: actor, Task: t.ID, Data: map[string]any{"amount": left, "currency": c.Currency, "reason_code": reason}})
}
