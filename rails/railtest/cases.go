package railtest

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/rails"
)

func settlesOnce(t *testing.T, s Subject) {
	in := s.Instruction(1)
	st := submit(t, s.Rail, in)
	if st.State != rails.Accepted && st.State != rails.Settled {
		t.Fatalf("the first answer is %s (%s)", st.State, st.Code)
	}
	if st.Reference == "" || st.At.IsZero() {
		t.Error("no reference or no time")
	}
	mustSettle(t, s.Rail, in)
	mustHold(t, s, in)
}

func sameTwice(t *testing.T, s Subject) {
	in := s.Instruction(1)
	first := submit(t, s.Rail, in)
	second := submit(t, s.Rail, in)
	mustSettle(t, s.Rail, in)
	third := submit(t, s.Rail, in)
	if first.Reference != second.Reference || first.Reference != third.Reference {
		t.Error("a repeated submit got another reference")
	}
	if third.State != rails.Settled {
		t.Errorf("a submit after settlement answers %s", third.State)
	}
	mustHold(t, s, in)
}

func concurrentCopies(t *testing.T, s Subject) {
	const copies = 16
	in := s.Instruction(1)
	references := make([]string, copies)
	var wg sync.WaitGroup
	for i := range copies {
		wg.Go(func() {
			st, err := rails.Submit(t.Context(), s.Rail, in)
			if err != nil {
				t.Errorf("copy: %v", err)
			}
			references[i] = st.Reference
		})
	}
	wg.Wait()
	for _, r := range references {
		if r != references[0] {
			t.Error("copies got different references")
		}
	}
	mustSettle(t, s.Rail, in)
	mustHold(t, s, in)
}

func otherContent(t *testing.T, s Subject) {
	in := s.Instruction(1)
	submit(t, s.Rail, in)
	other := s.Instruction(2).Payee
	for name, change := range map[string]func(*rails.Instruction){
		"amount":  func(i *rails.Instruction) { i.Amount++ },
		"payee":   func(i *rails.Instruction) { i.Payee.AccountNumber = other.AccountNumber + "7" },
		"name":    func(i *rails.Instruction) { i.Payee.AccountName += " B" },
		"purpose": func(i *rails.Instruction) { i.Purpose += "x" },
	} {
		changed := in
		change(&changed)
		_, err := rails.Submit(t.Context(), s.Rail, changed)
		mustFail(t, err, rails.Never)
		if rails.CodeOf(err) != rails.CodeKeyConflict {
			t.Errorf("%s: code %s", name, rails.CodeOf(err))
		}
	}
	mustSettle(t, s.Rail, in)
	mustHold(t, s, in)
}

func eachKey(t *testing.T, s Subject) {
	var all []rails.Instruction
	for n := 1; n <= 5; n++ {
		in := s.Instruction(n)
		in.Payee, in.Amount = s.Instruction(1).Payee, s.Instruction(1).Amount
		submit(t, s.Rail, in)
		all = append(all, in)
	}
	for _, in := range all {
		mustSettle(t, s.Rail, in)
	}
	mustHold(t, s, all...)
}

func unknownKey(t *testing.T, s Subject) {
	in := s.Instruction(1)
	st, err := rails.Ask(t.Context(), s.Rail, in.Key, in.Amount, in.Currency)
	if err != nil || st.State != rails.NotFound {
		t.Fatalf("got %s, %v", st.State, err)
	}
	submit(t, s.Rail, in) // asking first must not spoil the key
	mustSettle(t, s.Rail, in)
	mustHold(t, s, in)
}

func malformedInstruction(t *testing.T, s Subject) {
	for _, spoil := range []func(*rails.Instruction){
		func(i *rails.Instruction) { i.Key = "" },
		func(i *rails.Instruction) { i.Key += "/x" },
		func(i *rails.Instruction) { i.Amount = 0 },
		func(i *rails.Instruction) { i.Amount = -i.Amount },
		func(i *rails.Instruction) { i.Currency = "vnd" },
	} {
		in := s.Instruction(1)
		spoil(&in)
		_, err := s.Rail.Submit(t.Context(), in) // without the check of rails.Submit
		mustFail(t, err, rails.Never)
	}
	mustHold(t, s)
}

