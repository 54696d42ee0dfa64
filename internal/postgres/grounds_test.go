package postgres_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// What is kept of areas and calendars is of no state but the one that a
// decision sees: what is changed counts for the next one, and what was taken
// back counts for none.
func TestGroundsAreThoseOfNow(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	state := func() string { return rows(t, db, `SELECT grounds::text FROM area_tree`)[0] }
	for _, change := range []string{
		`UPDATE areas SET level = level WHERE code = '51'`,
		`UPDATE areas SET gone = gone WHERE code = '51'`,
		`UPDATE calendars SET changed_at = changed_at`,
		`INSERT INTO freezes (id, area, programmes, from_at, until_at, reason_code, created_by, created_at) VALUES ('fre_1', '51', '{}', now(), now() + interval '1 day', 'x', 'admin1', now())`,
		`UPDATE freezes SET until_at = from_at`,
		`DELETE FROM area_calendars`,
	} {
		before := state()
		exec(t, db, change)
		if state() == before {
			t.Errorf("the state is the same after: %s", change)
		}
	}
	area := func() (code string) {
		t.Helper()
		c := submit(t, db, "portal1", request(len(rows(t, db, `SELECT id FROM cases`))))
		task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
		d := must(db.RecordIntent(t.Context(), postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: "verifier1", TaskVersion: 1, Action: aid.ActionComplete}))(t)
		step := aid.Step{Workflow: c.WorkflowID, Cause: d.Decision.ID, Seq: 2, Case: c.ID}
		out := must(db.Step(t.Context(), step, "x", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
			if _, _, err := tx.ApplyDecision(c, d.Decision); err != nil {
				return aid.Outcome{}, err
			}
			var err error
			code, err = tx.AreaAt("51001", "province")
			return aid.Outcome{}, err
		}))(t)
		if out.Refused != "" {
			t.Fatal(out.Refused)
		}
		return code
	}
	if got := area(); got != "51" {
		t.Fatalf("%q", got)
	}
	if got := area(); got != "51" {
		t.Errorf("%q, the second time", got)
	}
	exec(t, db, `UPDATE areas SET level = 'region' WHERE code = '51'`)
	exec(t, db, `UPDATE areas SET level = 'province' WHERE code = '51001'`)
	if got := area(); got != "51001" {
		t.Errorf("%q, want the province of now", got)
	}
}
