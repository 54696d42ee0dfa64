package activities

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// PlanVisit tells when the nth visit is due.
func (a *Activities) PlanVisit(ctx context.Context, in aid.VisitRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "plan_visit", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		v, err := visit(tx, c, in.Visit)
		if err != nil {
			return aid.Outcome{}, err
		}
		return aid.Outcome{Result: v.State, WakeAt: &v.DueAt}, nil
	})
}

func visit(tx *postgres.Tx, c *postgres.Case, n int) (*postgres.Visit, error) {
	v, err := tx.Visit(c, n)
	if err == nil && v == nil {
		err = aid.Refuse(aid.NotFound, "visit_not_found")
	}
	return v, err
}

// OpenVisit asks a verifier who has not verified the case for the nth visit.
func (a *Activities) OpenVisit(ctx context.Context, in aid.VisitRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "open_visit", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		v, err := visit(tx, c, in.Visit)
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.MoveVisit(v, "due", ""); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.AddEvent(c, postgres.Event{Kind: "follow_up.due", Actor: postgres.System, Data: map[string]any{"visit": v.N}}); err != nil {
			return aid.Outcome{}, err
		}
		_, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.FollowUpVisit, Workflow: in.Workflow, Subject: v.ID,
			Rule: map[string]any{"because": "visit_due", "visit": v.N}, Aside: c.Status != aid.FollowingUp})
		return aid.Outcome{Result: "due"}, err
	})
}

// CompleteVisit records a visit. The next one is told with its date; after the
// last the case is closed.
func (a *Activities) CompleteVisit(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "complete_visit", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		v, err := tx.VisitByID(c, t.Subject)
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.MoveVisit(v, "completed", "recorded"); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.CloseTask(t, "completed"); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.AddEvent(c, postgres.Event{Kind: "follow_up.completed", Actor: in.Decision.Actor, Task: t.ID, Data: map[string]any{"visit": v.N}}); err != nil {
			return aid.Outcome{}, err
		}
		next, err := tx.Visit(c, v.N+1)
		if err != nil {
			return aid.Outcome{}, err
		}
		switch {
		case next == nil:
			return visited(tx, c)
		case c.Status != aid.FollowingUp: // what the bank returned is awaited
			return aid.Outcome{Result: "next", WakeAt: &next.DueAt}, nil
		}
		return aid.Outcome{Result: "next", WakeAt: &next.DueAt}, tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerSystem})
	})
}

// visited closes a case of which every visit is done. One that has to pay
// again what a bank returned is closed when that is over.
func visited(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
	left := aid.Outcome{Result: aid.ResultPending}
	if c.Status != aid.FollowingUp {
		return left, nil
	}
	open, err := tx.VisitsLeft(c)
	if err != nil || open > 0 {
		return left, err
	}
	return end(tx, c, aid.EventClose, "case.closed", postgres.System, "closed")
}
