package postgres

import (
	"database/sql"
	"errors"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Way gives the levels that a case has to pass, and those of its row of the
// matrix that it need not: by the version of the programme that it is pinned
// to, its norm, and the facts that were kept when it was judged last. What the
// facts are today does not matter.
//
// Errors: Conflict no_levels when nobody may award the amount; NotFound
// facts_not_kept when the case was not judged under this version.
func (tx *Tx) Way(c *Case) ([]aid.Level, []aid.SkippedLevel, error) { return tx.wayFor(c, c.Norm()) }

// wayFor is Way for another amount than the norm.
func (tx *Tx) wayFor(c *Case, amount int64) ([]aid.Level, []aid.SkippedLevel, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return nil, nil, err
	}
	var facts programme.Facts
	if def.JudgesLevels() {
		if facts, err = tx.keptFacts(c); err != nil {
			return nil, nil, err
		}
	}
	way, err := def.Way(facts, amount)
	if err != nil {
		return nil, nil, err
	}
	if len(way.Levels) == 0 {
		return nil, nil, aid.Refuse(aid.Conflict, "no_levels")
	}
	var levels []aid.Level
	var skipped []aid.SkippedLevel
	for _, l := range way.Levels {
		levels = append(levels, levelOfMatrix(def, way.Row, l))
	}
	for _, l := range way.Skipped {
		skipped = append(skipped, aid.SkippedLevel{Name: l.Name, Version: def.Version, Row: way.Row, Place: l.Place})
	}
	return levels, skipped, nil
}

// levelOfMatrix takes a level of a programme over into the words of a case.
func levelOfMatrix(def *programme.Definition, row int, l programme.Placed) aid.Level {
	return aid.Level{Name: l.Name, Mode: string(l.Mode), N: l.N, Quorum: l.Quorum, Chair: l.Chair, Decides: l.Decides, Tie: l.Tie,
		OneRejection: l.OneRejection, Limit: l.Limit, Parallel: l.Parallel, Version: def.Version, Row: row, Place: l.Place}
}

// JudgesLevels tells whether the levels of a case depend on its facts.
func (tx *Tx) JudgesLevels(c *Case) (bool, error) {
	def, err := tx.Rules(c)
	return err == nil && def.JudgesLevels(), err
}

// keptFacts gives the facts on which the case's round was judged last under
// the version that it is pinned to.
func (tx *Tx) keptFacts(c *Case) (programme.Facts, error) {
	var row struct {
		Review int    `db:"review"`
		Phase  string `db:"phase"`
		Sealed []byte `db:"sealed"`
	}
	var facts programme.Facts
	err := tx.get(&row, `SELECT review, phase, sealed FROM case_facts WHERE case_id = $1 AND round = $2 AND programme_version = $3
		ORDER BY review DESC, at DESC, phase DESC LIMIT 1`, c.ID, c.Round, c.ProgrammeVersion)
	if errors.Is(err, sql.ErrNoRows) {
		return facts, aid.Refuse(aid.NotFound, "facts_not_kept")
	}
	if err != nil {
		return facts, err
	}
	return facts, tx.open("case_facts", "sealed", factsRow(c.ID, c.Round, row.Review, row.Phase), row.Sealed, &facts)
}

// CheckApprovals asks PostgreSQL, and nobody else, whether an award may be
// paid: every level that the case has to pass has approved in this round, for
// at least this amount, for exactly this payee, account, fund and currency, and
// under the version of the programme that the case is pinned to now. Who holds
// which role today does not matter: past decisions stand.
//
// Errors: Forbidden not_approved (params level).
func (tx *Tx) CheckApprovals(c *Case, a *Award) error {
	levels, _, err := tx.wayFor(c, max(c.Norm(), a.Amount)) // a change may have raised it
	if code := aid.CodeOf(err); code == "no_levels" || code == "facts_not_kept" {
		return aid.Refuse(aid.Forbidden, "not_approved")
	}
	if err != nil {
		return err
	}
	missing, err := tx.notStanding(c, levels, a.Amount)
	if err == nil && len(missing) > 0 {
		return aid.Refuse(aid.Forbidden, "not_approved", "level", missing[0].Name)
	}
	return err
}

// TouchLevels tells those who look at the other open approvals of a case that
// what they show has changed: nobody approves what they did not see.
func (tx *Tx) TouchLevels(c *Case, but *Task) error {
	_, err := tx.exec(`UPDATE tasks SET version = version + 1 WHERE case_id = $1 AND kind = 'approve' AND closed_at IS NULL AND id <> $2`, c.ID, but.ID)
	return err
}

// limitFaults refuses an approval of more than its level may approve.
func limitFaults(c *Case, t *Task, in Intent) ([]aid.Fault, error) {
	level, err := levelOf(t)
	if err != nil {
		return nil, err
	}
	amount := c.Asking()
	if in.Amount != nil {
		amount = *in.Amount
	}
	if !level.Above(amount) {
		return nil, nil
	}
	return []aid.Fault{{Pointer: "/amount/amount", Code: "amount_above_level_limit", Params: map[string]string{"limit": strconv.FormatInt(level.Limit, 10)}}}, nil
}
