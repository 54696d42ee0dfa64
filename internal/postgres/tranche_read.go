package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// TrancheRow is an instalment as readers see it.
type TrancheRow struct {
	Tranche
	CaseID     string  `db:"case_id"`
	Currency   string  `db:"currency"`
	Round      int     `db:"round"`
	AwardState string  `db:"award_state"`
	TaskID     *string `db:"task_id"` // the open task about it or its payment
}

const trancheRowQuery = `SELECT ` + trancheColumns + `, a.case_id, a.currency, a.round, a.state AS award_state,
	(SELECT k.id FROM tasks k WHERE k.case_id = a.case_id AND k.closed_at IS NULL AND (k.subject = t.id
		OR k.subject IN (SELECT p.id FROM payments p WHERE p.tranche_id = t.id)) ORDER BY k.opened_at, k.id LIMIT 1) AS task_id
	FROM tranches t JOIN awards a ON a.id = t.award_id JOIN cases c ON c.id = a.case_id`

// Tranche gives one tranche of a case that the caller may see.
//
// Errors: NotFound tranche_not_found.
func (s *Store) Tranche(ctx context.Context, caller *Caller, id string) (*TrancheRow, error) {
	sees, mine := caller.seesCase()
	rows := []TrancheRow{}
	err := s.list(ctx, &rows, trancheRowQuery+` WHERE t.id = $1 AND `+sees, id, mine)
	if err == nil && len(rows) == 0 {
		err = aid.Refuse(aid.NotFound, "tranche_not_found")
	}
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

// CaseTranches gives the instalments of all awards of a case, oldest first.
//
// Errors: NotFound case_not_found.
func (s *Store) CaseTranches(ctx context.Context, caller *Caller, idOrRef string) ([]TrancheRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	rows := []TrancheRow{}
	return rows, s.list(ctx, &rows, trancheRowQuery+` WHERE a.case_id = $1 ORDER BY a.round, t.n`, row.ID)
}
