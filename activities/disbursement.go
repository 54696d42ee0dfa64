package activities

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// OpenDisbursement starts paying an award: it asks for the evidence of the
// first tranche, or makes its payment due. Where the programme wants the
// village to be asked first, it has the award hung out; conditions of the
// approvals are met before.
func (a *Activities) OpenDisbursement(ctx context.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "open_disbursement", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		award, err := tx.AwardOf(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		if award.State == "cancelled" { // withdrawn in between: nothing is left to do
			return aid.Outcome{Result: aid.ResultPending}, nil
		}
		if award.State != "reserved" {
			return aid.Outcome{}, aid.Refuse(aid.Conflict, "wrong_award_state", "state", award.State)
		}
		if err := tx.StartAward(award); err != nil {
			return aid.Outcome{}, err
		}
		conditions, err := askConditions(tx, c, award, in.Workflow)
		if err != nil {
			return aid.Outcome{}, err
		}
		if asked, err := askVillage(tx, c, in.Workflow); err != nil || asked || conditions {
			return aid.Outcome{Result: aid.ResultPending}, err
		}
		return nextTranche(tx, c, award, in.Workflow)
	})
}

// payOn does what comes next for an award of which no payment is on its way: a
// withdrawal that was asked for, the first tranche that is not over, or the
// end. While a rail contradicts the books, or money is to come back, persons
// are awaited, and so they are while an objection or a condition is open. An
// objection that was upheld ends the case.
func payOn(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, workflow string) (aid.Outcome, error) {
	live, err := tx.LivePayment(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	if live != nil && live.OnItsWay() {
		return aid.Outcome{Result: aid.ResultPending, Payment: live.Step()}, nil
	}
	doubtful, err := tx.Contradicted(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	if doubtful != nil {
		return aid.Outcome{Result: aid.ResultPending}, tx.WaitForOpenTask(c, aid.OwnerOffice)
	}
	if c.WithdrawalAsked {
		return withdraw(tx, c, c.PartnerID)
	}
	if out, waits, err := objected(tx, c, a); err != nil || waits {
		return out, err
	}
	if waits, err := conditioned(tx, c); err != nil || waits {
		return aid.Outcome{Result: aid.ResultPending}, err
	}
	return nextTranche(tx, c, a, workflow)
}

// nextTranche goes on with the first tranche that is not over, or finishes. A
// tranche that was opened before is waited for, whatever stage it is in: no
// other is opened beside it. What was opened already goes on beside one whose
// money came back.
func nextTranche(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, workflow string) (aid.Outcome, error) {
	tranches, err := tx.Tranches(a)
	if err != nil {
		return aid.Outcome{}, err
	}
	returned := false
	for i := range tranches {
		switch t := &tranches[i]; {
		case t.Over():
		case t.HeldReason == postgres.HeldByReturn:
			returned = true
		case t.State == "planned" && !returned:
			return aid.Outcome{Result: aid.ResultPending}, openTranche(tx, c, a, t, workflow)
		case t.State == "due":
			return dueStill(tx, c, a, t, workflow)
		case t.State != "planned":
			return aid.Outcome{Result: aid.ResultPending}, nil
		}
	}
	if returned {
		return aid.Outcome{Result: aid.ResultPending}, tx.WaitForOpenTask(c, aid.OwnerOffice)
	}
	open, err := tx.OpenTasks(c, aid.RecoverMoney)
	if err != nil {
		return aid.Outcome{}, err
	}
	if open > 0 {
		return aid.Outcome{Result: aid.ResultPending}, tx.WaitForOpenTask(c, aid.OwnerOffice)
	}
	return finish(tx, c, a)
}

// dueStill makes the payment of a tranche that is due and has none, or waits
// for the one it has; when the last one has failed or came back, for a treasurer
// who pays anew. While the tranche is held, for whoever holds it.
func dueStill(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, t *postgres.Tranche, workflow string) (aid.Outcome, error) {
	if t.Held {
		return aid.Outcome{Result: aid.ResultPending}, tx.WaitForHold(c)
	}
	p, err := tx.LastPayment(t)
	switch {
	case err != nil:
		return aid.Outcome{}, err
	case p == nil || p.State == aid.PaymentSettled: // nothing was paid of it yet, or a part
		return aid.Outcome{Result: aid.ResultPending}, makeDue(tx, c, a, t, workflow)
	case p.State.Live():
		return aid.Outcome{Result: aid.ResultPending}, nil
	}
	return aid.Outcome{Result: "failed"}, tx.AskRetry(c, p)
}

// makeDue makes the payment of what is left of a tranche that is due. While it
// is held nothing is made due, nor while another payment of the case is live:
// what came back is being paid again, and the tranche after it.
func makeDue(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, t *postgres.Tranche, workflow string) error {
	if t.Held {
		return tx.WaitForHold(c)
	}
	live, err := tx.LivePayment(c)
	if err != nil {
		return err
	}
	if live != nil {
		return awaitAgain(tx, c)
	}
	_, err = tx.MakeDue(c, a, t, workflow, "")
	return err
}

func openTranche(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, t *postgres.Tranche, workflow string) error {
	if t.Milestone == "" {
		if err := tx.MoveTranche(t.ID, "planned", "due"); err != nil {
			return err
		}
		return makeDue(tx, c, a, t, workflow)
	}
	if err := tx.MoveTranche(t.ID, "planned", "evidence_due"); err != nil {
		return err
	}
	return askEvidence(tx, c, t, workflow)
}

// askEvidence waits for the household to reach a milestone. An award whose
// first milestone was not reached within the programme's time was not started:
// it comes before a person. A house that is half built takes the time it takes.
func askEvidence(tx *postgres.Tx, c *postgres.Case, t *postgres.Tranche, workflow string) error {
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	task := postgres.NewTask{Kind: aid.ConfirmMilestone, Workflow: workflow, Subject: t.ID, Owner: aid.OwnerHousehold,
		Rule: map[string]any{"because": "milestone", "milestone": t.Milestone, "tranche": t.N}}
	if t.N == 1 && !def.StartWithin.IsZero() {
		due := def.StartWithin.AddTo(tx.Now, def.Location()).UTC()
		task.Due, task.Alarms = &due, append(task.Alarms, due)
	}
	_, err = tx.OpenTask(c, task)
	return err
}

// ConfirmMilestone applies a verifier's decision on the evidence of a tranche:
// confirmed, its payment is due, unless the tranche is held; returned, the
// household is asked again.
func (a *Activities) ConfirmMilestone(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "confirm_milestone", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		award, tranche, err := trancheOf(tx, c, t.Subject)
		if err != nil {
			return aid.Outcome{}, err
		}
		if in.Decision.Action == aid.ActionReturn {
			return evidenceReturned(tx, c, t, tranche)
		}
		if err := tx.CloseTask(t, "confirmed"); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.EndTasks(c, "void", aid.DecideStalled); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.MoveTranche(tranche.ID, "evidence_due", "due"); err != nil {
			return aid.Outcome{}, err
		}
		return aid.Outcome{Result: "confirmed"}, makeDue(tx, c, award, tranche, in.Workflow)
	})
}

