package postgres

import (
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/aidflow/aidflow/aid"
)

// What a case does after a repair, where a person's decision stands and the
// step behind it could not be made.
const (
	ThenOpenApproval = "open_approval" // find levels and fund, leave the verification
	ThenAskFirst     = "ask_first"     // ask the first level
	ThenAskLevel     = "ask_level"     // ask the levels that are named
)

// Parking is why a case cannot go on, and how it does once an administrator
// has mended that.
type Parking struct {
	Because  string      `json:"because"`       // code of the fault
	Then     string      `json:"then"`          // one of the Then words
	Levels   []aid.Level `json:"ask,omitempty"` // the levels to ask, together
	Workflow string      `json:"workflow"`
}

// ParkFor parks a case in the middle: what was decided stands, and the case
// goes on from there when an administrator has mended the fault.
func (tx *Tx) ParkFor(c *Case, p Parking) error {
	return tx.callAdministrator(c, p.Workflow, p.Then, map[string]any{"because": p.Because, "then": p.Then, "ask": p.Levels, "workflow": p.Workflow})
}

// TakeRepaired gives how a case goes on after a repair that was reported, once;
// nil when there is nothing to go on with, or when the case has gone elsewhere.
func (tx *Tx) TakeRepaired(c *Case) (*Parking, error) {
	var rule []byte
	err := tx.get(&rule, `UPDATE tasks SET outcome = 'resumed' WHERE case_id = $1 AND kind = 'repair_configuration' AND state = 'done'
		AND outcome = 'completed' AND rule ->> 'then' <> '' AND round = $2 AND review = $3 RETURNING rule`, c.ID, c.Round, c.Review)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && c.Status != aid.InReview) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var p Parking
	return &p, json.Unmarshal(rule, &p)
}

// repaired takes the parking flag off a case after an administrator's repair,
// if it is one, and has the workflow look again.
//
// Errors: Conflict not_repaired while what was to be repaired is as it was;
// those of repairArea.
func (tx *Tx) repaired(c *Case, t *Task, d aid.Decision) error {
	if err := tx.CloseTask(t, "completed"); err != nil {
		return err
	}
	if err := tx.repairArea(c, t, d); err != nil {
		return err
	}
	if err := tx.checkRepair(c, t); err != nil {
		return err
	}
	return tx.goesOn(c, t)
}

// goesOn takes a case up again after the repair t, which is closed, has the
// workflow look, and makes what it waited for before what it waits for.
func (tx *Tx) goesOn(c *Case, t *Task) error {
	if err := tx.get(&c.Parked, `SELECT parked FROM cases WHERE id = $1`, c.ID); err != nil { // another repair may be open
		return err
	}
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	if err := tx.AddEvent(c, Event{Kind: "case.unparked", Actor: System, Task: t.ID}); err != nil {
		return err
	}
	if t.WorkflowID != "" {
		if err := tx.SendSignal(t.WorkflowID, SignalLook); err != nil {
			return err
		}
	}
	return tx.waitAgain(c)
}

// waitAgain makes what a case waited for before its repair what it waits for:
// the oldest open task, else the fund, the rail, or the program.
func (tx *Tx) waitAgain(c *Case) error {
	var open struct {
		Partner bool `db:"partner"` // it is the partner's turn
		Tasks   int  `db:"tasks"`
		Sent    bool `db:"sent"` // a payment is on its way
	}
	err := tx.get(&open, `
		SELECT coalesce(bool_or(kind = 'provide_information'), false) AS partner, count(*) AS tasks,
		       EXISTS (SELECT 1 FROM payments WHERE case_id = $1 AND state IN ('instructed', 'unknown')) AS sent
		FROM tasks WHERE case_id = $1 AND closed_at IS NULL`, c.ID)
	switch {
	case err != nil:
		return err
	case open.Partner:
		return tx.WaitForOpenTask(c, aid.OwnerPartner)
	case open.Tasks > 0:
		return tx.WaitForOpenTask(c, aid.OwnerOffice)
	case c.Status == aid.WaitingFunds:
		return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerFund})
	case open.Sent:
		return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerRail})
	}
	return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerSystem})
}

func (tx *Tx) checkRepair(c *Case, t *Task) error {
	var rule struct {
		Task string `json:"task"`
		Parking
	}
	if err := json.Unmarshal(t.Rule, &rule); err != nil {
		return err
	}
	switch {
	case rule.Task != "":
		return tx.checkTask(c, rule.Task)
	case rule.Then == ThenOpenApproval:
		return stillBroken(tx.mayOpenApproval(c))
	}
	for _, level := range rule.Levels {
		if _, err := tx.AreaAt(c.Area, level.Name); err != nil {
			return stillBroken(err)
		}
	}
	return nil
}

// checkTask looks whether a task that could not be decided now can, in its
// time.
func (tx *Tx) checkTask(c *Case, id string) error {
	t, err := tx.LockTask(c, id)
	if err != nil {
		return err
	}
	enough, err := tx.decidable(c, t)
	if err != nil {
		return err
	}
	if !enough {
		return aid.Refuse(aid.Conflict, "not_repaired")
	}
	return tx.giveDeadline(c, t)
}

func (tx *Tx) mayOpenApproval(c *Case) error {
	if _, err := tx.FundOf(c); err != nil {
		return err
	}
	levels, _, err := tx.Way(c)
	if err != nil {
		return err
	}
	_, err = tx.AreaAt(c.Area, levels[0].Name)
	return err
}

// Misconfigured tells whether a refusal says that the configuration, and no
// person, keeps a case from going on.
func Misconfigured(err error) bool {
	switch aid.CodeOf(err) {
	case "no_fund", "no_area_of_level", "no_levels":
		return true
	}
	return false
}

func stillBroken(err error) error {
	if Misconfigured(err) {
		return aid.Refuse(aid.Conflict, "not_repaired")
	}
	return err
}
