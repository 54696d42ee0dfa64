package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// TaskFilter narrows a list of tasks. Without Case and All the list is an inbox
// (see View); with them it is every task that the caller may see. State is open
// (nobody has it), claimed, done, void, replaced or any; without one it is what
// is open or claimed. Zero values pass everything.
type TaskFilter struct {
	View         View
	Case         string // id or reference; implies All
	Assignee     string // me, none, or a subject
	Kind         string
	Level        string // of approvals
	Programme    string
	Area         string // the area and everything below it
	SLA          string // none, on_time, at_risk, breached
	State        string
	MinAmount    int64  // minor units
	MaxAmount    *int64 // minor units
	OpenedAfter  *time.Time
	OpenedBefore *time.Time
	All          bool
	Sort         string // "" most urgent first; opened: oldest first; newest

	free bool // what nobody has but perhaps the caller
}

// Tasks lists tasks. The most urgent are first: the overdue ones, among them
// those of urgent cases, then the others of urgent cases, each by deadline.
// Lists of one case and of partners are by opening, those of closed tasks the
// newest first.
//
// Errors: Invalid invalid_cursor, unknown_sort.
func (s *Store) Tasks(ctx context.Context, caller *Caller, f TaskFilter, p Page) ([]TaskRow, error) {
	if f.inbox(caller) {
		return s.inboxTasks(ctx, caller, f, nil, p)
	}
	q := taskQuery{caller: caller, now: s.Now()}
	q.visible()
	if f.Case == "" && !f.All && f.View != ViewAll {
		q.actionable(f.base())
	}
	q.filter(f)
	if f.Sort == "" && f.Case == "" && !caller.Partner() {
		f.Sort = "newest"
	}
	order, err := q.order(f.Sort, p)
	if err != nil {
		return nil, err
	}
	return s.tasks(ctx, &q, order, p.limit())
}

// inbox tells whether a list is ordered by urgency, as the indexes of the
// inbox are.
func (f TaskFilter) inbox(caller *Caller) bool {
	open := f.State == "" || f.State == "open" || f.State == "claimed"
	return open && f.Sort == "" && f.Case == "" && !caller.Partner()
}

func (s *Store) tasks(ctx context.Context, q *taskQuery, order string, limit int) ([]TaskRow, error) {
	rows := []TaskRow{}
	query := `SELECT ` + taskRowColumns + taskRowFrom + ` WHERE ` + q.where + order + ` LIMIT ` + q.arg(limit)
	err := s.list(ctx, &rows, query, append([]any{q.now, q.caller.Actor()}, q.args...)...)
	if err == nil {
		err = withPrincipals(s.asker(ctx), q.caller, rows)
	}
	for i := range rows {
		rows[i].allow(q.caller)
	}
	return rows, err
}

// taskQuery collects the conditions of a list of tasks. Every condition is a
// constant text; values are arguments only.
type taskQuery struct {
	caller *Caller
	now    time.Time
	where  string
	args   []any // from $3 on
}

func (q *taskQuery) arg(v any) string {
	q.args = append(q.args, v)
	return placeholder(len(q.args) + 2)
}

func (q *taskQuery) and(condition string) { q.where += " AND " + condition }

func (q *taskQuery) visible() {
	condition, argument := q.caller.seesTask()
	q.where = condition
	q.args = append(q.args, argument)
}

// actionable keeps what the caller's grants reach, as the inbox does, without
// its indexes.
func (q *taskQuery) actionable(v View) {
	if q.caller.Partner() {
		return
	}
	reached := `false`
	for _, r := range q.caller.reaches(v) {
		one := `t.area = ANY(` + q.arg(pq.Array(q.caller.below(r.area))) + `)`
		if r.queue != "" {
			one += ` AND t.queue = ` + q.arg(r.queue)
		}
		if !r.member {
			one += ` AND (t.kind <> 'approve' OR coalesce(t.rule ->> 'mode', '') <> 'committee')`
		}
		if len(r.programmes) > 0 {
			one += ` AND t.programme = ANY(` + q.arg(pq.Array(r.programmes)) + `)`
		}
		if r.ceiling > 0 {
			one += ` AND t.amount <= ` + q.arg(r.ceiling)
		}
		reached += ` OR (` + one + `)`
	}
	q.and(`(` + reached + `)`)
}

func (q *taskQuery) filter(f TaskFilter) {
	if f.Case != "" {
		a := q.arg(f.Case)
		q.and(`t.case_id = (SELECT x.id FROM cases x WHERE x.id = ` + a + ` OR x.reference = ` + a + `)`)
	}
	const held = `t.assignee IS NOT NULL AND (t.closed_at IS NOT NULL OR coalesce(t.lapses_at > $1, true))`
	const free = `t.assignee IS NULL OR (t.closed_at IS NULL AND t.lapses_at <= $1)`
	switch f.State {
	case "":
		q.and(`t.closed_at IS NULL`)
	case "any":
	case "open":
		q.and(`t.closed_at IS NULL AND (` + free + `)`)
	case "claimed":
		q.and(`t.closed_at IS NULL AND ` + held)
	default:
		q.and(`t.state = ` + q.arg(f.State))
	}
	if f.View == ViewMine {
		f.Assignee = "me"
	}
	switch {
	case f.Assignee == "none" || f.View == ViewUnclaimed:
		q.and(`(` + free + `)`)
	case f.Assignee == "me":
		q.and(held + ` AND t.assignee = ` + q.arg(q.caller.Actor()))
	case f.Assignee != "":
		q.and(held + ` AND t.assignee = ` + q.arg(f.Assignee))
	}
	if f.View == ViewOverdue {
		f.SLA = "breached"
	}
	for column, v := range map[string]string{"t.kind": f.Kind, "t.level": f.Level, "t.programme": f.Programme, taskSLA: f.SLA} {
		if v != "" {
			q.and(column + ` = ` + q.arg(v))
		}
	}
	if f.Area != "" {
		q.and(`t.area IN (SELECT unnest((` + areasBelow(q.arg(f.Area)) + `)))`)
	}
	q.between(f)
}

func (q *taskQuery) between(f TaskFilter) {
	if f.MinAmount > 0 {
		q.and(`t.amount >= ` + q.arg(f.MinAmount))
	}
	if f.MaxAmount != nil {
		q.and(`t.amount <= ` + q.arg(*f.MaxAmount))
	}
	if f.OpenedAfter != nil {
		q.and(`t.opened_at > ` + q.arg(*f.OpenedAfter))
	}
	if f.OpenedBefore != nil {
		q.and(`t.opened_at < ` + q.arg(*f.OpenedBefore))
	}
}

// order gives the order of the list and starts it after the page's cursor.
func (q *taskQuery) order(sort string, p Page) (string, error) {
	if sort != "" && sort != "opened" && sort != "newest" {
		return "", aid.RefuseAll([]aid.Fault{{Pointer: "/sort", Code: "unknown_sort"}})
	}
	at, err := p.instant()
	if err != nil {
		return "", err
	}
	than, direction := `>`, ``
	if sort == "newest" {
		than, direction = `<`, ` DESC`
	}
	if at != nil {
		q.and(`(t.opened_at, t.id) ` + than + ` (` + q.arg(*at) + `, ` + q.arg(p.After.ID) + `)`)
	}
	return ` ORDER BY t.opened_at` + direction + `, t.id` + direction, nil
}

// CursorIn gives the row's place in a list with this filter for this caller.
func (r TaskRow) CursorIn(caller *Caller, f TaskFilter) Cursor {
	if f.inbox(caller) {
		return r.Cursor()
	}
	return atCursor(r.OpenedAt, r.ID)
}
