package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/aid/worktime"
)

// wantRecount has the deadlines of open work counted anew: of what is counted
// by a calendar, and of the cases of areas and everything below them; of some
// programmes, or of all.
func (tx *Tx) wantRecount(calendar string, areas, programmes []string) error {
	return tx.one(`INSERT INTO recounts (calendar, areas, programmes, asked_at) VALUES ($1, $2, $3, $4)`, calendar, sorted(areas), sorted(programmes), tx.Wall)
}

// recount is one change after which deadlines follow.
type recount struct {
	ID         int64          `db:"id"`
	Calendar   string         `db:"calendar"`
	Areas      pq.StringArray `db:"areas"`
	Programmes pq.StringArray `db:"programmes"`
	After      string         `db:"after_case"`
}

// Recount brings the deadlines of up to limit cases to what calendars and
// freezes say now, in one transaction, and tells how many cases it looked at;
// 0 when there is nothing to do. What was taken stays taken. The workflow of a
// case that is to be woken earlier than before hears of it through the outbox;
// one that is to be woken later finds out when it wakes. Two callers do
// different changes, or one of them nothing.
func (s *Store) Recount(ctx context.Context, limit int) (cases int, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		cases = 0
		var r recount
		err := tx.get(&r, `SELECT id, calendar, areas, programmes, after_case FROM recounts WHERE done_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ids, err := tx.touched(r, limit)
		if err != nil {
			return err
		}
		if err := tx.recountCases(ids); err != nil {
			return err
		}
		cases, tx.Now = len(ids), tx.Wall
		if len(ids) > 0 {
			r.After = ids[len(ids)-1]
		}
		return tx.one(`UPDATE recounts SET after_case = $2, cases = cases + $3, done_at = CASE WHEN $3 < $4 THEN $5::timestamptz END WHERE id = $1`,
			r.ID, r.After, len(ids), limit, tx.Wall)
	})
	return cases, err
}

// catchUp counts the clocks of one case anew while a change is under way that
// may not have come to it yet.
func (tx *Tx) catchUp(c *Case) error {
	var behind bool
	err := tx.get(&behind, `SELECT EXISTS (SELECT 1 FROM recounts WHERE done_at IS NULL AND after_case < $1)`, c.ID)
	if err != nil || !behind {
		return err
	}
	now := tx.Now
	defer func() { tx.Now = now }()
	return tx.recountCases([]string{c.ID})
}

// touched gives the next cases with clocks that a change may touch.
func (tx *Tx) touched(r recount, limit int) ([]string, error) {
	var ids []string
	const which = ` AND (c.area = ANY($3) OR k.calendar = $4) AND ($5::text[] = '{}' OR c.programme = ANY($5))`
	err := tx.list(&ids, `
		(SELECT DISTINCT k.case_id FROM tasks k JOIN cases c ON c.id = k.case_id
		 WHERE k.closed_at IS NULL AND k.counted_at IS NOT NULL AND k.case_id > $1`+which+` ORDER BY k.case_id LIMIT $2)
		UNION
		(SELECT DISTINCT k.case_id FROM clocks k JOIN cases c ON c.id = k.case_id
		 WHERE k.counted_at IS NOT NULL AND k.case_id > $1`+which+` ORDER BY k.case_id LIMIT $2)
		ORDER BY 1 LIMIT $2`, r.After, limit, pq.Array(tx.belowAll(r.Areas)), r.Calendar, r.Programmes)
	return ids, err
}

// belowAll gives areas and everything below them.
func (tx *Tx) belowAll(areas []string) []string {
	below := pq.StringArray{}
	_ = tx.get(&below, `WITH RECURSIVE below AS (SELECT code FROM areas WHERE code = ANY($1) UNION SELECT a.code FROM areas a JOIN below b ON a.parent = b.code)
		SELECT coalesce(array_agg(code), '{}') FROM below`, pq.Array(areas))
	return below
}

// recountCases counts the clocks of cases and of their open tasks anew. The
// cases are locked in the order of their ids.
func (tx *Tx) recountCases(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var cases []Case
	if err := tx.list(&cases, `SELECT `+caseColumns+` FROM cases c WHERE c.id = ANY($1) ORDER BY c.id FOR NO KEY UPDATE`, pq.Array(ids)); err != nil {
		return err
	}
	var tasks []taskClock
	err := tx.list(&tasks, `SELECT id, case_id, workflow_id, allowed_us, spent_us, counted_at, calendar, due_at, rung, attend_at FROM tasks
		WHERE case_id = ANY($1) AND closed_at IS NULL AND counted_at IS NOT NULL ORDER BY id FOR NO KEY UPDATE`, pq.Array(ids))
	if err != nil {
		return err
	}
	var clocks []caseClock
	err = tx.list(&clocks, `SELECT case_id, round, scope, allowed_us, spent_us, counted_at, calendar, paused, started_at, due_at, rung, ended_at, attend_at
		FROM clocks WHERE case_id = ANY($1) AND counted_at IS NOT NULL ORDER BY case_id, scope FOR UPDATE`, pq.Array(ids))
	if err != nil {
		return err
	}
	b := recounter{tx: tx}
	for i := range cases {
		if err := b.one(&cases[i], tasks, clocks); err != nil {
			return err
		}
	}
	return b.write()
}

type taskClock struct {
	counted
	ID       string     `db:"id"`
	CaseID   string     `db:"case_id"`
	Workflow string     `db:"workflow_id"`
	DueAt    *time.Time `db:"due_at"`
	Rung     int        `db:"rung"`
	AttendAt *time.Time `db:"attend_at"`
}

type caseClock struct {
	clock
	CaseID   string     `db:"case_id"`
	Round    int        `db:"round"`
	AttendAt *time.Time `db:"attend_at"`
}

// recounter collects what one batch changes.
type recounter struct {
	tx    *Tx
	rows  []recountedRow
	wakes []string // workflows that are to look again
}

// recountedRow is a clock as it is written; Task is empty for one of the case.
type recountedRow struct {
	Task     string      `json:"task"`
	Case     string      `json:"case_id"`
	Round    int         `json:"round"`
	Scope    string      `json:"scope"`
	Spent    int64       `json:"spent"`
	At       time.Time   `json:"at"`
	Calendar string      `json:"calendar"`
	Due      time.Time   `json:"due"`
	Alarms   []time.Time `json:"alarms"`
	Kinds    []string    `json:"kinds"`
	Attend   *time.Time  `json:"attend"`
}

// one counts the clocks of one case; a case whose calendar cannot be read
// stays as it is.
func (b *recounter) one(c *Case, tasks []taskClock, clocks []caseClock) error {
	tx := b.tx
	tx.Now = tx.Wall.Add(offsetOf(c))
	calendar, err := tx.calendarOf(c)
	if broken(err) {
		return nil
	}
	if err != nil {
		return err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.CaseID != c.ID {
			continue
		}
		row, err := b.count(c, calendar, t.counted, t.DueAt, t.Rung, def.Ladder())
		if err != nil {
			return err
		}
		row.Task = t.ID
		b.add(row, t.Workflow, t.AttendAt)
	}
	for _, k := range clocks {
		if k.CaseID != c.ID {
			continue
		}
		row, err := b.count(c, calendar, k.counted, k.DueAt, k.Rung, withoutLoss(def.Ladder()))
		if err != nil {
			return err
		}
		row.Case, row.Round, row.Scope = k.CaseID, k.Round, k.Scope
		b.add(row, c.WorkflowID, k.AttendAt)
	}
	return nil
}

func (b *recounter) count(c *Case, now *worktime.Calendar, k counted, due *time.Time, rung int, ladder []programme.Rung) (recountedRow, error) {
	before, err := b.tx.calendarNamed(c, k.Calendar, now)
	if err != nil {
		return recountedRow{}, err
	}
	spent := k.at(before, b.tx.Now)
	run := count{allowed: time.Duration(k.Allowed) * time.Microsecond, spent: spent, from: b.tx.Now, due: due}
	p := run.plan(now, ladder)
	return recountedRow{Spent: spent.Microseconds(), At: b.tx.Now, Calendar: now.Code, Due: p.due, Alarms: p.alarms, Kinds: p.kinds, Attend: p.next(rung)}, nil
}

// add keeps a row, and wakes its workflow when it has to act earlier now.
func (b *recounter) add(row recountedRow, workflow string, before *time.Time) {
	b.rows = append(b.rows, row)
	if row.Attend != nil && workflow != "" && (before == nil || row.Attend.Before(*before)) {
		b.wakes = append(b.wakes, workflow)
	}
}

func (b *recounter) write() error {
	if len(b.rows) == 0 {
		return nil
	}
	raw, err := json.Marshal(b.rows)
	if err != nil {
		return err
	}
	const rows = ` FROM jsonb_to_recordset($1) AS r (task text, case_id text, round integer, scope text, spent bigint, at timestamptz, calendar text,
		due timestamptz, alarms timestamptz[], kinds text[], attend timestamptz)`
	const set = ` SET spent_us = r.spent, counted_at = r.at, calendar = r.calendar, due_at = r.due, alarms = r.alarms, alarm_kinds = r.kinds, attend_at = r.attend`
	if _, err := b.tx.exec(`UPDATE tasks t`+set+rows+` WHERE r.task <> '' AND t.id = r.task`, raw); err != nil {
		return err
	}
	if _, err := b.tx.exec(`UPDATE clocks t`+set+rows+` WHERE r.task = '' AND (t.case_id, t.round, t.scope) = (r.case_id, r.round, r.scope)`, raw); err != nil {
		return err
	}
	_, err = b.tx.exec(`INSERT INTO outbox (kind, workflow_id, name, created_at) SELECT DISTINCT 'signal', w, $2, $3::timestamptz FROM unnest($1::text[]) w`,
		pq.Array(b.wakes), SignalLook, b.tx.Wall)
	return err
}
