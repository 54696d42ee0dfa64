package postgres

import (
	"context"
	"encoding/json"
)

// ChangeRow is a change of an award as readers see it.
type ChangeRow struct {
	AwardChange
	Currency string           `db:"currency"`
	Payee    *Payee           `db:"-"` // the new one; only its kind and method where Masked
	Tranches []ChangedTranche `db:"-"` // of a change of the plan
	Masked   bool             `db:"-"` // the caller does not see what is personal
}

// AwardChanges lists the changes of a case's awards, oldest first, and writes
// the look into the audit. A partner sees those of its own case. An auditor
// does not see the account.
//
// Errors: NotFound case_not_found.
func (s *Store) AwardChanges(ctx context.Context, caller *Caller, idOrRef string) ([]ChangeRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	plain, action := caller.Partner() || caller.seesPersonal(row.Area, row.Programme), "read_masked"
	if plain {
		action = "read_personal"
	}
	rows := []ChangeRow{}
	err = s.Write(ctx, func(tx *Tx) error {
		err := tx.list(&rows, `SELECT `+changeColumns+`, a.currency FROM award_changes x JOIN awards a ON a.id = x.award_id
			WHERE x.case_id = $1 ORDER BY x.proposed_at, x.id`, row.ID)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if err := tx.showChange(&rows[i], plain); err != nil {
				return err
			}
		}
		return tx.AddAudit(caller.Actor(), action, row.ID, "done", "changes")
	})
	return rows, err
}

func (tx *Tx) showChange(r *ChangeRow, plain bool) (err error) {
	if r.Plan != nil {
		return json.Unmarshal(r.Plan, &r.Tranches)
	}
	r.Masked = !plain
	if r.Payee, err = tx.openPayee(r.AccountID); err == nil && !plain {
		r.Payee = &Payee{Kind: r.Payee.Kind, Method: r.Payee.Method}
	}
	return err
}
