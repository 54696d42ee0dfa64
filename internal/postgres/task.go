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
	ID           string       `db:"id"`
	CaseID       string       `db:"case_id"`
	WorkflowID   string       `db:"workflow_id"`
	Kind         aid.TaskKind `db:"kind"`
	Stage        aid.Stage    `db:"stage"`
	Round        int          `db:"round"`
	Review       int          `db:"review"`
	Level        string       `db:"level"`
	Subject      string       `db:"subject"`
	Duty         string       `db:"duty"`
	Rule         []byte       `db:"rule"` // JSON: the level or the rule that brought the task
	Area         string       `db:"area"`
	State        string       `db:"state"`
	Assignee     *string      `db:"assignee"`
	AssignedBy   *string      `db:"assigned_by"`   // the manager who gave it to its assignee
	AssignedFor  *string      `db:"assigned_for"`  // from whom a delegation brought it to the assignee
	ClaimedAt    *time.Time   `db:"claimed_at"`    // since when its assignee has it, by the clock of the case
	ClaimedUntil *time.Time   `db:"claimed_until"` // when the claim lapses, by the clock of the case; nil when it does not
	OpenedAt     time.Time    `db:"opened_at"`
	DueAt        *time.Time   `db:"due_at"`
	ClosedAt     *time.Time   `db:"closed_at"`
	Version      int          `db:"version"`
}

const taskColumns = `t.id, t.case_id, t.workflow_id, t.kind, t.stage, t.round, t.review, t.level, t.subject, t.duty, t.rule,
	t.area, t.state, t.assignee, t.assigned_by, t.assigned_for, t.claimed_at, t.claimed_until, t.opened_at, t.due_at, t.closed_at, t.version`

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
	Aside    bool // it keeps nobody waiting: the case waits for what it waits for

	kinds []string // of the alarms; nil: reminders, and the breach
	clock *count   // nil: its deadline, if any, is no working time
}

// plan gives the task the deadline and the alarms of a clock.
func (n *NewTask) plan(p plan) { n.Due, n.Alarms, n.kinds = &p.due, p.alarms, p.kinds }

// clockColumns are the columns of a task's clock.
type clockColumns struct {
	allowed, spent any
	from, warned   *time.Time
	calendar       string
	kinds          []string
	rung           int
	attend         *time.Time
}

func (n *NewTask) clockColumns(now time.Time) clockColumns {
	k := clockColumns{spent: 0, kinds: n.kinds}
	if k.kinds == nil {
		k.kinds = []string{} // not NULL
		for i := range n.Alarms {
			k.kinds = append(k.kinds, alarmRemind)
			if i == len(n.Alarms)-1 {
				k.kinds[i] = alarmBreach
			}
		}
	}
	if n.clock != nil {
		k.allowed, k.spent, k.calendar, k.rung = n.clock.allowed.Microseconds(), n.clock.spent.Microseconds(), n.clock.calendar, n.clock.rung
		k.from = &n.clock.from
	}
	if k.rung > 0 {
		k.warned = &now
	}
	k.attend = plan{alarms: n.Alarms}.next(k.rung)
	return k
}

