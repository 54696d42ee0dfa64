package postgres

import (
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Alarm is an instant of a task that has come: a reminder, or the breach of
// its deadline, which is the last one.
type Alarm struct {
	Task     string       `db:"id"`
	Kind     aid.TaskKind `db:"kind"`
	Level    string       `db:"level"`
	Subject  string       `db:"subject"`
	At       time.Time    `db:"attend_at"`
	Breach   bool         `db:"breach"`
	Assignee *string      `db:"assignee"`
}

// DueAlarms takes the alarms of a workflow's open tasks that have come and
// sets each task to its next one. An alarm is given once; when several of one
// task have passed, each is given.
func (tx *Tx) DueAlarms(workflow string) ([]Alarm, error) {
	var all []Alarm
	for {
		var some []Alarm
		err := tx.list(&some, `
			UPDATE tasks t SET
				attend_at   = (SELECT min(a) FROM unnest(t.alarms) a WHERE a > t.attend_at),
				warned_at   = coalesce(t.warned_at, $2),
				breached_at = CASE WHEN old.attend_at = t.alarms[cardinality(t.alarms)] THEN $2 ELSE t.breached_at END
			FROM (SELECT id, attend_at FROM tasks WHERE workflow_id = $1 AND closed_at IS NULL AND attend_at <= $2
			      ORDER BY attend_at, id FOR UPDATE) old
			WHERE t.id = old.id
			RETURNING t.id, t.kind, t.level, t.subject, old.attend_at, old.attend_at = t.alarms[cardinality(t.alarms)] AS breach, t.assignee`,
			workflow, tx.Now)
		if err != nil || len(some) == 0 {
			return all, err
		}
		all = append(all, some...)
	}
}

// AlarmAgain gives an open task whose alarms have all passed one more; a task
// that is closed has none, and one that still has some keeps them.
func (tx *Tx) AlarmAgain(task string, at time.Time) error {
	_, err := tx.exec(`UPDATE tasks SET alarms = ARRAY[$2::timestamptz], attend_at = $2, warned_at = NULL, breached_at = NULL
		WHERE id = $1 AND closed_at IS NULL AND attend_at IS NULL`, task, at)
	return err
}
