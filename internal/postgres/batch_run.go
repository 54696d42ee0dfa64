package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// batchLease is how long the worker that has a batch may be silent: longer than
// it takes to send a chunk whose answers do not come.
const batchLease = 30 * time.Second

// BatchJob is a batch that a worker has taken.
type BatchJob struct {
	BatchRow
	sealed []byte
	lease  int
}

// TakeBatch gives the oldest batch that waits, or whose worker has been silent
// for too long; nil when there is none.
func (s *Store) TakeBatch(ctx context.Context) (*BatchJob, error) {
	var job *BatchJob
	err := s.Write(ctx, func(tx *Tx) error {
		var row struct {
			BatchRow
			Sealed []byte `db:"sealed"`
			Lease  int    `db:"lease"`
		}
		err := tx.get(&row, `UPDATE task_batches SET state = 'running', lease = lease + 1, lease_until = $1, started_at = coalesce(started_at, $2)
			WHERE id = (SELECT id FROM task_batches WHERE state = 'waiting' OR (state = 'running' AND lease_until < $2)
			            ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
			RETURNING `+batchColumns+`, sealed, lease`, tx.Wall.Add(batchLease), tx.Wall)
		if notFound(err) {
			return nil
		}
		if err == nil {
			job = &BatchJob{BatchRow: row.BatchRow, sealed: row.Sealed, lease: row.Lease}
		}
		return err
	})
	return job, err
}

// holdBatch keeps a batch for its worker and tells whether it is to stop.
//
// Errors: Conflict batch_taken (another worker has it, or it has ended).
func (tx *Tx) holdBatch(job *BatchJob) (stop bool, err error) {
	err = tx.get(&stop, `UPDATE task_batches SET lease_until = $3 WHERE id = $1 AND lease = $2 AND state = 'running' RETURNING cancel_asked IS NOT NULL`,
		job.ID, job.lease, tx.Wall.Add(batchLease))
	if notFound(err) {
		return false, aid.Refuse(aid.Conflict, "batch_taken")
	}
	return stop, err
}

// LeaveBatch gives a batch back at once, for another worker.
func (s *Store) LeaveBatch(ctx context.Context, job *BatchJob) error {
	return s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`UPDATE task_batches SET lease_until = started_at WHERE id = $1 AND lease = $2 AND state = 'running'`, job.ID, job.lease)
		return err
	})
}

// item is a task of a batch as the worker has it.
type item struct {
	N        int    `db:"n"`
	Task     string `db:"task_id"`
	Version  int    `db:"task_version"`
	Amount   int64  `db:"amount"`
	Decision string `db:"decision_id"`
	code     string // why it is left out
}

// AskBatch checks the next tasks of a batch, at most limit, each as a single
// decision is checked, and records the intents of those that may be decided,
// in one transaction. What may not is left out with its code. No intents and
// more false: the batch has been through, or is to stop. A dry run records
// nothing but the outcomes.
//
// Errors: Conflict batch_taken.
func (s *Store) AskBatch(ctx context.Context, job *BatchJob, limit int) (asked []RecordedIntent, more bool, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		asked, more = nil, false
		stop, err := tx.holdBatch(job)
		if err != nil || stop {
			return err
		}
		var items []item
		err = tx.list(&items, `SELECT n, task_id, task_version, amount, decision_id FROM task_batch_items
			WHERE batch_id = $1 AND state = 'waiting' ORDER BY n LIMIT $2`, job.ID, limit)
		if err != nil || len(items) == 0 {
			return err
		}
		more = true
		asked, err = tx.askItems(job, items)
		return err
	})
	return asked, more, err
}

func (tx *Tx) askItems(job *BatchJob, items []item) ([]RecordedIntent, error) {
	note, err := tx.batchNote(job.ID, job.sealed)
	if err != nil {
		return nil, err
	}
	b, err := tx.readChunk(job, items)
	if err != nil {
		return nil, err
	}
	var intents []Intent
	for i := range items {
		in := Intent{ID: items[i].Decision, Task: items[i].Task, Actor: job.CreatedBy, Behalf: job.Behalf, TaskVersion: items[i].Version, Action: job.Action,
			Reason: job.Reason, Note: note}
		if items[i].code, err = itemCode(tx.checkItem(b, items[i], &in)); err != nil {
			return nil, err
		}
		if items[i].code == "" {
			intents = append(intents, in)
		}
	}
	if job.DryRun {
		return nil, tx.saveItems(job, items, "decided")
	}
	return tx.recordAll(b, job, items, intents)
}