// OpenTask opens a task of a case, makes it what the case waits for, and parks
// the case when those who may decide it cannot. While a task of the same kind,
// level, subject, round and review is open it opens none and gives that one.
//
// Errors: Conflict task_closed when the question belongs to one review and was
// answered in it.
func (tx *Tx) OpenTask(c *Case, n NewTask) (string, error) {
	rule, err := json.Marshal(n.Rule)
	if err != nil {
		return "", err
	}
	if n.Area == "" {
		n.Area = c.Area
	}
	if n.Alarms == nil {
		n.Alarms = []time.Time{} // not NULL
	}
	k := n.clockColumns(tx.Now)
	t := Task{ID: NewID(aid.TaskID), CaseID: c.ID, WorkflowID: n.Workflow, Kind: n.Kind, Level: n.Level, Subject: n.Subject,
		Duty: aid.DutyOf(n.Kind, n.Level), Rule: rule, Area: n.Area}
	done, err := tx.exec(`WITH opened AS (
		INSERT INTO tasks (id, case_id, workflow_id, kind, stage, round, review, level, subject, duty, rule, area, programme,
		                   urgent, state, opened_at, due_at, alarms, attend_at, allowed_us, spent_us, counted_at, calendar, alarm_kinds, rung, warned_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'open', $15, $16, $17, $18, $21, $22, $23, $24, $25, $26, $27)
		ON CONFLICT DO NOTHING RETURNING id, case_id)
		INSERT INTO notices (kind, case_id, task_id, actor, at) SELECT 'task.opened', case_id, id, $19, $20 FROM opened`,
		t.ID, c.ID, n.Workflow, n.Kind, c.Stage, c.Round, c.Review, n.Level, n.Subject, t.Duty, rule,
		n.Area, c.Programme, c.Urgent, tx.Now, n.Due, pq.Array(n.Alarms), k.attend, System, tx.Wall,
		k.allowed, k.spent, k.from, k.calendar, pq.Array(k.kinds), k.rung, k.warned)
	if err != nil {
		return "", err
	}
	if done == 0 {
		return tx.openAlready(c, n)
	}
	if n.Aside || !c.Status.Open() {
		return t.ID, nil // what an ended case leaves to do keeps nobody waiting
	}
	if err := tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: n.Owner, Task: t.ID, Level: n.Level}); err != nil {
		return "", err
	}
	return t.ID, tx.parkIfNobody(c, &t)
}

// openAlready gives the open task that another one would repeat.
func (tx *Tx) openAlready(c *Case, n NewTask) (string, error) {
	var id string
	err := tx.get(&id, `SELECT id FROM tasks WHERE case_id = $1 AND kind = $2 AND level = $3 AND subject = $4 AND round = $5 AND review = $6
		AND closed_at IS NULL`, c.ID, n.Kind, n.Level, n.Subject, c.Round, c.Review)
	if errors.Is(err, sql.ErrNoRows) {
		return "", aid.Refuse(aid.Conflict, "task_closed")
	}
	return id, err
}

// LockTask locks a task of a case that is already locked.
//
// Errors: NotFound task_not_found; Conflict task_closed (params state, by,
// action, at; as of TooLate).
func (tx *Tx) LockTask(c *Case, id string) (*Task, error) {
	t, err := tx.task, error(nil)
	if tx.task = nil; t == nil || t.ID != id || t.CaseID != c.ID {
		t = &Task{}
		err = tx.get(t, `SELECT `+taskColumns+` FROM tasks t WHERE t.id = $1 AND t.case_id = $2 FOR NO KEY UPDATE`, id, c.ID)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, aid.Refuse(aid.NotFound, "task_not_found")
	}
	if err == nil && t.ClosedAt != nil {
		return nil, whyClosed(tx.get, t.ID)
	}
	return t, err
}

// closesLate marks a task that is closed at $3 at or after its deadline as
// late, whether or not its alarm has rung before.
const closesLate = `breached_at = coalesce(breached_at, CASE WHEN due_at <= $3 THEN $3::timestamptz END)`

// CloseTask ends a task as done with an outcome.
func (tx *Tx) CloseTask(t *Task, outcome string) error {
	t.State, t.ClosedAt = "done", &tx.Now
	return tx.one(`
		UPDATE tasks SET state = 'done', outcome = $2, closed_at = $3, attend_at = NULL, `+closesLate+`, version = version + 1
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
		UPDATE tasks SET state = $2, closed_at = $3, attend_at = NULL, `+closesLate+`, version = version + 1
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
	err := tx.get(&t, `SELECT id, level, state = 'claimed' AND coalesce(claimed_until > $2, true) AS claimed FROM tasks
		WHERE case_id = $1 AND closed_at IS NULL ORDER BY opened_at, id LIMIT 1`, c.ID, tx.Now)
	if errors.Is(err, sql.ErrNoRows) {
		return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerSystem})
	}
	if err != nil {
		return err
	}
	return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: owner, Task: t.ID, Level: t.Level, Claimed: t.Claimed})
}
