package activities

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// askConditions opens a task for every condition of the approvals on which an
// award rests; it tells whether there is one. No tranche is opened before all
// are met.
func askConditions(tx *postgres.Tx, c *postgres.Case, a *postgres.Award, workflow string) (bool, error) {
	stand, err := tx.StandingConditions(c, a)
	if err != nil || len(stand) == 0 {
		return false, err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return true, err
	}
	for _, k := range stand {
		if err := askCondition(tx, c, def, k, workflow); err != nil {
			return true, err
		}
	}
	return true, nil
}

// askCondition waits for the household to meet a condition, by its day or, when
// the approval names none, as long as for an answer of the partner.
func askCondition(tx *postgres.Tx, c *postgres.Case, def *programme.Definition, k postgres.Condition, workflow string) error {
	rings := stalledAlarms(def, tx.Now)
	if due := k.Due(def.Location()); due != nil {
		rings = []time.Time{tx.Now.Add(due.Sub(tx.Now) * 4 / 5).UTC().Truncate(time.Microsecond), *due}
	}
	due := rings[len(rings)-1]
	id, err := tx.OpenTask(c, postgres.NewTask{Kind: aid.MeetCondition, Workflow: workflow, Subject: k.ID, Owner: aid.OwnerHousehold,
		Rule: map[string]any{"because": "condition", "condition": k.Code}, Due: &due, Alarms: rings})
	if err != nil {
		return err
	}
	if err := tx.AskCondition(k, id); err != nil {
		return err
	}
	return tx.AddEvent(c, postgres.Event{Kind: "case.condition_asked", Actor: postgres.System, Task: id,
		Data: map[string]any{"condition": k.ID, "code": k.Code, "by": due}})
}

// MeetCondition records that a condition of the approval is met. When it was
// the last one, the award goes on.
func (a *Activities) MeetCondition(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "meet_condition", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.CloseTask(t, "met"); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.MeetCondition(t); err != nil {
			return aid.Outcome{}, err
		}
		err = tx.AddEvent(c, postgres.Event{Kind: "case.condition_met", Actor: in.Decision.Actor, Task: t.ID, Data: map[string]any{"condition": t.Subject}})
		if err != nil {
			return aid.Outcome{}, err
		}
		return conditionMet(tx, c, in.Workflow)
	})
}

func conditionMet(tx *postgres.Tx, c *postgres.Case, workflow string) (aid.Outcome, error) {
	waits := aid.Outcome{Result: aid.ResultPending}
	open, err := tx.OpenConditions(c)
	if err != nil {
		return waits, err
	}
	if open > 0 {
		return waits, tx.WaitForOpenTask(c, aid.OwnerHousehold)
	}
	if err := tx.EndTasks(c, "void", aid.DecideStalled); err != nil { // whether it goes on at all is answered: it does
		return waits, err
	}
	award, err := tx.AwardOf(c)
	if err != nil {
		return waits, err
	}
	posting, err := tx.PostingOf(award)
	if err != nil {
		return waits, err
	}
	asked, err := tx.OpenTasks(c, aid.PostPublicly)
	if err != nil {
		return waits, err
	}
	if asked == 0 && (posting == nil || posting.OverAt != nil) {
		return payOn(tx, c, award, workflow)
	}
	if err := tx.WaitForOpenTask(c, aid.OwnerOffice); err != nil { // for the list to hang, or for the village
		return waits, err
	}
	return villageAsked(tx, c, workflow)
}

// conditioned tells whether a condition keeps an award from going on.
func conditioned(tx *postgres.Tx, c *postgres.Case) (bool, error) {
	open, err := tx.OpenConditions(c)
	if err != nil || open == 0 {
		return false, err
	}
	return true, tx.WaitForOpenTask(c, aid.OwnerHousehold)
}
