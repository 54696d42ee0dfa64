package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Step makes one transition of a workflow in one transaction: it locks the
// case, looks whether the step was made before, runs fn, and records the
// outcome under (workflow, cause). A step that is made again, at once or years
// later, changes nothing and gives the recorded result, with the tasks and the
// place of now: other steps may have come in between.
//
// A refusal by fn (Invalid, Forbidden, Conflict, Stale) rolls everything back
// and comes as an Outcome with Refused set, not as an error: the answer for a
// person, not a fault. Other errors (Unavailable, Unknown) are for the retry
// policy of the activity.
func (s *Store) Step(ctx context.Context, step aid.Step, name string, fn func(*Tx, *Case) (aid.Outcome, error)) (aid.Outcome, error) {
	var out aid.Outcome
	err := s.Write(ctx, func(tx *Tx) error {
		c, done, err := tx.lockStep(step)
		if err != nil {
			return err
		}
		if done != nil {
			out, err = tx.complete(step, c, *done, "")
			return err
		}
		if out, err = fn(tx, c); err != nil {
			return err
		}
		raw, err := json.Marshal(out)
		if err != nil {
			return err
		}
		out, err = tx.complete(step, c, out, recording, name, raw, tx.Now, step.Cause, step.Seq)
		return err
	})
	if refusal := refused(err); refusal != nil {
		return *refusal, nil
	}
	return out, err
}

// refused turns a refusal into an outcome; nil for success and for faults.
func refused(err error) *aid.Outcome {
	var e *aid.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Kind {
	case aid.Invalid, aid.Forbidden, aid.Conflict, aid.Stale, aid.NotFound:
		return &aid.Outcome{Refused: e.Code, RefusedKind: e.Kind}
	}
	return nil
}

// lockStep is the statement of Tx.lockStep. Where no task is locked its
// columns have to be something.
const lockStep = `SELECT ` + caseColumns + `, l.outcome, coalesce((l.t).id, '') AS "task.id", coalesce((l.t).case_id, '') AS "task.case_id",
	coalesce((l.t).workflow_id, '') AS "task.workflow_id", coalesce((l.t).kind, '') AS "task.kind", coalesce((l.t).stage, '') AS "task.stage",
	coalesce((l.t).round, 0) AS "task.round", coalesce((l.t).review, 0) AS "task.review", coalesce((l.t).level, '') AS "task.level",
	coalesce((l.t).subject, '') AS "task.subject", coalesce((l.t).duty, '') AS "task.duty", (l.t).rule AS "task.rule", coalesce((l.t).area, '') AS "task.area",
	coalesce((l.t).state, '') AS "task.state", (l.t).assignee AS "task.assignee", (l.t).assigned_by AS "task.assigned_by",
	(l.t).assigned_for AS "task.assigned_for", (l.t).claimed_at AS "task.claimed_at", (l.t).claimed_until AS "task.claimed_until",
	coalesce((l.t).opened_at, 'epoch') AS "task.opened_at", (l.t).due_at AS "task.due_at", (l.t).closed_at AS "task.closed_at",
	coalesce((l.t).version, 0) AS "task.version"
	FROM lock_step($1, $2, $3) l CROSS JOIN LATERAL (SELECT (l.c).*) c`

// lockStep is LockCase for a step, and gives its outcome if it was made before.
// Else the task of the decision that causes it, if one does, is locked as well.
//
// Errors: as of LockCase.
func (tx *Tx) lockStep(step aid.Step) (*Case, *aid.Outcome, error) {
	var row struct {
		Case
		Outcome []byte `db:"outcome"`
		Task    Task   `db:"task"` // without an id: none
	}
	err := tx.get(&row, lockStep, step.Case, step.Workflow, step.Cause)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, aid.Refuse(aid.NotFound, "case_not_found")
	}
	if err != nil {
		return nil, nil, err
	}
	tx.clockOf(&row.Case)
	if row.Task.ID != "" {
		tx.task = &row.Task
	}
	if row.Outcome == nil {
		return &row.Case, nil, nil
	}
	var out aid.Outcome
	return &row.Case, &out, json.Unmarshal(row.Outcome, &out)
}

