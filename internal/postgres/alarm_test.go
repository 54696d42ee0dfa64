package postgres_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// A warning, the breach and what follows are told of once each, whoever asks
// and however often, and a case of which many rungs have passed tells each.
func TestEachRungRingsOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	id := submit(t, db, "portal1", request(1)).ID
	change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		_, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Rule: map[string]any{}})
		return err
	})
	rung := map[string]int{}
	for range 12 {
		db.Clock.Advance(30 * time.Hour)
		for range 2 {
			change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) error {
				alarms, err := tx.DueAlarms(c, c.WorkflowID)
				for _, a := range alarms {
					rung[a.Scope+" "+a.Act]++
				}
				return err
			})
		}
	}
	raw, _ := json.Marshal(rung)
	want := map[string]int{"task remind": 1, "task breach": 1, "task notify_superior": 1, "task reassign": 1,
		"verification remind": 1, "verification breach": 1, "verification notify_superior": 1}
	if fmt.Sprint(rung) != fmt.Sprint(want) {
		t.Errorf("rang %s, want %v", raw, want)
	}
}
