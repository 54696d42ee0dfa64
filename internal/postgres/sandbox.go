package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Advance is what moving a case's clock forward has done, and what is left to
// do: fast-forward the running workflows.
type Advance struct {
	Case      *CaseRow
	Workflows []Workflow
}

// AdvanceCase moves the clock of a case forward, in test deployments only: the
// caller sees to that. The workflows have to be moved by the same duration.
//
// Errors: NotFound case_not_found; Invalid duration_not_positive; Conflict
// case_closed.
func (s *Store) AdvanceCase(ctx context.Context, caller *Caller, idOrRef string, d time.Duration) (Advance, error) {
	if d <= 0 {
		return Advance{}, aid.RefuseAll([]aid.Fault{{Pointer: "/duration", Code: "duration_not_positive"}})
	}
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return Advance{}, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.ID)
		if err != nil {
			return err
		}
		if !c.Status.Open() {
			return aid.Refuse(aid.Conflict, "case_closed", "status", string(c.Status))
		}
		return tx.one(`UPDATE cases SET clock_offset = clock_offset + make_interval(secs => $2) WHERE id = $1`, c.ID, d.Seconds())
	})
	if err != nil {
		return Advance{}, err
	}
	if row, err = s.CaseByID(ctx, caller, row.ID); err != nil {
		return Advance{}, err
	}
	running, err := s.RunningWorkflows(ctx, row.ID)
	return Advance{Case: row, Workflows: running}, err
}
