package simulator

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/railtest"
)

// TestAccountsThatMisbehave walks the table of the package comment.
func TestAccountsThatMisbehave(t *testing.T) {
	_, c := openServer(t, Config{SettleAfter: time.Millisecond})
	for n, x := range []struct {
		digits, refused, failed string
		firstCallFails          bool
		settles                 bool
	}{
		{digits: "990001", refused: "account_closed"},
		{digits: "990002", refused: "account_name_mismatch"},
		{digits: "990003", failed: "beneficiary_bank_rejected"},
		{digits: "990004", settles: true},
		{digits: "990005", firstCallFails: true, settles: true},
		{digits: "990006", firstCallFails: true, settles: true},
		{digits: "990008", settles: true},
		{digits: "990010", refused: "account_blocked"},
		{digits: "000001", settles: true},
	} {
		in := instructionTo(n+1, "1023"+x.digits)
		s, err := rails.Submit(t.Context(), c, in)
		if x.firstCallFails != (rails.CertaintyOf(err) == rails.Unknown && err != nil) {
			t.Errorf("%s: the first submit: %v", x.digits, err)
		}
		if err != nil {
			s, err = rails.Submit(t.Context(), c, in)
		}
		if err != nil || (x.refused != "") != (s.State == rails.Refused) || s.Code != x.refused && s.State == rails.Refused {
			t.Errorf("%s: %s %s, %v", x.digits, s.State, s.Code, err)
			continue
		}
		end := railtest.Await(t, c, in)
		if x.settles != (end.State == rails.Settled) || (x.failed != "" && (end.State != rails.Failed || end.Code != x.failed)) {
			t.Errorf("%s: ended %s %s", x.digits, end.State, end.Code)
		}
	}
	b := mustRead(t, c)
	if b.States[rails.Refused] != 3 || b.States[rails.Failed] != 1 || len(b.Movements) != 5 {
		t.Errorf("states %v, %d movements", b.States, len(b.Movements))
	}
}

