package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// CancelPayment ends a payment that no rail has heard of: due or queued. Its
// tasks end; the tranche stays due, and its money reserved, until the payment
// is made anew.
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
		if !caller.HasAny(c.Area, aid.RoleTreasurer, aid.RoleReleaser, aid.RoleManager) {
			return aid.Refuse(aid.Forbidden, "wrong_role")
		}
		p, err := tx.LockPayment(c, id)
		if err != nil {
			return err
		}
		p.Reason = "cancelled"
		if err := tx.MovePayment(c, p, aid.PaymentCancelled, caller.Actor()); err != nil {
			return err
		}
		_, err = tx.exec(`UPDATE tasks SET state = 'void', closed_at = $3, attend_at = NULL, version = version + 1
			WHERE case_id = $1 AND subject = $2 AND closed_at IS NULL`, c.ID, id, tx.Now)
		if err != nil {
			return err
		}
		if err := tx.AddAudit(caller.Actor(), "cancel_payment", id, "done", ""); err != nil {
			return err
		}
		return tx.WaitForOpenTask(c, aid.OwnerOffice)
	})
}
