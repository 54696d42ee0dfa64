package postgres

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// Task is the row of a task.
type Task struct {
	ID         string       `db:"id"`
	CaseID     string       `db:"case_id"`
	WorkflowID string       `db:"workflow_id"`
	Kind       aid.TaskKind `db:"kind"`
	Stage      aid.Stage    `db:"stage"`
	Round      int          `db:"round"`
	Review     int          `db:"review"`
	Level      string       `db:"level"`
	Subject    string       `db:"subject"`
	Duty       string       `db:"duty"`
	Rule       []byte       `db:"rule"` // JSON: the level or the rule that brought the task
	Area       string       `db:"area"`
	State      string       `db:"state"`
	Assignee   *string      `db:"assignee"`
	OpenedAt   time.Time    `db:"opened_at"`
	DueAt      *time.Time   `db:"due_at"`
	ClosedAt   *time.Time   `db:"closed_at"`
	Version    int          `db:"version"`
}

const taskColumns = `t.id, t.case_id, t.workflow_id, t.kind, t.stage, t.round, t.review, t.level, t.subject, t.duty, t.rule,
	t.area, t.state, t.assignee, t.opened_at, t.due_at, t.closed_at, t.version`

// taskRef is an open task as a workflow's state carries it.
type taskRef struct {
	ID       string       `db:"id"`
	Kind     aid.TaskKind `db:"kind"`
	TaskDuty string       `db:"task_duty"`
	Level    string       `db:"level"`
	Subject  string       `db:"subject"`
	AttendAt *time.Time   `db:"attend_at"`
	Voters   string       `db:"voters"`
}

func (r taskRef) open() aid.OpenTask {
	return aid.OpenTask{ID: r.ID, Kind: r.Kind, Duty: r.TaskDuty, Level: r.Level, Subject: r.Subject, Voters: fields(r.Voters)}
}

// NewTask describes a task to open. Alarms are instants of the case's clock,
// rising: reminders first, the breach last. Due may be nil.
type NewTask struct {
	Kind     aid.TaskKind
	Workflow string
	Level    string
	Subject  string
	Rule     any
	Area     string // "" for the case's own
	Owner    aid.Owner
	Due      *time.Time
	Alarms   []time.Time
}

// OpenTask opens a task of a case, makes it what the case waits for, and parks
// the case when nobody in the area could decide it. A task of the same kind,
// level, subject, round and review is never opened twice.
func (tx *Tx) OpenTask(c *Case, n NewTask) (string, error) {
	rule, err := json.Marshal(n.Rule)
	if err != nil {
		return "", err
	}
	if n.Area == "" {
		n.Area = c.Area
	}
	var attend *time.Time
	if n.Alarms == nil {
		n.Alarms = []time.Time{} // not NULL
	}
	if len(n.Alarms) > 0 {
		attend = &n.Alarms[0]
	}
	id := NewID(aid.TaskID)
	err = tx.one(`
		INSERT INTO tasks (id, case_id, workflow_id, kind, stage, round, review, level, subject, duty, rule, area, programme,
		                   urgent, state, opened_at, due_at, alarms, attend_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'open', $15, $16, $17, $18)`,
		id, c.ID, n.Workflow, n.Kind, c.Stage, c.Round, c.Review, n.Level, n.Subject, aid.DutyOf(n.Kind, n.Level), rule,
		n.Area, c.Programme, c.Urgent, tx.Now, n.Due, pq.Array(n.Alarms), attend)
	if err != nil {
		return "", err
	}
	if !c.Status.Open() {
		return id, nil // what an ended case leaves to do keeps nobody waiting
	}
	if err := tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: n.Owner, Task: id, Level: n.Level}); err != nil {
		return "", err
	}
	return id, tx.parkIfNobody(c, n)
}

