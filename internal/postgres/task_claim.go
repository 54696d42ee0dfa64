package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// ClaimTask makes a task the caller's own until it is released or decided.
// Version is the one that the caller saw; 0 is not compared. Claiming one's
// own task again changes nothing.
//
// Errors: NotFound task_not_found; Forbidden wrong_role, wrong_area,
// wrong_level, not_in_committee, four_eyes; Conflict task_closed, task_claimed
// (params by), already_decided; Stale stale.
func (s *Store) ClaimTask(ctx context.Context, caller *Caller, id string, version int) (*TaskRow, error) {
	row, err := s.Task(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	if err := row.refusal(caller); err != nil {
		return nil, err
	}
	return s.changeClaim(ctx, caller, row, version, func(tx *Tx, c *Case, t *Task) error {
		if t.Assignee != nil {
			if *t.Assignee == caller.Actor() {
				return nil
			}
			return aid.Refuse(aid.Conflict, "task_claimed", "by", *t.Assignee)
		}
		err := tx.one(`UPDATE tasks SET state = 'claimed', assignee = $2, claimed_at = $3, version = version + 1 WHERE id = $1`, t.ID, caller.Actor(), tx.Now)
		if err != nil {
			return err
		}
		return tx.claimed(c, t, caller, "task.claimed", true)
	})
}

// ReleaseTask gives a claimed task back to everybody: by whom it belongs to, or
// by a manager of its area. Releasing a task that is free changes nothing.
//
// Errors: NotFound task_not_found; Conflict task_closed, task_claimed (params by); Stale stale.
func (s *Store) ReleaseTask(ctx context.Context, caller *Caller, id string, version int) (*TaskRow, error) {
	row, err := s.Task(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return s.changeClaim(ctx, caller, row, version, func(tx *Tx, c *Case, t *Task) error {
		if t.Assignee == nil {
			return nil
		}
		if *t.Assignee != caller.Actor() && !caller.Has(aid.RoleManager, t.Area) {
			return aid.Refuse(aid.Conflict, "task_claimed", "by", *t.Assignee)
		}
		err := tx.one(`UPDATE tasks SET state = 'open', assignee = NULL, claimed_at = NULL, version = version + 1 WHERE id = $1`, t.ID)
		if err != nil {
			return err
		}
		return tx.claimed(c, t, caller, "task.released", false)
	})
}

// changeClaim runs fn on the locked task, if it is still as the caller saw it.
func (s *Store) changeClaim(ctx context.Context, caller *Caller, row *TaskRow, version int, fn func(*Tx, *Case, *Task) error) (*TaskRow, error) {
	err := s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.CaseID)
		if err != nil {
			return err
		}
		t, err := tx.LockTask(c, row.ID)
		if err != nil {
			return err
		}
		if version != 0 && t.Version != version {
			return aid.Refuse(aid.Stale, "stale")
		}
		return fn(tx, c, t)
	})
	if err != nil {
		return nil, err
	}
	return s.Task(ctx, caller, row.ID)
}

// claimed tells the timeline, and splits the wait when it is for this task:
// waiting for a person and being worked on are different waits, of the same
// owner.
func (tx *Tx) claimed(c *Case, t *Task, caller *Caller, event string, claimed bool) error {
	var owner aid.Owner
	err := tx.get(&owner, `SELECT owner FROM intervals WHERE case_id = $1 AND to_at IS NULL AND task_id = $2`, c.ID, t.ID)
	if err != nil && !notFound(err) {
		return err
	}
	if err == nil {
		if err := tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: owner, Task: t.ID, Level: t.Level, Claimed: claimed}); err != nil {
			return err
		}
	}
	return tx.AddEvent(c, Event{Kind: event, Actor: caller.Actor(), Task: t.ID, Data: map[string]any{"task_kind": t.Kind}})
}
