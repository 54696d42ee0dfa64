package postgres

import (
	"encoding/json"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// parkIfNobody calls an administrator when those who may still decide an open
// task cannot bring it to its end. The repair names the task, and ends with it.
func (tx *Tx) parkIfNobody(c *Case, t *Task) error {
	enough, err := tx.decidable(c, t)
	if err != nil || enough {
		return err
	}
	return tx.callAdministrator(c, t.WorkflowID, t.ID, map[string]any{"because": "nobody_can_decide", "task": t.ID, "task_kind": t.Kind, "level": t.Level})
}

// callAdministrator parks a case: it opens the repair of a subject, once, and
// tells the timeline.
func (tx *Tx) callAdministrator(c *Case, workflow, subject string, rule map[string]any) error {
	id, err := tx.OpenTask(c, NewTask{Kind: aid.RepairConfiguration, Workflow: workflow, Subject: subject, Rule: rule, Owner: aid.OwnerOffice})
	if err != nil {
		return err
	}
	var told bool
	err = tx.get(&told, `SELECT EXISTS (SELECT 1 FROM events WHERE case_id = $1 AND task_id = $2 AND kind = 'case.parked')`, c.ID, id)
	if err != nil || told {
		return err
	}
	c.Parked = true
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "case.parked", Actor: System, Task: id, Data: rule})
}

// decidable tells whether an open task can still be brought to its end: by the
// persons who hold a role for it today, in its area or above, but for those
// whom another duty in this case bars, those who are related to whom it is for,
// and those who have voted, or in whose name was voted. A delegate adds nobody:
// it is the principal's vote.
func (tx *Tx) decidable(c *Case, t *Task) (bool, error) {
	if t.Kind == aid.ProvideInformation || t.Kind == aid.RepairConfiguration || t.Kind == aid.Advise {
		return true, nil // a partner's, an administrator's; nothing waits for advice
	}
	level, err := levelOf(t)
	if err != nil {
		return false, err
	}
	var turnout aid.Turnout
	rule, _ := aid.RuleOf(t.Kind)
	err = tx.get(&turnout, `
		WITH votes AS (SELECT actor, behalf, action, chair FROM decisions WHERE task_id = $7 AND state = 'applied'),
		holders AS MATERIALIZED (SELECT person, duty FROM case_holders WHERE case_id = $5),
		able AS (
			SELECT r.subject, bool_or(r.chair) AS chair
			FROM staff_roles r JOIN staff s USING (subject)
			WHERE r.area = ANY(coalesce((SELECT path FROM tasks WHERE id = $7 AND closed_at IS NULL), area_path($1))) AND s.disabled_at IS NULL AND r.role = ANY($2) AND ($3 = '' OR r.level = $3) AND (r.committee OR NOT $4) AND (r.programmes = '{}' OR $8 = ANY(r.programmes))
			  AND NOT EXISTS (SELECT 1 FROM votes v WHERE v.actor = r.subject OR v.behalf = r.subject)
			  AND NOT EXISTS (SELECT 1 FROM holders d WHERE d.person = r.subject
			                  AND CASE $6 WHEN '' THEN false WHEN 'follow_up' THEN d.duty = 'verify' ELSE d.duty <> $6 END)
			  AND NOT conflicted($5, r.subject)
			GROUP BY r.subject)
		SELECT (SELECT count(*) FROM able) AS able, coalesce((SELECT bool_or(chair) FROM able), false) AS able_chair,
		       count(*) AS voted, count(*) FILTER (WHERE action = 'approve') AS approved, coalesce(bool_or(chair), false) AS chair FROM votes`,
		t.Area, pq.Array(rule.Roles), t.Level, level.Mode == aid.ModeCommittee && t.Kind == aid.Approve, c.ID, t.Duty, t.ID, c.Programme)
	return level.Decidable(turnout), err
}

// levelOf is how many it takes to decide a task: for an approval what its
// level says, two for the end of a payment that nobody knows and for money that
// is written off, else one.
func levelOf(t *Task) (aid.Level, error) {
	switch t.Kind {
	case aid.Approve:
		var level aid.Level
		return level, json.Unmarshal(t.Rule, &level)
	case aid.ResolvePayment, aid.RecoverMoney:
		return aid.Level{Mode: aid.ModeCommittee, Quorum: 2}, nil
	}
	return aid.Level{Mode: aid.ModeAny}, nil
}
