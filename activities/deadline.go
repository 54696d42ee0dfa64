package activities

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Attend does everything that has come due in a workflow: reminders, breaches
// and their escalation, the question whether a case that does not move should
// end, and what a repair of the configuration has made possible. A breach never
// closes a task and never decides.
func (a *Activities) Attend(ctx context.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "attend", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		alarms, err := tx.DueAlarms(c, in.Workflow)
		if err != nil {
			return aid.Outcome{}, err
		}
		for _, alarm := range alarms {
			if err := ring(tx, c, in.Workflow, alarm); err != nil {
				return aid.Outcome{}, err
			}
		}
		return goOn(tx, c, in.Workflow)
	})
}

// goOn makes the step that a fault of the configuration had kept back, when
// an administrator has reported that it is mended, or for which the village
// was asked, when its time is over. A case that was visited while a payment
// was made good is closed.
func goOn(tx *postgres.Tx, c *postgres.Case, workflow string) (aid.Outcome, error) {
	nothing := aid.Outcome{Result: aid.ResultPending}
	switch {
	case c.Stage == aid.Disbursement && workflow != c.WorkflowID: // its visits go on meanwhile
		return nothing, nil
	case c.Stage == aid.Disbursement:
		p, err := tx.NewestPayment(c)
		if err != nil {
			return nothing, err
		}
		if p != nil && p.Filed && !p.State.Live() {
			return afterFile(tx, c, p, workflow)
		}
		if err := noResult(tx, c, p); err != nil {
			return nothing, err
		}
		return villageAsked(tx, c, workflow)
	case c.Status == aid.FollowingUp:
		return visited(tx, c)
	}
	if c.Status != aid.InReview {
		return nothing, nil
	}
	p, err := tx.TakeRepaired(c)
	if err != nil || p == nil {
		return nothing, err
	}
	switch p.Then {
	case postgres.ThenOpenApproval:
		return openApproval(tx, c, workflow, postgres.System)
	case postgres.ThenAskFirst:
		return askRest(tx, c, workflow)
	}
	return nothing, askLevels(tx, c, workflow, p.Levels)
}

// noResult brings a payment that left in a file, and of which the bank has
// said nothing in its time, before two persons.
func noResult(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment) error {
	if p == nil || p.State != aid.PaymentInstructed || p.ResultDue == nil || tx.Now.Before(*p.ResultDue) {
		return nil
	}
	if err := tx.MovePayment(c, p, aid.PaymentUnknown, postgres.System); err != nil {
		return err
	}
	return tx.AskPersons(c, p, "no_result")
}

// afterFile goes on from a payment that has travelled in a file and has ended:
// in PostgreSQL alone, so that its workflow only hears that something has. Done
// already, it changes nothing.
func afterFile(tx *postgres.Tx, c *postgres.Case, p *postgres.Payment, workflow string) (aid.Outcome, error) {
	out := aid.Outcome{Result: aid.ResultPending, Payment: p.Step()}
	award, err := tx.AwardOf(c)
	if err != nil || award.ID != p.AwardID || award.State != "running" {
		return out, err
	}
	if err := tx.EndQuestions(c); err != nil {
		return out, err
	}
	return payOn(tx, c, award, workflow)
}

// ring does what a rung of a ladder is for, once: what rings is taken from the
// task or the clock in the same transaction.
func ring(tx *postgres.Tx, c *postgres.Case, workflow string, alarm postgres.Alarm) error {
	data := map[string]any{"scope": alarm.Scope, "alarm_at": alarm.At}
	if alarm.Task != "" {
		data["task_kind"], data["level"] = alarm.Kind, alarm.Level
	}
	event := func(kind string) error {
		return tx.AddEvent(c, postgres.Event{Kind: kind, Actor: postgres.System, Task: alarm.Task, Data: maps.Clone(data)})
	}
	switch {
	case alarm.Reminds() && alarm.Kind == aid.ProvideInformation:
		return event("task.partner_reminded")
	case alarm.Reminds():
		return remind(alarm, event)
	case alarm.Breach() && alarm.Kind == aid.ProvideInformation:
		return stalled(tx, c, workflow, alarm.Task, "no_answer", event)
	case alarm.Breach() && alarm.Kind == aid.ConfirmMilestone:
		return stalled(tx, c, workflow, alarm.Task, "not_started", event)
	case alarm.Breach() && alarm.Kind == aid.MeetCondition:
		return stalled(tx, c, workflow, alarm.Task, "condition_not_met", event)
	case alarm.Breach():
		return event("case.sla_breached")
	case alarm.Superior():
		return tellSuperior(tx, c, alarm, data, event)
	case alarm.Task != "":
		return tx.TakeBack(c, alarm.Task)
	}
	return nil // a case or a stage is nobody's to lose
}

