package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// DecisionRow is a decision as readers see it; note and data stay sealed.
type DecisionRow struct {
	ID         string     `db:"id"`
	TaskID     string     `db:"task_id"`
	CaseID     string     `db:"case_id"`
	Actor      string     `db:"actor"`
	Behalf     string     `db:"behalf"` // in whose name, when a delegate decided
	Action     aid.Action `db:"action"`
	ReasonCode string     `db:"reason_code"`
	Amount     *int64     `db:"amount"` // minor units of Currency
	Currency   string     `db:"currency"`
	State      string     `db:"state"`   // intent, applied, refused, expired
	Refusal    string     `db:"refusal"` // code, when refused
	Outcome    string     `db:"outcome"`
	AskedAt    time.Time  `db:"asked_at"`   // on the case's clock
	DecidedAt  *time.Time `db:"decided_at"` // when it was applied, on the case's clock
}

// Decision gives what became of a decision. A partner sees its own decisions;
// staff those of the cases that they see, and an administrator its repairs.
//
// Errors: NotFound decision_not_found.
func (s *Store) Decision(ctx context.Context, caller *Caller, id string) (*DecisionRow, error) {
	sees, mine := `d.actor = $2`, any(caller.Actor())
	if !caller.Partner() {
		sees, mine = caller.seesCase()
		sees = `(d.actor = $3 OR d.behalf = $3 OR ` + sees + `)`
	}
	var row DecisionRow
	err := s.get(ctx, &row, `
		SELECT d.id, d.task_id, d.case_id, d.actor, d.behalf, d.action, d.reason_code, d.amount, c.currency, d.state, d.refusal,
		       CASE WHEN d.outcome <> '' THEN d.outcome ELSE t.outcome END AS outcome,
		       coalesce(d.decided_at, d.asked_at + c.clock_offset) AS asked_at, d.decided_at
		FROM decisions d JOIN cases c ON c.id = d.case_id JOIN tasks t ON t.id = d.task_id
		WHERE d.id = $1 AND $3::text IS NOT NULL AND `+sees, id, mine, caller.Actor())
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "decision_not_found")
	}
	return &row, err
}
