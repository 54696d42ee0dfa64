package postgres

import (
	"encoding/json"

	"github.com/lib/pq"
)

// SaveCheck records what an automated check found in this review. The same
// check again replaces its finding.
func (tx *Tx) SaveCheck(c *Case, kind string, f Finding) error {
	if f.Detail == nil {
		f.Detail = map[string]any{}
	}
	detail, err := json.Marshal(f.Detail)
	if err != nil {
		return err
	}
	codes := f.Codes
	if codes == nil {
		codes = []string{}
	}
	return tx.one(`
		INSERT INTO case_checks (case_id, round, review, kind, passed, codes, detail, checked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (case_id, round, review, kind) DO UPDATE SET passed = $5, codes = $6, detail = $7, checked_at = $8`,
		c.ID, c.Round, c.Review, kind, f.Passed, pq.Array(codes), detail, tx.Now)
}
