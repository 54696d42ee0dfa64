package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// CaseRow is a case as readers see it: its row, and what it waits for.
type CaseRow struct {
	Case
	SubmittedBy  string     `db:"submitted_by"`
	SLA          string     `db:"sla"` // none, on_time, at_risk, breached: of the task that it waits for
	WaitingOwner *aid.Owner `db:"waiting_owner"`
	WaitingSince *time.Time `db:"waiting_since"`
	Now          time.Time  `db:"case_now"`     // the case's own clock
	PostedUntil  *time.Time `db:"posted_until"` // until when the award hangs out in the village

	TaskID    *string       `db:"task_id"` // the most urgent open task
	TaskKind  *aid.TaskKind `db:"task_kind"`
	TaskLevel *string       `db:"task_level"`
	Assignee  *string       `db:"assignee"`
	DueAt     *time.Time    `db:"due_at"`
}

// Cursor gives the row's place in a list of cases, newest first.
func (r CaseRow) Cursor() Cursor { return atCursor(r.CreatedAt, r.ID) }

// caseRowColumns is the list behind CaseRow over caseRowFrom; $1 is the wall
// clock. Both need the case's clock to tell what is late.
const caseRowColumns = caseColumns + `, c.submitted_by, i.owner AS waiting_owner, i.from_at AS waiting_since,
	$1::timestamptz + c.clock_offset AS case_now,
	(SELECT p.until FROM postings p WHERE p.case_id = c.id AND p.over_at IS NULL AND c.status = 'approved') AS posted_until, t.id AS task_id, t.kind AS task_kind, t.level AS task_level, t.assignee, t.due_at, ` + caseSLA + ` AS sla`

const caseSLA = `CASE WHEN t.due_at IS NULL THEN 'none'
	WHEN t.breached_at IS NOT NULL OR t.due_at <= $1::timestamptz + c.clock_offset THEN 'breached'
	WHEN t.warned_at IS NOT NULL THEN 'at_risk' ELSE 'on_time' END`

const caseRowFrom = ` FROM cases c
	LEFT JOIN intervals i ON i.case_id = c.id AND i.to_at IS NULL
	LEFT JOIN LATERAL (SELECT t.id, t.kind, t.level, CASE WHEN t.lapses_at <= $1 THEN NULL ELSE t.assignee END AS assignee, t.due_at, t.warned_at, t.breached_at FROM tasks t
		WHERE t.case_id = c.id AND t.closed_at IS NULL ORDER BY t.due_at NULLS LAST, t.id LIMIT 1) t ON true`

// CaseFilter narrows a list of cases; zero values pass everything.
type CaseFilter struct {
	Status        string
	Stage         string
	Programme     string
	Area          string // the area and everything below it
	Assignee      string // me, none, or a subject: of an open task
	SLA           string // none, on_time, at_risk, breached
	ExternalID    string
	Parked        *bool
	CreatedAfter  *time.Time
	CreatedBefore *time.Time
}

// Cases lists the cases that the caller may see, newest first.
//
// Errors: Invalid invalid_cursor.
func (s *Store) Cases(ctx context.Context, caller *Caller, f CaseFilter, p Page) ([]CaseRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	if f.Assignee == "me" {
		f.Assignee = caller.ID
	}
	rows := []CaseRow{}
	sees, mine := caller.seesCase()
	err = s.list(ctx, &rows, `SELECT `+caseRowColumns+caseRowFrom+`
		WHERE `+sees+`
		  AND ($3::timestamptz IS NULL OR (c.created_at, c.id) < ($3, $4))
		  AND ($5::text IS NULL OR c.status = $5) AND ($6::text IS NULL OR c.stage = $6)
		  AND ($7::text IS NULL OR c.programme = $7) AND ($8::text IS NULL OR c.external_id = $8)
		  AND ($9::text IS NULL OR c.area IN (SELECT unnest((`+areasBelow("$9")+`))))
		  AND ($10::text IS NULL OR EXISTS (SELECT 1 FROM tasks a WHERE a.case_id = c.id AND a.closed_at IS NULL
		       AND CASE WHEN $10 = 'none' THEN a.assignee IS NULL OR a.lapses_at <= $1 ELSE a.assignee = $10 AND coalesce(a.lapses_at > $1, true) END))
		  AND ($11::boolean IS NULL OR c.parked = $11)
		  AND ($12::timestamptz IS NULL OR c.created_at > $12) AND ($13::timestamptz IS NULL OR c.created_at < $13)
		  AND ($14::text IS NULL OR `+caseSLA+` = $14)
		ORDER BY c.created_at DESC, c.id DESC LIMIT $15`,
		s.Now(), mine, at, p.After.ID, text(f.Status), text(f.Stage), text(f.Programme), text(f.ExternalID), text(f.Area),
		text(f.Assignee), f.Parked, f.CreatedAfter, f.CreatedBefore, text(f.SLA), p.limit())
	return rows, err
}

