package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// TooLate gives the whole refusal for a person who came too late on a task, of
// which only the code is known so far: who decided it, what and when, or what
// became of its case; for already_decided which decision of the caller, or of a
// principal of the caller, stands in the way; for task_claimed who has it, or had
// it last. It gives nil when none of this holds.
//
// Errors: Conflict task_closed with the params state, and by, action and at
// (RFC 3339, on the case's clock) or status; Conflict already_decided with by,
// action and at; Conflict task_claimed with by, action (claim or assign) and at.
func (s *Store) TooLate(ctx context.Context, caller *Caller, task, code string) error {
	get := func(dest any, query string, args ...any) error { return s.get(ctx, dest, query, args...) }
	if err := whyClosed(get, task); err != nil {
		return err
	}
	switch code {
	case "already_decided":
		return whyDecided(get, task, caller.persons())
	case "task_claimed":
		row, err := readTask(get, s.asker(ctx), s.Now(), caller, task)
		if err == nil {
			err = row.heldByAnother(row.CaseNow, caller.Actor())
		}
		if err != nil {
			return err
		}
		return whoHad(get, row, caller.Actor())
	}
	return nil
}

// whoHad tells who of the others took a task last, or was given it, and has
// given it back since the caller was refused.
func whoHad(get func(dest any, query string, args ...any) error, t *TaskRow, actor string) error {
	var had struct {
		By    string    `db:"by"`
		Given bool      `db:"given"`
		At    time.Time `db:"at"`
	}
	err := get(&had, `SELECT coalesce(data ->> 'assignee', actor) AS by, kind <> 'task.claimed' AS given, at FROM events
		WHERE case_id = $1 AND task_id = $2 AND kind IN ('task.claimed', 'task.assigned', 'task.delegated')
		  AND coalesce(data ->> 'assignee', actor) <> $3 ORDER BY n DESC LIMIT 1`, t.CaseID, t.ID, actor)
	if notFound(err) || aid.KindOf(err) == aid.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return tooLate("task_claimed", had.By, heldBy(had.Given), had.At)
}

// heldBy says how somebody came to have a task.
func heldBy(given bool) string {
	if given {
		return "assign"
	}
	return "claim"
}

// persons gives the caller and whose delegate the caller is.
func (c *Caller) persons() []string {
	all := []string{c.Actor()}
	for _, g := range c.Roles {
		if g.Behalf != "" {
			all = append(all, g.Behalf)
		}
	}
	return all
}

// whyDecided tells which decision of the persons, made or still on its way,
// keeps them from another one.
func whyDecided(get func(dest any, query string, args ...any) error, task string, persons []string) error {
	var d struct {
		Actor  string     `db:"actor"`
		Action aid.Action `db:"action"`
		At     time.Time  `db:"at"`
	}
	err := get(&d, `SELECT d.actor, d.action, coalesce(d.decided_at, d.asked_at + c.clock_offset) AS at
		FROM decisions d JOIN cases c ON c.id = d.case_id
		WHERE d.task_id = $1 AND d.state IN ('intent', 'applied') AND (d.actor = ANY($2) OR d.behalf = ANY($2))
		ORDER BY d.state, d.decided_at DESC LIMIT 1`, task, pq.Array(persons))
	if notFound(err) || aid.KindOf(err) == aid.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return tooLate("already_decided", d.Actor, string(d.Action), d.At)
}

// tooLate names who did what, and when.
func tooLate(code, by, action string, at time.Time, params ...string) error {
	return aid.Refuse(aid.Conflict, code, append(params, "by", by, "action", action, "at", at.UTC().Format(time.RFC3339))...)
}

// whyClosed gives the refusal of who comes to a closed task; nil while it is
// open.
func whyClosed(get func(dest any, query string, args ...any) error, task string) error {
	var t struct {
		State  string      `db:"state"`
		Closed bool        `db:"closed"`
		Status aid.Status  `db:"status"`
		Actor  *string     `db:"actor"`
		Action *aid.Action `db:"action"`
		At     *time.Time  `db:"decided_at"`
	}
	err := get(&t, `
		SELECT t.state, t.closed_at IS NOT NULL AS closed, c.status, d.actor, d.action, d.decided_at
		FROM tasks t JOIN cases c ON c.id = t.case_id
		LEFT JOIN LATERAL (SELECT actor, action, decided_at FROM decisions WHERE task_id = t.id AND state = 'applied'
		                   ORDER BY decided_at DESC, id DESC LIMIT 1) d ON true
		WHERE t.id = $1`, task)
	switch {
	case err != nil:
		return err
	case !t.Closed:
		return nil
	case t.State == "done" && t.Actor != nil: // votes on a task that was ended otherwise have not decided it
		return tooLate("task_closed", *t.Actor, string(*t.Action), *t.At, "state", t.State)
	case !t.Status.Open():
		return aid.Refuse(aid.Conflict, "task_closed", "state", t.State, "status", string(t.Status))
	}
	return aid.Refuse(aid.Conflict, "task_closed", "state", t.State)
}
