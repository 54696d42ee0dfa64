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

// sendBack returns a case to where the decision says: to the partner, or, by an
// approver, to the verification or an earlier level.
func sendBack(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, d aid.Decision) (aid.Outcome, error) {
	back, err := tx.ReturnOf(d.ID)
	switch {
	case err != nil:
		return aid.Outcome{}, err
	case c.Stage != aid.Approval || back.To == "" || back.To == "partner":
		return returnToPartner(tx, c, t, d, back)
	case back.To == string(aid.Verification):
		return returnToVerifier(tx, c, t, d, back)
	}
	return returnToLevel(tx, c, t, d, back.To)
}

// returnToPartner sends a case back for information: every other open task is
// replaced, the clock of the office stops, the partner is asked. From the
// fourth return on, a person also decides whether the case goes on at all.
func returnToPartner(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, d aid.Decision, back postgres.Return) (aid.Outcome, error) {
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
	return aid.Outcome{Result: aid.ResultReturned}, askPartner(tx, c, t.WorkflowID, d, back)
}

// returnToVerifier takes a case from approval back to verification, as the
// next review. Only the tasks that the decision names are done again.
func returnToVerifier(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, d aid.Decision, back postgres.Return) (aid.Outcome, error) {
	err := nextReview(tx, c, t, func() error { return tx.MoveCase(c, aid.EventReturnEarlier) })
	if err != nil {
		return aid.Outcome{}, err
	}
	data := map[string]any{"reason_code": d.Reason, "to": back.To, "returns": c.Returns}
	if len(back.Tasks) > 0 {
		data["tasks"] = back.Tasks
	}
	if err := tx.AddEvent(c, postgres.Event{Kind: "case.returned", Actor: d.Actor, Task: t.ID, Data: data}); err != nil {
		return aid.Outcome{}, err
	}
	if err := reopenVerification(tx, c, t.WorkflowID, back.Tasks); err != nil {
		return aid.Outcome{}, err
	}
	return aid.Outcome{Result: aid.ResultReturned}, tooOften(tx, c, t.WorkflowID)
}

// returnToLevel asks an earlier level of the approval again, as the next
// review. What the levels between had approved stands, unless that level now
// changes what they have bound.
func returnToLevel(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, d aid.Decision, level string) (aid.Outcome, error) {
	if err := tx.AskAgain(c, level, d.ID); err != nil {
		return aid.Outcome{}, err
	}
	if err := nextReview(tx, c, t, func() error { return tx.SaveCase(c) }); err != nil {
		return aid.Outcome{}, err
	}
	err := tx.AddEvent(c, postgres.Event{Kind: "case.returned", Actor: d.Actor, Task: t.ID,
		Data: map[string]any{"reason_code": d.Reason, "to": level, "returns": c.Returns}})
	if err != nil {
		return aid.Outcome{}, err
	}
	out, err := askRest(tx, c, t.WorkflowID)
	if err != nil {
		return out, err
	}
	out.Result = aid.ResultReturned
	return out, tooOften(tx, c, t.WorkflowID)
}

// nextReview ends what is open and counts a return within the office.
func nextReview(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, move func() error) error {
	if err := tx.CloseTask(t, aid.ResultReturned); err != nil {
		return err
	}
	if err := tx.EndTasks(c, "replaced"); err != nil {
		return err
	}
	c.Review++
	c.Returns++
	return move()
}

// tooOften asks, from the fourth return on, whether the case is to go on at
// all; meanwhile those who were asked go on.
func tooOften(tx *postgres.Tx, c *postgres.Case, workflow string) error {
	def, err := tx.Rules(c)
	if err != nil || c.Returns <= def.MaxReturns {
		return err
	}
	if err := openStalled(tx, c, workflow, string(c.Stage), "returned_too_often"); err != nil {
		return err
	}
	return tx.WaitForOpenTask(c, aid.OwnerOffice)
}

func askPartner(tx *postgres.Tx, c *postgres.Case, workflow string, d aid.Decision, back postgres.Return) error {
	items, err := tx.NamedItems(d.ID)
	if err != nil {
		return err
	}
	rule := map[string]any{"because": "returned", "reason_code": d.Reason, "items": items}
	if len(back.Tasks) > 0 {
		rule["tasks"] = back.Tasks
	}
	return question(tx, c, workflow, rule)
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
		return resume(tx, c, t, in.Workflow)
	})
}

// binding is what an approval binds, as far as a partner can change it.
func binding(c *postgres.Case) string {
	return strconv.FormatInt(c.Norm(), 10) + " " + *c.PayeeAccountID
}

// resume opens the stage that had asked the partner. What is not asked again
// stands: of the verification what was completed and not named, of the
// approvals those whose amount, payee, account and fund the answer has not
// changed.
func resume(tx *postgres.Tx, c *postgres.Case, t *postgres.Task, workflow string) (aid.Outcome, error) {
	if c.Stage != aid.Verification {
		return askRest(tx, c, workflow)
	}
	var asked postgres.Return
	if err := json.Unmarshal(t.Rule, &asked); err != nil {
		return aid.Outcome{}, err
	}
	if len(asked.Tasks) > 0 { // somebody looks at the answer
		asked.Tasks = append(asked.Tasks, aid.VerifyDocuments)
	}
	return aid.Outcome{Result: aid.ResultPending}, reopenVerification(tx, c, workflow, asked.Tasks)
}

// askRest asks the first levels of the matrix whose approval does not stand,
// and tells the workflow which follow.
func askRest(tx *postgres.Tx, c *postgres.Case, workflow string) (aid.Outcome, error) {
	out := aid.Outcome{Result: aid.ResultPending}
	levels, skipped, err := tx.Way(c)
	if postgres.Misconfigured(err) {
		return out, tx.ParkFor(c, postgres.Parking{Because: aid.CodeOf(err), Then: postgres.ThenAskFirst, Workflow: workflow})
	}
	if err != nil {
		return out, err
	}
	if out.Levels, err = remaining(tx, c, levels); err != nil {
		return out, err
	}
	out.Skipped = skipped
	if err := tellSkipped(tx, c, skipped); err != nil {
		return out, err
	}
	return out, askLevels(tx, c, workflow, aid.Group(out.Levels, 0))
}

// remaining gives the levels that are still to be asked. When every approval
// stands, because less is asked for than before, the last one says that the
// case goes on.
func remaining(tx *postgres.Tx, c *postgres.Case, levels []aid.Level) ([]aid.Level, error) {
	if c.Review == 1 {
		return levels, nil
	}
	rest, err := tx.Remaining(c, levels)
	if err == nil && len(rest) == 0 {
		last := levels[len(levels)-1]
		rest = aid.Pick(levels, func(l aid.Level) bool { return l.Name == last.Name })
	}
	return rest, err
}
