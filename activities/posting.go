package activities

import (
	"context"
	"encoding/json"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// reasonObjection is the reason of a case that ends because an objection to
// its award was upheld.
const reasonObjection = "objection_upheld"

// askVillage has a verifier hang the award out in the village, where the
// programme wants that; it tells whether it does. No tranche is opened before
// the time there is over.
func askVillage(tx *postgres.Tx, c *postgres.Case, workflow string) (bool, error) {
	def, err := tx.Rules(c)
	if err != nil || def.Posting == nil {
		return false, err
	}
	_, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.PostPublicly, Workflow: workflow, Rule: map[string]any{"because": "posting", "days": def.Posting.Days}})
	return true, err
}

// PostPublicly records that an award hangs out: since which day, and, sealed
// with the decision, where. From then on the village is awaited.
func (a *Activities) PostPublicly(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "post_publicly", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		content, err := tx.Content(in.Decision.ID)
		if err != nil {
			return aid.Outcome{}, err
		}
		var said struct {
			Date string `json:"date"`
		}
		_ = json.Unmarshal(content.Data, &said) // without a date it is refused below
		award, err := tx.AwardOf(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		posting, err := tx.HangPosting(c, award, in.Decision.ID, said.Date)
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.CloseTask(t, "posted"); err != nil {
			return aid.Outcome{}, err
		}
		err = tx.AddEvent(c, postgres.Event{Kind: "case.posted", Actor: in.Decision.Actor, Task: t.ID, Data: map[string]any{"posted_on": said.Date, "until": posting.Until}})
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerSystem}); err != nil {
			return aid.Outcome{}, err
		}
		return villageAsked(tx, c, in.Workflow)
	})
}

// villageAsked goes on with an award that hangs out, once its time in the
// village is over and nobody's objection is open, and with one whose tranches a
// person has changed.
func villageAsked(tx *postgres.Tx, c *postgres.Case, workflow string) (aid.Outcome, error) {
	waits := aid.Outcome{Result: aid.ResultPending}
	award, err := tx.AwardOf(c)
	if err != nil {
		return waits, err
	}
	posting, err := tx.PostingOf(award)
	switch {
	case err != nil:
		return waits, err
	case posting == nil || posting.OverAt != nil:
		return changedSince(tx, c, award, workflow)
	case tx.Now.Before(posting.Until):
		return waits, nil
	}
	open, err := tx.OpenTasks(c, aid.DecideObjection)
	if err != nil || open > 0 {
		return waits, err
	}
	if err := tx.EndPosting(posting); err != nil {
		return waits, err
	}
	if err := tx.AddEvent(c, postgres.Event{Kind: "case.posting_over", Actor: postgres.System}); err != nil {
		return waits, err
	}
	if conditions, err := conditioned(tx, c); err != nil || conditions {
		return waits, err
	}
	return nextTranche(tx, c, award, workflow)
}

// changedSince goes on with an award whose tranches a person has changed. One
// that still waits to be hung out waits on.
func changedSince(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, workflow string) (aid.Outcome, error) {
	waits := aid.Outcome{Result: aid.ResultPending}
	if !a.Changed || a.State != "running" {
		return waits, nil
	}
	hangs, err := tx.OpenTasks(c, aid.PostPublicly)
	if err != nil || hangs > 0 {
		return waits, err
	}
	if err := tx.Looked(a); err != nil {
		return waits, err
	}
	return payOn(tx, c, a, workflow)
}

// DecideObjection applies somebody's decision on an objection to the award. One
// that is not upheld lets the award go on when its time has come. One that is
// upheld ends the case: the award is cancelled and what was not paid goes back
// to the fund; while a payment is on its way, at that payment's outcome.
func (a *Activities) DecideObjection(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "decide_objection", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		upheld, outcome := in.Decision.Action == aid.ActionApprove, "not_upheld"
		if upheld {
			outcome = "upheld"
		}
		if err := tx.CloseTask(t, outcome); err != nil {
			return aid.Outcome{}, err
		}
		err = tx.AddEvent(c, postgres.Event{Kind: "case.objection_decided", Actor: in.Decision.Actor, Task: t.ID,
			Data: map[string]any{"objection": t.Subject, "upheld": upheld, "reason_code": in.Decision.Reason}})
		if err != nil {
			return aid.Outcome{}, err
		}
		return decided(tx, c, in)
	})
}

// decided goes on after a decision on an objection.
func decided(tx *postgres.Tx, c *postgres.Case, in aid.DecisionRequest) (aid.Outcome, error) {
	award, err := tx.AwardOf(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	posting, err := tx.PostingOf(award)
	if err != nil {
		return aid.Outcome{}, err
	}
	upheld, err := tx.Upheld(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	if upheld || posting == nil || posting.OverAt != nil {
		out, err := payOn(tx, c, award, in.Workflow)
		if err != nil || c.Stage != aid.Disbursement {
			return out, err
		}
		return out, awaitAgain(tx, c)
	}
	if err := tx.WaitForOpenTask(c, aid.OwnerOffice); err != nil { // for the next objection, or for nobody
		return aid.Outcome{}, err
	}
	return villageAsked(tx, c, in.Workflow)
}

// awaitAgain makes what the case waited for before an objection what it waits
// for again.
func awaitAgain(tx *postgres.Tx, c *postgres.Case) error {
	office, err := tx.OpenTasks(c, aid.DecideObjection, aid.PreparePayment, aid.ReleasePayment, aid.ResolvePayment, aid.RecoverMoney, aid.DecideStalled,
		aid.Approve, aid.ConfirmAccount)
	if err != nil {
		return err
	}
	if office > 0 {
		return tx.WaitForOpenTask(c, aid.OwnerOffice)
	}
	live, err := tx.LivePayment(c)
	if err != nil {
		return err
	}
	if live != nil && live.OnItsWay() {
		return tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerRail})
	}
	return tx.WaitForOpenTask(c, aid.OwnerHousehold)
}

// objected tells whether an objection keeps an award from going on: an open
// one is waited for, one that was upheld ends the case.
func objected(tx *postgres.Tx, c *postgres.Case, a *postgres.Award) (out aid.Outcome, waits bool, err error) {
	out.Result = aid.ResultPending
	upheld, err := tx.Upheld(c)
	if err != nil {
		return out, false, err
	}
	if upheld {
		out, err = uphold(tx, c)
		return out, true, err
	}
	open, err := tx.OpenTasks(c, aid.DecideObjection)
	if err != nil || open == 0 {
		return out, false, err
	}
	return out, true, tx.WaitForOpenTask(c, aid.OwnerOffice)
}

// uphold ends a case because of an objection. Whatever was paid is to come
// back.
func uphold(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
	c.ReasonCode = reasonObjection
	paid, err := stopPaying(tx, c, postgres.System, reasonObjection)
	if err != nil {
		return aid.Outcome{}, err
	}
	out, err := end(tx, c, aid.EventCancel, "case.closed", postgres.System, "closed")
	if err != nil || !paid {
		return out, err
	}
	_, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.RecoverMoney, Workflow: c.WorkflowID, Rule: map[string]string{"because": reasonObjection}})
	return out, err
}
