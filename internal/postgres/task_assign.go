package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// AssignTask gives a task to a person, by a manager of its area: to somebody
// who may decide it now, whoever has it. Whoever had it is told by the event.
// The deadline, and what has run of it, stay as they are; like a claim the
// assignment lapses. To whom the task belongs already it is given anew, with a
// new end. Version is the one that the caller saw; 0 is not compared.
//
// Errors: NotFound task_not_found; Forbidden wrong_role to who does not manage
// the task's area; Conflict task_closed, not_assignable for a question to a
// colleague or what awaits the partner; Stale stale; Invalid with one fault at
// /assignee: unknown_staff, staff_disabled, or why the person may not decide
// the task.
func (s *Store) AssignTask(ctx context.Context, caller *Caller, id, to string, version int) (*TaskRow, error) {
	row, err := s.Task(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	if !caller.HasFor(row.Area, row.Programme, aid.RoleManager) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	assignee, err := s.StaffBySubject(ctx, to)
	switch aid.CodeOf(err) {
	case "unknown_subject":
		return nil, notAssignee("unknown_staff")
	case "staff_disabled":
		return nil, notAssignee("staff_disabled")
	}
	if err != nil {
		return nil, err
	}
	return s.changeClaim(ctx, caller, row, version, func(tx *Tx, c *Case, t *Task) error {
		return tx.assign(c, t, caller, assignee)
	})
}

func notAssignee(code string) error {
	return aid.RefuseAll([]aid.Fault{{Pointer: "/assignee", Code: code}})
}

func (tx *Tx) assign(c *Case, t *Task, by, to *Caller) error {
	if t.Kind == aid.Advise || t.Kind == aid.ProvideInformation {
		return aid.Refuse(aid.Conflict, "not_assignable")
	}
	if err := tx.assignable(t, to); err != nil {
		return err
	}
	until, err := tx.claimEnd(c, t)
	if err != nil {
		return err
	}
	data := map[string]any{"assignee": to.Actor()}
	switch from := t.Holder(tx.Now); from {
	case to.Actor():
		return tx.one(`UPDATE tasks SET claimed_until = $2, assigned_by = $3 WHERE id = $1`, t.ID, until, by.Actor())
	case "":
		if err := tx.lapse(c, t); err != nil {
			return err
		}
	default:
		data["from"] = from
	}
	return tx.hold(c, t, to.Actor(), by.Actor(), until, Event{Kind: "task.assigned", Actor: by.Actor(), Data: data})
}

// assignable tells why a person may not be given a task: one fault.
func (tx *Tx) assignable(t *Task, to *Caller) error {
	row, err := readTask(tx.get, tx.list, tx.Wall, to, t.ID)
	if err == nil {
		row.Assignee = nil // whoever has it
		err = row.refusal(to)
	}
	switch aid.KindOf(err) {
	case aid.NotFound:
		return notAssignee("wrong_area")
	case aid.Forbidden, aid.Conflict:
		return notAssignee(aid.CodeOf(err))
	}
	return err
}
