package postgres

import (
	"context"
	"errors"

	"github.com/aidflow/aidflow/aid"
)

// SettleDelegations moves the tasks of delegations that have begun, and gives
// back those of delegations that are over, at most limit of them. It may be
// done twice and by two at once.
func (s *Store) SettleDelegations(ctx context.Context, limit int) (settled int, err error) {
	var ids []string
	err = s.list(ctx, &ids, `SELECT id FROM delegations WHERE settled_at IS NULL
		AND (revoked_at IS NOT NULL OR until_at <= $1 OR (started_at IS NULL AND from_at <= $1)) ORDER BY from_at LIMIT $2`, s.Now(), limit)
	if err != nil {
		return 0, err
	}
	var faults error // one that cannot be settled does not keep back the others
	for _, id := range ids {
		err := s.settleDelegation(ctx, id)
		faults = errors.Join(faults, err)
		if err == nil {
			settled++
		}
	}
	return settled, faults
}

// settleDelegation does what a delegation's beginning or end asks for: first
// its tasks, one transaction each, then the mark that it is done.
func (s *Store) settleDelegation(ctx context.Context, id string) error {
	var d struct {
		DelegationRow
		Started bool `db:"started"`
		Settled bool `db:"settled"`
	}
	err := s.get(ctx, &d, `SELECT `+delegationColumns+`, d.started_at IS NOT NULL AS started, d.settled_at IS NOT NULL AS settled
		FROM delegations d WHERE d.id = $2`, s.Now(), id)
	switch {
	case err != nil || d.Settled || d.State == "planned":
		return err
	case d.State == "active" && d.Started:
		return nil
	case d.State == "active":
		return s.beginDelegation(ctx, d.DelegationRow)
	}
	return s.endDelegation(ctx, d.DelegationRow, d.Started)
}

func (s *Store) beginDelegation(ctx context.Context, d DelegationRow) error {
	tasks, err := s.tasksInHand(ctx, `t.assignee = $1 AND $2 <> ''`, d)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if err := s.moveInHand(ctx, t, func(tx *Tx, c *Case, t *Task) error { return tx.handToDelegate(c, t, d) }); err != nil {
			return err
		}
	}
	return s.markDelegation(ctx, d, `UPDATE delegations SET started_at = $2 WHERE id = $1 AND started_at IS NULL`, "delegation.begun")
}

func (s *Store) endDelegation(ctx context.Context, d DelegationRow, started bool) error {
	tasks, err := s.tasksInHand(ctx, `t.assigned_for = $1 AND t.assignee = $2`, d)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if err := s.moveInHand(ctx, t, func(tx *Tx, c *Case, t *Task) error { return tx.takeBack(c, t) }); err != nil {
			return err
		}
	}
	kind := "delegation.ended"
	if !started {
		kind = "" // it never began: nobody was told of it
	}
	return s.markDelegation(ctx, d, `UPDATE delegations SET settled_at = $2 WHERE id = $1 AND settled_at IS NULL`, kind)
}

// markDelegation writes that a beginning or an end is dealt with, and tells
// both persons, once.
func (s *Store) markDelegation(ctx context.Context, d DelegationRow, statement, kind string) error {
	return s.Write(ctx, func(tx *Tx) error {
		n, err := tx.exec(statement, d.ID, tx.Wall)
		if err != nil || n == 0 || kind == "" {
			return err
		}
		return tx.Tell(Notice{Kind: kind, Subject: d.ID, Actor: System, To: []string{d.Principal, d.Delegate}})
	})
}

// inHand is an open task that somebody has.
type inHand struct {
	Task string `db:"id"`
	Case string `db:"case_id"`
}

func (s *Store) tasksInHand(ctx context.Context, which string, d DelegationRow) ([]inHand, error) {
	var tasks []inHand
	err := s.list(ctx, &tasks, `SELECT t.id, t.case_id FROM tasks t WHERE t.closed_at IS NULL AND `+which+` ORDER BY t.case_id, t.id`, d.Principal, d.Delegate)
	return tasks, err
}

