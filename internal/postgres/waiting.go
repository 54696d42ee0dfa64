package postgres

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

// SignalFunds is the signal by which a waiting case hears that its fund may
// have money again.
const SignalFunds = "funds"

// SignalLook is the signal by which a workflow hears that something it waits
// for has changed in PostgreSQL without it.
const SignalLook = "look"

// WakeWaiting tells the head of a fund's waiting list, if there is one, to try
// again, and with it the cases that let others pass before it. The signals leave
// through the outbox, in the transaction of the fact.
func (tx *Tx) WakeWaiting(fund string) error {
	var workflows []string
	err := tx.list(&workflows, `SELECT workflow_id FROM cases w WHERE fund_id = $1 AND status = 'waiting_funds'
		AND NOT EXISTS (SELECT 1 FROM cases h WHERE h.fund_id = $1 AND h.status = 'waiting_funds' AND NOT h.skipped
			AND (NOT h.urgent, h.decided_at, h.id) < (NOT w.urgent, w.decided_at, w.id))
		ORDER BY urgent DESC, decided_at, id`, fund)
	if err != nil {
		return err
	}
	for _, workflow := range workflows {
		if err := tx.SendSignal(workflow, SignalFunds); err != nil {
			return err
		}
	}
	return nil
}

// Contribution is money given to a fund.
type Contribution struct {
	ID         string    `db:"id"`
	FundID     string    `db:"fund_id"`
	ExternalID string    `db:"external_id"` // the office's own number of the receipt, unique per fund
	Amount     int64     `db:"amount"`      // minor units
	Currency   string    `db:"currency"`
	ReceivedOn time.Time `db:"received_on"`
	CreatedBy  string    `db:"created_by"`
	CreatedAt  time.Time `db:"created_at"`
}

// Contribute books money received and wakes the head of the waiting list.
// The donor's name is kept sealed.
//
// Errors: NotFound fund_not_found; Invalid amount_not_positive,
// currency_not_accepted; Conflict duplicate_external_id.
func (s *Store) Contribute(ctx context.Context, in Contribution, donor string) (Contribution, error) {
	err := s.Write(ctx, func(tx *Tx) error {
		var currency string
		err := tx.get(&currency, `SELECT currency FROM funds WHERE id = $1`, in.FundID)
		if errors.Is(err, sql.ErrNoRows) {
			return aid.Refuse(aid.NotFound, "fund_not_found")
		}
		if err != nil {
			return err
		}
		if err := checkContribution(in, currency); err != nil {
			return err
		}
		sealed, err := tx.vault.Seal("contributions", "donor", in.ID, []byte(donor))
		if err != nil {
			return err
		}
		in.CreatedAt = tx.Now
		err = tx.one(`INSERT INTO contributions (id, fund_id, external_id, amount, currency, received_on, donor, created_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, in.ID, in.FundID, in.ExternalID, in.Amount, in.Currency, in.ReceivedOn, sealed, in.CreatedBy, in.CreatedAt)
		if err != nil {
			return err
		}
		if err := tx.Post(ledger.Contribution(in.FundID, money.Of(in.Amount, in.Currency), in.ID), "", in.CreatedBy); err != nil {
			return err
		}
		return tx.WakeWaiting(in.FundID)
	})
	return in, err
}

func checkContribution(in Contribution, currency string) error {
	var faults []aid.Fault
	if in.Amount <= 0 {
		faults = append(faults, aid.Fault{Pointer: "/amount/amount", Code: "amount_not_positive"})
	}
	if in.Currency != currency {
		faults = append(faults, aid.Fault{Pointer: "/amount/currency", Code: "currency_not_accepted"})
	}
	return aid.RefuseAll(faults)
}
