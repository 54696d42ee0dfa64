package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// claimFor is the working time after which a claim lapses, unless
// SetClaimTime said otherwise.
const claimFor = 8 * time.Hour

// SetClaimTime says after how much working time a claim lapses; 0 means never.
// Claims that are there keep their end. Call it before the store is shared.
func (s *Store) SetClaimTime(d time.Duration) { s.claimFor = d }

// Holder gives who has the task at an instant of the case's clock: a claim
// that has lapsed holds nothing, whether it was tidied up or not.
func (t *Task) Holder(now time.Time) string {
	if t.Assignee == nil || (t.ClaimedUntil != nil && !t.ClaimedUntil.After(now)) {
		return ""
	}
	return *t.Assignee
}

// heldByAnother refuses what only the holder of a task may do.
//
// Errors: Conflict task_claimed (params by, who has it; action, claim or
// assign; at).
func (t *Task) heldByAnother(now time.Time, actor string) error {
	by := t.Holder(now)
	if by == "" || by == actor {
		return nil
	}
	since := t.OpenedAt
	if t.ClaimedAt != nil {
		since = *t.ClaimedAt
	}
	return tooLate("task_claimed", by, heldBy(t.AssignedBy != nil || t.AssignedFor != nil), since)
}

// freeFor is mayTake for who is about to change the locked task: a claim that
// has lapsed is tidied up.
func (tx *Tx) freeFor(c *Case, t *Task, by Standing) error {
	if err := tx.mayTake(t, by); err != nil {
		return err
	}
	return tx.lapse(c, t)
}