// moveInHand runs fn on a task that is locked and still open.
func (s *Store) moveInHand(ctx context.Context, h inHand, fn func(*Tx, *Case, *Task) error) error {
	err := s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(h.Case)
		if err != nil {
			return err
		}
		t, err := tx.LockTask(c, h.Task)
		if err != nil {
			return err
		}
		return fn(tx, c, t)
	})
	if aid.CodeOf(err) == "task_closed" {
		return nil // decided meanwhile
	}
	return err
}

// handToDelegate gives a task that the principal has in hand to the delegate. It
// stays with the principal when the delegation does not cover it, and goes back
// to everybody when the delegate is barred from it.
func (tx *Tx) handToDelegate(c *Case, t *Task, d DelegationRow) error {
	if t.Assignee == nil || *t.Assignee != d.Principal || t.Kind == aid.Advise {
		return nil // a question was put to the person
	}
	by, err := tx.authorise(c, t, d.Delegate, d.Principal, false)
	if aid.KindOf(err) != "" {
		return nil // not within the delegation
	}
	if err != nil {
		return err
	}
	if barred, err := tx.barred(c, t, by); err != nil {
		return err
	} else if barred {
		return tx.giveTo(c, t, "", "", "task.released")
	}
	return tx.giveTo(c, t, d.Delegate, d.Principal, "task.delegated")
}

// barred tells whether an earlier vote, another duty or a relation keeps one of
// the persons from deciding a task that they have the role for.
func (tx *Tx) barred(c *Case, t *Task, by Standing) (bool, error) {
	for _, check := range []func() error{
		func() error { return tx.clear(c, t, by.Actor, by.Behalf) }, by.notVoted,
		func() error { return tx.notTheOther(t, by.Persons()) },
	} {
		if err := check(); err != nil {
			return aid.KindOf(err) != "", asFault(err)
		}
	}
	return false, nil
}

// asFault gives what is no refusal; nil for a refusal.
func asFault(err error) error {
	if aid.KindOf(err) != "" {
		return nil
	}
	return err
}

// takeBack takes a task from a person who may not have it any more: it goes to
// the principal from whom it came, as far as that person may decide it, else
// back to everybody.
func (tx *Tx) takeBack(c *Case, t *Task) error {
	if t.Assignee == nil {
		return nil
	}
	if t.Kind == aid.Advise {
		return tx.withdrawQuestion(c, t)
	}
	if t.AssignedFor != nil {
		by, err := tx.authorise(c, t, *t.AssignedFor, "", false)
		if err == nil && by.Behalf == "" {
			barred, err := tx.barred(c, t, by)
			if err != nil {
				return err
			}
			if !barred {
				return tx.giveTo(c, t, *t.AssignedFor, "", "task.delegation_ended")
			}
		}
		if err != nil && aid.KindOf(err) == "" {
			return err
		}
	}
	return tx.giveTo(c, t, "", "", "task.released")
}

// keeps tells whether whoever has a task in hand may still decide it.
func (tx *Tx) keeps(c *Case, t *Task) (bool, error) {
	behalf := ""
	if t.AssignedFor != nil {
		behalf = *t.AssignedFor
	}
	by, err := tx.authorise(c, t, *t.Assignee, behalf, false)
	if err != nil && aid.KindOf(err) == "" {
		return false, err
	}
	return err == nil && (t.AssignedFor != nil || by.Behalf == ""), nil
}

// giveTo writes into whose hands a task goes, "" for everybody's, and from
// whom a delegation brought it. The timeline has who had it and who has.
func (tx *Tx) giveTo(c *Case, t *Task, to, behalf, event string) error {
	e := Event{Kind: event, Actor: System, Data: map[string]any{"from": *t.Assignee}}
	if to == "" {
		return tx.unclaim(c, t, e)
	}
	until, err := tx.claimEnd(c, t)
	if err != nil {
		return err
	}
	e.Data["to"] = to
	if err := tx.hold(c, t, to, "", until, e); err != nil || behalf == "" {
		return err
	}
	t.AssignedFor = &behalf
	return tx.one(`UPDATE tasks SET assigned_for = $2 WHERE id = $1`, t.ID, behalf)
}
