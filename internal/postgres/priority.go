package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// SetPriority makes a case urgent, or no longer so, as a manager of its area
// wants it: its work is shown first, and it comes first where cases wait for
// money. Its clocks run as they did. Version is the one that the caller saw; 0
// is not compared. A case that is so already stays as it is.
//
// Errors: NotFound case_not_found; Forbidden wrong_area, conflict_of_interest;
// Stale stale; Conflict wrong_state when the case has ended or was not submitted.
func (s *Store) SetPriority(ctx context.Context, caller *Caller, idOrRef string, version int, urgent bool, reason string) (*CaseRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	if !caller.HasFor(row.Area, row.Programme, aid.RoleManager) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_area")
	}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.ID)
		switch {
		case err != nil:
			return err
		case version != 0 && c.Version != version:
			return aid.Refuse(aid.Stale, "stale")
		case !c.Status.Open(), c.Status == aid.Draft:
			return aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
		case c.Urgent == urgent:
			return nil
		}
		if err := tx.Unrelated(c.ID, caller.Actor()); err != nil {
			return err
		}
		return tx.setUrgent(c, caller, urgent, reason)
	})
	if err != nil {
		return nil, err
	}
	return s.CaseByID(ctx, caller, row.ID)
}

func (tx *Tx) setUrgent(c *Case, caller *Caller, urgent bool, reason string) error {
	c.Urgent = urgent
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	if err := tx.one(`UPDATE cases SET urgent = $2 WHERE id = $1`, c.ID, urgent); err != nil {
		return err
	}
	if _, err := tx.exec(`UPDATE tasks SET urgent = $2 WHERE case_id = $1 AND closed_at IS NULL`, c.ID, urgent); err != nil {
		return err
	}
	err := tx.AddEvent(c, Event{Kind: "case.priority_changed", Actor: caller.Actor(), Data: map[string]any{"urgent": urgent, "reason_code": reason}})
	if err != nil {
		return err
	}
	if err := tx.AddAudit(caller.Actor(), "set_priority", c.ID, "done", reason); err != nil {
		return err
	}
	if c.Status == aid.WaitingFunds {
		return tx.WakeWaiting(*c.FundID)
	}
	return nil
}
