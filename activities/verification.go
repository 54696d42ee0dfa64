package activities

import (
	"context"
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// OpenVerification runs the automated checks and the rules on a submitted
// case and opens the verifier's tasks. Where a check that the programme calls
// final failed, the case is rejected with its reason instead. While an
// external register has not answered nothing is opened: the outcome names those
// that are to be asked.
func (a *Activities) OpenVerification(ctx context.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "open_verification", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		ask, err := awaitRegisters(tx, c, in)
		if err != nil || len(ask) > 0 {
			return aid.Outcome{Result: "asking", Ask: ask}, err
		}
		reason, err := judge(tx, c, postgres.PhaseRequest)
		if err != nil {
			return aid.Outcome{}, err
		}
		save := tx.SaveCase
		if c.Status == aid.Submitted {
			save = func(c *postgres.Case) error { return tx.MoveCase(c, aid.EventOpen) }
		}
		if err := save(c); err != nil {
			return aid.Outcome{}, err
		}
		if reason != "" {
			return reject(tx, c, postgres.System, reason)
		}
		return aid.Outcome{Result: aid.ResultPending}, openVerification(tx, c, in.Workflow)
	})
}

func openVerification(tx *postgres.Tx, c *postgres.Case, workflow string) error {
	return openTasks(tx, c, workflow, true, true)
}

// reopenVerification opens the named tasks of the verification again, and
// those that were never completed; all when none is named.
func reopenVerification(tx *postgres.Tx, c *postgres.Case, workflow string, named []aid.TaskKind) error {
	if len(named) == 0 {
		return openVerification(tx, c, workflow)
	}
	done, err := tx.Verified(c)
	if err != nil {
		return err
	}
	again := func(kind aid.TaskKind) bool { return !done[kind] || slices.Contains(named, kind) }
	return openTasks(tx, c, workflow, again(aid.VerifyDocuments), again(aid.FieldVisit))
}

func openTasks(tx *postgres.Tx, c *postgres.Case, workflow string, papers, visits bool) error {
	rule := map[string]any{"because": "verification", "review": c.Review}
	if papers {
		if _, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: workflow, Rule: rule}); err != nil {
			return err
		}
	}
	if visits {
		if err := tx.OpenFieldVisits(c, workflow, rule); err != nil {
			return err
		}
	}
	return tx.WaitForOpenTask(c, aid.OwnerOffice)
}

// DecideVerification applies a verifier's decision. When it completes the last
// open task, the case goes on to approval: the levels come from the
// programme's matrix, and the first one is asked, in the same transaction.
func (a *Activities) DecideVerification(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "decide_verification", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		switch in.Decision.Action {
		case aid.ActionReject:
			return rejectByTask(tx, c, t, in.Decision)
		case aid.ActionReturn:
			return sendBack(tx, c, t, in.Decision)
		}
		return verified(tx, c, t, in)
	})
}

func verified(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, in aid.DecisionRequest) (aid.Outcome, error) {
	if err := tx.CloseTask(t, "completed"); err != nil {
		return aid.Outcome{}, err
	}
	if t.Kind == aid.VerifyDocuments {
		if err := tx.ReviewPapers(c, in.Decision); err != nil {
			return aid.Outcome{}, err
		}
	}
	left, err := tx.OpenTasks(c, aid.VerifyDocuments, aid.FieldVisit)
	if err != nil {
		return aid.Outcome{}, err
	}
	if left > 0 {
		return aid.Outcome{Result: aid.ResultPending}, tx.WaitForOpenTask(c, aid.OwnerOffice)
	}
	return openApproval(tx, c, in.Workflow, in.Decision.Actor)
}

// openApproval judges the case again, now with what the visit saw, computes
// the levels of the amount that comes out, and asks the first one. Where the
// configuration has no level or no fund for the case, what the verifier
// decided stands, and the case is parked before an administrator. A level whose
// approval stands is not asked again.
func openApproval(tx *postgres.Tx, c *postgres.Case, workflow, actor string) (aid.Outcome, error) {
	before := c.Norm()
	reason, err := judge(tx, c, postgres.PhaseVisit)
	if err != nil {
		return aid.Outcome{}, err
	}
	if reason != "" {
		return reject(tx, c, postgres.System, reason)
	}
	levels, skipped, fund, err := approvalOf(tx, c)
	if postgres.Misconfigured(err) {
		if err := tx.SaveCase(c); err != nil {
			return aid.Outcome{}, err
		}
		out := aid.Outcome{Result: "parked", Levels: levels}
		return out, tx.ParkFor(c, postgres.Parking{Because: aid.CodeOf(err), Then: postgres.ThenOpenApproval, Workflow: workflow})
	}
	if err != nil {
		return aid.Outcome{}, err
	}
	if c.Returns > 0 { // whether it goes on at all is answered: it does
		if err := tx.EndTasks(c, "void", aid.DecideStalled); err != nil {
			return aid.Outcome{}, err
		}
	}
	c.FundID = &fund
	if c.Norm() != before { // what was lowered was lowered from another amount
		c.Amount = nil
	}
	if err := tx.MoveCase(c, aid.EventVerify); err != nil {
		return aid.Outcome{}, err
	}
	if levels, err = remaining(tx, c, levels); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.AddEvent(c, postgres.Event{Kind: "case.verified", Actor: actor}); err != nil {
		return aid.Outcome{}, err
	}
	if err := tellSkipped(tx, c, skipped); err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: "verified", Levels: levels, Skipped: skipped}, askLevels(tx, c, workflow, aid.Group(levels, 0))
}

// approvalOf gives the levels that a case has to pass, those that it need not,
// and the fund that pays.
func approvalOf(tx *postgres.Tx, c *postgres.Case) ([]aid.Level, []aid.SkippedLevel, string, error) {
	levels, skipped, err := tx.Way(c)
	if err != nil {
		return nil, nil, "", err
	}
	fund, err := tx.FundOf(c)
	return levels, skipped, fund, err
}
