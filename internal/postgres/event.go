package postgres

import (
	"encoding/json"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// Event is one thing that happened to a case. Data holds codes, ids and
// amounts, never anything personal.
type Event struct {
	Kind   string
	Actor  string // a staff subject, a partner id, or "system"
	Behalf string // in whose name, when a delegate acted; the decider's principal is filled in
	Task   string
	Data   map[string]any
}

// System is the actor of what nobody in particular did.
const System = "system"

// AddEvent appends an event to the case's timeline, in the transaction of the
// fact itself. A kind that aid.NoticeRules lists tells people as well: those of
// its audience, and the staff whom Data names in "to", "superior" or "assignee"
// (a subject or several).
func (tx *Tx) AddEvent(c *Case, e Event) error {
	if e.Data == nil {
		e.Data = map[string]any{}
	}
	if e.Behalf == "" {
		e.Behalf = tx.behalfOf(e.Actor)
	}
	e.Data["programme_version"] = c.ProgrammeVersion
	raw, err := json.Marshal(e.Data)
	if err != nil {
		return err
	}
	if rule, tells := aid.NoticeOf(e.Kind); tells && (!rule.CaseOnly || e.Task == "") {
		return tx.one(`WITH event AS (`+insertEvent+` RETURNING id, case_id, kind, actor, task_id)
			INSERT INTO notices (kind, event_id, case_id, task_id, actor, named, at)
			SELECT kind, id, case_id, task_id, actor, $10, $11 FROM event`,
			NewID(aid.EventID), c.ID, e.Kind, tx.Now, e.Actor, e.Task, c.Version, raw, e.Behalf, pq.Array(named(e.Data)), tx.Wall)
	}
	return tx.one(insertEvent, NewID(aid.EventID), c.ID, e.Kind, tx.Now, e.Actor, e.Task, c.Version, raw, e.Behalf)
}

const insertEvent = `INSERT INTO events (id, case_id, n, kind, at, actor, task_id, version, data, behalf)
	SELECT $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, nullif($6, ''), $7, $8, $9 FROM events WHERE case_id = $2`