// itemCode turns a refusal into the code of an item; a fault stays one.
func itemCode(err error) (string, error) {
	var e *aid.Error
	switch {
	case err == nil:
		return "", nil
	case refused(err) == nil || !errors.As(err, &e):
		return "", err
	case len(e.Faults) > 0:
		return e.Faults[0].Code, nil
	}
	return e.Code, nil
}

// chunk is what is known of some tasks before they are looked at one by one.
type chunk struct {
	job     *BatchJob
	tasks   map[string]*Task
	cases   map[string]*Case
	decided map[string]bool // tasks that the person has decided
	gone    bool            // the person is no longer of the staff
}

func (tx *Tx) readChunk(job *BatchJob, items []item) (*chunk, error) {
	b := &chunk{job: job, tasks: map[string]*Task{}, cases: map[string]*Case{}, decided: map[string]bool{}}
	ids := make([]string, len(items))
	for i := range items {
		ids[i] = items[i].Task
	}
	var tasks []Task
	if err := tx.list(&tasks, `SELECT `+taskColumns+` FROM tasks t WHERE t.id = ANY($1)`, pq.Array(ids)); err != nil {
		return nil, err
	}
	var cases []Case
	err := tx.list(&cases, `SELECT `+caseColumns+` FROM cases c WHERE c.id IN (SELECT case_id FROM tasks WHERE id = ANY($1))`, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	for i := range tasks {
		b.tasks[tasks[i].ID] = &tasks[i]
	}
	for i := range cases {
		b.cases[cases[i].ID] = &cases[i]
	}
	var decided []string
	err = tx.list(&decided, `SELECT task_id FROM decisions WHERE task_id = ANY($1) AND actor = $2 AND state IN ('intent', 'applied')`, pq.Array(ids), job.CreatedBy)
	for _, id := range decided {
		b.decided[id] = true
	}
	if err != nil {
		return nil, err
	}
	err = tx.get(&b.gone, `SELECT NOT EXISTS (SELECT 1 FROM staff WHERE subject = $1 AND disabled_at IS NULL)`, job.CreatedBy)
	return b, err
}

// checkItem checks one task as a single decision is checked, and what only a
// batch leaves out: cases that are parked, amounts above its cap or that of
// the programme, and what has changed since it was chosen. It fills in whose
// name a delegate decides.
func (tx *Tx) checkItem(b *chunk, i item, in *Intent) (err error) {
	t := b.tasks[i.Task]
	switch {
	case b.gone:
		return aid.Refuse(aid.Forbidden, "staff_disabled")
	case t == nil:
		return aid.Refuse(aid.NotFound, "task_not_found")
	}
	c := b.cases[t.CaseID]
	tx.Now = tx.Wall.Add(time.Duration(c.ClockOffset * float64(time.Second))).Truncate(time.Microsecond)
	if b.decided[t.ID] && t.ClosedAt == nil {
		return aid.Refuse(aid.Conflict, "already_decided")
	}
	if in.Behalf, err = tx.checkIntent(c, t, *in); err != nil {
		return err
	}
	switch {
	case aboutChange(t):
		return aid.Refuse(aid.Invalid, "decided_one_by_one", "kind", string(t.Kind))
	case c.Parked:
		return aid.Refuse(aid.Conflict, "case_parked")
	case c.Asking() != i.Amount:
		return aid.Refuse(aid.Stale, "stale")
	case !aid.Capped(in.Action):
		return nil
	}
	return tx.underCap(b.job, c)
}

func (tx *Tx) underCap(job *BatchJob, c *Case) error {
	def, err := tx.Rules(c)
	switch {
	case err != nil:
		return err
	case job.MaxAmount == nil || c.Currency != job.Currency || c.Asking() > *job.MaxAmount:
		return aid.Refuse(aid.Invalid, "above_batch_cap")
	case def.BulkUpTo != nil && c.Asking() > *def.BulkUpTo:
		return aid.Refuse(aid.Invalid, "above_bulk_limit")
	}
	return nil
}

// recordAll stores the intents of a chunk with one statement. One that the
// person has decided in this very moment elsewhere is left out.
func (tx *Tx) recordAll(b *chunk, job *BatchJob, items []item, intents []Intent) ([]RecordedIntent, error) {
	stored, err := tx.insertIntents(b, intents)
	if err != nil {
		return nil, err
	}
	for i := range items {
		if items[i].code == "" && !stored[items[i].Decision] {
			items[i].code = "already_decided"
		}
	}
	var asked []RecordedIntent
	for _, in := range intents {
		if !stored[in.ID] {
			continue
		}
		asked = append(asked, b.recorded(in))
	}
	return asked, tx.saveItems(job, items, "asked")
}

func (b *chunk) recorded(in Intent) RecordedIntent {
	t := b.tasks[in.Task]
	rule, _ := aid.RuleOf(t.Kind)
	return RecordedIntent{Workflow: t.WorkflowID, SQLOnly: rule.SQLOnly, Decision: aid.Decision{ID: in.ID, Task: t.ID, Kind: t.Kind,
		Actor: in.Actor, Behalf: in.Behalf, Action: in.Action, Reason: in.Reason}}
}

func (tx *Tx) insertIntents(b *chunk, intents []Intent) (map[string]bool, error) {
	stored, n := map[string]bool{}, len(intents)
	if n == 0 {
		return stored, nil
	}
	ids, tasks, cases, versions, sealed := make([]string, n), make([]string, n), make([]string, n), make([]int64, n), make([][]byte, n)
	behalf := make([]string, n)
	for i, in := range intents {
		content, err := json.Marshal(IntentContent{Note: in.Note, Data: in.Data})
		if err != nil {
			return nil, err
		}
		if sealed[i], err = tx.vault.Seal("decisions", "sealed", in.ID, content); err != nil {
			return nil, err
		}
		t := b.tasks[in.Task]
		ids[i], tasks[i], cases[i], versions[i], behalf[i] = in.ID, t.ID, t.CaseID, int64(t.Version), in.Behalf
	}
	var kept []string
	err := tx.list(&kept, `INSERT INTO decisions (id, task_id, case_id, actor, action, reason_code, sealed, task_version, state, asked_at, batch_id, behalf)
		SELECT i.id, i.task_id, i.case_id, $1, $2, $3, i.sealed, i.version, 'intent', $4, $5, i.behalf
		FROM unnest($6::text[], $7::text[], $8::text[], $9::int[], $10::bytea[], $11::text[]) AS i (id, task_id, case_id, version, sealed, behalf)
		ON CONFLICT DO NOTHING RETURNING id`, b.job.CreatedBy, b.job.Action, b.job.Reason, tx.Wall, b.job.ID,
		pq.Array(ids), pq.Array(tasks), pq.Array(cases), pq.Array(versions), pq.ByteaArray(sealed), pq.Array(behalf))
	for _, id := range kept {
		stored[id] = true
	}
	return stored, err
}

// saveItems writes the state of items that are not left out, and the codes of
// those that are, and counts them.
func (tx *Tx) saveItems(job *BatchJob, items []item, state string) error {
	n, left, kept := make([]int64, len(items)), 0, 0
	codes := make([]string, len(items))
	for i, it := range items {
		n[i], codes[i] = int64(it.N), it.code
		if it.code != "" {
			left++
		} else if state == "decided" {
			kept++
		}
	}
	_, err := tx.exec(`UPDATE task_batch_items i SET state = CASE WHEN u.code <> '' THEN 'left_out' ELSE $2 END, code = u.code,
		ended_at = CASE WHEN u.code <> '' OR $2 = 'decided' THEN $3::timestamptz END
		FROM unnest($4::int[], $5::text[]) AS u (n, code) WHERE i.batch_id = $1 AND i.n = u.n AND i.state = 'waiting'`,
		job.ID, state, tx.Wall, pq.Array(n), pq.Array(codes))
	if err != nil {
		return err
	}
	return tx.one(`UPDATE task_batches SET decided = decided + $2, left_out = left_out + $3 WHERE id = $1`, job.ID, kept, left)
}
