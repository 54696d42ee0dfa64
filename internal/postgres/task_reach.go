package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/aidflow/aidflow/aid"
)

// View is a part of the inbox.
type View string

// The views of the inbox. Without one it is what the caller's roles may
// decide, whoever has it, and for managers and auditors everything in their
// areas.
const (
	ViewMine      View = "mine"      // what the caller has claimed or was given
	ViewGroup     View = "group"     // what the caller's roles may decide, whoever has it
	ViewUnclaimed View = "unclaimed" // what nobody has
	ViewOverdue   View = "overdue"   // what is past its deadline
	ViewAll       View = "all"       // everything in the caller's areas
)

// Views gives the views in the order in which people see them.
func Views() []View { return []View{ViewMine, ViewGroup, ViewUnclaimed, ViewOverdue, ViewAll} }

// reach is what one grant of a caller opens of the inbox: the tasks of a queue
// ("" for every queue) in an area and below it.
type reach struct {
	area       string
	queue      string
	member     bool // also what a committee decides
	programmes []string
	ceiling    int64 // minor units; 0 for none
}

// reaches gives what a view shows to the caller. Everything that it gives, the
// caller may see.
func (c *Caller) reaches(v View) []reach {
	var all []reach
	for _, g := range c.Roles {
		whole := reach{area: g.Area, member: true, programmes: g.Programmes, ceiling: g.Ceiling}
		watches := g.Role == aid.RoleManager || g.Role == aid.RoleAuditor
		if v == ViewMine || v == ViewAll {
			watches = g.Role != aid.RoleAdmin
		}
		if v == ViewMine { // also what somebody was asked about another programme
			whole.programmes, whole.ceiling = nil, 0
		}
		if watches && v != ViewGroup {
			all = append(all, whole)
			continue
		}
		for _, queue := range queuesOf(g) {
			one := whole
			one.queue, one.member = queue, g.Committee
			all = append(all, one)
		}
	}
	return all
}

// queuesOf gives the queues from which a grant decides. A question to a
// colleague is in nobody's queue: it has been given to its person.
func queuesOf(g RoleGrant) []string {
	var queues []string
	for _, rule := range aid.TaskRules() {
		switch {
		case rule.Kind == aid.Advise || !slices.Contains(rule.Roles, g.Role):
		case rule.Kind == aid.Approve:
			queues = append(queues, "approve:"+g.Level)
		default:
			queues = append(queues, string(rule.Kind))
		}
	}
	return queues
}

// narrowed keeps what a filter by kind and level lets through.
func narrowed(all []reach, kind, level string) []reach {
	if kind == "" && level == "" {
		return all
	}
	if level != "" && kind != "" && kind != string(aid.Approve) {
		return nil // only approvals have levels
	}
	want := kind
	if level != "" {
		want = "approve:" + level
	}
	var out []reach
	for _, r := range all {
		if r.queue == "" && want != string(aid.Approve) {
			r.queue = want
		}
		if r.queue == "" || r.queue == want || (want == string(aid.Approve) && strings.HasPrefix(r.queue, "approve:")) {
			out = append(out, r)
		}
	}
	return out
}

// below gives the areas that a grant of an area covers.
func (c *Caller) below(area string) []string {
	for _, g := range c.Roles {
		if g.Area == area {
			return g.Covers
		}
	}
	return nil
}

// overlap tells whether one task may be reached by two of the reaches.
func (c *Caller) overlap(all []reach) bool {
	for i, a := range all {
		for _, b := range all[:i] {
			if (a.queue == b.queue || a.queue == "" || b.queue == "") && (slices.Contains(c.below(a.area), b.area) || slices.Contains(c.below(b.area), a.area)) {
				return true
			}
		}
	}
	return false
}

// ClaimNextTask gives the caller the most urgent task that it may decide and
// that nobody has; one that it has already comes first. Of callers at the same
// time each gets another task: who is a moment late passes on to the next one.
// Of the filter it heeds kind, level, programme, area and amounts.
//
// Errors: NotFound no_task.
func (s *Store) ClaimNextTask(ctx context.Context, caller *Caller, f TaskFilter) (*TaskRow, error) {
	over := map[string]bool{}
	for waits := false; ; {
		row, err := s.nextTask(ctx, caller, f, over)
		if aid.CodeOf(err) == "no_task" && len(over) > 0 && !waits {
			waits, over = true, map[string]bool{} // what others held for a moment may be free again
			continue
		}
		if err != nil {
			return nil, err
		}
		err = s.Write(ctx, func(tx *Tx) error { return tx.claimFree(caller, row, waits) })
		switch aid.KindOf(err) {
		case "":
			if err != nil {
				return nil, err
			}
			return s.Task(ctx, caller, row.ID)
		case aid.Conflict, aid.Forbidden, aid.NotFound:
			over[row.ID] = true
		default:
			return nil, err
		}
	}
}

// claimFree claims a task unless somebody else is changing its case just now;
// with waits it waits for them.
//
// Errors: Conflict task_claimed also for one whose case is being changed, and
// those of claiming.
func (tx *Tx) claimFree(caller *Caller, row *TaskRow, waits bool) error {
	if !waits {
		var free []string
		if err := tx.list(&free, `SELECT id FROM cases WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED`, row.CaseID); err != nil {
			return err
		}
		if len(free) == 0 {
			return aid.Refuse(aid.Conflict, "task_claimed")
		}
	}
	c, err := tx.LockCase(row.CaseID)
	if err != nil {
		return err
	}
	t, err := tx.lockForClaim(c, row.ID, caller)
	if err != nil {
		return err
	}
	return tx.claim(c, t, caller.Actor())
}

// NextTask gives the most urgent task that the caller may decide now: not
// claimed by another, no duty in the way, not decided already.
//
// Errors: NotFound no_task.
func (s *Store) NextTask(ctx context.Context, caller *Caller) (*TaskRow, error) {
	return s.nextTask(ctx, caller, TaskFilter{}, nil)
}

// nextTask gives the most urgent task in the caller's queues that passes the
// filter, that it may decide now, and that is none of those passed over.
func (s *Store) nextTask(ctx context.Context, caller *Caller, f TaskFilter, over map[string]bool) (*TaskRow, error) {
	f.View, f.free = ViewGroup, true
	page := Page{Limit: 50}
	for {
		rows, err := s.Tasks(ctx, caller, f, page)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if rows[i].Blocked == "" && !over[rows[i].ID] {
				return &rows[i], nil
			}
		}
		if len(rows) < page.Limit {
			return nil, aid.Refuse(aid.NotFound, "no_task")
		}
		page.After = rows[len(rows)-1].Cursor()
	}
}
