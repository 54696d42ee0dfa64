package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// FundChange is what of a fund is to be otherwise; nil stays as it is.
type FundChange struct {
	Name     string // "" too
	Budget   *int64 // minor units
	Currency string // of Budget
	Closing  *bool  // takes no new reservation; what is reserved is paid out
	Reason   string // code
}

// ChangeFund changes a fund as a manager of its area; version is the one that
// the caller saw. A fund may close, and open again. The waiting list is tried
// again.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area; Stale stale; Invalid
// currency_not_accepted; Conflict budget_below_promised.
func (s *Store) ChangeFund(ctx context.Context, caller *Caller, idOrCode string, version int, in FundChange) (*FundRow, error) {
	f, err := s.managedFund(ctx, caller, idOrCode)
	if err != nil {
		return nil, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		var now struct {
			Version  int   `db:"version"`
			Promised int64 `db:"promised"`
		}
		err := tx.get(&now, `SELECT version, reserved + in_transit + spent AS promised FROM fund_balances WHERE fund_id = $1 FOR UPDATE`, f.ID)
		switch {
		case err != nil:
			return err
		case now.Version != version:
			return aid.Refuse(aid.Stale, "stale")
		case in.Budget != nil && in.Currency != f.Currency:
			return aid.RefuseAll([]aid.Fault{{Pointer: "/budget/currency", Code: "currency_not_accepted"}})
		case in.Budget != nil && *in.Budget < now.Promised:
			return belowPromised(now.Promised)
		}
		return tx.changeFund(caller, f, version+1, in)
	})
	if err != nil {
		return nil, err
	}
	return s.Fund(ctx, caller, f.ID)
}

func (tx *Tx) changeFund(caller *Caller, f *FundRow, version int, in FundChange) error {
	err := tx.one(`UPDATE fund_balances SET budget = coalesce($2, budget), version = $3 WHERE fund_id = $1`, f.ID, in.Budget, version)
	if err != nil {
		return err
	}
	if err := tx.one(`UPDATE funds SET name = coalesce(nullif($2, ''), name), closing = coalesce($3, closing) WHERE id = $1`, f.ID, in.Name, in.Closing); err != nil {
		return err
	}
	if in.Budget != nil {
		if err := tx.noteBudget(caller, Budget{FundID: f.ID, Budget: in.Budget, Version: version}, in.Reason); err != nil {
			return err
		}
	}
	if in.Name != "" || in.Closing != nil {
		if err := tx.AddAudit(caller.Actor(), "change_fund", f.ID, "done", in.Reason); err != nil {
			return err
		}
	}
	return tx.WakeWaiting(f.ID)
}
