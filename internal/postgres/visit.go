package postgres

import (
	"database/sql"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Visit is one look at what the aid did.
type Visit struct {
	ID      string     `db:"id"`
	CaseID  string     `db:"case_id"`
	Round   int        `db:"round"`
	N       int        `db:"n"`
	DueAt   time.Time  `db:"due_at"`
	State   string     `db:"state"`
	Outcome string     `db:"outcome"`
	DoneAt  *time.Time `db:"done_at"`
}

const visitColumns = `id, case_id, round, n, due_at, state, outcome, done_at`

// PlanVisits writes the follow-up visits of a case at the given dates.
func (tx *Tx) PlanVisits(c *Case, dates []time.Time) error {
	for i, at := range dates {
		err := tx.one(`INSERT INTO visits (id, case_id, round, n, due_at, state) VALUES ($1, $2, $3, $4, $5, 'planned')`,
			NewID(aid.VisitID), c.ID, c.Round, i+1, at.UTC())
		if err != nil {
			return err
		}
	}
	return nil
}

// Visit gives the nth visit of the case's round, or nil when there is none.
func (tx *Tx) Visit(c *Case, n int) (*Visit, error) {
	var v Visit
	err := tx.get(&v, `SELECT `+visitColumns+` FROM visits WHERE case_id = $1 AND round = $2 AND n = $3`, c.ID, c.Round, n)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &v, err
}

// MoveVisit takes a visit to another state.
func (tx *Tx) MoveVisit(v *Visit, state, outcome string) error {
	var done *time.Time
	if state == "completed" || state == "waived" {
		done = &tx.Now
	}
	return tx.one(`UPDATE visits SET state = $2, outcome = $3, done_at = $4 WHERE id = $1`, v.ID, state, outcome, done)
}

// VisitByID gives a visit of a case.
func (tx *Tx) VisitByID(c *Case, id string) (*Visit, error) {
	var v Visit
	err := tx.get(&v, `SELECT `+visitColumns+` FROM visits WHERE id = $1 AND case_id = $2`, id, c.ID)
	return &v, err
}

// VisitsLeft counts the visits of the case's round that are still to be made.
func (tx *Tx) VisitsLeft(c *Case) (int, error) {
	var n int
	err := tx.get(&n, `SELECT count(*) FROM visits WHERE case_id = $1 AND round = $2 AND state IN ('planned', 'due')`, c.ID, c.Round)
	return n, err
}