// needFaults skips a test whose rail cannot be made to misbehave.
func needFaults(t *testing.T, s Subject) {
	t.Helper()
	if s.Fault == nil {
		t.Skip("this rail has no faults to order")
	}
}

func ambiguousAnswers(t *testing.T, s Subject) {
	needFaults(t, s)
	var all []rails.Instruction
	for n, f := range Ambiguous() {
		in := s.Instruction(n + 1)
		s.Fault(t, f, in.Key)
		st, err := rails.Submit(t.Context(), s.Rail, in)
		if err == nil {
			t.Fatalf("%s: answered %s", f, st.State)
		}
		mustFail(t, err, rails.Unknown)
		submit(t, s.Rail, in) // the same key again is safe
		mustSettle(t, s.Rail, in)
		all = append(all, in)
	}
	mustHold(t, s, all...)
}

func safeFaults(t *testing.T, s Subject) {
	needFaults(t, s)
	for n, f := range Safe() {
		in := s.Instruction(n + 1)
		s.Fault(t, f, in.Key)
		_, err := rails.Submit(t.Context(), s.Rail, in)
		mustFail(t, err, rails.NotExecuted)
		st, err := rails.Ask(t.Context(), s.Rail, in.Key, in.Amount, in.Currency)
		if err != nil || st.State != rails.NotFound {
			t.Errorf("%s: the rail says %s, %v", f, st.State, err)
		}
	}
	mustHold(t, s)
}

func lies(t *testing.T, s Subject) {
	needFaults(t, s)
	var all []rails.Instruction
	for n, f := range Lying() {
		in := s.Instruction(n + 1)
		s.Fault(t, f, in.Key)
		st, err := rails.Submit(t.Context(), s.Rail, in)
		if err == nil {
			t.Fatalf("%s: taken as %s", f, st.State)
		}
		mustFail(t, err, rails.Unknown)
		if rails.CodeOf(err) != rails.CodeMismatch {
			t.Errorf("%s: code %s", f, rails.CodeOf(err))
		}
		mustSettle(t, s.Rail, in)
		all = append(all, in)
	}
	mustHold(t, s, all...)
}

func killKeepsBooks(t *testing.T, s Subject) {
	if s.Restart == nil {
		t.Skip("this rail cannot be restarted")
	}
	var all []rails.Instruction
	r := s.Rail
	for n := 1; n <= 3; n++ {
		in := s.Instruction(n)
		before := submit(t, r, in)
		r = s.Restart(t)
		after := submit(t, r, in)
		if before.Reference != after.Reference {
			t.Error("an accepted instruction was forgotten")
		}
		all = append(all, in)
	}
	for _, in := range all {
		mustSettle(t, r, in)
	}
	mustHold(t, s, all...)
}

// randomUse lets a careless caller loose: it sends, sends again, asks, changes
// content and meets faults in any order. What the books hold in the end must
// be what the model says.
func randomUse(t *testing.T, s Subject) {
	serial := 0
	var moved []rails.Instruction
	rapid.Check(t, func(rt *rapid.T) {
		serial++
		in := s.Instruction(serial)
		sent := false
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0:
				submit(t, s.Rail, in)
				sent = true
			case 1:
				changed := in
				changed.Amount++
				if sent {
					_, err := rails.Submit(t.Context(), s.Rail, changed)
					mustFail(t, err, rails.Never)
				}
			case 2:
				if s.Fault == nil {
					continue
				}
				f := rapid.SampledFrom(Ambiguous()).Draw(rt, "fault")
				s.Fault(t, f, in.Key)
				if _, err := rails.Submit(t.Context(), s.Rail, in); err == nil {
					rt.Fatalf("%s was not noticed", f)
				}
				submit(t, s.Rail, in) // now it is certain
				sent = true
			case 3:
				st, err := rails.Ask(t.Context(), s.Rail, in.Key, in.Amount, in.Currency)
				if err != nil || (st.State == rails.NotFound) == sent {
					rt.Fatalf("sent %v, and the rail says %s, %v", sent, st.State, err)
				}
			}
		}
		if sent {
			moved = append(moved, in)
		}
	})
	for _, in := range moved {
		mustSettle(t, s.Rail, in)
	}
	mustHold(t, s, moved...)
}