func TestAccountThatFailsOnceIsPaidByTheNextAttempt(t *testing.T) {
	_, c := openServer(t, Config{})
	in := instructionTo(1, "1023990010")
	if s, err := c.Submit(t.Context(), in); err != nil || s.State != rails.Refused {
		t.Fatalf("attempt 1: %s %v", s.State, err)
	}
	in.Key = "awd_1/tra_1/2"
	if _, err := c.Submit(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if s := railtest.Await(t, c, in); s.State != rails.Settled {
		t.Errorf("attempt 2: %s", s.State)
	}
}

func TestAccountHiddenForTwoAsksAndAccountThatNeverSettles(t *testing.T) {
	_, c := openServer(t, Config{})
	hidden, never := instructionTo(1, "1023990008"), instructionTo(2, "1023990009")
	for _, in := range []rails.Instruction{hidden, never} {
		if _, err := c.Submit(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		s, err := c.Ask(t.Context(), hidden.Key)
		if err != nil || (s.State == rails.NotFound) != (n < 2) {
			t.Errorf("ask %d: %s %v", n, s.State, err)
		}
	}
	railtest.Await(t, c, hidden)
	if s, err := c.Ask(t.Context(), never.Key); err != nil || s.State != rails.Accepted {
		t.Errorf("never: %s %v", s.State, err)
	}
}

func TestRefusalsOfTheBank(t *testing.T) {
	_, c := openServer(t, Config{})
	n := 0
	for code, spoil := range map[string]func(*rails.Instruction){
		"currency_not_supported": func(in *rails.Instruction) { in.Currency = "USD" },
		"method_not_supported":   func(in *rails.Instruction) { in.Payee.Method = rails.MethodCash },
		"account_invalid":        func(in *rails.Instruction) { in.Payee.AccountNumber = "12 34" },
	} {
		n++
		in := instruction(n)
		spoil(&in)
		for range 2 { // a refusal is remembered like any answer
			if s, err := rails.Submit(t.Context(), c, in); err != nil || s.State != rails.Refused || s.Code != code {
				t.Errorf("%s: %+v %v", code, s, err)
			}
		}
	}
	for _, spoil := range []func(*rails.Payee){
		func(p *rails.Payee) { p.BankBIN = "97" }, func(p *rails.Payee) { p.AccountName = " " },
	} {
		n++
		in := instruction(n)
		spoil(&in.Payee)
		if s, err := rails.Submit(t.Context(), c, in); err != nil || s.Code != "account_invalid" {
			t.Errorf("%+v %v", s, err)
		}
	}
	if b := mustRead(t, c); len(b.Movements) != 0 || len(b.Balances) != 0 {
		t.Errorf("a refusal moved money: %+v", b)
	}
}

func TestScriptedOutcomes(t *testing.T) {
	_, c := openServer(t, Config{})
	mustScript(t, c,
		Rule{Kind: Refuse, Keys: "awd_1/*/*", Code: "account_closed"},
		Rule{Kind: Fail, Keys: "awd_2/*/*"},
		Rule{Kind: NeverSettle, Keys: "awd_3/*/*"},
		Rule{Kind: SettleLate, Keys: "awd_4/*/*", DelayMS: 1},
		Rule{Kind: Hide, Keys: "awd_5/*/*", DelayMS: 30},
		Rule{Kind: ErrorBefore, On: "ask", Keys: "awd_6/*/*", Calls: 1},
	)
	for n, want := range map[int]struct {
		state rails.State
		code  string
	}{
		1: {rails.Refused, "account_closed"}, 2: {rails.Failed, "simulated"}, 3: {rails.Accepted, ""},
		4: {rails.Settled, ""}, 5: {rails.Settled, ""}, 6: {rails.Settled, ""}, 7: {rails.Settled, ""},
	} {
		in := instruction(n)
		s, err := c.Submit(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if want.state.Final() {
			s = railtest.Await(t, c, in)
		}
		if s.State != want.state || s.Code != want.code {
			t.Errorf("%d: %s %s", n, s.State, s.Code)
		}
	}
}

func TestRulesAreCheckedCountedAndCleared(t *testing.T) {
	s, c := openServer(t, Config{})
	for field, r := range map[string]Rule{
		"rules.kind": {Kind: "explode"}, "rules.on": {Kind: Fail, On: "ask"}, "rules.keys": {Kind: Fail, Keys: "["},
		"rules.calls": {Kind: Fail, Calls: -1}, "rules.probability": {Kind: Fail, Probability: 2},
		"rules.delay_ms": {Kind: Fail, DelayMS: -1},
	} {
		err := c.AddFaults(t.Context(), Script{Rules: []Rule{r}})
		if rails.CertaintyOf(err) != rails.Never || err.Error() != "rail: invalid_instruction (never) at "+field {
			t.Errorf("%s: %v", field, err)
		}
	}
	mustScript(t, c, Rule{Kind: RateLimited, Calls: 3, PerKey: 2})
	calls := 0
	for range 5 {
		for n := 1; n <= 2; n++ {
			if _, err := c.Submit(t.Context(), instruction(n)); err != nil {
				calls++
			}
		}
	}
	rules, err := s.books.rules()
	if err != nil || calls != 3 || len(rules) != 1 || rules[0].Taken != 3 {
		t.Errorf("%d calls went wrong, rules %+v, %v", calls, rules, err)
	}
	if err := c.ClearFaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rules, err = s.books.rules(); err != nil || len(rules) != 0 {
		t.Errorf("left: %+v, %v", rules, err)
	}
}

func TestASeedDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rule{Kind: Fail, Seed: rapid.Uint64().Draw(t, "seed"), Probability: 0.3}
		hits := 0
		for n := range 300 {
			a, b := r.drawn(instruction(n).Key, 1), r.drawn(instruction(n).Key, 1)
			if a != b {
				t.Fatal("drawn differently")
			}
			if a {
				hits++
			}
		}
		if hits < 30 || hits > 170 {
			t.Fatalf("%d of 300 at 0.3", hits)
		}
	})
}
