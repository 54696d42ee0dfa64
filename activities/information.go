package activities

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// returnToPartner sends a case back for information: every other open task is
// replaced, the clock of the office stops, the partner is asked. From the
// fourth return on, a person also decides whether the case goes on at all.
func returnToPartner(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, d aid.Decision) (aid.Outcome, error) {
	if earlier, err := returnedEarlier(tx, c, d); err != nil || earlier {
		if err != nil {
			return aid.Outcome{}, err
		}
		return returnToVerifier(tx, c, t, d)
	}
	if err := tx.RejectDocuments(c, d.ID, d.Actor, d.Reason); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.CloseTask(t, aid.ResultReturned); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.EndTasks(c, "replaced"); err != nil {
		return aid.Outcome{}, err
	}
	c.Returns++
	if err := tx.MoveCase(c, aid.EventReturn); err != nil {
		return aid.Outcome{}, err
	}
	err := tx.AddEvent(c, postgres.Event{Kind: "case.returned", Actor: d.Actor, Task: t.ID, Data: map[string]any{"reason_code": d.Reason, "returns": c.Returns}})
	if err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: aid.ResultReturned}, askPartner(tx, c, t.WorkflowID, d)
}

// returnedEarlier tells whether an approver asks the verifiers again, rather
// than the partner.
func returnedEarlier(tx *postgres.Tx, c *postgres.Case, d aid.Decision) (bool, error) {
	if c.Stage != aid.Approval {
		return false, nil
	}
	content, err := tx.Content(d.ID)
	if err != nil {
		return false, err
	}
	var data struct {
		To aid.Stage `json:"to"`
	}
	return json.Unmarshal(content.Data, &data) == nil && data.To == aid.Verification, nil
}

// returnToVerifier takes a case from approval back to verification, as the
// next review.
func returnToVerifier(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, d aid.Decision) (aid.Outcome, error) {
	if err := tx.CloseTask(t, aid.ResultReturned); err != nil {
		return aid.Outcome{}, err
	}
	if err := tx.EndTasks(c, "replaced"); err != nil {
		return aid.Outcome{}, err
	}
	c.Review++
	c.Returns++
	if err := tx.MoveCase(c, aid.EventReturnEarlier); err != nil {
		return aid.Outcome{}, err
	}
	err := tx.AddEvent(c, postgres.Event{Kind: "case.returned", Actor: d.Actor, Task: t.ID,
		Data: map[string]any{"reason_code": d.Reason, "to": aid.Verification, "returns": c.Returns}})
	if err != nil {
		return aid.Outcome{}, err
	}
	if err := openVerification(tx, c, t.WorkflowID); err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: aid.ResultReturned}, tooOften(tx, c, t.WorkflowID)
}

// tooOften asks, from the fourth return on, whether the case is to go on at
// all; meanwhile the verifiers go on.
func tooOften(tx *postgres.Tx, c *postgres.Case, workflow string) error {
	def, err := tx.Rules(c)
	if err != nil || c.Returns <= def.MaxReturns {
		return err
	}
	if err := openStalled(tx, c, workflow, "verification", "returned_too_often"); err != nil {
		return err
	}
	return tx.WaitForOpenTask(c, aid.OwnerOffice)
}

func askPartner(tx *postgres.Tx, c *postgres.Case, workflow string, d aid.Decision) error {
	items, err := tx.NamedItems(d.ID)
	if err != nil {
		return err
	}
	return question(tx, c, workflow, map[string]any{"because": "returned", "reason_code": d.Reason, "items": items})
}

// question asks the partner, and from the fourth return on a person too
// whether the case goes on at all.
func question(tx *postgres.Tx, c *postgres.Case, workflow string, rule map[string]any) error {
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	alarms := stalledAlarms(def, tx.Now)
	due := alarms[len(alarms)-1]
	id, err := tx.OpenTask(c, postgres.NewTask{Kind: aid.ProvideInformation, Workflow: workflow, Owner: aid.OwnerPartner,
		Rule: rule, Due: &due, Alarms: alarms})
	if err != nil || c.Returns <= def.MaxReturns {
		return err
	}
	if err := openStalled(tx, c, workflow, id, "returned_too_often"); err != nil {
		return err
	}
	return tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerPartner, Task: id})
}