func evidenceReturned(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, tranche *postgres.Tranche) (aid.Outcome, error) {
	if err := tx.CloseTask(t, aid.ResultReturned); err != nil {
		return aid.Outcome{}, err
	}
	c.Review++
	if err := tx.SaveCase(c); err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: aid.ResultReturned}, askEvidence(tx, c, tranche, t.WorkflowID)
}

func trancheOf(tx *postgres.Tx, c *postgres.Case, id string) (*postgres.Award, *postgres.Tranche, error) {
	award, err := tx.AwardOf(c)
	if err != nil {
		return nil, nil, err
	}
	tranche, err := tx.TrancheOf(award, id)
	return award, tranche, err
}

// finish ends the disbursement: everything is paid or skipped. The visits are
// planned, or the case is closed when the programme has none. An award of which
// nothing was paid is cancelled.
func finish(tx *postgres.Tx, c *postgres.Case, a *postgres.Award) (aid.Outcome, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	former, err := tx.Former(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	if former != "" {
		return backTo(tx, c, a, former)
	}
	paid, err := tx.Paid(a)
	if err != nil {
		return aid.Outcome{}, err
	}
	if paid == 0 {
		return skipped(tx, c, a)
	}
	if err := tx.CompleteAward(a); err != nil {
		return aid.Outcome{}, err
	}
	c.PaidAt = &tx.Now
	if err := tx.MoveCase(c, aid.EventPaid); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.AddEvent(c, postgres.Event{Kind: "case.paid", Actor: postgres.System, Data: map[string]any{"award": a.ID, "amount": paid, "currency": a.Currency}}); err != nil {
		return aid.Outcome{}, err
	}
	dates := def.VisitDates(tx.Now)
	if len(dates) == 0 {
		return end(tx, c, aid.EventClose, "case.closed", postgres.System, "closed")
	}
	if err := tx.PlanVisits(c, dates); err != nil {
		return aid.Outcome{}, err
	}
	return followUp(tx, c)
}

// skipped ends a case of which every tranche was given up.
func skipped(tx *postgres.Tx, c *postgres.Case, a *postgres.Award) (aid.Outcome, error) {
	if err := tx.EndChanges(c); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.CancelAward(a); err != nil {
		return aid.Outcome{}, err
	}
	c.ReasonCode = "tranches_skipped"
	return end(tx, c, aid.EventCancel, "case.closed", postgres.System, "closed")
}

// backTo ends what a bank return has brought back: the case has its former
// status again.
func backTo(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, former aid.Status) (aid.Outcome, error) {
	if err := tx.CompleteAward(a); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.EndRecovery(c, former); err != nil {
		return aid.Outcome{}, err
	}
	err := tx.AddEvent(c, postgres.Event{Kind: "case.paid_again", Actor: postgres.System, Data: map[string]any{"status": former}})
	if err != nil {
		return aid.Outcome{}, err
	}
	if !former.Open() {
		return aid.Outcome{Result: "paid_again"}, tx.EndWait(c.ID)
	}
	return aid.Outcome{Result: "paid_again"}, tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerSystem})
}

// followUp hands the case over to the workflow of its visits.
func followUp(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
	next := postgres.FollowUpID(c.ID, c.Round)
	err := tx.WantWorkflow(next, c.ID, postgres.FollowUpWorkflow, aid.FollowUpInput{Case: c.ID, Round: c.Round, Visit: 1})
	if err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.EndWorkflow(c.WorkflowID); err != nil {
		return aid.Outcome{}, err
	}
	c.WorkflowID = next
	if err := tx.MoveCase(c, aid.EventVisits); err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: "paid", Next: next}, tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerSystem})
}
