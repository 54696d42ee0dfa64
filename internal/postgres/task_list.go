package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// TaskFilter narrows a list of tasks. Without Case and All the list is the
// caller's inbox: the tasks that its roles, areas and level may decide, whoever
// claimed them; managers and auditors see every task of their areas. State is
// open (the default: open or claimed), done, void, replaced or any.
type TaskFilter struct {
	Case      string // id or reference; implies All
	Assignee  string // me, none, or a subject
	Kind      string
	Programme string
	Area      string // the area and everything below it
	SLA       string // none, on_time, at_risk, breached
	State     string
	All       bool
	Sort      string // "" most urgent first; opened: oldest first; newest
}

// Tasks lists tasks.
//
// Errors: Invalid invalid_cursor, unknown_sort.
func (s *Store) Tasks(ctx context.Context, caller *Caller, f TaskFilter, p Page) ([]TaskRow, error) {
	q := taskQuery{caller: caller, now: s.Now()}
	q.visible()
	if f.Case == "" && !f.All {
		q.actionable()
	}
	q.filter(f)
	order, err := q.order(f.Sort, p)
	if err != nil {
		return nil, err
	}
	return s.tasks(ctx, &q, order, p.limit())
}

// NextTask gives the most urgent task that the caller may decide now: not
// claimed by another, no duty in the way, not decided already.
//
// Errors: NotFound no_task.
func (s *Store) NextTask(ctx context.Context, caller *Caller) (*TaskRow, error) {
	page := Page{Limit: 50}
	for {
		rows, err := s.Tasks(ctx, caller, TaskFilter{}, page)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if rows[i].Blocked == "" {
				return &rows[i], nil
			}
		}
		if len(rows) < page.Limit {
			return nil, aid.Refuse(aid.NotFound, "no_task")
		}
		page.After = rows[len(rows)-1].Cursor()
	}
}

func (s *Store) tasks(ctx context.Context, q *taskQuery, order string, limit int) ([]TaskRow, error) {
	rows := []TaskRow{}
	query := `SELECT ` + taskRowColumns + taskRowFrom + ` WHERE ` + q.where + order + ` LIMIT ` + q.arg(limit)
	err := s.list(ctx, &rows, query, append([]any{q.now, q.caller.Actor()}, q.args...)...)
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
	if !q.caller.Partner() {
		q.and(`(t.kind = 'repair_configuration' OR t.area = ANY(` + q.arg(pq.Array(q.caller.CaseAreas())) + `))`)
	}
}

// actionable keeps what the caller's grants reach, as MayDecide tells it.
func (q *taskQuery) actionable() {
	if q.caller.Partner() {
		return
	}
	reach := `false`
	if watching := q.caller.covered(func(r aid.Role) bool { return r == aid.RoleManager || r == aid.RoleAuditor }); len(watching) > 0 {
		reach += ` OR t.area = ANY(` + q.arg(pq.Array(watching)) + `)`
	}
	for _, g := range q.caller.Roles {
		kinds := kindsOf(g.Role)
		if len(kinds) == 0 {
			continue
		}
		one := `t.kind = ANY(` + q.arg(pq.Array(kinds)) + `) AND t.area = ANY(` + q.arg(pq.Array(g.Covers)) + `)`
		if g.Role == aid.RoleApprover {
			one += ` AND t.level = ` + q.arg(g.Level)
			if !g.Committee {
				one += ` AND coalesce(t.rule ->> 'mode', '') <> 'committee'`
			}
		}
		if len(g.Programmes) > 0 {
			one += ` AND t.programme = ANY(` + q.arg(pq.Array(g.Programmes)) + `)`
		}
		if g.Ceiling > 0 {
			one += ` AND coalesce(c.amount, c.proposed_amount, c.requested_amount) <= ` + q.arg(g.Ceiling)
		}
		reach += ` OR (` + one + `)`
	}
	q.and(`(` + reach + `)`)
}

// kindsOf gives the kinds of tasks that a role decides.
func kindsOf(role aid.Role) []string {
	var kinds []string
	for _, rule := range aid.TaskRules() {
		for _, r := range rule.Roles {
			if r == role {
				kinds = append(kinds, string(rule.Kind))
			}
		}
	}
	return kinds
}

func (q *taskQuery) filter(f TaskFilter) {
	if f.Case != "" {
		a := q.arg(f.Case)
		q.and(`t.case_id = (SELECT x.id FROM cases x WHERE x.id = ` + a + ` OR x.reference = ` + a + `)`)
	}
	switch f.State {
	case "", "open":
		q.and(`t.closed_at IS NULL`)
	case "any":
	case "claimed":
		q.and(`t.state = 'claimed' AND (t.closed_at IS NOT NULL OR coalesce(t.lapses_at > $1, true))`)
	default:
		q.and(`t.state = ` + q.arg(f.State))
	}
	switch f.Assignee {
	case "":
	case "none":
		q.and(`(t.assignee IS NULL OR t.lapses_at <= $1)`)
	case "me":
		q.and(`t.assignee = ` + q.arg(q.caller.Actor()) + ` AND (t.closed_at IS NOT NULL OR coalesce(t.lapses_at > $1, true))`)
	default:
		q.and(`t.assignee = ` + q.arg(f.Assignee) + ` AND (t.closed_at IS NOT NULL OR coalesce(t.lapses_at > $1, true))`)
	}
	if f.Kind != "" {
		q.and(`t.kind = ` + q.arg(f.Kind))
	}
	if f.Programme != "" {
		q.and(`t.programme = ` + q.arg(f.Programme))
	}
	if f.Area != "" {
		q.and(`t.area IN (SELECT unnest((` + areasBelow(q.arg(f.Area)) + `)))`)
	}
	if f.SLA != "" {
		q.and(taskSLA + ` = ` + q.arg(f.SLA))
	}
}

// order gives the order of the list and starts it after the page's cursor.
func (q *taskQuery) order(sort string, p Page) (string, error) {
	switch sort {
	case "":
		return q.mostUrgent(p)
	case "opened", "newest":
	default:
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

func (q *taskQuery) mostUrgent(p Page) (string, error) {
	if p.After != (Cursor{}) {
		calm, due, err := parseUrgency(p.After)
		if err != nil {
			return "", err
		}
		q.and(`((NOT t.urgent), coalesce(t.due_at, 'infinity'), t.id) > (` + q.arg(calm) + `::boolean, ` + q.arg(due) + `::timestamptz, ` + q.arg(p.After.ID) + `)`)
	}
	return ` ORDER BY (NOT t.urgent), coalesce(t.due_at, 'infinity'), t.id`, nil
}

// SortCursor gives the row's place in a list sorted so.
func (r TaskRow) SortCursor(sort string) Cursor {
	if sort == "" {
		return r.Cursor()
	}
	return atCursor(r.OpenedAt, r.ID)
}
