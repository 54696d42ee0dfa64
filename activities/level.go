package activities

import (
	"fmt"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// askLevels opens the approval tasks of levels that are asked together, each in
// the area of its level. Where the case's areas have no such level, it is
// parked; the others are asked.
func askLevels(tx *postgres.Tx, c *postgres.Case, workflow string, levels []aid.Level) error {
	var nowhere []aid.Level
	because := ""
	for _, level := range levels {
		area, err := tx.AreaAt(c.Area, level.Name)
		if postgres.Misconfigured(err) {
			nowhere, because = append(nowhere, level), aid.CodeOf(err)
			continue
		}
		if err != nil {
			return err
		}
		_, err = tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.Approve, Workflow: workflow, Level: level.Name, Rule: level, Area: area})
		if err != nil {
			return err
		}
	}
	if len(nowhere) > 0 {
		return tx.ParkFor(c, postgres.Parking{Because: because, Then: postgres.ThenAskLevel, Levels: nowhere, Workflow: workflow})
	}
	if len(levels) > 1 {
		return tx.WaitForOpenTask(c, aid.OwnerOffice)
	}
	return nil
}

// tellSkipped writes down which levels a case need not pass, and which rule
// says so.
func tellSkipped(tx *postgres.Tx, c *postgres.Case, skipped []aid.SkippedLevel) error {
	for _, l := range skipped {
		err := tx.AddEvent(c, postgres.Event{Kind: "level.skipped", Actor: postgres.System, Data: map[string]any{"level": l.Name, "programme": c.Programme,
			"programme_version": l.Version, "rule": fmt.Sprintf("/matrix/%d/levels/%d/skip", l.Row-1, l.Place-1)}})
		if err != nil {
			return err
		}
	}
	return nil
}
