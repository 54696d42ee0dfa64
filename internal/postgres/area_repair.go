package postgres

import (
	"encoding/json"
	"slices"

	"github.com/aidflow/aidflow/aid"
)

// AreaRepair is what an administrator is asked who is to say where a case, or
// a task of it, belongs.
type AreaRepair struct {
	Because string   `json:"because"`
	Area    string   `json:"area"`    // where it was
	Choices []string `json:"choices"` // what came out of that; empty: any area without others below it
	Task    string   `json:"task"`    // the task whose level is no more; "" for the case itself
}

// AreaAsked tells whether a repair asks for an area, from the task's rule.
func AreaAsked(rule []byte) (AreaRepair, bool) {
	var r AreaRepair
	if json.Unmarshal(rule, &r) != nil {
		return r, false
	}
	return r, r.Because == BecauseAreaGone || (r.Area != "" && r.Task != "")
}

// repairArea takes a case, or its task, to the area that an administrator
// names with the completion of a repair that asks for one. A task whose level
// is there again needs none.
//
// Errors: Invalid with the fault required, unknown_area or area_too_wide at
// /data/area, or unknown_field where no area is asked for.
func (tx *Tx) repairArea(c *Case, t *Task, d aid.Decision) error {
	content, err := tx.Content(d.ID)
	if err != nil {
		return err
	}
	var data struct {
		Area string `json:"area"`
	}
	if len(content.Data) > 0 {
		if err := json.Unmarshal(content.Data, &data); err != nil {
			return err
		}
	}
	asked, is := AreaAsked(t.Rule)
	switch {
	case !is && data.Area == "":
		return nil
	case !is:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/data/area", Code: "unknown_field"}})
	case asked.Task == "":
		return tx.repairCase(c, asked, data.Area, d.Actor)
	}
	return tx.repairTask(c, asked, data.Area, d.Actor)
}

// repairCase takes the case to the area that is named. The repair itself is
// closed by the caller.
func (tx *Tx) repairCase(c *Case, asked AreaRepair, to, actor string) error {
	if c.Area != asked.Area && to == "" {
		return nil // somebody has brought it to its place
	}
	if to == "" {
		return aid.RefuseAll([]aid.Fault{{Pointer: "/data/area", Code: "required"}})
	}
	if len(asked.Choices) > 0 && !slices.Contains(asked.Choices, to) {
		return aid.RefuseAll([]aid.Fault{{Pointer: "/data/area", Code: "unknown_area"}})
	}
	if err := tx.mayLieIn(to, actor, len(asked.Choices) == 0); err != nil {
		return err
	}
	if err := tx.takeCaseTo(c, to, actor); err != nil {
		return err
	}
	return tx.placeTasks(c, actor, &AreaMoves{})
}

// mayLieIn looks whether an area is there, has none below it and, where the
// repair names no choices, is the administrator's.
func (tx *Tx) mayLieIn(to, actor string, any bool) error {
	var found struct {
		There bool `db:"there"`
		Wide  bool `db:"wide"`
		Mine  bool `db:"mine"`
	}
	err := tx.get(&found, `
		WITH RECURSIVE up AS (
			SELECT code, parent FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
		SELECT EXISTS (SELECT 1 FROM areas WHERE code = $1 AND NOT gone AND valid_from <= $3::date) AS there,
		       EXISTS (SELECT 1 FROM areas WHERE parent = $1 AND NOT gone AND valid_from <= $3::date) AS wide,
		       EXISTS (SELECT 1 FROM staff_roles r JOIN up ON up.code = r.area WHERE r.subject = $2 AND r.role = 'admin') AS mine`,
		to, actor, dayText(tx.today()))
	switch {
	case err != nil:
		return err
	case !found.There || (any && !found.Mine):
		return aid.RefuseAll([]aid.Fault{{Pointer: "/data/area", Code: "unknown_area"}})
	case found.Wide:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/data/area", Code: "area_too_wide"}})
	}
	return nil
}

// repairTask takes a task whose level is no more to an area of the case that is
// named, or to that of its level where there is one again.
func (tx *Tx) repairTask(c *Case, asked AreaRepair, to, actor string) error {
	t, err := tx.LockTask(c, asked.Task)
	if err != nil {
		return err
	}
	if to == "" {
		if to, err = tx.AreaAt(c.Area, t.Level); err != nil {
			return stillBroken(err)
		}
	} else if err := tx.above(c.Area, to); err != nil {
		return err
	}
	if to == t.Area {
		return nil
	}
	return tx.moveTask(c, t, to, actor)
}

// above refuses an area that is neither a case's own nor above it, or is gone.
func (tx *Tx) above(code, to string) error {
	var is bool
	err := tx.get(&is, `
		WITH RECURSIVE up AS (
			SELECT code, parent, gone FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent, a.gone FROM areas a JOIN up ON a.code = up.parent)
		SELECT EXISTS (SELECT 1 FROM up WHERE code = $2 AND NOT gone)`, code, to)
	if err == nil && !is {
		return aid.RefuseAll([]aid.Fault{{Pointer: "/data/area", Code: "unknown_area"}})
	}
	return err
}