// CaseByID gives one case by id or reference.
//
// Errors: NotFound case_not_found, also when it is not the caller's to see.
func (s *Store) CaseByID(ctx context.Context, caller *Caller, idOrRef string) (*CaseRow, error) {
	sees, mine := caller.seesCase()
	return s.oneCase(ctx, `(c.id = $3 OR c.reference = $3) AND `+sees, mine, idOrRef)
}

// CaseByToken gives the case of a household's status page; the token is the
// caller.
//
// Errors: NotFound case_not_found.
func (s *Store) CaseByToken(ctx context.Context, token string) (*CaseRow, error) {
	return s.oneCase(ctx, `c.tracking_hash = $2`, s.vault.Hash("tracking", token))
}

// oneCase reads the case that fits a condition; args are $2 and on.
func (s *Store) oneCase(ctx context.Context, where string, args ...any) (*CaseRow, error) {
	var row CaseRow
	err := s.get(ctx, &row, `SELECT `+caseRowColumns+caseRowFrom+` WHERE `+where, append([]any{s.Now()}, args...)...)
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "case_not_found")
	}
	return &row, err
}

// NextAction says who does what by when: what a household is told instead of
// "pending".
type NextAction struct {
	Who    aid.Owner  // household, partner, office, register, fund, rail, system
	What   string     // a kind of task, or submit, open_case, wait_for_money, wait_for_bank, wait_for_date, wait_for_objections, tranche_held
	Role   aid.Role   // who in the office; "" otherwise
	Level  string     // of an approval
	TaskID string     // "" when no task is open
	By     *time.Time // when it is due, if it has a date
}

// NextAction gives what a case waits for; nil once it has ended.
func (r *CaseRow) NextAction() *NextAction {
	if !r.Status.Open() {
		return nil
	}
	next := &NextAction{Who: aid.OwnerSystem, What: r.waitsFor()}
	if r.WaitingOwner != nil {
		next.Who = *r.WaitingOwner
	}
	if r.TaskKind == nil {
		next.By = r.PostedUntil
		return next
	}
	next.What, next.TaskID, next.By, next.Level = string(*r.TaskKind), *r.TaskID, r.DueAt, *r.TaskLevel
	if rule, ok := aid.RuleOf(*r.TaskKind); ok && next.Who == aid.OwnerOffice {
		next.Role = rule.Roles[0]
	}
	return next
}

// waitsFor names the wait of a case that has no open task.
func (r *CaseRow) waitsFor() string {
	if r.Stage == aid.Disbursement && r.WaitingOwner != nil && *r.WaitingOwner == aid.OwnerOffice {
		return "tranche_held"
	}
	switch r.Status {
	case aid.Approved:
		if r.PostedUntil != nil {
			return "wait_for_objections"
		}
		return "next_step"
	case aid.Draft:
		return "submit"
	case aid.Submitted:
		return "open_case"
	case aid.WaitingFunds:
		return "wait_for_money"
	case aid.Paying:
		return "wait_for_bank"
	case aid.FollowingUp:
		return "wait_for_date"
	default:
		return "next_step"
	}
}

// ETag is the version of the row as the surface shows it.
func (r *CaseRow) ETag() string { return strconv.Itoa(r.Version) }