// recording is put before the query of complete: the step is recorded with the
// same exchange that tells where it led.
const recording = `WITH recorded AS (
	INSERT INTO transitions (workflow_id, name, outcome, at, cause, seq) VALUES ($1, $4, $5, $6, $7, $8)) `

// stand is one row of what a workflow has to know after a step.
type stand struct {
	Person  *string           `db:"person"` // holder of a duty of the case, or, without a duty, who is related, or
	Duty    *string           `db:"duty"`
	State   *aid.PaymentState `db:"payment_state"` // the payment that is not over (kind filed: it travels in a file), or
	taskRef                   // an open task, or, without an id, when the time in the village is over or a clock of the case rings
}

// complete fills the parts of an outcome that every step tells alike: where
// the case stands and which workflow has it now, what this one waits for, when
// to wake up, and the payment that is not over. Before is put before its
// statement, with more arguments from the fourth on.
func (tx *Tx) complete(step aid.Step, c *Case, out aid.Outcome, before string, more ...any) (aid.Outcome, error) {
	out.Place, out.Review, out.Now, out.Barred = c.Place(), c.Review, tx.Now, nil
	if c.Status.Open() && c.WorkflowID != step.Workflow {
		out.Next = c.WorkflowID
	}
	var rows []stand
	err := tx.list(&rows, before+`
		SELECT t.id, t.kind, t.duty AS task_duty, t.level, t.subject, t.attend_at,
		       coalesce((SELECT string_agg(d.actor || CASE WHEN d.behalf <> '' THEN ' ' || d.behalf ELSE '' END, ' ' ORDER BY d.actor) FROM decisions d
		                 WHERE d.task_id = t.id AND d.state = 'applied'), '') AS voters,
		       NULL AS person, NULL AS duty, NULL AS payment_state
		FROM tasks t WHERE t.workflow_id = $1 AND t.closed_at IS NULL
		UNION ALL
		SELECT '', '', '', '', '', NULL, '', person, duty, NULL FROM case_holders WHERE case_id = $2
		UNION ALL
		SELECT DISTINCT '', '', '', '', '', NULL::timestamptz, '', person, NULL, NULL FROM conflicts WHERE case_id = $2
		UNION ALL
		SELECT id, CASE WHEN filed THEN 'filed' ELSE '' END, '', '', '', CASE WHEN state = 'instructed' THEN result_due END, '', NULL, NULL, state FROM payments
		WHERE case_id = $2 AND state IN ('due', 'queued', 'instructed', 'unknown')
		UNION ALL
		SELECT '', '', '', '', '', p.until, '', NULL, NULL, NULL FROM postings p JOIN awards a ON a.id = p.award_id
		WHERE p.case_id = $2 AND p.over_at IS NULL AND a.state = 'running'
		  AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = $2 AND t.kind = 'decide_objection' AND t.closed_at IS NULL)
		UNION ALL
		SELECT '', '', '', '', '', k.attend_at, '', NULL, NULL, NULL FROM clocks k
		WHERE k.case_id = $2 AND $3 AND k.counted_at IS NOT NULL AND k.attend_at IS NOT NULL
		ORDER BY 1, 8`, append([]any{step.Workflow, step.Case, c.WorkflowID == step.Workflow}, more...)...)
	for _, r := range rows {
		tell(&out, r)
	}
	return out, err
}

func tell(out *aid.Outcome, r stand) {
	switch {
	case r.Person != nil && r.Duty == nil:
		out.Barred = append(out.Barred, *r.Person)
	case r.Person != nil:
		if out.Duties == nil {
			out.Duties = map[string]string{}
		}
		out.Duties[*r.Person] = *r.Duty
	case r.State != nil:
		out.Payment = &aid.PaymentStep{ID: r.ID, State: *r.State, Filed: r.Kind == "filed"}
		out.WakeAt = earlier(out.WakeAt, r.AttendAt)
	case r.ID == "":
		out.WakeAt = earlier(out.WakeAt, r.AttendAt)
	default:
		out.Tasks = append(out.Tasks, r.open())
		out.WakeAt = earlier(out.WakeAt, r.AttendAt)
	}
}

func earlier(a, b *time.Time) *time.Time {
	if a == nil || (b != nil && b.Before(*a)) {
		return b
	}
	return a
}
