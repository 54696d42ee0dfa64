package activities

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Attend does everything that has come due in a workflow: reminders, breaches
// and their escalation, and the question whether a case that does not move
// should end. A breach never closes a task and never decides.
func (a *Activities) Attend(ctx context.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "attend", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		alarms, err := tx.DueAlarms(in.Workflow)
		if err != nil {
			return aid.Outcome{}, err
		}
		for _, alarm := range alarms {
			if err := ring(tx, c, in.Workflow, alarm); err != nil {
				return aid.Outcome{}, err
			}
		}
		return aid.Outcome{Result: aid.ResultPending}, nil
	})
}

func ring(tx *postgres.Tx, c *postgres.Case, workflow string, alarm postgres.Alarm) error {
	data := map[string]any{"task_kind": alarm.Kind, "level": alarm.Level, "alarm_at": alarm.At}
	event := func(kind string) error {
		return tx.AddEvent(c, postgres.Event{Kind: kind, Actor: postgres.System, Task: alarm.Task, Data: data})
	}
	switch {
	case !alarm.Breach && alarm.Kind == aid.ProvideInformation:
		return event("task.partner_reminded")
	case !alarm.Breach:
		if err := event("task.reminded"); err != nil {
			return err
		}
		return event("case.sla_at_risk")
	case alarm.Kind == aid.ProvideInformation:
		return stalled(tx, c, workflow, alarm.Task, "no_answer", event)
	case alarm.Kind == aid.ConfirmMilestone:
		return stalled(tx, c, workflow, alarm.Task, "not_started", event)
	}
	if err := event("case.sla_breached"); err != nil {
		return err
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
		c.ReasonCode = "not_started"
		if _, err := stopPaying(tx, c, in.Decision.Actor); err != nil {
			return aid.Outcome{}, err
		}
		return end(tx, c, aid.EventCancel, "case.closed", in.Decision.Actor, "closed")
	})
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
	owner := aid.OwnerPartner
	if c.Stage == aid.Disbursement {
		owner = aid.OwnerHousehold
	}
	return out, tx.WaitForOpenTask(c, owner)
}
