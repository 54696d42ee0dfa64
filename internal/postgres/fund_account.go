package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// FundAccount is a fund's own account, from which files pay, and how long its
// bank may take to answer. It is an office's, and nobody's personal data.
type FundAccount struct {
	Holder     string `db:"account_holder"`
	BankBIN    string `db:"account_bin"` // six digits
	Number     string `db:"account_number"`
	ResultDays int    `db:"result_days"` // working days
}

// SetFundAccount changes the account of a fund. Prepared runs of the fund are
// to be prepared again: what they were prepared for has changed.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area; Stale stale.
func (s *Store) SetFundAccount(ctx context.Context, caller *Caller, idOrCode string, version int, in FundAccount) (*FundRow, error) {
	fund, err := s.Fund(ctx, caller, idOrCode)
	if err != nil {
		return nil, err
	}
	if !caller.Has(aid.RoleManager, fund.Area) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_area")
	}
	err = s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`UPDATE pay_runs SET hash = NULL, version = version + 1 WHERE fund_id = $1 AND state = 'prepared'`, fund.ID)
		if err != nil {
			return err
		}
		n, err := tx.exec(`UPDATE fund_balances SET version = version + 1 WHERE fund_id = $1 AND version = $2`, fund.ID, version)
		if err == nil && n == 0 {
			return aid.Refuse(aid.Stale, "stale")
		}
		if err != nil {
			return err
		}
		err = tx.one(`UPDATE funds SET account_holder = $2, account_bin = $3, account_number = $4, result_days = $5 WHERE id = $1`,
			fund.ID, in.Holder, in.BankBIN, in.Number, in.ResultDays)
		if err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "set_fund_account", fund.ID, "done", "")
	})
	if err != nil {
		return nil, err
	}
	return s.Fund(ctx, caller, fund.ID)
}
