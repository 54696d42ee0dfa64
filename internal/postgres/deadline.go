package postgres

import (
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
)

// leastLeft is the working time that a task has at least when it comes back,
// however late it was returned.
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
	due, err := tx.dueAt(c, n, calendar)
	if err != nil {
		return "", err
	}
	n.Due, n.Alarms = &due, alarms(calendar, tx.Now, due)
	return tx.OpenTask(c, n)
}

// broken tells a calendar that is not there, or was edited into one that
// cannot be read, from a fault of the moment.
func broken(err error) bool {
	return aid.KindOf(err) == aid.Invalid || aid.CodeOf(err) == "unknown_calendar"
}

// dueAt gives the end of a new task's time.
func (tx *Tx) dueAt(c *Case, n NewTask, calendar *worktime.Calendar) (time.Time, error) {
	if left, again, err := tx.left(c, n, calendar); err != nil || again {
		return calendar.Add(tx.Now, left).UTC(), err
	}
	return tx.dueFrom(c, n.Kind, calendar, tx.Now)
}

func (tx *Tx) dueFrom(c *Case, kind aid.TaskKind, calendar *worktime.Calendar, from time.Time) (time.Time, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return from, err
	}
	return calendar.AddDays(from, def.DeadlineDays(string(kind))).UTC(), nil
}

// left gives the working time that was left when the same task of an earlier
// review was returned or replaced; false when there was none, or when it was
// decided and is a new one now.
func (tx *Tx) left(c *Case, n NewTask, calendar *worktime.Calendar) (left time.Duration, again bool, err error) {
	if c.Review == 1 {
		return 0, false, nil
	}
	var last struct {
		Returned bool       `db:"returned"`
		ClosedAt time.Time  `db:"closed_at"`
		DueAt    *time.Time `db:"due_at"`
	}
	err = tx.get(&last, `SELECT state = 'replaced' OR outcome = $6 AS returned, closed_at, due_at FROM tasks
		WHERE case_id = $1 AND kind = $2 AND level = $3 AND subject = $4 AND round = $5 AND closed_at IS NOT NULL
		ORDER BY closed_at DESC, review DESC LIMIT 1`, c.ID, n.Kind, n.Level, n.Subject, c.Round, aid.ResultReturned)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && (!last.Returned || last.DueAt == nil)) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return max(calendar.Between(last.ClosedAt, *last.DueAt), leastLeft), true, nil
}

// alarms are a warning when four fifths of the working time are gone, and the
// breach.
func alarms(calendar *worktime.Calendar, from, due time.Time) []time.Time {
	warn := calendar.Add(from, calendar.Between(from, due)*4/5).UTC()
	if !warn.Before(due) {
		return []time.Time{due}
	}
	return []time.Time{warn, due}
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
	due, err := tx.dueFrom(c, t.Kind, calendar, t.OpenedAt)
	if err != nil {
		return err
	}
	rings := alarms(calendar, t.OpenedAt, due)
	return tx.one(`UPDATE tasks SET due_at = $2, alarms = $3, attend_at = $4, version = version + 1 WHERE id = $1`, t.ID, due, pq.Array(rings), rings[0])
}
