package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// TaskRow is a task as a reader sees it, with what this caller may do.
type TaskRow struct {
	Task
	CaseReference    *string      `db:"case_reference"`
	CaseVersion      int          `db:"case_version"`
	Programme        string       `db:"programme"`
	ProgrammeVersion int          `db:"programme_version"`
	PartnerID        string       `db:"partner_id"`
	Urgent           bool         `db:"urgent"`
	CaseNow          time.Time    `db:"case_now"` // the clock of the case
	Outcome          string       `db:"outcome"`
	SLA              string       `db:"sla"`    // none, on_time, at_risk, breached
	Amount           int64        `db:"amount"` // what is asked for or granted so far, minor units
	Currency         string       `db:"currency"`
	HeldDuty         string       `db:"held_duty"` // the caller's duty in the case; "" for none
	Decided          bool         `db:"decided"`   // the caller has decided this task
	AreaGone         bool         `db:"area_gone"` // its area is no more, and nobody has said where it belongs
	Rank             int          `db:"inbox_rank"`
	RanksAt          *time.Time   `db:"ranks_at"` // the deadline by the wall clock, in lists of the inbox
	AllowedActions   []aid.Action `db:"-"`        // what the caller may do now
	Blocked          string       `db:"-"`        // why it may do nothing; "" when it may
	asOf             time.Time    // of the list that it was read with

	principals map[string]principalStand // of the caller's principals, how they stand to the task
}

// Cursor gives the row's place in the inbox order.
func (r TaskRow) Cursor() Cursor { return inboxCursor(r.asOf, r.Rank, r.RanksAt, r.ID) }

// taskRowColumns is the list behind TaskRow over taskRowFrom: $1 is the wall
// clock, $2 the caller's name in duties and decisions.
const taskRowColumns = taskColumns + `, c.reference AS case_reference, c.version AS case_version, t.programme, c.programme_version,
	c.partner_id, t.urgent, $1::timestamptz + c.clock_offset AS case_now, t.outcome, coalesce(c.amount, c.proposed_amount, c.requested_amount) AS amount, c.currency,
	coalesce(cd.duty, '') AS held_duty,
	coalesce((SELECT g.gone FROM areas g WHERE g.code = t.area), false) AS area_gone,
	EXISTS (SELECT 1 FROM decisions d WHERE d.task_id = t.id AND (d.actor = $2 OR d.behalf = $2) AND d.state IN ('intent', 'applied')) AS decided, ` + taskSLA + ` AS sla`

const taskSLA = `CASE WHEN t.due_at IS NULL THEN 'none'
	WHEN t.breached_at IS NOT NULL OR coalesce(t.due_at <= t.closed_at, t.ranks_at <= $1) THEN 'breached'
	WHEN t.warned_at IS NOT NULL THEN 'at_risk' ELSE 'on_time' END`

const taskRowFrom = ` FROM tasks t JOIN cases c ON c.id = t.case_id
	LEFT JOIN case_duties cd ON cd.case_id = t.case_id AND cd.person = $2`

// AdminAreas gives the areas that the caller administers. Of tasks an
// administrator sees repairs only, having no cases.
func (c *Caller) AdminAreas() []string {
	return c.covered(func(r aid.Role) bool { return r == aid.RoleAdmin })
}

// Task gives one task.
//
// Errors: NotFound task_not_found, also when it is not the caller's to see.
func (s *Store) Task(ctx context.Context, caller *Caller, id string) (*TaskRow, error) {
	row, err := readTask(func(dest any, query string, args ...any) error { return s.get(ctx, dest, query, args...) }, s.asker(ctx), s.Now(), caller, id)
	if err == nil {
		row.allow(caller)
	}
	return row, err
}

// asker reads rows of a query into a list.
type asker func(dest any, query string, args ...any) error

func (s *Store) asker(ctx context.Context) asker {
	return func(dest any, query string, args ...any) error { return s.list(ctx, dest, query, args...) }
}

func readTask(get, list asker, now time.Time, caller *Caller, id string) (*TaskRow, error) {
	sees, mine := caller.seesTask()
	var row TaskRow
	err := translate(get(&row, `SELECT `+taskRowColumns+taskRowFrom+` WHERE t.id = $4 AND `+sees, now, caller.Actor(), mine, id))
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "task_not_found")
	}
	if err != nil {
		return nil, err
	}
	rows := []TaskRow{row}
	err = withPrincipals(list, caller, rows)
	return &rows[0], err
}

