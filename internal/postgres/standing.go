package postgres

import (
	"encoding/json"
	"slices"

	"github.com/aidflow/aidflow/aid"
)

// What an approval binds is the amount, as the most that may be granted, and
// payee, account, fund and currency by their hash. It stands while the case
// asks for no more than that amount under the same hash and version of the
// programme, and no later level has sent the case back to its own.

// standing gives the votes of the approvals of the case's round that stand for
// an amount, by level. Of a level that decided several times the last time
// counts.
func (tx *Tx) standing(c *Case, amount int64) (map[string][]aid.Vote, error) {
	hash, err := tx.BoundHash(c)
	if err != nil {
		return nil, err
	}
	moved, err := tx.movedReview(c)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Level  string     `db:"level"`
		Actor  string     `db:"actor"`
		Action aid.Action `db:"action"`
		Chair  bool       `db:"chair"`
		Amount int64      `db:"amount"`
	}
	err = tx.list(&rows, `
		SELECT t.level, d.actor, d.action, d.chair, coalesce(d.amount, 0) AS amount
		FROM tasks t JOIN decisions d ON d.task_id = t.id
		WHERE `+standingTask+` AND d.state = 'applied' AND (d.action <> 'approve' OR (d.bound_hash = $3 AND d.amount >= $4)) AND t.review > $5
		ORDER BY d.decided_at`, c.ID, c.Round, hash, amount, moved)
	votes := map[string][]aid.Vote{}
	for _, r := range rows {
		votes[r.Level] = append(votes[r.Level], aid.Vote{Actor: r.Actor, Action: r.Action, Chair: r.Chair, Amount: r.Amount})
	}
	return votes, err
}

// standingTask tells of a task t whether it is the last approval of its level
// in the round $2 of the case $1, and was not sent back since. What is said of a
// change of the award counts when it is applied.
const standingTask = `t.case_id = $1 AND t.round = $2 AND t.kind = 'approve' AND t.state = 'done' AND t.outcome = 'approved'
	AND (t.subject = '' OR EXISTS (SELECT 1 FROM award_changes x WHERE x.id = t.subject AND x.state = 'applied'))
	AND NOT EXISTS (SELECT 1 FROM tasks o WHERE o.case_id = t.case_id AND o.round = t.round AND o.kind = 'approve' AND o.level = t.level
	                AND o.state = 'done' AND o.outcome = 'approved' AND o.review > t.review
	                AND (o.subject = '' OR EXISTS (SELECT 1 FROM award_changes x WHERE x.id = o.subject AND x.state = 'applied')))
	AND NOT EXISTS (SELECT 1 FROM returned_levels r WHERE r.case_id = t.case_id AND r.round = t.round AND r.level = t.level AND r.review >= t.review)`

// Remaining gives, in their order, those of the levels whose approval does not
// stand for what the case asks for now.
func (tx *Tx) Remaining(c *Case, levels []aid.Level) ([]aid.Level, error) {
	return tx.notStanding(c, levels, c.Asking())
}

// notStanding gives, in their order, those of the levels that have not approved
// an amount.
func (tx *Tx) notStanding(c *Case, levels []aid.Level, amount int64) ([]aid.Level, error) {
	votes, err := tx.standing(c, amount)
	if err != nil {
		return nil, err
	}
	return aid.Pick(levels, func(l aid.Level) bool { return !l.Approved(votes[l.Name]) }), nil
}

// AskAgain voids what a level has approved in the round so far: a later one
// sent the case back to it.
func (tx *Tx) AskAgain(c *Case, level, decision string) error {
	return tx.one(`INSERT INTO returned_levels (case_id, round, level, review, decision_id, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.ID, c.Round, level, c.Review, decision, tx.Now)
}

// Return is where a decision sends a case back.
type Return struct {
	To    string         `json:"to"`    // partner ("" too), verification, or the name of an earlier level
	Tasks []aid.TaskKind `json:"tasks"` // tasks of the verification to be done again; none means all
}

// ReturnOf reads it from a decision.
func (tx *Tx) ReturnOf(decision string) (Return, error) {
	content, err := tx.Content(decision)
	return returnOf(content.Data), err
}

func returnOf(data json.RawMessage) Return {
	var out Return
	_ = json.Unmarshal(data, &out) // the door has checked its form
	return out
}

// returnFaults tells what is wrong with where an approver sends a case back: a
// level is earlier when its approval stands, and tasks are those of the
// verification.
func (tx *Tx) returnFaults(c *Case, in Intent) ([]aid.Fault, error) {
	back, faults := returnOf(in.Data), []aid.Fault(nil)
	if len(back.Tasks) > 0 && back.To != string(aid.Verification) {
		faults = append(faults, aid.Fault{Pointer: "/data/tasks", Code: "only_to_verification"})
	}
	told := slices.ContainsFunc(in.Faults, func(f aid.Fault) bool { return f.Pointer == "/data/to" })
	if told || back.To == "" || back.To == "partner" || back.To == string(aid.Verification) {
		return faults, nil
	}
	votes, err := tx.standing(c, c.Asking())
	if err == nil && len(votes[back.To]) == 0 {
		faults = append(faults, aid.Fault{Pointer: "/data/to", Code: "level_not_earlier"})
	}
	return faults, err
}

// Verified gives the kinds of the verification's tasks that were completed in
// this round under the version of the programme that governs the case now: of
// the visits, as many as the programme wants within one review.
func (tx *Tx) Verified(c *Case) (map[aid.TaskKind]bool, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	moved, err := tx.movedReview(c)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Kind aid.TaskKind `db:"kind"`
		N    int          `db:"n"`
	}
	err = tx.list(&rows, `SELECT kind, count(*) AS n FROM tasks WHERE case_id = $1 AND round = $2 AND review > $3 AND kind IN ('verify_documents', 'field_visit')
		AND state = 'done' AND outcome = 'completed' GROUP BY kind, review`, c.ID, c.Round, moved)
	done := map[aid.TaskKind]bool{}
	for _, r := range rows {
		done[r.Kind] = done[r.Kind] || r.Kind == aid.VerifyDocuments || r.N >= def.Verifiers()
	}
	return done, err
}
