package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// NewRecusal is a member of staff's word not to act in a case.
type NewRecusal struct {
	ID     string
	Reason string // family, friendship, business, dispute, other
}

// ConflictRow is a member of staff who may not act in a case. Whom the person
// is related to is not told.
type ConflictRow struct {
	Person   string `db:"person"`
	Declared bool   `db:"declared"` // by a recusal, else recorded

	Decisions []ConflictedDecision `db:"-"` // with a duty, made before it was known
}

// ConflictedDecision is a decision of somebody who turned out to be related.
type ConflictedDecision struct {
	ID        string       `db:"decision_id"`
	Task      string       `db:"task_id"`
	Kind      aid.TaskKind `db:"kind"`
	Duty      string       `db:"duty"`
	Person    string       `db:"person"`
	DecidedAt time.Time    `db:"decided_at"`
	State     string       `db:"state"` // unreviewed, stands, made_again
}

// Recuse records that the caller does not act in a case, for whatever reason.
// It is never taken back. What the caller has decided in it is looked at by a
// manager. A recusal of the same id is recorded once.
//
// Errors: NotFound case_not_found; Conflict recusal_exists.
func (s *Store) Recuse(ctx context.Context, caller *Caller, idOrRef string, n NewRecusal) error {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.ID)
		if err != nil {
			return err
		}
		done, err := tx.exec(`INSERT INTO case_recusals (id, case_id, subject, reason_code, recorded_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO NOTHING`, n.ID, c.ID, caller.Actor(), n.Reason, tx.Wall)
		if err != nil || done == 0 {
			return err
		}
		if err := tx.AddEvent(c, Event{Kind: "case.recusal_declared", Actor: caller.Actor()}); err != nil {
			return err
		}
		if err := tx.AddAudit(caller.Actor(), "recuse", c.ID, "done", n.Reason); err != nil {
			return err
		}
		return tx.lookForConflicts(c.ID)
	})
}

// Conflicts lists who may not act in a case, and what they decided before that
// was known: for the managers and auditors of its area.
//
// Errors: NotFound case_not_found; Forbidden wrong_role.
func (s *Store) Conflicts(ctx context.Context, caller *Caller, idOrRef string) ([]ConflictRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	if !caller.HasFor(row.Area, row.Programme, aid.RoleManager, aid.RoleAuditor) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	rows := []ConflictRow{}
	err = s.list(ctx, &rows, `SELECT person, bool_or(because = 'declared') AS declared FROM conflicts WHERE case_id = $1 GROUP BY person ORDER BY person`, row.ID)
	if err != nil {
		return nil, err
	}
	var decided []ConflictedDecision
	err = s.list(ctx, &decided, `SELECT decision_id, task_id, kind, duty, person, decided_at,
			CASE WHEN made_again THEN 'made_again' WHEN reviewed THEN 'stands' ELSE 'unreviewed' END AS state
		FROM conflicted_decisions WHERE case_id = $1 ORDER BY decided_at, decision_id`, row.ID)
	for _, d := range decided {
		i := slices.IndexFunc(rows, func(r ConflictRow) bool { return r.Person == d.Person })
		if i >= 0 {
			rows[i].Decisions = append(rows[i].Decisions, d)
		}
	}
	return rows, err
}

// NewReview is a manager's word that the decision of somebody who turned out
// to be related stands.
type NewReview struct {
	ID       string
	Decision string
	Reason   string // checked_again, began_later, remote
	Note     string // what was found; kept sealed
}

// ReviewConflict ends what holds a case back: a manager of its area who is
// related to nobody in it, and has no other duty in it then or later, says that
// the decision stands. Another way to end it is to have the same decided again.
//
// Errors: NotFound decision_not_found; Forbidden wrong_role,
// conflict_of_interest, four_eyes; Conflict nothing_to_review.
func (s *Store) ReviewConflict(ctx context.Context, caller *Caller, n NewReview) error {
	row, err := s.Decision(ctx, caller, n.Decision)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.CaseID)
		if err != nil {
			return err
		}
		if !caller.HasFor(c.Area, c.Programme, aid.RoleManager) {
			return aid.Refuse(aid.Forbidden, "wrong_role")
		}
		if err := tx.clear(c, &Task{Duty: "review"}, caller.Actor(), ""); err != nil {
			return err
		}
		return tx.review(c, caller, n)
	})
}

func (tx *Tx) review(c *Case, caller *Caller, n NewReview) error {
	var persons []string
	err := tx.list(&persons, `SELECT person FROM conflicted_decisions WHERE decision_id = $1 AND NOT reviewed AND NOT made_again ORDER BY person`, n.Decision)
	if err != nil {
		return err
	}
	if len(persons) == 0 {
		return aid.Refuse(aid.Conflict, "nothing_to_review")
	}
	for i, person := range persons {
		id := n.ID
		if i > 0 { // the delegate and the principal are both related
			id = NewID(aid.ReviewID)
		}
		sealed, err := tx.seal("conflict_reviews", "sealed", id, map[string]string{"note": n.Note})
		if err != nil {
			return err
		}
		err = tx.one(`INSERT INTO conflict_reviews (decision_id, person, id, case_id, reviewer, reason_code, sealed, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, n.Decision, person, id, c.ID, caller.Actor(), n.Reason, sealed, tx.Wall)
		if err != nil {
			return err
		}
	}
	err = tx.AddEvent(c, Event{Kind: "case.conflict_reviewed", Actor: caller.Actor(), Data: map[string]any{"decision": n.Decision, "reason_code": n.Reason}})
	if err != nil {
		return err
	}
	return tx.AddAudit(caller.Actor(), "review_conflict", n.Decision, "done", n.Reason)
}
