package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// CancelPayment ends a payment that no rail has heard of: due or queued. Its
// tasks end; the tranche stays due, and its money reserved, until a treasurer,
// who is asked, makes the payment anew.
//
// Errors: NotFound payment_not_found; Forbidden wrong_role; Conflict
// wrong_payment_state (params state).
func (s *Store) CancelPayment(ctx context.Context, caller *Caller, id string) error {
	row, err := s.Payment(ctx, caller, id)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.CaseID)
		if err != nil {
			return err
		}
		if !caller.HasFor(c.Area, c.Programme, aid.RoleTreasurer, aid.RoleReleaser, aid.RoleManager) {
			return aid.Refuse(aid.Forbidden, "wrong_role")
		}
		p, err := tx.LockPayment(c, id)
		if err != nil {
			return err
		}
		if err := tx.callOff(c, p, "cancelled", caller.Actor()); err != nil {
			return err
		}
		if err := tx.AddAudit(caller.Actor(), "cancel_payment", id, "done", ""); err != nil {
			return err
		}
		if err := tx.AskRetry(c, p); err != nil {
			return err
		}
		return tx.SendSignal(c.WorkflowID, SignalLook) // for the deadline of the new task
	})
}
