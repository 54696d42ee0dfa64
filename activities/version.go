package activities

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// MoveVersion moves a returned case to the version of its programme that is in
// force, on a manager's word: the only way in which a submitted case changes its
// rules. The partner is asked anew, with what the new version misses; its answer
// opens the verification, whatever had been approved.
func (a *Activities) MoveVersion(ctx context.Context, in aid.MoveVersionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "move_version", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		from := c.ProgrammeVersion
		if err := tx.MoveVersion(c, in.Move); err != nil {
			return aid.Outcome{}, err
		}
		items, err := tx.AskedItems(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.EndTasks(c, "replaced"); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.MoveCase(c, aid.EventMoveVersion); err != nil {
			return aid.Outcome{}, err
		}
		err = tx.AddEvent(c, postgres.Event{Kind: "case.version_moved", Actor: in.Move.Actor,
			Data: map[string]any{"from_version": from, "version": in.Move.Version, "reason_code": in.Move.Reason}})
		if err != nil {
			return aid.Outcome{}, err
		}
		return aid.Outcome{Result: "moved"}, question(tx, c, in.Workflow,
			map[string]any{"because": "version_moved", "reason_code": in.Move.Reason, "version": in.Move.Version, "items": items})
	})
}
