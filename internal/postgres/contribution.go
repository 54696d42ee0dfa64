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
	Purpose    Purpose   `db:"-"` // what it is bound to; the zero value: free money
}

// Contribute books money received and wakes the head of the waiting list.
// The donor's name is kept sealed.
//
// Errors: NotFound fund_not_found; Invalid amount_not_positive,
// currency_not_accepted, unknown_programme, unknown_area (of the purpose: the
// fund does not pay there); Conflict duplicate_external_id.
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
		if err := tx.checkContribution(in, currency); err != nil {
			return err
		}
		if err := tx.namePurpose(in.FundID, &in.Purpose); err != nil {
			return err
		}
		sealed, err := tx.vault.Seal("contributions", "donor", in.ID, []byte(donor))
		if err != nil {
			return err
		}
		in.CreatedAt = tx.Now
		err = tx.one(`INSERT INTO contributions (id, fund_id, external_id, amount, currency, received_on, donor, created_by, created_at, purpose_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, in.ID, in.FundID, in.ExternalID, in.Amount, in.Currency, in.ReceivedOn, sealed, in.CreatedBy,
			in.CreatedAt, text(in.Purpose.ID))
		if err != nil {
			return err
		}
		given := ledger.Contribution(in.FundID, money.Of(in.Amount, in.Currency), in.ID).From(ledger.Share{Purpose: in.Purpose.ID, Amount: in.Amount})
		if err := tx.Post(given, "", in.CreatedBy); err != nil {
			return err
		}
		return tx.WakeWaiting(in.FundID)
	})
	return in, err
}

func (tx *Tx) checkContribution(in Contribution, currency string) error {
	var faults []aid.Fault
	if in.Amount <= 0 {
		faults = append(faults, aid.Fault{Pointer: "/amount/amount", Code: "amount_not_positive"})
	}
	if in.Currency != currency {
		faults = append(faults, aid.Fault{Pointer: "/amount/currency", Code: "currency_not_accepted"})
	}
	more, err := tx.purposeFaults(in.FundID, in.Purpose)
	if err != nil {
		return err
	}
	return aid.RefuseAll(append(faults, more...))
}
