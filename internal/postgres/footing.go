package postgres

import (
	"encoding/json"
	"slices"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// A decision asks the same things of everybody: what one may, what one holds,
// what blocks, to whom the money would go. They are read together: each
// question is an exchange with the server, and there are many decisions.

// footing is what a decision on a task stands on, as of now.
type footing struct {
	grants   []grant
	hands    []hand
	blocking []string // keys of findings, in order
	votes    []ballot // applied decisions on the task, in their order
	account  []byte   // hash of the payee's account; nil without one
}

// ballot is an applied decision on a task.
type ballot struct {
	Actor  string     `json:"actor"`
	Behalf string     `json:"behalf"`
	Action aid.Action `json:"action"`
	Chair  bool       `json:"chair"`
}

// of tells whether it was made by one of the persons, or in the name of one.
func (b ballot) of(persons []string) bool {
	return slices.Contains(persons, b.Actor) || slices.Contains(persons, b.Behalf)
}

// hand is a duty that the actor, or one for whom the actor may act, holds in
// the case. Who holds none has one without a duty.
type hand struct {
	Person  string `json:"person" db:"person"`
	Duty    string `json:"duty" db:"duty"`
	Related bool   `json:"related" db:"related"` // to whom the case is for
}

func (tx *Tx) footingOf(c *Case, t *Task, actor string) (*footing, error) {
	var row struct {
		Grants   []byte         `db:"grants"`
		Hands    []byte         `db:"hands"`
		Votes    []byte         `db:"votes"`
		Blocking pq.StringArray `db:"blocking"`
		Account  []byte         `db:"account"`
		Grounds  int64          `db:"grounds"`
	}
	err := tx.get(&row, footingQuery, actor, tx.Wall, t.Area, c.Programme, c.Asking(), t.ID, c.ID, c.Round, c.PayeeAccountID)
	if err != nil {
		return nil, err
	}
	g := &footing{blocking: row.Blocking, account: row.Account}
	if err := json.Unmarshal(row.Grants, &g.grants); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(row.Votes, &g.votes); err != nil {
		return nil, err
	}
	tx.grounds = row.Grounds
	return g, json.Unmarshal(row.Hands, &g.hands)
}

const footingQuery = `
	WITH acting AS (` + lent + `),
	grants AS (
		SELECT a.behalf, a.delegation, r.role, r.level, r.committee, r.chair, EXISTS (SELECT 1 FROM areas WHERE code = $3 AND gone) AS gone,
		       (r.programmes = '{}' OR $4 = ANY(r.programmes)) AND (a.only = '{}' OR $4 = ANY(a.only)) AND coalesce(a.ceiling >= $5, true) AS in_scope
		FROM acting a JOIN staff_roles r ON r.subject = a.person
		WHERE r.area = ANY((SELECT CASE WHEN closed_at IS NULL THEN path ELSE area_path(area) END FROM tasks WHERE id = $6)::text[]) AND EXISTS (SELECT 1 FROM staff s WHERE s.subject = $1 AND s.disabled_at IS NULL) AND ` + lends + `),
	held AS (
		SELECT person, duty FROM case_holders WHERE case_id = $7
		UNION SELECT person, duty FROM case_duties WHERE case_id = $7),
	hands AS (
		SELECT p.person, coalesce(h.duty, '') AS duty, conflicted($7, p.person) AS related
		FROM (SELECT DISTINCT person FROM acting) p LEFT JOIN held h USING (person))
	SELECT coalesce((SELECT jsonb_agg(to_jsonb(g)) FROM grants g), '[]') AS grants,
	       coalesce((SELECT jsonb_agg(to_jsonb(h) ORDER BY h.related DESC, h.duty) FROM hands h), '[]') AS hands,
	       coalesce((SELECT jsonb_agg(jsonb_build_object('actor', actor, 'behalf', behalf, 'action', action, 'chair', chair) ORDER BY decided_at, id)
	                 FROM decisions WHERE task_id = $6 AND state = 'applied'), '[]') AS votes,
	       ARRAY(SELECT key FROM case_findings WHERE case_id = $7 AND round = $8 AND ` + blocks + ` ORDER BY key) AS blocking,
	       (SELECT account_hash FROM payee_accounts WHERE id = $9) AS account, (SELECT grounds FROM area_tree) AS grounds`

// clean refuses a decision on a task by somebody who is related to whom the
// case is for or who holds another duty in it, for actor and principal alike.
//
// Errors: as of Tx.clear.
func (g *footing) clean(t *Task, by Standing) error {
	if t.Kind == aid.ProvideInformation { // a partner's
		return nil
	}
	persons := by.Persons()
	for _, h := range g.hands {
		if !slices.Contains(persons, h.Person) {
			continue
		}
		if err := h.mayHold(t); err != nil {
			return err
		}
	}
	return nil
}

func (h hand) mayHold(t *Task) error {
	if h.Related {
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	}
	if !aid.MayHold(h.Duty, t.Duty) {
		return aid.Refuse(aid.Forbidden, "four_eyes", "held", h.Duty, "wanted", t.Duty)
	}
	return nil
}
