package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// AskedInBatch gives the decisions of a batch that are on their way: after a
// crash they are asked again, under the same ids.
func (s *Store) AskedInBatch(ctx context.Context, job *BatchJob) ([]RecordedIntent, error) {
	var rows []struct {
		ID       string       `db:"id"`
		Task     string       `db:"task_id"`
		Kind     aid.TaskKind `db:"kind"`
		Workflow string       `db:"workflow_id"`
		Behalf   string       `db:"behalf"`
	}
	err := s.list(ctx, &rows, `SELECT d.id, d.task_id, t.kind, t.workflow_id, d.behalf FROM task_batch_items i
		JOIN decisions d ON d.id = i.decision_id JOIN tasks t ON t.id = d.task_id
		WHERE i.batch_id = $1 AND i.state = 'asked' AND d.state = 'intent' ORDER BY i.n`, job.ID)
	asked := make([]RecordedIntent, len(rows))
	for i, r := range rows {
		rule, _ := aid.RuleOf(r.Kind)
		asked[i] = RecordedIntent{Workflow: r.Workflow, SQLOnly: rule.SQLOnly, Decision: aid.Decision{ID: r.ID, Task: r.Task, Kind: r.Kind,
			Actor: job.CreatedBy, Behalf: r.Behalf, Action: job.Action, Reason: job.Reason}}
	}
	return asked, err
}

// SettleBatch takes over what became of the decisions of a batch: the decision
// itself is the truth, whoever made it one. It ends the batch when nothing is
// on its way and nothing is to come, or when it is to stop. It gives whether
// it has ended, and how many decisions are still on their way.
//
// Errors: Conflict batch_taken.
func (s *Store) SettleBatch(ctx context.Context, job *BatchJob) (ended bool, onTheWay int, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		stop, err := tx.holdBatch(job)
		if err != nil {
			return err
		}
		if err := tx.settleItems(job); err != nil {
			return err
		}
		var left struct {
			Asked   int `db:"asked"`
			Waiting int `db:"waiting"`
		}
		err = tx.get(&left, `SELECT count(*) FILTER (WHERE state = 'asked') AS asked, count(*) FILTER (WHERE state = 'waiting') AS waiting
			FROM task_batch_items WHERE batch_id = $1 AND state IN ('waiting', 'asked')`, job.ID)
		onTheWay = left.Asked
		ended = left.Asked == 0 && (left.Waiting == 0 || stop)
		if err != nil || !ended {
			return err
		}
		state := map[bool]string{true: "cancelled", false: "done"}[left.Waiting > 0]
		if err := tx.endBatch(job.ID, state); err != nil {
			return err
		}
		tx.acting = Standing{Actor: job.CreatedBy, Behalf: job.Behalf}
		if err := tx.AddAudit(job.CreatedBy, "end_batch", job.ID, "done", state); err != nil {
			return err
		}
		return tx.Tell(Notice{Kind: "batch.done", Subject: job.ID, Actor: job.CreatedBy})
	})
	return ended, onTheWay, err
}

func (tx *Tx) settleItems(job *BatchJob) error {
	var n struct {
		Decided int `db:"decided"`
		LeftOut int `db:"left_out"`
	}
	err := tx.get(&n, `WITH settled AS (
			UPDATE task_batch_items i SET state = CASE d.state WHEN 'applied' THEN 'decided' ELSE 'left_out' END, ended_at = $2,
			       code = CASE d.state WHEN 'applied' THEN '' WHEN 'expired' THEN 'expired' ELSE coalesce(nullif(d.refusal, ''), 'refused') END
			FROM decisions d WHERE i.batch_id = $1 AND i.state = 'asked' AND d.id = i.decision_id AND d.state <> 'intent' RETURNING i.state)
		SELECT count(*) FILTER (WHERE state = 'decided') AS decided, count(*) FILTER (WHERE state = 'left_out') AS left_out FROM settled`, job.ID, tx.Wall)
	if err != nil || n.Decided+n.LeftOut == 0 {
		return err
	}
	return tx.one(`UPDATE task_batches SET decided = decided + $2, left_out = left_out + $3 WHERE id = $1`, job.ID, n.Decided, n.LeftOut)
}
