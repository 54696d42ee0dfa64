package postgres

import (
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/aid/worktime"
)

// leastLeft is the working time that a task has at least when it comes back,
// however late it was returned. What it has taken stays counted.
const leastLeft = 4 * time.Hour

// OpenOfficeTask opens a task for the staff. It has the working days that the
// programme gives to its kind; one that was returned has the working time that
// was left. A calendar that cannot be read stops no work: the task is opened
// without a deadline, and an administrator is called. The office is awaited,
// unless the task names another owner.
func (tx *Tx) OpenOfficeTask(c *Case, n NewTask) (string, error) {
	if n.Owner == "" {
		n.Owner = aid.OwnerOffice
	}
	calendar, err := tx.calendarOf(c)
	if broken(err) {
		id, err := tx.OpenTask(c, n)
		if err != nil || !c.Status.Open() {
			return id, err
		}
		return id, tx.callAdministrator(c, n.Workflow, id, map[string]any{"because": "calendar_unreadable", "task": id, "task_kind": n.Kind})
	}
	if err != nil {
		return "", err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return "", err
	}
	count, err := tx.countOf(c, n, calendar, def)
	if err != nil {
		return "", err
	}
	n.clock = &count
	n.plan(count.plan(calendar, def.Ladder()))
	return tx.OpenTask(c, n)
}

// broken tells a calendar that is not there, or was edited into one that
// cannot be read, from a fault of the moment.
func broken(err error) bool {
	return aid.KindOf(err) == aid.Invalid || aid.CodeOf(err) == "unknown_calendar"
}

// countOf gives the clock of a new task: the days that the programme gives to
// its kind, or, for one that is asked again, what it had taken and what was
// left.
func (tx *Tx) countOf(c *Case, n NewTask, calendar *worktime.Calendar, def *programme.Definition) (count, error) {
	before, again, err := tx.before(c, n)
	if err != nil {
		return count{}, err
	}
	if !again {
		return countDays(calendar, tx.Now, def.DeadlineDays(string(n.Kind))), nil
	}
	counted, err := tx.calendarNamed(c, before.Calendar, calendar)
	if err != nil {
		return count{}, err
	}
	spent := before.at(counted, before.ClosedAt)
	again2 := count{allowed: max(time.Duration(before.Allowed)*time.Microsecond, spent+leastLeft), spent: spent, from: tx.Now, calendar: calendar.Code}
	again2.rung = again2.past(def.Ladder())
	return again2, nil
}

// earlierTask is the same task of an earlier review.
type earlierTask struct {
	counted
	Returned bool      `db:"returned"`
	ClosedAt time.Time `db:"closed_at"`
}

// before gives the same task of an earlier review that was returned or
// replaced; false when there was none, or when it was decided and is a new one
// now.
func (tx *Tx) before(c *Case, n NewTask) (last earlierTask, again bool, err error) {
	if c.Review == 1 {
		return last, false, nil
	}
	err = tx.get(&last, `SELECT state = 'replaced' OR outcome = $6 AS returned, closed_at, coalesce(allowed_us, 0) AS allowed_us, spent_us, counted_at, calendar
		FROM tasks WHERE case_id = $1 AND kind = $2 AND level = $3 AND subject = $4 AND round = $5 AND closed_at IS NOT NULL
		ORDER BY closed_at DESC, review DESC LIMIT 1`, c.ID, n.Kind, n.Level, n.Subject, c.Round, aid.ResultReturned)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && (!last.Returned || last.CountedAt == nil)) {
		return last, false, nil
	}
	return last, err == nil, err
}

// giveDeadline gives a task of the staff that was opened without a deadline
// the one that it should have had: parking does not stop the office's clock.
//
// Errors: Conflict not_repaired while the calendar cannot be read.
func (tx *Tx) giveDeadline(c *Case, t *Task) error {
	if t.DueAt != nil || t.Kind == aid.ProvideInformation || t.Kind == aid.ConfirmMilestone {
		return nil
	}
	calendar, err := tx.calendarOf(c)
	if broken(err) {
		return aid.Refuse(aid.Conflict, "not_repaired")
	}
	if err != nil {
		return err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	k := countDays(calendar, t.OpenedAt, def.DeadlineDays(string(t.Kind)))
	p := k.plan(calendar, def.Ladder())
	return tx.one(`UPDATE tasks SET due_at = $2, alarms = $3, attend_at = $4, allowed_us = $5, counted_at = $6, calendar = $7, alarm_kinds = $8,
		version = version + 1 WHERE id = $1`, t.ID, p.due, pq.Array(p.alarms), p.alarms[0], k.allowed.Microseconds(), k.from, k.calendar, pq.Array(p.kinds))
}