// allow fills what the caller may do with the task. A claim that has lapsed is
// shown no more.
func (r *TaskRow) allow(caller *Caller) {
	if r.ClosedAt == nil && r.Holder(r.CaseNow) == "" && r.Assignee != nil {
		r.State, r.Assignee, r.ClaimedAt, r.ClaimedUntil, r.AssignedBy = "open", nil, nil, nil, nil
	}
	rule, _ := aid.RuleOf(r.Kind)
	r.AllowedActions = []aid.Action{}
	if err := r.refusal(caller); err != nil {
		r.Blocked = aid.CodeOf(err)
		return
	}
	r.AllowedActions = slices.Clone(rule.Actions)
}

func (r *TaskRow) refusal(caller *Caller) error {
	switch {
	case r.ClosedAt != nil:
		return aid.Refuse(aid.Conflict, "task_closed", "state", r.State)
	case r.Decided:
		return aid.Refuse(aid.Conflict, "already_decided")
	}
	if err := caller.MayDecide(r); err != nil {
		return err
	}
	if caller.Related(r.CaseID, "") {
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	}
	if r.AreaGone && r.Kind != aid.RepairConfiguration && r.Kind != aid.ProvideInformation {
		return aid.Refuse(aid.Conflict, "area_gone")
	}
	if !aid.MayHold(r.HeldDuty, r.Duty) {
		return aid.Refuse(aid.Forbidden, "four_eyes", "held", r.HeldDuty, "wanted", r.Duty)
	}
	if err := caller.inSomeName(r); err != nil {
		return err
	}
	if holder := r.Holder(r.CaseNow); holder != "" && caller.standsIn(r, holder) {
		return nil
	}
	return r.heldByAnother(r.CaseNow, caller.Actor())
}

// MayDecide tells whether the caller's roles, areas and level let it decide a
// task at all. Four eyes and claims are another question.
//
// Errors: Forbidden wrong_role, wrong_area, wrong_level (params level),
// not_in_committee, wrong_programme, above_delegation.
func (c *Caller) MayDecide(t *TaskRow) error {
	rule, _ := aid.RuleOf(t.Kind)
	if c.Partner() || t.Kind == aid.ProvideInformation {
		if t.Kind == aid.ProvideInformation && c.Partner() && c.ID == t.PartnerID {
			return nil
		}
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	refusal := aid.Refuse(aid.Forbidden, "wrong_role")
	for _, g := range c.Roles {
		if !slices.Contains(rule.Roles, g.Role) {
			continue
		}
		if refusal = g.refuses(t); refusal == nil {
			return nil
		}
	}
	return refusal
}

// refuses tells why a grant of a fitting role does not reach a task; nil when
// it does.
func (g RoleGrant) refuses(t *TaskRow) *aid.Error {
	switch {
	case !slices.Contains(g.Covers, t.Area):
		return aid.Refuse(aid.Forbidden, "wrong_area")
	case t.Kind == aid.Approve && g.Level != t.Level:
		return aid.Refuse(aid.Forbidden, "wrong_level", "level", t.Level)
	case t.Kind == aid.Approve && t.committee() && !g.Committee:
		return aid.Refuse(aid.Forbidden, "not_in_committee", "level", t.Level)
	case len(g.Programmes) > 0 && !slices.Contains(g.Programmes, t.Programme):
		return aid.Refuse(aid.Forbidden, "wrong_programme")
	case g.Ceiling > 0 && t.Amount > g.Ceiling:
		return aid.Refuse(aid.Forbidden, "above_delegation")
	}
	return nil
}

// committee tells whether an approval is a committee's.
func (r *TaskRow) committee() bool {
	var level aid.Level
	return json.Unmarshal(r.Rule, &level) == nil && level.Mode == aid.ModeCommittee
}

// standsIn tells whether a task in somebody else's hands is the caller's all
// the same: the principal's whose delegate the caller is, or the caller's own
// that a delegate has.
func (c *Caller) standsIn(t *TaskRow, holder string) bool {
	if t.AssignedFor != nil && *t.AssignedFor == c.Actor() {
		return true
	}
	return slices.ContainsFunc(c.Roles, func(g RoleGrant) bool {
		return g.Behalf != "" && g.Behalf == holder && g.refuses(t) == nil && c.inNameOf(t, g.Behalf) == nil
	})
}
