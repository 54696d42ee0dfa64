package postgres

import (
	"github.com/aidflow/aidflow/aid"
)

// BecauseAreaGone is why a case is parked whose area was split without saying
// where its cases go.
const BecauseAreaGone = "area_gone"

// cases brings every case to its place that is not in it: open ones in an area
// that is gone, and those with an open task in one, or in one that is not above
// the case any more. One that is parked for that already waits for its
// administrator.
func (f *follower) cases() error {
	var ids []string
	err := f.tx.list(&ids, `
		WITH RECURSIVE up (code, above) AS (
			SELECT code, code FROM areas
			UNION ALL SELECT up.code, a.parent FROM up JOIN areas a ON a.code = up.above WHERE a.parent IS NOT NULL),
		asked AS (SELECT case_id, rule FROM tasks WHERE kind = 'repair_configuration' AND closed_at IS NULL)
		SELECT c.id FROM cases c JOIN areas a ON a.code = c.area
		WHERE a.gone AND c.status NOT IN ('rejected', 'closed', 'withdrawn') AND (a.successor IS NOT NULL OR (c.status <> 'draft'
		      AND NOT EXISTS (SELECT 1 FROM asked WHERE asked.case_id = c.id AND asked.rule ->> 'because' = $1)))
		UNION
		SELECT t.case_id FROM tasks t JOIN cases c ON c.id = t.case_id JOIN areas a ON a.code = t.area
		WHERE t.closed_at IS NULL AND (a.gone OR NOT EXISTS (SELECT 1 FROM up WHERE up.code = c.area AND up.above = t.area))
		  AND NOT EXISTS (SELECT 1 FROM asked WHERE asked.case_id = t.case_id AND 
		                  (asked.rule ->> 'because' = $1 OR (asked.rule ->> 'because' = 'no_area_of_level' AND asked.rule ->> 'task' = t.id)))
		ORDER BY 1`, BecauseAreaGone)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := f.follow(id); err != nil {
			return err
		}
	}
	f.tx.Now = f.tx.Wall // no case's any more
	return nil
}

func (f *follower) follow(id string) error {
	c, err := f.tx.LockCase(id)
	if err != nil {
		return err
	}
	at, err := f.tx.areaNow(c.Area)
	if err != nil {
		return err
	}
	if at.Gone && c.Status.Open() && at.Successor != nil {
		if err := f.tx.moveCaseTo(c, *at.Successor, f.actor); err != nil {
			return err
		}
		f.moves.Cases++
		if at, err = f.tx.areaNow(c.Area); err != nil {
			return err
		}
	}
	if at.Gone && c.Status.Open() {
		return f.ask(c)
	}
	return f.tx.placeTasks(c, f.actor, f.moves)
}

// ask parks a case whose area is gone and that nobody has said a place for. A
// draft is its partner's, who is told when it is submitted.
func (f *follower) ask(c *Case) error {
	if c.Status == aid.Draft {
		return nil
	}
	f.moves.Parked++
	return f.tx.callAdministrator(c, c.WorkflowID, "area:"+c.Area+"@"+dayText(f.tx.today()), map[string]any{"because": BecauseAreaGone,
		"area": c.Area, "choices": append([]string{}, f.tree.Choices(c.Area, f.tx.today())...), "workflow": c.WorkflowID})
}

// areaNow gives the row of an area.
func (tx *Tx) areaNow(code string) (AreaRow, error) {
	var row AreaRow
	err := tx.get(&row, `SELECT `+areaColumns+` FROM areas WHERE code = $1`, code)
	return row, err
}

// moveCaseTo takes a case to another area, and ends what asked an administrator
// where that is. Its tasks are placed next.
func (tx *Tx) moveCaseTo(c *Case, to, actor string) error {
	if err := tx.takeCaseTo(c, to, actor); err != nil {
		return err
	}
	return tx.endAreaRepairs(c)
}

// takeCaseTo writes a case's new area, and tells the timeline.
func (tx *Tx) takeCaseTo(c *Case, to, actor string) error {
	from := c.Area
	if err := tx.recountCases([]string{c.ID}); err != nil { // up to now by the calendar and the freezes of where it was
		return err
	}
	c.Area, c.UpdatedAt = to, tx.Now
	c.Version++
	if err := tx.one(`UPDATE cases SET area = $2, version = $3, updated_at = $4 WHERE id = $1 AND version = $3 - 1`, c.ID, to, c.Version, tx.Now); err != nil {
		return err
	}
	if err := tx.recountCases([]string{c.ID}); err != nil {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "case.area_moved", Actor: actor, Data: map[string]any{"from": from, "to": to}})
}

