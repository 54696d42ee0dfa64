package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Found is one thing that a check found against a case, with what the
// programme makes of it. It carries codes, ids, dates and amounts only.
type Found struct {
	Check  string // kind of the check
	Code   string
	Effect programme.Effect // final, block or hint
	About  string           // id of the other case or aid; "" for the case itself
	Detail map[string]any
}

// key names a finding within a round: the same thing found again is the same
// finding.
func (f Found) key() string {
	key := f.Check + "/" + f.Code
	if f.About != "" {
		key += "/" + f.About
	}
	return key
}

// SaveFindings records what the named checks find now. What they find no
// longer is marked as gone, with its override; what comes back comes back
// without one.
func (tx *Tx) SaveFindings(c *Case, checks []string, found []Found) error {
	rows, err := json.Marshal(findingRows(found))
	if err != nil {
		return err
	}
	_, err = tx.exec(`
		WITH found AS (
			SELECT * FROM jsonb_to_recordset($4::jsonb) AS f (key text, check_kind text, code text, effect text, about text, detail jsonb)),
		gone AS (
			UPDATE case_findings SET gone_at = $5 WHERE case_id = $1 AND round = $2 AND gone_at IS NULL
			AND check_kind = ANY($6) AND key NOT IN (SELECT key FROM found))
		INSERT INTO case_findings AS old (case_id, round, review, key, check_kind, code, effect, about, detail, found_at)
		SELECT $1, $2, $3, key, check_kind, code, effect, about, detail, $5 FROM found
		ON CONFLICT (case_id, round, key) DO UPDATE SET review = $3, effect = excluded.effect, detail = excluded.detail, gone_at = NULL,
			overridden_by = CASE WHEN old.gone_at IS NULL AND excluded.effect = 'block' THEN old.overridden_by END,
			overridden_behalf = CASE WHEN old.gone_at IS NULL AND excluded.effect = 'block' THEN old.overridden_behalf ELSE '' END,
			override_reason = CASE WHEN old.gone_at IS NULL AND excluded.effect = 'block' THEN old.override_reason END,
			decision_id = CASE WHEN old.gone_at IS NULL AND excluded.effect = 'block' THEN old.decision_id END,
			overridden_at = CASE WHEN old.gone_at IS NULL AND excluded.effect = 'block' THEN old.overridden_at END`,
		c.ID, c.Round, c.Review, rows, tx.Now, pq.Array(checks))
	return err
}

type findingRow struct {
	Key    string           `json:"key"`
	Check  string           `json:"check_kind"`
	Code   string           `json:"code"`
	Effect programme.Effect `json:"effect"`
	About  string           `json:"about"`
	Detail map[string]any   `json:"detail"`
}

// findingRows gives each finding once: two statements about the same thing
// would be refused by PostgreSQL.
func findingRows(found []Found) []findingRow {
	rows, seen := []findingRow{}, map[string]bool{}
	for _, f := range found {
		if seen[f.key()] {
			continue
		}
		seen[f.key()] = true
		detail := f.Detail
		if detail == nil {
			detail = map[string]any{}
		}
		rows = append(rows, findingRow{f.key(), f.Check, f.Code, f.Effect, f.About, detail})
	}
	return rows
}

// FindingRow is a finding as its readers see it.
type FindingRow struct {
	Round      int             `db:"round"`
	Review     int             `db:"review"`
	Key        string          `db:"key"`
	Check      string          `db:"check_kind"`
	Code       string          `db:"code"`
	Effect     string          `db:"effect"` // final, block, hint
	About      string          `db:"about"`
	Detail     json.RawMessage `db:"detail"`
	FoundAt    time.Time       `db:"found_at"`
	GoneAt     *time.Time      `db:"gone_at"`
	Overridden *string         `db:"overridden_by"`
	Behalf     string          `db:"overridden_behalf"` // in whose name, when a delegate overrode it
	Reason     *string         `db:"override_reason"`
	At         *time.Time      `db:"overridden_at"`
}

// Blocks tells whether nobody has gone on regardless yet.
func (f FindingRow) Blocks() bool {
	return f.Effect == string(programme.EffectBlock) && f.GoneAt == nil && f.Overridden == nil
}

const findingColumns = `round, review, key, check_kind, code, effect, about, detail, found_at, gone_at, overridden_by, overridden_behalf, override_reason, overridden_at`

// Findings gives what was found against a case in all its rounds, what is gone
// included. They are the office's: a partner gets none, because they may hint
// at others' cases.
//
// Errors: NotFound case_not_found.
func (s *Store) Findings(ctx context.Context, caller *Caller, idOrRef string) ([]FindingRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	rows := []FindingRow{}
	if err != nil || caller.Partner() {
		return rows, err
	}
	err = s.list(ctx, &rows, `SELECT `+findingColumns+` FROM case_findings WHERE case_id = $1
		ORDER BY round, gone_at IS NOT NULL, effect, key`, row.ID)
	return rows, err
}

// blocks tells of a row of case_findings whether it holds an approval back.
const blocks = `effect = 'block' AND gone_at IS NULL AND overridden_at IS NULL`

// blocked is the refusal of an approval past a finding.
func blocked(keys []string) error {
	return aid.Refuse(aid.Conflict, "override_required", "finding", keys[0])
}
