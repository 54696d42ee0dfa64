package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// ApplyIntent applies a stored intent on a task that needs no workflow: it
// moves no money and keeps nothing waiting but people. Applied already, it
// changes nothing.
//
// Errors: those of ApplyDecision; Conflict wrong_payment_state; Invalid
// needs_workflow for every other kind of task.
func (s *Store) ApplyIntent(ctx context.Context, d aid.Decision) error {
	return s.Write(ctx, func(tx *Tx) error {
		var caseID string
		if err := tx.get(&caseID, `SELECT case_id FROM tasks WHERE id = $1`, d.Task); err != nil {
			return err
		}
		c, err := tx.LockCase(caseID)
		if err != nil {
			return err
		}
		var done bool
		err = tx.get(&done, `SELECT EXISTS (SELECT 1 FROM decisions WHERE id = $1 AND task_id = $2 AND state = 'applied')`, d.ID, d.Task)
		if err != nil || done {
			return err
		}
		t, _, err := tx.ApplyDecision(c, d)
		if err != nil {
			return err
		}
		switch t.Kind {
		case aid.PreparePayment:
			return tx.preparePayment(c, t, d)
		case aid.RepairConfiguration:
			return tx.repaired(c, t, d)
		case aid.Advise:
			return tx.advised(c, t, d)
		}
		return aid.Refuse(aid.Invalid, "needs_workflow")
	})
}

// preparePayment queues a due payment and asks a releaser; one that travels in
// a file waits for a pay run instead. A payment that failed or was cancelled
// stays what it is: a new one in its place is queued.
func (tx *Tx) preparePayment(c *Case, t *Task, d aid.Decision) error {
	p, err := tx.LockPayment(c, t.Subject)
	if err != nil {
		return err
	}
	of, err := tx.partOf(p, d)
	if err != nil {
		return err
	}
	if p, err = tx.toQueue(c, p, of, d.Actor); err != nil {
		return err
	}
	if err := tx.MovePayment(c, p, aid.PaymentQueued, d.Actor); err != nil {
		return err
	}
	if err := tx.CloseTask(t, "prepared"); err != nil {
		return err
	}
	if t.DueAt != nil && !t.DueAt.After(tx.Now) { // the workflow's last alarm for it has rung: it would not look again
		if err := tx.SendSignal(t.WorkflowID, SignalLook); err != nil {
			return err
		}
	}
	if p.Filed { // its pay run has a release of its own
		return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerOffice})
	}
	_, err = tx.OpenOfficeTask(c, NewTask{Kind: aid.ReleasePayment, Workflow: t.WorkflowID, Subject: p.ID,
		Rule: map[string]string{"because": "payment_prepared"}})
	return err
}