// stalledAlarms are the programme's reminders to the partner and the day on
// which a person decides.
func stalledAlarms(def *programme.Definition, from time.Time) []time.Time {
	var all []time.Time
	for _, p := range append(append([]programme.Period{}, def.Stalled.Remind...), def.Stalled.Decide) {
		all = append(all, p.AddTo(from, def.Location()).UTC())
	}
	return all
}

// openStalled asks a verifier or manager whether a case that does not move
// should end. It never ends by itself.
func openStalled(tx *postgres.Tx, c *postgres.Case, workflow, subject, because string) error {
	_, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.DecideStalled, Workflow: workflow, Subject: subject,
		Rule: map[string]string{"because": because}})
	return err
}

// ProvideInformation applies a partner's answer: the new facts are written,
// the office's clock goes on, and the stage that asked is opened again as the
// next review.
func (a *Activities) ProvideInformation(ctx context.Context, in aid.ApprovalRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "provide_information", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		before := binding(c)
		if err := tx.ApplyInformation(c, in.Decision.ID); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.CloseTask(t, "provided"); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.EndTasks(c, "void", aid.DecideStalled); err != nil {
			return aid.Outcome{}, err
		}
		c.Review++
		reason, err := judge(tx, c, postgres.PhaseRequest)
		if err != nil {
			return aid.Outcome{}, err
		}
		changed := binding(c) != before
		if changed {
			c.Amount = nil
		}
		if err := tx.MoveCase(c, aid.EventProvide); err != nil {
			return aid.Outcome{}, err
		}
		if err := tx.AddEvent(c, postgres.Event{Kind: "case.resubmitted", Actor: in.Decision.Actor, Task: t.ID}); err != nil {
			return aid.Outcome{}, err
		}
		if reason != "" {
			return reject(tx, c, postgres.System, reason)
		}
		return resume(tx, c, in, changed)
	})
}

// binding is what an approval binds, as far as a partner can change it.
func binding(c *postgres.Case) string {
	return strconv.FormatInt(c.Norm(), 10) + " " + *c.PayeeAccountID
}

// resume opens the stage that had asked the partner. An answer that changes
// what an approval binds voids the approvals so far: the matrix runs again.
func resume(tx *postgres.Tx, c *postgres.Case, in aid.ApprovalRequest, changed bool) (aid.Outcome, error) {
	out := aid.Outcome{Result: aid.ResultPending}
	if c.Stage == aid.Verification {
		return out, openVerification(tx, c, in.Workflow)
	}
	if !changed && in.Next != nil {
		return out, askLevel(tx, c, in.Workflow, *in.Next)
	}
	return askFirst(tx, c, in.Workflow)
}

// askFirst asks the first level of the matrix.
func askFirst(tx *postgres.Tx, c *postgres.Case, workflow string) (aid.Outcome, error) {
	out := aid.Outcome{Result: aid.ResultPending}
	levels, err := levelsOf(tx, c)
	if postgres.Misconfigured(err) {
		return out, tx.ParkFor(c, postgres.Parking{Because: aid.CodeOf(err), Then: postgres.ThenAskFirst, Workflow: workflow})
	}
	if err != nil {
		return out, err
	}
	out.Levels = levels
	return out, askLevel(tx, c, workflow, levels[0])
}

// levelsOf evaluates the approval matrix of the case's programme.
func levelsOf(tx *postgres.Tx, c *postgres.Case) ([]aid.Level, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	levels, err := postgres.Levels(def.Levels(c.Norm()))
	if err == nil && len(levels) == 0 {
		err = aid.Refuse(aid.Conflict, "no_levels")
	}
	return levels, err
}
