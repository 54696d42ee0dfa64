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

// WhyClosed gives the refusal for a person who comes too late: who decided the
// task, what and when, or what became of its case. It gives nil while the task
// is open.
//
// Errors: Conflict task_closed with the params state, and by, action and at
// (RFC 3339, on the case's clock) or status.
func (s *Store) WhyClosed(ctx context.Context, task string) error {
	return whyClosed(func(dest any, query string, args ...any) error { return s.get(ctx, dest, query, args...) }, task)
}

func whyClosed(get func(dest any, query string, args ...any) error, task string) error {
	var t struct {
		State  string      `db:"state"`
		Closed bool        `db:"closed"`
		Status aid.Status  `db:"status"`
		Actor  *string     `db:"actor"`
		Action *aid.Action `db:"action"`
		At     *time.Time  `db:"decided_at"`
	}
	err := get(&t, `
		SELECT t.state, t.closed_at IS NOT NULL AS closed, c.status, d.actor, d.action, d.decided_at
		FROM tasks t JOIN cases c ON c.id = t.case_id
		LEFT JOIN LATERAL (SELECT actor, action, decided_at FROM decisions WHERE task_id = t.id AND state = 'applied'
		                   ORDER BY decided_at DESC, id DESC LIMIT 1) d ON true
		WHERE t.id = $1`, task)
	switch {
	case err != nil:
		return err
	case !t.Closed:
		return nil
	case t.Actor != nil:
		return aid.Refuse(aid.Conflict, "task_closed", "state", t.State, "by", *t.Actor, "action", string(*t.Action), "at", t.At.UTC().Format(time.RFC3339))
	case !t.Status.Open():
		return aid.Refuse(aid.Conflict, "task_closed", "state", t.State, "status", string(t.Status))
	}
	return aid.Refuse(aid.Conflict, "task_closed", "state", t.State)
}
