package postgres

import (
	"context"
	"time"
)

// VisitRow is a follow-up visit as readers see it.
type VisitRow struct {
	Visit
	CaseReference *string `db:"case_reference"`
	Programme     string  `db:"programme"`
	Area          string  `db:"area"`
	TaskID        *string `db:"task_id"`
}

// Cursor gives the row's place in the list of visits, by due date.
func (r VisitRow) Cursor() Cursor { return atCursor(r.DueAt, r.ID) }

// VisitFilter narrows a list of visits; zero values pass everything.
type VisitFilter struct {
	Case      string // id or reference
	State     string // planned, due, completed, waived
	DueBefore *time.Time
}

// FollowUps lists the visits of the cases that the caller may see, by due
// date.
//
// Errors: Invalid invalid_cursor.
func (s *Store) FollowUps(ctx context.Context, caller *Caller, f VisitFilter, p Page) ([]VisitRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	sees, mine := caller.seesCase()
	rows := []VisitRow{}
	err = s.list(ctx, &rows, `
		SELECT v.id, v.case_id, v.round, v.n, v.due_at, v.state, v.outcome, v.done_at, c.reference AS case_reference, c.programme, c.area,
		       (SELECT t.id FROM tasks t WHERE t.case_id = v.case_id AND t.subject = v.id ORDER BY t.opened_at DESC LIMIT 1) AS task_id
		FROM visits v JOIN cases c ON c.id = v.case_id
		WHERE `+sees+` AND ($1::timestamptz IS NULL OR (v.due_at, v.id) > ($1, $3))
		  AND ($4::text IS NULL OR v.case_id = (SELECT x.id FROM cases x WHERE x.id = $4 OR x.reference = $4))
		  AND ($5::text IS NULL OR v.state = $5) AND ($6::timestamptz IS NULL OR v.due_at < $6)
		ORDER BY v.due_at, v.id LIMIT $7`,
		at, mine, p.After.ID, text(f.Case), text(f.State), f.DueBefore, p.limit())
	return rows, err
}
