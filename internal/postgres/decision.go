package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Intent is a decision that a person has asked for and that is not yet made.
// It is stored before the workflow hears of it, so that a decision is never
// lost between the two.
type Intent struct {
	ID          string // decision id, also the id of the workflow update
	Task        string
	Actor       string // staff subject, or the partner's id
	Behalf      string // in whose name, as a delegate; "": the actor's own, else the one delegation that gives it
	Partner     bool
	TaskVersion int // the version that the person saw (If-Match)
	Action      aid.Action
	Reason      string
	Amount      *int64 // minor units of the case's currency
	Note        string
	Data        json.RawMessage
	Faults      []aid.Fault // what the door found wrong with the content; told with the rest, to one who may decide
}

// IntentContent is what an intent keeps sealed: a note and data may be
// personal.
type IntentContent struct {
	Note string          `json:"note,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

// RecordedIntent says how a stored intent is to be applied.
type RecordedIntent struct {
	Decision aid.Decision
	Workflow string // the workflow to ask
	SQLOnly  bool   // apply with ApplyIntent, no workflow is involved
}

// RecordIntent checks a decision as far as PostgreSQL knows and stores it.
// The same checks are made again when it is applied. An intent that is stored
// already, and waits, is stored once.
//
// Errors: NotFound task_not_found (also when it is not the caller's to see);
// Forbidden wrong_role, wrong_level, not_delegated, four_eyes,
// conflict_of_interest; Conflict task_closed (params as of TooLate),
// task_claimed, already_decided, area_gone, conflict_unreviewed; Stale stale;
// Invalid required at /on_behalf_of when the decider acts for several who may,
// unknown_action, reason_required, unknown_reason, amount_not_allowed,
// amount_above_request, amount_above_level_limit, lowering_not_allowed,
// amount_above_payment, amount_not_by_committee, level_not_earlier, unknown_condition, and what the
// programme finds in a partner's answer; Conflict withdrawal_asked for a
// release, objection_open, condition_open or tranche_held, change_open
// or account_waits for a step towards a payment.
func (s *Store) RecordIntent(ctx context.Context, in Intent) (RecordedIntent, error) {
	var out RecordedIntent
	err := s.Write(ctx, func(tx *Tx) (err error) {
		out, err = tx.recordIntent(in)
		return err
	})
	return out, err
}

func (tx *Tx) recordIntent(in Intent) (RecordedIntent, error) {
	t, c, err := tx.taskForDecision(in.Task)
	if err != nil {
		return RecordedIntent{}, err
	}
	if in.Behalf, err = tx.checkIntent(c, t, in); err != nil {
		return RecordedIntent{}, err
	}
	if err := tx.insertIntent(c, t, in); err != nil {
		return RecordedIntent{}, err
	}
	rule, _ := aid.RuleOf(t.Kind)
	out := RecordedIntent{Workflow: t.WorkflowID, SQLOnly: rule.SQLOnly, Decision: aid.Decision{ID: in.ID, Task: t.ID, Kind: t.Kind,
		Actor: in.Actor, Behalf: in.Behalf, Action: in.Action, Reason: in.Reason}}
	if in.Amount != nil {
		out.Decision.Amount = *in.Amount
	}
	return out, nil
}

func (tx *Tx) taskForDecision(id string) (*Task, *Case, error) {
	var t Task
	if err := tx.get(&t, `SELECT `+taskColumns+` FROM tasks t WHERE t.id = $1`, id); errors.Is(err, sql.ErrNoRows) {
		return nil, nil, aid.Refuse(aid.NotFound, "task_not_found")
	} else if err != nil {
		return nil, nil, err
	}
	var c Case
	err := tx.get(&c, `SELECT `+caseColumns+` FROM cases c WHERE c.id = $1`, t.CaseID)
	tx.Now = tx.Wall.Add(time.Duration(c.ClockOffset * float64(time.Second))).Truncate(time.Microsecond)
	return &t, &c, err
}

// checkIntent judges an intent, and gives in whose name it would be applied.
func (tx *Tx) checkIntent(c *Case, t *Task, in Intent) (behalf string, err error) {
	if c, err = tx.asChanged(c, t); err != nil {
		return "", err
	}
	by, g, err := tx.standsOn(c, t, in.Actor, in.Behalf, in.Partner)
	if err != nil {
		return "", err
	}
	if t.ClosedAt != nil {
		return "", whyClosed(tx.get, t.ID)
	}
	if err := tx.mayTake(t, by); err != nil {
		return "", err
	}
	if err := g.clean(t, by); err != nil {
		return "", err
	}
	if err := by.notVoted(); err != nil {
		return "", err
	}
	if err := tx.notTheOther(t, by.Persons()); err != nil {
		return "", err
	}
	if t.Version != in.TaskVersion {
		return "", aid.Refuse(aid.Stale, "stale")
	}
	if err := tx.mayPay(c, t, in.Action); err != nil {
		return "", err
	}
	if err := tx.notOwnChange(t, by.Persons()); err != nil {
		return "", err
	}
	return by.Behalf, tx.checkContent(c, t, g.blocking, in)
}

func (tx *Tx) checkContent(c *Case, t *Task, blocking []string, in Intent) error {
	rule, _ := aid.RuleOf(t.Kind)
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	faults := slices.Clone(in.Faults)
	if !slices.Contains(rule.Actions, in.Action) {
		faults = append(faults, aid.Fault{Pointer: "/action", Code: "unknown_action"})
	}
	faults = append(faults, reasonFaults(c, t, def, in)...)
	faults = append(faults, amountFaults(c, t, def, in)...)
	if in.Action == aid.ActionReturn && in.Note == "" && len(namedItems(in.Data)) == 0 && len(reviewedPapers(in.Data)) == 0 {
		faults = append(faults, aid.Fault{Pointer: "/data/items", Code: "items_required"})
	}
	more, err := tx.checkData(c, t, def, blocking, in)
	if err != nil {
		return err
	}
	return aid.RefuseAll(append(faults, more...))
}

// checkData checks what only some kinds of decisions carry.
func (tx *Tx) checkData(c *Case, t *Task, def *programme.Definition, blocking []string, in Intent) ([]aid.Fault, error) {
	switch {
	case t.Kind == aid.ProvideInformation:
		return tx.answerFaults(c, def, in.Data)
	case aboutChange(t):
		return changeFaults(in), nil
	case t.Kind == aid.Approve && in.Action == aid.ActionApprove:
		faults, err := limitFaults(c, t, in)
		return slices.Concat(overrideFaults(def, blocking, in.Data), tx.conditionFaults(def, in.Data), faults), err
	case t.Kind == aid.Approve && in.Action == aid.ActionReturn:
		return tx.returnFaults(c, in)
	case t.Kind == aid.FieldVisit && in.Action == aid.ActionComplete:
		return tx.visitFaults(t, def, in.Data)
	case t.Kind == aid.PreparePayment:
		return tx.partFaults(t, def, in)
	case t.Kind == aid.PostPublicly:
		return tx.postingFaults(c, def, in.Data), nil
	case (t.Kind == aid.RecordCheck || t.Kind == aid.Advise) && in.Note == "":
		return []aid.Fault{{Pointer: "/note", Code: "required"}}, nil
	case t.Kind == aid.ResolvePayment:
		return tx.outcomeFaults(t, in.Data)
	case t.Kind == aid.VerifyDocuments:
		return tx.papersFaults(c, def, in.Action, in.Data)
	}
	return nil, nil
}

func (tx *Tx) insertIntent(c *Case, t *Task, in Intent) error {
	content, err := json.Marshal(IntentContent{Note: in.Note, Data: in.Data})
	if err != nil {
		return err
	}
	sealed, err := tx.vault.Seal("decisions", "sealed", in.ID, content)
	if err != nil {
		return err
	}
	n, err := tx.exec(`
		INSERT INTO decisions (id, task_id, case_id, actor, action, reason_code, amount, sealed, task_version, state, asked_at, behalf)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'intent', $10, $11) ON CONFLICT (id) DO NOTHING`,
		in.ID, t.ID, c.ID, in.Actor, in.Action, in.Reason, in.Amount, sealed, t.Version, tx.Wall, in.Behalf)
	if err != nil || n == 1 {
		return err
	}
	return tx.sameIntent(in)
}

// sameIntent lets a copy of an intent pass that still waits: whoever stored it
// did not hear that it was stored.
func (tx *Tx) sameIntent(in Intent) error {
	var same bool
	err := tx.get(&same, `SELECT state = 'intent' AND task_id = $2 AND actor = $3 AND action = $4 AND reason_code = $5 AND amount IS NOT DISTINCT FROM $6
		AND behalf = $7 FROM decisions WHERE id = $1`, in.ID, in.Task, in.Actor, in.Action, in.Reason, in.Amount, in.Behalf)
	if err == nil && !same {
		return aid.Refuse(aid.Conflict, "already_decided")
	}
	return err
}

// ApplyDecision makes a stored intent a fact, within the step that carries it:
// it locks the task, checks again the authority of the decider and of the
// principal in whose name it is, and that the task is still what the decider
// saw, and enters the duty of both (the database refuses a second one). Whether
// the decider is in the chair is kept with the decision. The caller closes the
// task.
//
// Errors: those of RecordIntent; Conflict intent_gone.
func (tx *Tx) ApplyDecision(c *Case, d aid.Decision) (*Task, bool, error) {
	t, err := tx.LockTask(c, d.Task)
	if err != nil {
		return nil, false, err
	}
	seen, err := tx.asChanged(c, t)
	if err != nil {
		return nil, false, err
	}
	by, g, err := tx.standsOn(seen, t, d.Actor, d.Behalf, t.Kind == aid.ProvideInformation)
	if err != nil {
		return nil, false, err
	}
	if by.Behalf != d.Behalf { // the own role has ended meanwhile
		return nil, false, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	tx.acting = by
	if err := tx.freeFor(c, t, by); err != nil {
		return nil, false, err
	}
	if err := g.clean(t, by); err != nil {
		return nil, false, err
	}
	if err := by.notVoted(); err != nil {
		if gone := tx.whyNotApplied(d.ID); aid.CodeOf(gone) == "intent_gone" {
			return nil, false, gone // it is this very decision that was made
		}
		return nil, false, err
	}
	if err := tx.mayPay(c, t, d.Action); err != nil {
		return nil, false, err
	}
	if err := tx.notOwnChange(t, by.Persons()); err != nil {
		return nil, false, err
	}
	if err := tx.notTheOther(t, by.Persons()); err != nil {
		return nil, false, err
	}
	if err := tx.overrule(c, d, g.blocking); err != nil {
		return nil, false, err
	}
	hash, chair := g.boundHash(seen), by.Chair && t.Kind == aid.Approve
	var sealed []byte
	err = tx.get(&sealed, `UPDATE decisions SET state = 'applied', decided_at = $2, bound_hash = $3, amount = coalesce(amount, $4), chair = $5
		WHERE id = $1 AND state = 'intent' AND task_version = $6 AND actor = $7 AND behalf = $8 RETURNING sealed`,
		d.ID, tx.Now, hash, approvedAmount(seen, t), chair, t.Version, d.Actor, d.Behalf)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, tx.whyNotApplied(d.ID)
	}
	if err != nil {
		return nil, false, err
	}
	tx.voted(t, g.votes, aid.Vote{Actor: d.Actor, Action: d.Action, Chair: chair})
	if err := tx.stateConditions(c, d, sealed); err != nil {
		return nil, false, err
	}
	return t, by.Chair, tx.AddEvent(c, Event{Kind: "task.decided", Actor: d.Actor, Task: t.ID, Data: map[string]any{
		"task_kind": t.Kind, "level": t.Level, "action": d.Action, "reason_code": d.Reason, "decision": d.ID}})
}

func (tx *Tx) whyNotApplied(decision string) error {
	var waits bool
	err := tx.get(&waits, `SELECT EXISTS (SELECT 1 FROM decisions WHERE id = $1 AND state = 'intent')`, decision)
	switch {
	case err != nil:
		return err
	case waits:
		return aid.Refuse(aid.Stale, "stale")
	}
	return aid.Refuse(aid.Conflict, "intent_gone")
}

// approvedAmount is the amount that an approval binds when it names none.
func approvedAmount(c *Case, t *Task) *int64 {
	if t.Kind != aid.Approve {
		return nil
	}
	amount := c.Asking()
	return &amount
}

// Content opens what a decision keeps sealed.
func (tx *Tx) Content(decision string) (IntentContent, error) {
	var sealed []byte
	var content IntentContent
	if err := tx.get(&sealed, `SELECT sealed FROM decisions WHERE id = $1`, decision); err != nil {
		return content, err
	}
	return content, tx.open("decisions", "sealed", decision, sealed, &content)
}

// heardDirectly is how long whoever decides waits for the answer at most: a
// refusal that comes later is told.
const heardDirectly = 10 * time.Second

// RefuseIntent records that an intent was refused, and why, in the decision
// and in the audit; one that comes so late that nobody waits for the answer any
// more is told. An intent that was applied meanwhile stays applied.
func (s *Store) RefuseIntent(ctx context.Context, decision string, kind aid.Kind, code string) error {
	return s.Write(ctx, func(tx *Tx) error {
		var d struct {
			Case string `db:"case_id"`
			Task string `db:"task_id"`
			Standing
			Asked   time.Time `db:"asked_at"`
			Batched bool      `db:"batched"`
		}
		err := tx.get(&d, `UPDATE decisions SET state = 'refused', refusal = $2, refusal_kind = $3 WHERE id = $1 AND state = 'intent'
			RETURNING case_id, task_id, actor, behalf, asked_at, batch_id IS NOT NULL AS batched`, decision, code, kind)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		tx.acting = d.Standing
		if tx.Wall.Sub(d.Asked) >= heardDirectly && !d.Batched { // who asked was answered 202, and has gone; a batch tells its own end
			if err := tx.Tell(Notice{Kind: "task.decision_refused", Case: d.Case, Task: d.Task, Subject: decision, Actor: d.Actor}); err != nil {
				return err
			}
		}
		return tx.AddAudit(d.Actor, "decide", decision, "refused", code)
	})
}

// PendingIntent is an intent whose update has to be sent again.
type PendingIntent struct {
	Decision aid.Decision
	Workflow string
	AskedAt  time.Time
}

// PendingIntents gives intents older than the given age, for the sweep.
func (s *Store) PendingIntents(ctx context.Context, age time.Duration) ([]PendingIntent, error) {
	var rows []struct {
		ID       string       `db:"id"`
		Task     string       `db:"task_id"`
		Kind     aid.TaskKind `db:"kind"`
		Actor    string       `db:"actor"`
		Behalf   string       `db:"behalf"`
		Action   aid.Action   `db:"action"`
		Reason   string       `db:"reason_code"`
		Amount   int64        `db:"amount"`
		Workflow string       `db:"workflow_id"`
		AskedAt  time.Time    `db:"asked_at"`
	}
	err := s.list(ctx, &rows, `
		SELECT d.id, d.task_id, t.kind, d.actor, d.behalf, d.action, d.reason_code, coalesce(d.amount, 0) AS amount, t.workflow_id, d.asked_at
		FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE d.state = 'intent' AND d.asked_at < $1
		ORDER BY d.asked_at LIMIT 100`, s.Now().Add(-age))
	var out []PendingIntent
	for _, r := range rows {
		out = append(out, PendingIntent{Workflow: r.Workflow, AskedAt: r.AskedAt, Decision: aid.Decision{ID: r.ID, Task: r.Task,
			Kind: r.Kind, Actor: r.Actor, Behalf: r.Behalf, Action: r.Action, Reason: r.Reason, Amount: r.Amount}})
	}
	return out, err
}

// ExpireIntent gives up an intent that could not be applied in time. Its
// person is told: in the timeline of the case, and in the audit.
func (s *Store) ExpireIntent(ctx context.Context, decision string) error {
	return s.Write(ctx, func(tx *Tx) error {
		var d struct {
			Case   string     `db:"case_id"`
			Task   string     `db:"task_id"`
			Actor  string     `db:"actor"`
			Behalf string     `db:"behalf"`
			Action aid.Action `db:"action"`
		}
		if err := tx.get(&d, `SELECT case_id, task_id, actor, behalf, action FROM decisions WHERE id = $1`, decision); err != nil {
			return err
		}
		c, err := tx.LockCase(d.Case)
		if err != nil {
			return err
		}
		n, err := tx.exec(`UPDATE decisions SET state = 'expired' WHERE id = $1 AND state = 'intent'`, decision)
		if err != nil || n == 0 {
			return err
		}
		tx.acting = Standing{Actor: d.Actor, Behalf: d.Behalf}
		err = tx.AddEvent(c, Event{Kind: "task.decision_expired", Actor: d.Actor, Task: d.Task, Data: map[string]any{"action": d.Action, "decision": decision}})
		if err != nil {
			return err
		}
		return tx.AddAudit(d.Actor, "decide", decision, "refused", "expired")
	})
}