// ClaimTask makes a task the caller's own until it is released or decided, or
// until the claim lapses. Version is the one that the caller saw; 0 is not
// compared. Claiming one's own task again only moves the end of the claim.
//
// Errors: NotFound task_not_found; Forbidden wrong_role, wrong_area,
// wrong_level, not_in_committee, four_eyes, conflict_of_interest; Conflict task_closed, task_claimed
// (params as of TooLate), already_decided; Stale stale.
func (s *Store) ClaimTask(ctx context.Context, caller *Caller, id string, version int) (*TaskRow, error) {
	row, err := s.Task(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return s.changeClaim(ctx, caller, row, version, func(tx *Tx, c *Case, t *Task) error {
		if err := tx.mayHave(caller, t.ID); err != nil {
			return err
		}
		return tx.claim(c, t, caller.Actor())
	})
}

// mayHave refuses what the person may not decide now, as seen under the lock
// of the task's case: also one that another has claimed.
func (tx *Tx) mayHave(caller *Caller, id string) error {
	row, err := readTask(tx.get, tx.list, tx.Wall, caller, id)
	if err != nil {
		return err
	}
	return row.refusal(caller)
}

// lockForClaim locks a task that the caller may decide now.
func (tx *Tx) lockForClaim(c *Case, id string, caller *Caller) (*Task, error) {
	t, err := tx.LockTask(c, id)
	if err != nil {
		return nil, err
	}
	return t, tx.mayHave(caller, id)
}

// ReleaseTask gives a claimed task back to everybody: by whom it belongs to, or
// by a manager of its area. Releasing a task that is free changes nothing.
//
// Errors: NotFound task_not_found; Conflict task_closed, task_claimed (params as of TooLate); Stale stale.
func (s *Store) ReleaseTask(ctx context.Context, caller *Caller, id string, version int) (*TaskRow, error) {
	row, err := s.Task(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return s.changeClaim(ctx, caller, row, version, func(tx *Tx, c *Case, t *Task) error {
		if err := t.heldByAnother(tx.Now, caller.Actor()); err != nil && !caller.HasFor(t.Area, c.Programme, aid.RoleManager) {
			return err
		}
		return tx.unclaim(c, t, Event{Kind: "task.released", Actor: caller.Actor()})
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

// claim gives a locked task to a person who may decide it: the first wins.
//
// Errors: Conflict task_claimed (params as of TooLate); Forbidden conflict_of_interest.
func (tx *Tx) claim(c *Case, t *Task, actor string) error {
	if err := t.heldByAnother(tx.Now, actor); err != nil {
		return err
	}
	until, err := tx.claimEnd(c, t)
	if err != nil {
		return err
	}
	if t.Holder(tx.Now) == actor {
		return tx.one(`UPDATE tasks SET claimed_until = $2 WHERE id = $1`, t.ID, until)
	}
	if err := tx.lapse(c, t); err != nil {
		return err
	}
	return tx.hold(c, t, actor, "", until, Event{Kind: "task.claimed", Actor: actor})
}

// hold makes a free task a person's, and tells it as an event. The person is
// worked with from now on: waiting for somebody and being worked on are
// different waits, of the same owner.
//
// Errors: Forbidden conflict_of_interest.
func (tx *Tx) hold(c *Case, t *Task, holder, by string, until *time.Time, e Event) error {
	if err := tx.Unrelated(c.ID, holder); err != nil {
		return err
	}
	t.State, t.Assignee, t.ClaimedUntil = "claimed", &holder, until
	t.Version++
	err := tx.one(`UPDATE tasks SET state = 'claimed', assignee = $2, claimed_at = $3, claimed_until = $4, assigned_by = nullif($5, ''), version = $6
		WHERE id = $1`, t.ID, holder, tx.Now, until, by, t.Version)
	if err != nil {
		return err
	}
	if err := tx.splitWait(c, t, true, tx.Now); err != nil {
		return err
	}
	return tx.aboutTask(c, t, e)
}

// unclaim gives a locked task back to everybody, whoever had it, and tells it
// as an event of the given kind, actor and data. The deadline and the wait go
// on: only the worked-on part of the wait ends. A task that is free stays as
// it is, and nothing is told. What the task shows has changed, so its version
// rises.
func (tx *Tx) unclaim(c *Case, t *Task, e Event) error {
	if t.Assignee == nil {
		return nil
	}
	if t.Holder(tx.Now) == "" {
		return tx.lapse(c, t)
	}
	t.Version++
	return tx.free(c, t, tx.Now, e)
}

// lapse tidies up a claim whose time is over. What the task shows stays: a
// lapsed claim holds nothing, so that its version stays as well, and whoever
// saw the task may decide it. The worked-on part of the wait ended when the
// claim did.
func (tx *Tx) lapse(c *Case, t *Task) error {
	if t.Assignee == nil || t.Holder(tx.Now) != "" {
		return nil
	}
	until := *t.ClaimedUntil
	return tx.free(c, t, until, Event{Kind: "task.claim_lapsed", Actor: System, Data: map[string]any{"assignee": *t.Assignee, "lapsed_at": until.UTC()}})
}

func (tx *Tx) free(c *Case, t *Task, at time.Time, e Event) error {
	if e.Data == nil {
		e.Data = map[string]any{}
	}
	e.Data["assignee"] = *t.Assignee
	t.State, t.Assignee, t.ClaimedUntil = "open", nil, nil
	err := tx.one(`UPDATE tasks SET state = 'open', assignee = NULL, claimed_at = NULL, claimed_until = NULL, assigned_by = NULL, version = $2 WHERE id = $1`,
		t.ID, t.Version)
	if err != nil {
		return err
	}
	if err := tx.splitWait(c, t, false, at); err != nil {
		return err
	}
	return tx.aboutTask(c, t, e)
}

// splitWait divides the open interval of a case at an instant, when it is for
// this task: before it the task was waited for, after it worked on, or the
// other way round. The owner and everything else stay.
func (tx *Tx) splitWait(c *Case, t *Task, claimed bool, at time.Time) error {
	_, err := tx.exec(`
		WITH ended AS (
			UPDATE intervals SET to_at = greatest(from_at, $4) WHERE case_id = $1 AND to_at IS NULL AND task_id = $2 AND claimed <> $3
			RETURNING n, stage, level, owner, to_at)
		INSERT INTO intervals (case_id, n, stage, task_id, level, claimed, owner, from_at)
		SELECT $1, n + 1, stage, $2, level, $3, owner, to_at FROM ended`, c.ID, t.ID, claimed, at)
	return err
}

func (tx *Tx) aboutTask(c *Case, t *Task, e Event) error {
	if e.Data == nil {
		e.Data = map[string]any{}
	}
	e.Task, e.Data["task_kind"] = t.ID, t.Kind
	return tx.AddEvent(c, e)
}

// claimEnd is when a claim of now lapses: after the working time that a claim
// has, by the calendar of the task's place. A calendar that cannot be read
// stops no work: the claim does not lapse.
func (tx *Tx) claimEnd(c *Case, t *Task) (*time.Time, error) {
	if tx.store.claimFor <= 0 {
		return nil, nil
	}
	calendar, err := tx.calendarOf(c)
	if broken(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	until := calendar.Add(tx.Now, tx.store.claimFor).UTC()
	return &until, nil
}

// LapseClaims tidies up to 100 claims whose time is over, and gives how many
// there were. Nobody waits for it: a lapsed claim holds nothing before either.
// Two callers at once do no harm.
func (s *Store) LapseClaims(ctx context.Context) (n int, err error) {
	var over []struct {
		ID   string `db:"id"`
		Case string `db:"case_id"`
	}
	err = s.list(ctx, &over, `SELECT id, case_id FROM tasks WHERE closed_at IS NULL AND lapses_at <= $1 ORDER BY lapses_at LIMIT 100`, s.Now())
	if err != nil {
		return 0, err
	}
	for _, o := range over {
		err := s.Write(ctx, func(tx *Tx) error {
			c, err := tx.LockCase(o.Case)
			if err != nil {
				return err
			}
			t, err := tx.LockTask(c, o.ID)
			if err != nil {
				return err
			}
			return tx.lapse(c, t)
		})
		if aid.CodeOf(err) == "task_closed" {
			continue // decided meanwhile
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