// endAreaRepairs voids the open questions where a case belongs.
func (tx *Tx) endAreaRepairs(c *Case) error {
	var ended []string
	err := tx.list(&ended, `
		UPDATE tasks SET state = 'void', closed_at = $2, attend_at = NULL, version = version + 1
		WHERE case_id = $1 AND kind = 'repair_configuration' AND closed_at IS NULL AND rule ->> 'because' = $3 RETURNING id`, c.ID, tx.Now, BecauseAreaGone)
	for _, id := range ended {
		if err == nil {
			err = tx.AddEvent(c, Event{Kind: "case.unparked", Actor: System, Task: id})
		}
	}
	if err != nil || len(ended) == 0 {
		return err
	}
	return tx.waitAgain(c)
}

// placed is an open task with what its place depends on.
type placed struct {
	Task
	AreaLevel string `db:"area_level"`
	Gone      bool   `db:"gone"`
	Above     bool   `db:"above"` // its area is the case's, or above it
}

// placeTasks brings the open tasks of a case to where they are to be decided
// today: an approval in the area of its level, everything else where the case
// is. The tasks stay the same, for the workflow too.
func (tx *Tx) placeTasks(c *Case, actor string, moves *AreaMoves) error {
	var tasks []placed
	err := tx.list(&tasks, `
		WITH RECURSIVE up AS (
			SELECT code, parent FROM areas WHERE code = $2
			UNION ALL SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
		SELECT `+taskColumns+`, a.level AS area_level, a.gone, t.area IN (SELECT code FROM up) AS above
		FROM tasks t JOIN areas a ON a.code = t.area WHERE t.case_id = $1 AND t.closed_at IS NULL ORDER BY t.id FOR NO KEY UPDATE OF t`, c.ID, c.Area)
	if err != nil {
		return err
	}
	for i := range tasks {
		if tasks[i].Above && !tasks[i].Gone {
			continue
		}
		if err := tx.placeTask(c, &tasks[i], actor, moves); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) placeTask(c *Case, t *placed, actor string, moves *AreaMoves) error {
	level := t.Level
	if level == "" {
		level = t.AreaLevel
	}
	to, err := tx.AreaAt(c.Area, level)
	if Misconfigured(err) && t.Level == "" { // no level decides it
		to, err = tx.livingAbove(c.Area)
	}
	if Misconfigured(err) {
		moves.Parked++
		return tx.callAdministrator(c, t.WorkflowID, "place:"+t.ID, map[string]any{"because": aid.CodeOf(err), "task": t.ID, "task_kind": t.Kind,
			"level": t.Level, "area": t.Area})
	}
	if err != nil || to == t.Area {
		return err
	}
	moves.Tasks++
	return tx.moveTask(c, &t.Task, to, actor)
}

// livingAbove gives an area itself, or the nearest above it that is there.
func (tx *Tx) livingAbove(code string) (string, error) {
	var living string
	err := tx.get(&living, `
		WITH RECURSIVE up AS (
			SELECT code, parent, gone, 0 AS depth FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent, a.gone, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent)
		SELECT code FROM up WHERE NOT gone OR parent IS NULL ORDER BY gone, depth LIMIT 1`, code)
	return living, err
}

// moveTask takes an open task to another area. Whoever has claimed it keeps it
// only if he may decide it there, and an administrator is called when nobody
// may.
func (tx *Tx) moveTask(c *Case, t *Task, to, actor string) error {
	from := t.Area
	t.Area = to
	t.Version++
	if err := tx.one(`UPDATE tasks SET area = $2, version = $3 WHERE id = $1`, t.ID, to, t.Version); err != nil {
		return err
	}
	err := tx.AddEvent(c, Event{Kind: "task.area_moved", Actor: actor, Task: t.ID, Data: map[string]any{"task_kind": t.Kind, "from": from, "to": to}})
	if err != nil {
		return err
	}
	if t.Assignee != nil {
		if err := tx.freeClaim(c, t, actor); err != nil {
			return err
		}
	}
	if !c.Status.Open() {
		return nil
	}
	return tx.parkIfNobody(c, t)
}

// freeClaim gives a claimed task back to everybody when the person may not
// decide it where it is now.
func (tx *Tx) freeClaim(c *Case, t *Task, actor string) error {
	_, refusal := tx.authorise(c, t, *t.Assignee, "", false)
	if refusal == nil {
		return nil
	}
	if aid.KindOf(refusal) == "" {
		return refusal
	}
	return tx.unclaim(c, t, Event{Kind: "task.released", Actor: actor})
}
