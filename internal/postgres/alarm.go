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
		all[i] = Alarm{Task: r.Task, Scope: r.Scope, Kind: r.Kind, Level: r.Level, Subject: r.Subject, Assignee: r.Assignee,
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
// is given once, in the order in which they were to ring. What a calendar or a
// freeze has changed and the sweep has not come to yet is counted first: nothing
// rings by a calendar of yesterday.
func (tx *Tx) DueAlarms(c *Case, workflow string) ([]Alarm, error) {
	if err := tx.catchUp(c); err != nil {
		return nil, err
	}
	var rungs []rung
	err := tx.list(&rungs, `
		WITH old AS (SELECT id, `+comeBy+` FROM tasks WHERE workflow_id = $1 AND closed_at IS NULL AND attend_at <= $2 ORDER BY id FOR NO KEY UPDATE),
		clock AS (SELECT case_id, round, scope, `+comeBy+` FROM clocks
			WHERE case_id = $3 AND round = $4 AND $5 AND counted_at IS NOT NULL AND attend_at <= $2 FOR UPDATE),
		work AS (UPDATE tasks t`+ringing+` FROM old WHERE t.id = old.id
			RETURNING t.id, 'task' AS scope, t.kind, t.level, t.subject, t.assignee, `+rang+`),
		whole AS (UPDATE clocks t`+ringing+` FROM clock AS old WHERE (t.case_id, t.round, t.scope) = (old.case_id, old.round, old.scope)
			RETURNING '', t.scope, '', '', '', NULL, `+rang+`)
		SELECT * FROM work UNION ALL SELECT * FROM whole`,
		workflow, tx.Now, c.ID, c.Round, c.WorkflowID == workflow)
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

// Above gives who is told when work on a case is late: the superior of whoever
// has it, when that person may hear of the case, else the managers of the area,
// or of the nearest one upward that has some who may. Task is "" for the case.
func (tx *Tx) Above(c *Case, task string, assignee *string) ([]string, error) {
	var all []string
	err := tx.list(&all, `SELECT s FROM superiors($1, nullif($2, ''), $3, $4) s ORDER BY s`, c.ID, task, assignee, tx.Wall)
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
