package postgres_test

import (
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// The superior of whoever is late hears of it, and when that person may not,
// the managers of the nearest area that has some who may: the event names the
// same persons as the mails.
func TestWhoIsAbove(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	id := submit(t, db, "portal1", request(1)).ID
	exec(t, db, `UPDATE staff SET superior = 'approver1' WHERE subject = 'verifier1'`)
	exec(t, db, `INSERT INTO staff_roles (subject, role, area, programmes) SELECT 'treasurer1', 'manager', area, '{none}' FROM cases WHERE id = $1`, id)
	task := openTask(t, db, id, postgres.NewTask{Kind: aid.VerifyDocuments})
	for _, tt := range []struct {
		name, change, assignee string
		want                   []string
	}{
		{"nobody has it: the manager upward who has the programme", ``, "", []string{"manager1"}},
		{"the superior", ``, "verifier1", []string{"approver1"}},
		{"somebody without a superior", ``, "verifier2", []string{"manager1"}},
		{"the superior is related to the household", `UPDATE staff SET superior = 'approver2' WHERE subject = 'verifier1';
			INSERT INTO case_recusals (id, case_id, subject, reason_code, recorded_at) SELECT 'rec_x', id, 'approver2', 'family', now() FROM cases`, "verifier1", []string{"manager1"}},
		{"the superior has left", `UPDATE staff SET superior = 'approver1' WHERE subject = 'verifier1';
			UPDATE staff SET disabled_at = now() WHERE subject = 'approver1'`, "verifier1", []string{"manager1"}},
		{"the manager is late", ``, "manager1", nil},
	} {
		if tt.change != "" {
			exec(t, db, tt.change)
		}
		var who *string
		if tt.assignee != "" {
			who = &tt.assignee
		}
		change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) error {
			got, err := tx.Above(c, task, who)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
			return err
		})
		exec(t, db, `UPDATE tasks SET assignee = $2, state = CASE WHEN $2::text IS NULL THEN 'open' ELSE 'claimed' END,
			claimed_at = CASE WHEN $2::text IS NULL THEN NULL ELSE now() END WHERE id = $1`, task, who)
		exec(t, db, `DELETE FROM notifications`)
		event(t, db, id, postgres.Event{Kind: "task.escalated", Actor: postgres.System, Task: task, Data: map[string]any{"superior": []string{}}})
		if got := told(t, db, "task.escalated"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: mails go to %q, want %q", tt.name, got, tt.want)
		}
	}
}
