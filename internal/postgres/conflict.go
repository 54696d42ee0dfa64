package postgres

import (
	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// Conflicts of interest. Who is related to whom a case is for is what the view
// conflicts says; who holds which duty is what the applied decisions say (view
// case_holders) and what the database has kept of them (case_duties). The
// program asks before every decision, on its own; the triggers ask again.

// clear refuses a decision on a task by somebody who is related to whom the
// case is for or who holds another duty in it. The same holds for the
// principal behalf of a delegate; "" when there is none.
//
// Errors: Forbidden conflict_of_interest, four_eyes (params held, wanted).
func (tx *Tx) clear(c *Case, t *Task, actor, behalf string) error {
	if t.Kind == aid.ProvideInformation { // a partner's
		return nil
	}
	var hands []hand
	err := tx.list(&hands, `
		SELECT p.person, coalesce(h.duty, '') AS duty, EXISTS (SELECT 1 FROM conflicts k WHERE k.case_id = $1 AND k.person = p.person) AS related
		FROM unnest($2::text[]) AS p (person) LEFT JOIN (SELECT person, duty FROM case_holders WHERE case_id = $1
			UNION SELECT person, duty FROM case_duties WHERE case_id = $1) h USING (person)
		ORDER BY related DESC, duty`, c.ID, pq.Array(aid.Hands(aid.Decision{Actor: actor, Behalf: behalf})))
	if err != nil {
		return err
	}
	for _, h := range hands {
		if err := h.mayHold(t); err != nil {
			return err
		}
	}
	return nil
}

// Unrelated refuses to give a task of a case to somebody who is related to
// whom the case is for.
//
// Errors: Forbidden conflict_of_interest.
func (tx *Tx) Unrelated(caseID string, persons ...string) error {
	var related bool
	err := tx.get(&related, `SELECT EXISTS (SELECT 1 FROM conflicts WHERE case_id = $1 AND person = ANY($2))`, caseID, pq.Array(persons))
	if err == nil && related {
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	}
	return err
}

// heldBack tells whether a decision that stands behind the payment $3 of the
// case $1 was made by somebody who turned out to be related, and no manager has
// looked at it. Such a decision on another payment does not hold this one back.
const heldBack = `EXISTS (SELECT 1 FROM conflicted_decisions x WHERE x.case_id = $1 AND NOT x.made_again AND NOT x.reviewed
	AND (x.kind NOT IN ('prepare_payment', 'release_payment') OR x.subject = $3
	     OR x.subject = (SELECT retry_of FROM payments WHERE id = $3)))`

// FindConflicts brings what a new relation, a recusal or other people in the
// request have changed to everybody's knowledge: who may not decide any more
// loses the tasks that were claimed, and what they have decided is told to a
// manager, once. A case that was parked because nobody could decide goes on when
// somebody can again. Nothing that was decided is undone: until the manager has
// looked, no payment of the case goes out.
func (tx *Tx) FindConflicts(c *Case) error {
	if err := tx.tellConflicts(c); err != nil {
		return err
	}
	var open []Task
	err := tx.list(&open, `SELECT `+taskColumns+` FROM tasks t WHERE t.case_id = $1 AND t.closed_at IS NULL ORDER BY t.opened_at, t.id`, c.ID)
	if err != nil {
		return err
	}
	for i := range open {
		if err := tx.takeFromRelated(c, &open[i]); err != nil {
			return err
		}
		if err := tx.parkAgain(c, &open[i]); err != nil {
			return err
		}
	}
	return nil
}

// lookForConflicts is FindConflicts for what comes from outside the case's
// workflow: it is told to look, because who is barred is part of what it knows.
func (tx *Tx) lookForConflicts(caseID string) error {
	c, err := tx.LockCase(caseID)
	if err != nil {
		return err
	}
	if err := tx.FindConflicts(c); err != nil || c.WorkflowID == "" || !c.Status.Open() {
		return err
	}
	return tx.SendSignal(c.WorkflowID, SignalLook)
}

// tellConflicts writes an event of the decisions that nobody was told of yet.
// It names decisions; who made them, and no more, is told by those.
func (tx *Tx) tellConflicts(c *Case) error {
	var found []string
	err := tx.list(&found, `SELECT DISTINCT x.decision_id FROM conflicted_decisions x
		WHERE x.case_id = $1 AND NOT x.made_again AND NOT x.reviewed AND NOT EXISTS (SELECT 1 FROM events e
			WHERE e.case_id = $1 AND e.kind = 'case.conflict_found' AND e.data -> 'decisions' @> to_jsonb(x.decision_id)) ORDER BY 1`, c.ID)
	if err != nil || len(found) == 0 {
		return err
	}
	if err := tx.AddEvent(c, Event{Kind: "case.conflict_found", Actor: System, Data: map[string]any{"decisions": found}}); err != nil {
		return err
	}
	return tx.AddAudit(System, "find_conflict", c.ID, "done", "")
}

// takeFromRelated gives a task back to the pool whose holder may not decide it
// any more, or whose holder has it for somebody who may not. A question to a
// colleague who may not answer any more is void: nobody else was asked.
func (tx *Tx) takeFromRelated(c *Case, t *Task) error {
	if t.Holder(tx.Now) == "" {
		return nil
	}
	by := []string{*t.Assignee}
	if t.AssignedFor != nil {
		by = append(by, *t.AssignedFor)
	}
	if err := tx.Unrelated(c.ID, by...); aid.CodeOf(err) != "conflict_of_interest" {
		return err
	}
	if t.Kind == aid.Advise {
		return tx.withdrawQuestion(c, t)
	}
	return tx.unclaim(c, t, Event{Kind: "task.released", Actor: System})
}
