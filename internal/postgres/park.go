package postgres

import (
	"strconv"

	"github.com/aidflow/aidflow/aid"
)

// Park brings a case before an administrator, because what its workflow does
// by itself was refused: of is the cause of the step, code that of the
// refusal. While the question is open it is not asked again.
func (tx *Tx) Park(c *Case, workflow, of, code string) error {
	var before struct {
		All  int `db:"n"`
		Open int `db:"open"`
	}
	err := tx.get(&before, `SELECT count(*) AS n, count(*) FILTER (WHERE closed_at IS NULL) AS open FROM tasks
		WHERE case_id = $1 AND kind = 'repair_configuration' AND starts_with(subject, $2)`, c.ID, of+"#")
	if err != nil || before.Open > 0 {
		return err
	}
	c.Parked = true
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	data := map[string]any{"because": code, "step": of}
	if err := tx.AddEvent(c, Event{Kind: "case.parked", Actor: System, Data: data}); err != nil {
		return err
	}
	_, err = tx.OpenTask(c, NewTask{Kind: aid.RepairConfiguration, Workflow: workflow, Subject: of + "#" + strconv.Itoa(before.All+1),
		Rule: data, Owner: aid.OwnerOffice})
	return err
}
