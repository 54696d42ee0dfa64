package activities

import (
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// rejectByTask rejects the case by a decision on a task. The reason is that of
// whoever rejected: in a committee the last vote may have been another one.
func rejectByTask(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, d aid.Decision) (aid.Outcome, error) {
	reason, err := tx.RejectionReason(t)
	if err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.CloseTask(t, aid.ResultRejected); err != nil {
		return aid.Outcome{}, err
	}
	return reject(tx, c, d.Actor, reason)
}

// reject ends a case that is in review, with a coded reason.
func reject(tx *postgres.Tx, c *postgres.Case, actor, reason string) (aid.Outcome, error) {
	c.ReasonCode = reason
	return end(tx, c, aid.EventReject, "case.rejected", actor, aid.ResultRejected)
}

// end closes a case: its tasks are void, its clock stops, its workflow is
// over.
func end(tx *postgres.Tx, c *postgres.Case, event, kind, actor, result string) (aid.Outcome, error) {
	if err := tx.EndTasks(c, "void"); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.MoveCase(c, event); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.AddEvent(c, postgres.Event{Kind: kind, Actor: actor, Data: map[string]any{"reason_code": c.ReasonCode}}); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.EndWorkflow(c.WorkflowID); err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: result}, tx.EndWait(c.ID)
}