// parkIfNobody flags a case whose new task nobody could decide and calls an
// administrator: a missing approver never rejects a household.
func (tx *Tx) parkIfNobody(c *Case, n NewTask) error {
	if n.Kind == aid.ProvideInformation || n.Kind == aid.RepairConfiguration {
		return nil
	}
	var able bool
	rule, _ := aid.RuleOf(n.Kind)
	err := tx.get(&able, `
		WITH RECURSIVE up AS (
			SELECT code, parent FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
		SELECT EXISTS (SELECT 1 FROM staff_roles r JOIN staff s USING (subject) JOIN up ON up.code = r.area
		               WHERE s.disabled_at IS NULL AND r.role = ANY($2) AND ($3 = '' OR r.level = $3))`,
		n.Area, pq.Array(rule.Roles), n.Level)
	if err != nil || able {
		return err
	}
	if !c.Parked {
		c.Parked = true
		if err := tx.SaveCase(c); err != nil {
			return err
		}
		if err := tx.AddEvent(c, Event{Kind: "case.parked", Actor: System, Data: map[string]any{"task_kind": n.Kind, "level": n.Level}}); err != nil {
			return err
		}
	}
	_, err = tx.OpenTask(c, NewTask{Kind: aid.RepairConfiguration, Level: "", Subject: string(n.Kind) + ":" + n.Level,
		Rule: map[string]string{"because": "nobody_can_decide"}, Owner: aid.OwnerOffice})
	return err
}

// LockTask locks a task of a case that is already locked.
//
// Errors: NotFound task_not_found; Conflict task_closed (params state, by,
// action, at).
func (tx *Tx) LockTask(c *Case, id string) (*Task, error) {
	var t Task
	err := tx.get(&t, `SELECT `+taskColumns+` FROM tasks t WHERE t.id = $1 AND t.case_id = $2 FOR UPDATE`, id, c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, aid.Refuse(aid.NotFound, "task_not_found")
	}
	if err == nil && t.ClosedAt != nil {
		return nil, whyClosed(tx.get, t.ID)
	}
	return &t, err
}

// CloseTask ends a task as done with an outcome.
func (tx *Tx) CloseTask(t *Task, outcome string) error {
	t.State, t.ClosedAt = "done", &tx.Now
	return tx.one(`
		UPDATE tasks SET state = 'done', outcome = $2, closed_at = $3, attend_at = NULL, version = version + 1
		WHERE id = $1 AND closed_at IS NULL`, t.ID, outcome, tx.Now)
}

// TouchTask raises a task's version: what it shows has changed.
func (tx *Tx) TouchTask(id string) error {
	return tx.one(`UPDATE tasks SET version = version + 1 WHERE id = $1`, id)
}

// EndTasks closes every other open task of the case's workflow as void or
// replaced. Kinds may narrow it; none means all.
func (tx *Tx) EndTasks(c *Case, state string, kinds ...aid.TaskKind) error {
	_, err := tx.exec(`
		UPDATE tasks SET state = $2, closed_at = $3, attend_at = NULL, version = version + 1
		WHERE case_id = $1 AND closed_at IS NULL AND (coalesce(cardinality($4::text[]), 0) = 0 OR kind = ANY($4))`,
		c.ID, state, tx.Now, pq.Array(kinds))
	return err
}

// OpenTasks counts the open tasks of a case of the given kinds.
func (tx *Tx) OpenTasks(c *Case, kinds ...aid.TaskKind) (int, error) {
	var n int
	err := tx.get(&n, `SELECT count(*) FROM tasks WHERE case_id = $1 AND closed_at IS NULL AND kind = ANY($2)`, c.ID, pq.Array(kinds))
	return n, err
}

// WaitForOpenTask makes the oldest open task what the case waits for.
func (tx *Tx) WaitForOpenTask(c *Case, owner aid.Owner) error {
	var t struct {
		ID      string `db:"id"`
		Level   string `db:"level"`
		Claimed bool   `db:"claimed"`
	}
	err := tx.get(&t, `SELECT id, level, state = 'claimed' AS claimed FROM tasks
		WHERE case_id = $1 AND closed_at IS NULL ORDER BY opened_at, id LIMIT 1`, c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerSystem})
	}
	if err != nil {
		return err
	}
	return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: owner, Task: t.ID, Level: t.Level, Claimed: t.Claimed})
}