// remind reminds of work that is due; the first reminder says that it may not
// be done in time.
func remind(alarm postgres.Alarm, event func(string) error) error {
	if alarm.Task != "" {
		if err := event("task.reminded"); err != nil || !alarm.First {
			return err
		}
	}
	return event("case.sla_at_risk")
}

// tellSuperior names in the event who is to hear of it.
func tellSuperior(tx *postgres.Tx, c *postgres.Case, alarm postgres.Alarm, data map[string]any, event func(string) error) error {
	above, err := tx.Above(c, alarm.Task, alarm.Assignee)
	if err != nil {
		return err
	}
	data["superior"] = append([]string{}, above...)
	if alarm.Task == "" {
		return event("case.escalated")
	}
	return event("task.escalated")
}

// stalled asks whether a case that does not move should end, unless somebody
// is being asked already.
func stalled(tx *postgres.Tx, c *postgres.Case, workflow, task, because string, event func(string) error) error {
	open, err := tx.OpenTasks(c, aid.DecideStalled)
	if err != nil || open > 0 {
		return err
	}
	if err := event("case." + because); err != nil {
		return err
	}
	return openStalled(tx, c, workflow, task, because)
}

// DecideStalled applies a person's answer to that question. Confirmed, the
// case ends: withdrawn while it is in review, cancelled when its award was
// never started. Rejected, it waits on and is asked about again after the same
// time.
func (a *Activities) DecideStalled(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "decide_stalled", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		if in.Decision.Action == aid.ActionReject {
			return waitOn(tx, c, t)
		}
		if err := tx.CloseTask(t, "confirmed"); err != nil {
			return aid.Outcome{}, err
		}
		c.ReasonCode = "stalled"
		if c.Status != aid.Approved {
			return withdraw(tx, c, in.Decision.Actor)
		}
		c.ReasonCode = notGoingOn(t)
		if _, err := stopPaying(tx, c, in.Decision.Actor, c.ReasonCode); err != nil {
			return aid.Outcome{}, err
		}
		return end(tx, c, aid.EventCancel, "case.closed", in.Decision.Actor, "closed")
	})
}

// notGoingOn is why an award ends that nothing was paid for: the household has
// not begun, or has not met a condition.
func notGoingOn(t *postgres.Task) string {
	var rule struct {
		Because string `json:"because"`
	}
	if json.Unmarshal(t.Rule, &rule) == nil && rule.Because == "condition_not_met" {
		return rule.Because
	}
	return "not_started"
}

// ownerOf is who keeps a case waiting that does not move.
func ownerOf(c *postgres.Case) aid.Owner {
	switch {
	case c.Status == aid.ActionNeeded:
		return aid.OwnerPartner
	case c.Stage == aid.Disbursement:
		return aid.OwnerHousehold
	}
	return aid.OwnerOffice
}

func waitOn(tx *postgres.Tx, c *postgres.Case, t *postgres.Task) (aid.Outcome, error) {
	if err := tx.CloseTask(t, aid.ResultRejected); err != nil {
		return aid.Outcome{}, err
	}
	c.Review++ // so that the question may be asked again
	if err := tx.SaveCase(c); err != nil {
		return aid.Outcome{}, err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return aid.Outcome{}, err
	}
	again := def.Stalled.Decide.AddTo(tx.Now, def.Location()).UTC()
	out := aid.Outcome{Result: aid.ResultPending}
	if err := tx.AlarmAgain(t.Subject, again); err != nil {
		return out, err
	}
	return out, tx.WaitForOpenTask(c, ownerOf(c))
}
