// Package railtest is the conformance suite of rails: what every way to pay
// has to do before money goes through it. A rail passes it through its real
// client against the real process (or the sandbox of its bank).
//
//	func TestConformance(t *testing.T) {
//		railtest.Run(t, func(t *testing.T) railtest.Subject { ... })
//	}
package railtest

import (
	"testing"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// Subject is one fresh rail under test.
type Subject struct {
	// Rail is the client as production uses it.
	Rail rails.Rail
	// Instruction makes the nth instruction, n from 1: valid, on its own key,
	// to a payee whose money settles by itself.
	Instruction func(n int) rails.Instruction
	// Movements reads what really moved from the rail's own books, in any
	// order. The suite believes nothing else.
	Movements func(t *testing.T) []Movement
	// Fault makes the next submit of a key go wrong once. Nil when the rail
	// has no sandbox that can; the tests that need it are then skipped.
	Fault func(t *testing.T, f Fault, key string)
	// Restart kills the rail's process without warning, starts it again on the
	// same books and gives a client of it. Nil when it cannot be done.
	Restart func(t *testing.T) rails.Rail
}

// Movement is one settled movement of the rail's own books.
type Movement struct {
	Key      string
	Amount   int64 // minor units
	Currency string
}

// Fault is a way in which a submit goes wrong.
type Fault string

// The faults of the suite. After an ambiguous one the caller cannot know
// whether the instruction was executed; after a safe one it certainly was not;
// a lying one answers with a settlement of another movement.
const (
	ErrorBefore   Fault = "error_before"
	ErrorAfter    Fault = "error_after"
	TimeoutBefore Fault = "timeout_before"
	TimeoutAfter  Fault = "timeout_after"
	Hang          Fault = "hang"
	ResetBefore   Fault = "reset_before"
	ResetAfter    Fault = "reset_after"
	Malformed     Fault = "malformed"
	RateLimited   Fault = "rate_limited"
	WrongAmount   Fault = "wrong_amount"
	WrongCurrency Fault = "wrong_currency"
	WrongKey      Fault = "wrong_key"
)

// Ambiguous gives the faults after which nobody knows whether the money moved.
func Ambiguous() []Fault {
	return []Fault{ErrorBefore, ErrorAfter, TimeoutBefore, TimeoutAfter, Hang, ResetBefore, ResetAfter, Malformed}
}

// Safe gives the faults after which certainly nothing was executed.
func Safe() []Fault { return []Fault{RateLimited} }

// Lying gives the faults that claim a settlement of another movement.
func Lying() []Fault { return []Fault{WrongAmount, WrongCurrency, WrongKey} }

// Run runs the suite. open is called once for each test and cleans up through
// its t.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, Subject)
	}{
		{"SettlesOnceWithTheAmount", settlesOnce},
		{"TheSameSubmitTwiceMovesOnce", sameTwice},
		{"ConcurrentCopiesMoveOnce", concurrentCopies},
		{"OtherContentUnderAKeyIsRefused", otherContent},
		{"EachKeyMovesByItself", eachKey},
		{"AnUnknownKeyIsNotFound", unknownKey},
		{"AMalformedInstructionNeverLeaves", malformedInstruction},
		{"AnAmbiguousAnswerIsUnknown", ambiguousAnswers},
		{"ASafeFaultIsNotExecuted", safeFaults},
		{"ALieIsNeverTakenAsSettled", lies},
		{"AKillKeepsTheBooks", killKeepsBooks},
		{"RandomUseAgreesWithAModel", randomUse},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// submit sends an instruction and fails the test on any error.
func submit(t *testing.T, r rails.Rail, in rails.Instruction) rails.Status {
	t.Helper()
	s, err := rails.Submit(t.Context(), r, in)
	if err != nil {
		t.Fatalf("submit: %v", err)
	}
	return s
}

// Await asks until the rail gives a final state. It has no limit of its own: a
// rail that never ends is ended by the test's deadline.
func Await(t *testing.T, r rails.Rail, in rails.Instruction) rails.Status {
	t.Helper()
	for {
		s, err := rails.Ask(t.Context(), r, in.Key, in.Amount, in.Currency)
		if err == nil && s.State.Final() {
			return s
		}
		if t.Context().Err() != nil {
			t.Fatalf("no final state: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// mustSettle awaits the settlement of an instruction.
func mustSettle(t *testing.T, r rails.Rail, in rails.Instruction) {
	t.Helper()
	if s := Await(t, r, in); s.State != rails.Settled {
		t.Fatalf("the state is %s (%s), not settled", s.State, s.Code)
	}
}

// mustHold compares the rail's books with the instructions that must have
// moved: each once, with its amount, and nothing else.
func mustHold(t *testing.T, s Subject, want ...rails.Instruction) {
	t.Helper()
	got := map[string]Movement{}
	for _, m := range s.Movements(t) {
		if _, twice := got[m.Key]; twice {
			t.Errorf("moved twice: %s", m.Key)
		}
		got[m.Key] = m
	}
	for _, in := range want {
		if m, w := got[in.Key], (Movement{in.Key, in.Amount, in.Currency}); m != w {
			t.Errorf("the books hold %+v instead of %+v", m, w)
		}
		delete(got, in.Key)
	}
	for key := range got {
		t.Errorf("moved without an instruction: %s", key)
	}
}

// mustFail checks the certainty of an error.
func mustFail(t *testing.T, err error, want rails.Certainty) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error instead of %s", want)
	}
	if got := rails.CertaintyOf(err); got != want {
		t.Fatalf("certainty %s instead of %s: %v", got, want, err)
	}
}
