package postgres

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Alarm is an instant of a task, or of a case or stage, that has come: a rung
// of its ladder. It is given once.
type Alarm struct {
	Task     string // "" for an alarm of a clock of the case
	Scope    string // task, case, or the stage
	Kind     aid.TaskKind
	Level    string
	Subject  string
	Area     string
	Assignee *string
	At       time.Time
	Act      string // remind, breach, notify_superior, reassign
	First    bool   // the first of its ladder
}

// Reminds tells that somebody is reminded.
func (a Alarm) Reminds() bool { return a.Act == alarmRemind }

// Breach tells that the time is over.
func (a Alarm) Breach() bool { return a.Act == alarmBreach }

// Superior tells that somebody above is to hear of it.
func (a Alarm) Superior() bool { return a.Act == alarmSuperior }

// Reassign tells that whoever has the task loses it.
func (a Alarm) Reassign() bool { return a.Act == alarmReassign }

// rung is what has rung of one ladder.
type rung struct {
	Task     string       `db:"id"`
	Scope    string       `db:"scope"`
	Kind     aid.TaskKind `db:"kind"`
	Level    string       `db:"level"`
	Subject  string       `db:"subject"`
	Area     string       `db:"area"`
	Assignee *string      `db:"assignee"`
	Before   int          `db:"before"`
	At       []byte       `db:"at"`   // JSON list of instants
	Acts     []byte       `db:"acts"` // JSON list
}

func (r rung) alarms() ([]Alarm, error) {
	var at []time.Time
	var acts []string
	if err := json.Unmarshal(r.At, &at); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(r.Acts, &acts); err != nil {
		return nil, err
	}
	all := make([]Alarm, len(at))
	for i := range at {
		all[i] = Alarm{Task: r.Task, Scope: r.Scope, Kind: r.Kind, Level: r.Level, Subject: r.Subject, Area: r.Area, Assignee: r.Assignee,
			At: at[i].UTC(), Act: acts[i], First: r.Before+i == 0}
	}
	return all, nil
}

// ringing raises the counter of the alarms that have rung to all that have
// come; old gives the rows, and how many of their alarms that is.
const ringing = ` SET rung = old.due, attend_at = t.alarms[old.due + 1], warned_at = coalesce(t.warned_at, $2),
	breached_at = CASE WHEN 'breach' = ANY(t.alarm_kinds[1:old.due]) THEN coalesce(t.breached_at, $2) ELSE t.breached_at END`

const rang = `old.rung AS before, to_jsonb(t.alarms[old.rung + 1:old.due]) AS at, to_jsonb(t.alarm_kinds[old.rung + 1:old.due]) AS acts`

const comeBy = `rung, (SELECT count(*) FROM unnest(alarms) a WHERE a <= $2)::int AS due`

// DueAlarms takes the alarms of a workflow's open tasks that have come, and
// those of the clocks of its case while it is the one that moves the case. Each
// is given once, in the order in which they were to ring.
func (tx *Tx) DueAlarms(c *Case, workflow string) ([]Alarm, error) {
	var rungs []rung
	err := tx.list(&rungs, `
		WITH old AS (SELECT id, `+comeBy+` FROM tasks WHERE workflow_id = $1 AND closed_at IS NULL AND attend_at <= $2 ORDER BY id FOR UPDATE),
		clock AS (SELECT case_id, round, scope, `+comeBy+` FROM clocks
			WHERE case_id = $3 AND round = $4 AND $5 AND counted_at IS NOT NULL AND attend_at <= $2 FOR UPDATE),
		work AS (UPDATE tasks t`+ringing+` FROM old WHERE t.id = old.id
			RETURNING t.id, 'task' AS scope, t.kind, t.level, t.subject, t.area, t.assignee, `+rang+`),
		whole AS (UPDATE clocks t`+ringing+` FROM clock AS old WHERE (t.case_id, t.round, t.scope) = (old.case_id, old.round, old.scope)
			RETURNING '', t.scope, '', '', '', $6, NULL, `+rang+`)
		SELECT * FROM work UNION ALL SELECT * FROM whole`,
		workflow, tx.Now, c.ID, c.Round, c.WorkflowID == workflow, c.Area)
	var all []Alarm
	for _, r := range rungs {
		alarms, err := r.alarms()
		if err != nil {
			return nil, err
		}
		all = append(all, alarms...)
	}
	slices.SortStableFunc(all, func(a, b Alarm) int { return a.At.Compare(b.At) })
	return all, err
}

// AlarmAgain gives an open task whose alarms have all passed one more; a task
// that is closed has none, and one that still has some keeps them.
func (tx *Tx) AlarmAgain(task string, at time.Time) error {
	_, err := tx.exec(`UPDATE tasks SET alarms = ARRAY[$2::timestamptz], alarm_kinds = ARRAY['breach'], rung = 0, attend_at = $2,
		warned_at = NULL, breached_at = NULL
		WHERE id = $1 AND closed_at IS NULL AND attend_at IS NULL`, task, at)
	return err
}

// Above gives who is told when work is late: the superior of whoever has it,
// while that person works here, else the managers of the area, or of the
// nearest one upward that has any.
func (tx *Tx) Above(assignee *string, area string) ([]string, error) {
	var all []string
	if assignee != nil {
		err := tx.list(&all, `SELECT s.superior FROM staff s JOIN staff b ON b.subject = s.superior WHERE s.subject = $1 AND b.disabled_at IS NULL`, *assignee)
		if err != nil || len(all) > 0 {
			return all, err
		}
	}
	err := tx.list(&all, `
		WITH RECURSIVE up AS (
			SELECT code, parent, 0 AS depth FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent),
		managers AS (
			SELECT r.subject, min(up.depth) AS depth FROM up JOIN staff_roles r ON r.area = up.code JOIN staff s USING (subject)
			WHERE r.role = 'manager' AND s.disabled_at IS NULL GROUP BY r.subject)
		SELECT subject FROM managers WHERE depth = (SELECT min(depth) FROM managers) ORDER BY subject`, area)
	return all, err
}

// TakeBack gives a task back to everybody whoever has it, as the event
// task.reassigned; its deadline stays, and what it has taken. A task that
// nobody has, or that is closed, stays as it is.
func (tx *Tx) TakeBack(c *Case, task string) error {
	t, err := tx.LockTask(c, task)
	if aid.CodeOf(err) == "task_closed" {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.unclaim(c, t, Event{Kind: "task.reassigned", Actor: System})
}
