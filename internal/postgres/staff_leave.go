package postgres

import (
	"context"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// leave does at once what a change of a person's roles means for its work:
// delegations of somebody who is disabled end, and tasks in hand that may not be
// decided so any more go to the principal, or back to everybody. The person's
// row is locked; nothing that locks cases waits for it.
func (tx *Tx) leave(caller *Caller, subject string) error {
	var gone bool
	if err := tx.get(&gone, `SELECT disabled_at IS NOT NULL FROM staff WHERE subject = $1`, subject); err != nil {
		return err
	}
	if gone {
		if err := tx.endDelegationsOf(caller, subject); err != nil {
			return err
		}
	}
	if err := tx.lookAgainFor(subject); err != nil {
		return err
	}
	var tasks []inHand
	err := tx.list(&tasks, `SELECT id, case_id FROM tasks WHERE closed_at IS NULL AND (assignee = $1 OR assigned_for = $1) ORDER BY case_id, id`, subject)
	if err != nil {
		return err
	}
	for _, h := range tasks {
		if err := tx.letGo(h); err != nil {
			return err
		}
	}
	tx.Now = tx.Wall // no case's any more
	return nil
}

func (tx *Tx) endDelegationsOf(caller *Caller, subject string) error {
	_, err := tx.exec(`UPDATE delegations SET revoked_at = $2, revoked_by = $3,
		because = CASE WHEN principal = $1 THEN 'principal_disabled' ELSE 'delegate_disabled' END
		WHERE (principal = $1 OR delegate = $1) AND revoked_at IS NULL AND until_at > $2`, subject, tx.Wall, caller.Actor())
	return err
}

// lookAgainFor is lookAgain for every area in which a person has a role: one
// who is disabled, or works again, is missing or there everywhere.
func (tx *Tx) lookAgainFor(subject string) error {
	var areas []string
	if err := tx.list(&areas, `SELECT DISTINCT area FROM staff_roles WHERE subject = $1 ORDER BY 1`, subject); err != nil {
		return err
	}
	for _, area := range areas {
		if err := tx.lookAgain(area); err != nil {
			return err
		}
	}
	return nil
}

// letGo takes a task from whoever has it and may not decide it any more.
func (tx *Tx) letGo(h inHand) error {
	c, err := tx.LockCase(h.Case)
	if err != nil {
		return err
	}
	t, err := tx.LockTask(c, h.Task)
	if aid.CodeOf(err) == "task_closed" {
		return nil
	}
	if err != nil || t.Assignee == nil {
		return err
	}
	if keeps, err := tx.keeps(c, t); err != nil || keeps {
		return err
	}
	return tx.takeBack(c, t)
}

// lookAgain has the open tasks of an area and of everything below it looked at
// again: who can decide them has changed.
func (tx *Tx) lookAgain(area string) error {
	_, err := tx.exec(`INSERT INTO task_rechecks (area, asked_at) VALUES ($1, $2)`, area, tx.Wall)
	return err
}

// afterStaffChange looks at the tasks that a change concerns, as many as a
// person waits for; the sweep looks at the rest.
func (s *Store) afterStaffChange(ctx context.Context, caller *Caller, subject string) (*StaffRow, error) {
	for range 5 {
		left, err := s.RecheckTasks(ctx, 200)
		if err != nil || !left {
			break // the change stands; the sweep tries again
		}
	}
	return s.StaffMember(ctx, caller, subject)
}

// RecheckTasks looks at up to limit open tasks whose deciders have changed: a
// case is parked when nobody can decide one, and goes on when somebody can
// again. It tells whether there are more. It may be done twice and by two at
// once.
func (s *Store) RecheckTasks(ctx context.Context, limit int) (left bool, err error) {
	var ask struct {
		ID    int64  `db:"id"`
		Area  string `db:"area"`
		After string `db:"looked_to"`
	}
	err = s.get(ctx, &ask, `SELECT id, area, looked_to FROM task_rechecks ORDER BY id LIMIT 1`)
	if aid.KindOf(err) == aid.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var tasks []inHand
	err = s.list(ctx, &tasks, `SELECT t.id, t.case_id FROM tasks t WHERE t.closed_at IS NULL AND t.kind NOT IN ('provide_information', 'repair_configuration')
		AND t.id > $2 AND t.area IN (SELECT unnest((`+areasBelow("$1")+`))) ORDER BY t.id LIMIT $3`, ask.Area, ask.After, limit)
	if err != nil {
		return false, err
	}
	differ, err := s.otherwiseParked(ctx, tasks)
	if err != nil {
		return false, err
	}
	for _, h := range differ {
		if err := s.moveInHand(ctx, h, (*Tx).parkAgain); err != nil {
			return true, err
		}
	}
	return true, s.Write(ctx, func(tx *Tx) error {
		if len(tasks) < limit {
			_, err := tx.exec(`DELETE FROM task_rechecks WHERE id = $1`, ask.ID)
			return err
		}
		_, err := tx.exec(`UPDATE task_rechecks SET looked_to = $2 WHERE id = $1`, ask.ID, tasks[len(tasks)-1].Task)
		return err
	})
}

// otherwiseParked gives those of the tasks that somebody can decide although
// their case is parked for them, and the other way round, without a lock.
func (s *Store) otherwiseParked(ctx context.Context, tasks []inHand) ([]inHand, error) {
	var differ []inHand
	err := s.Write(ctx, func(tx *Tx) error {
		differ = nil
		var ids []string
		for _, h := range tasks {
			ids = append(ids, h.Task)
		}
		var asked []string
		err := tx.list(&asked, `SELECT subject FROM tasks WHERE subject = ANY($1) AND `+parkedForNobody, pq.Array(ids))
		if err != nil {
			return err
		}
		parked := map[string]bool{}
		for _, id := range asked {
			parked[id] = true
		}
		for _, h := range tasks {
			t, c, err := tx.taskForDecision(h.Task)
			if err != nil {
				return err
			}
			enough, err := tx.decidable(c, t)
			if err != nil {
				return err
			}
			if c.Status.Open() && enough == parked[h.Task] {
				differ = append(differ, h)
			}
		}
		return nil
	})
	return differ, err
}

// parkedForNobody is the condition of an open repair that more staff ends; what
// else a task is parked for, somebody has to repair.
const parkedForNobody = `kind = 'repair_configuration' AND closed_at IS NULL AND rule ->> 'because' = 'nobody_can_decide'`

// parkAgain parks a case whose task nobody can decide, and takes it back when
// somebody can again.
func (tx *Tx) parkAgain(c *Case, t *Task) error {
	enough, err := tx.decidable(c, t)
	if err != nil {
		return err
	}
	if !enough {
		return tx.parkIfNobody(c, t)
	}
	var repair string
	err = tx.get(&repair, `SELECT id FROM tasks WHERE case_id = $1 AND subject = $2 AND `+parkedForNobody, c.ID, t.ID)
	if err != nil {
		if notFound(err) {
			return nil
		}
		return err
	}
	r, err := tx.LockTask(c, repair)
	if err != nil {
		return err
	}
	if err := tx.CloseTask(r, "staffed"); err != nil {
		return err
	}
	if err := tx.giveDeadline(c, t); err != nil {
		return err
	}
	return tx.goesOn(c, r)
}
