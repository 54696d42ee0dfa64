// Package racetest says what one task allows when several people act on it in
// the same moment: a small model, and the question whether what happened is one
// of the ways in which the model could have gone, one act after the other
// (linearizable). The model knows nothing of the program.
package racetest

import (
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// Kinds of acts.
const (
	Decide  = "decide"
	Claim   = "claim"
	Release = "release"
	Look    = "look"
)

// Act is what somebody wants of the task.
type Act struct {
	Kind   string
	Actor  string
	Action string // of a decision
	Seen   int    // the version of the task that the decision is about
	Key    string // of the request: acts of one key are copies of each other
	Twice  bool   // the actor sends another decision in the same race
}

// Answer is what came back. Codes are those of the API; "" is success.
type Answer struct {
	Code string
	Settled

	Open    bool // what a look saw
	Version int
	Holder  string
}

// Settled is who decided or has the task, what that person did, and when: said
// by the one who did it, and to whoever came too late.
type Settled struct {
	By     string
	Action string
	At     string
}

// Done is one act with its answer, and the instants in between which it was
// made.
type Done struct {
	Act
	Answer
	Called, Returned time.Duration
}

// Check tells whether a history of one task, which is free and of the given
// version in the beginning, is linearizable. Searching has a limit of a minute;
// a history that is not judged by then is none.
func Check(version int, history []Done) bool {
	ops := make([]porcupine.Operation, len(history))
	for i, d := range history {
		ops[i] = porcupine.Operation{ClientId: i, Input: d.Act, Output: d.Answer, Call: int64(d.Called), Return: int64(d.Returned)}
	}
	return porcupine.CheckOperationsTimeout(model(version), ops, time.Minute) == porcupine.Ok
}

func model(version int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return task{version: version} },
		Step: func(state, input, output any) (bool, any) {
			return state.(task).next(input.(Act), output.(Answer))
		},
	}
}

// task is all that there is to know of a task.
type task struct {
	version int
	holder  string
	settled Settled // how it was closed; empty while it is open
	voters  string  // who abstained, each between spaces
	made    string  // keys of decisions that were made, each between spaces
}

// next tells whether the act may be answered like this, and how the task is
// then.
func (t task) next(a Act, is Answer) (bool, task) {
	if a.Kind == Look {
		return t.looks(is), t
	}
	if is.Code == "" {
		return t.done(a, is)
	}
	return t.refused(a, is), t
}

func (t task) open() bool { return t.settled == Settled{} }

func (t task) looks(is Answer) bool {
	return is.Open == t.open() && is.Version == t.version && (!is.Open || is.Holder == t.holder)
}

// refused tells whether the act may be refused like this.
func (t task) refused(a Act, is Answer) bool {
	free := t.holder == "" || t.holder == a.Actor
	switch is.Code {
	case "task_closed":
		return !t.open() && is.Settled == t.settled
	case "task_claimed":
		return t.open() && !free && is.By == t.holder && is.Action == Claim && is.At != ""
	case "already_decided":
		return a.Twice || slices.Contains(strings.Fields(t.voters), a.Actor)
	case "idempotency_running":
		return a.Twice
	case "stale":
		return a.Kind == Decide && t.open() && a.Seen != t.version
	}
	return false
}

func (t task) done(a Act, is Answer) (bool, task) {
	switch a.Kind {
	case Claim:
		return t.claimed(a.Actor)
	case Release:
		return t.released(a.Actor)
	}
	if strings.Contains(t.made, " "+a.Key+" ") { // a copy: the answer of the first, and nothing is done
		return t.open() || is.Settled == t.settled, t
	}
	free := t.holder == "" || t.holder == a.Actor
	voted := slices.Contains(strings.Fields(t.voters), a.Actor)
	if !t.open() || !free || voted || a.Seen != t.version || is.By != a.Actor || is.Action != a.Action {
		return false, t
	}
	t.version, t.made = t.version+1, t.made+" "+a.Key+" "
	if a.Action == "abstain" {
		t.voters, t.holder = t.voters+" "+a.Actor+" ", ""
		return true, t
	}
	t.settled = is.Settled
	return true, t
}

// claimed makes the task the actor's, unless it is another's.
func (t task) claimed(actor string) (bool, task) {
	if !t.open() || (t.holder != "" && t.holder != actor) {
		return false, t
	}
	if t.holder == "" {
		t.holder, t.version = actor, t.version+1
	}
	return true, t
}

// released gives the task back, which may be free already.
func (t task) released(actor string) (bool, task) {
	if !t.open() || (t.holder != "" && t.holder != actor) {
		return false, t
	}
	if t.holder != "" {
		t.holder, t.version = "", t.version+1
	}
	return true, t
}
