package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// caseLimit bounds the whole way of one case.
const caseLimit = 4 * time.Minute

// drive takes one case along, doing for each open task what the person does
// whose task it is.
type drive struct {
	s       *stack
	id      string
	decided func(t *testing.T, done string) // after a decision: "kind" or "approve/level"; may be nil
}

// submit creates a case and gives it.
func submit(t *testing.T, s *stack, r request) caseView {
	t.Helper()
	answer := s.partner(t).insist(t, http.MethodPost, "/v1/cases", r, newKey())
	if answer.status != http.StatusCreated {
		t.Fatalf("%s", answer)
	}
	var c caseView
	answer.into(t, &c)
	return c
}

func (s *stack) caseOf(t *testing.T, id string) caseView {
	t.Helper()
	return get[caseView](t, s.as(t, "manager1"), "/v1/cases/"+id)
}

// openTasks gives the open tasks of a case.
func (s *stack) openTasks(t *testing.T, id string) []task {
	t.Helper()
	all := list[task](t, s.as(t, "manager1"), "/v1/tasks", "case", id)
	return slices.DeleteFunc(all, func(one task) bool { return !one.open() })
}

// awaitTask waits until a case has an open task of a kind (and level, unless
// it is "").
func (s *stack) awaitTask(t *testing.T, id, kind, level string) task {
	t.Helper()
	var found task
	s.await(t, patience, kind+" "+level+" of "+id, func() bool {
		for _, one := range s.openTasks(t, id) {
			if one.Kind == kind && (level == "" || one.Level == level) {
				found = one
				return true
			}
		}
		return false
	})
	return found
}

// awaitStatus waits until a case has a status.
func (s *stack) awaitStatus(t *testing.T, id, status string) caseView {
	t.Helper()
	var c caseView
	s.await(t, patience, id+" is "+status, func() bool {
		c = s.caseOf(t, id)
		return c.Status == status
	})
	return c
}

// actors gives who decides a task, in turn: a committee takes more than one.
func actors(one task) []string {
	switch one.Kind {
	case "verify_documents", "field_visit", "confirm_milestone", "record_check", "post_publicly", "meet_condition":
		return []string{"verifier1"}
	case "decide_objection":
		return []string{"approver5"}
	case "approve":
		if one.Level == "province" {
			return []string{"approver2", "approver4"}
		}
		return []string{"approver1"}
	case "prepare_payment":
		return []string{"treasurer1"}
	case "release_payment":
		return []string{"releaser1"}
	case "follow_up_visit":
		return []string{"verifier2"}
	}
	return nil
}

// action gives what a person of good will answers.
func action(kind string) string {
	switch kind {
	case "approve", "release_payment", "decide_objection":
		return "approve"
	case "prepare_payment", "confirm_milestone":
		return "confirm"
	}
	return "complete"
}

// toEnd drives the case until it is closed.
func (d *drive) toEnd(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(caseLimit)
	for {
		if time.Now().After(deadline) {
			t.Fatalf("case %s: not closed within %s: %+v\n%s", d.id, caseLimit, d.s.caseOf(t, d.id), d.s.tail())
		}
		if d.step(t) {
			continue
		}
		c := d.s.caseOf(t, d.id)
		switch c.Status {
		case "closed":
			return
		case "rejected", "withdrawn", "waiting_funds", "action_needed":
			t.Fatalf("case %s came to %s", d.id, c.Status)
		case "following_up":
			d.passTime(t)
		}
		time.Sleep(30 * time.Millisecond) // the process is at work
	}
}

// until drives the case until a task of a kind is open, and gives that task.
func (d *drive) until(t *testing.T, kind, level string) task {
	t.Helper()
	for deadline := time.Now().Add(caseLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, one := range d.s.openTasks(t, d.id) {
			if one.Kind == kind && (level == "" || one.Level == level) {
				return one
			}
			d.settle(t, one)
		}
	}
	t.Fatalf("case %s: no %s %s: %+v\n%s", d.id, kind, level, d.s.caseOf(t, d.id), d.s.tail())
	return task{}
}

// step decides what is open; false when nothing was.
func (d *drive) step(t *testing.T) bool {
	t.Helper()
	open := d.s.openTasks(t, d.id)
	for _, one := range open {
		d.settle(t, one)
	}
	return len(open) > 0
}

// settle has everybody decide whose turn it is on a task.
func (d *drive) settle(t *testing.T, one task) {
	t.Helper()
	who := actors(one)
	if who == nil {
		t.Fatalf("case %s: an unexpected task %s\n%s", d.id, one.Kind, d.s.tail())
	}
	for _, name := range who {
		begun := time.Now()
		if !d.s.decide(t, name, one.ID, action(one.Kind)) {
			return
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Logf("%s took %s", one.Kind, took.Round(time.Millisecond)) // something was away
		}
		if d.decided != nil {
			done := one.Kind
			if one.Level != "" {
				done += "/" + one.Level
			}
			d.decided(t, done)
		}
	}
}

// decide decides a task as a careful person does: when no answer comes, it
// looks at the task again before it decides anew. False when the task had been
// closed before.
func (s *stack) decide(t *testing.T, name, id, what string) bool {
	t.Helper()
	c, sent := s.as(t, name), false
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		one, etag := getTagged[task](t, c, "/v1/tasks/"+id)
		if !one.open() {
			return sent // an earlier try came through, without its answer
		}
		if one.Blocked == "already_decided" {
			return true
		}
		r, err := c.send(http.MethodPost, "/v1/tasks/"+id+"/decisions", one.answer(what), newKey(), ifMatch(etag))
		sent = true
		switch {
		case err != nil || passing(r) || r.status == http.StatusPreconditionFailed:
			continue
		case r.status == http.StatusOK:
			return true
		case r.status == http.StatusAccepted:
			var made decision
			r.into(t, &made)
			return s.awaitDecision(t, c, made.ID)
		case r.problem.Code == "already_decided", r.problem.Code == "task_closed":
			continue // an earlier try came through: the task says so next time
		}
		t.Fatalf("%s\n%s", r, s.tail())
	}
	t.Fatalf("task %s is not decided within %s\n%s", id, patience, s.tail())
	return false
}

// awaitDecision waits until a recorded decision is applied.
func (s *stack) awaitDecision(t *testing.T, c *caller, id string) bool {
	t.Helper()
	s.await(t, patience, "decision "+id+" is applied", func() bool {
		d := get[decision](t, c, "/v1/decisions/"+id)
		if d.Status == "refused" || d.Status == "expired" {
			t.Fatalf("decision %s: %s %s", id, d.Status, d.RefusalCode)
		}
		return d.Status == "applied"
	})
	return true
}

// passTime lets a case's time pass up to its next visit.
func (d *drive) passTime(t *testing.T) {
	t.Helper()
	d.s.advance(t, d.id, "P32D")
}

// advance moves the clock of a case; what holds it up goes away by itself.
func (s *stack) advance(t *testing.T, id, duration string) {
	t.Helper()
	r := s.partner(t).insist(t, http.MethodPost, "/v1/sandbox/cases/"+id+"/advance", map[string]string{"duration": duration})
	if r.status != http.StatusOK {
		t.Fatalf("%s\n%s", r, s.tail())
	}
}
