package rails

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func instruction() Instruction {
	return Instruction{
		Key: "awd_1/tra_1/1", Amount: 5_000_000, Currency: "VND", Purpose: "HS-2026-000001",
		Payee: Payee{Method: MethodBank, BankBIN: "970416", AccountNumber: "canary-number", AccountName: "canary-name"},
	}
}

func TestValidateNamesTheFieldAndNotTheValue(t *testing.T) {
	for field, spoil := range map[string]func(*Instruction){
		"":             func(*Instruction) {},
		"key":          func(in *Instruction) { in.Key = "canary" },
		"amount":       func(in *Instruction) { in.Amount = 0 },
		"currency":     func(in *Instruction) { in.Currency = "canary" },
		"payee.method": func(in *Instruction) { in.Payee.Method = "" },
		"purpose":      func(in *Instruction) { in.Purpose = strings.Repeat("canary", 30) },
	} {
		in := instruction()
		spoil(&in)
		err := in.Validate()
		if field == "" {
			if err != nil {
				t.Errorf("a valid instruction: %v", err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Certainty != Never || e.Code != CodeInvalidInstruction || e.Field != field {
			t.Errorf("%s: got %v", field, err)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error repeats the value: %v", field, err)
		}
	}
}

func TestKeyIsValidForEveryAttempt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[a-z0-9_]{1,40}`)
		if k := fmt.Sprintf("%s/%s/%d", id.Draw(t, "award"), id.Draw(t, "tranche"), rapid.IntRange(1, 9999).Draw(t, "n")); !ValidKey(k) {
			t.Fatalf("not valid: %q", k)
		}
	})
	for _, k := range []string{"", "a/b", "a/b/0", "a/b/01", "a/b/c", "a//1", "../b/1", "a/b/1/2", "a/b/-1"} {
		if ValidKey(k) {
			t.Errorf("valid: %q", k)
		}
	}
}

func TestPayeeIsNeverPrinted(t *testing.T) {
	in := instruction()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", in, &in, in.Payee)
	}
	fmt.Fprintln(&out, in.Payee.String(), in.Payee.GoString(), &in.Payee, []any{in.Payee})
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("paying", "in", in, "ptr", &in, "payee", in.Payee, "list", []Payee{in.Payee})
	}
	b, err := json.Marshal(map[string]any{"in": in, "payee": &in.Payee})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	if x, err := xml.Marshal(in); err == nil {
		out.Write(x)
	}
	if err := gob.NewEncoder(&out).Encode(in); err == nil {
		t.Error("gob takes a payee")
	}
	hexed := fmt.Sprintf("%x", "canary")
	if s := out.String(); strings.Contains(s, "canary") || strings.Contains(s, hexed) || strings.Contains(s, "970416") {
		t.Errorf("a payee was printed:\n%s", s)
	}
}

func TestPayeeIsNeverReadBack(t *testing.T) {
	b, err := json.Marshal(instruction())
	if err != nil {
		t.Fatal(err)
	}
	var in Instruction
	if err := json.Unmarshal(b, &in); err == nil {
		t.Error("a redacted payee was read back")
	}
	if err := json.Unmarshal([]byte(`{"payee":{"Method":"bank"}}`), &in); err == nil {
		t.Error("a payee was read from an object")
	}
}

func TestCertaintyOfWhatIsNotUnderstoodIsUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want Certainty
	}{
		"retry now":      {&Error{Certainty: NotExecuted}, NotExecuted},
		"wrapped":        {fmt.Errorf("submit: %w", &Error{Certainty: Never}), Never},
		"unknown":        {&Error{Certainty: Unknown}, Unknown},
		"zero value":     {&Error{}, Unknown},
		"a new word":     {&Error{Certainty: "maybe"}, Unknown},
		"somebody elses": {context.DeadlineExceeded, Unknown},
	} {
		if got := CertaintyOf(c.err); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if CodeOf(errors.New("x")) != CodeNotUnderstood {
		t.Error("a foreign error has a code")
	}
}

// fixedRail answers every call with the same words.
type fixedRail struct {
	status Status
	err    error
}

func (fixedRail) Name() string                                          { return "fixed" }
func (fixedRail) Capabilities() Capabilities                            { return Capabilities{} }
func (r fixedRail) Submit(context.Context, Instruction) (Status, error) { return r.status, r.err }
func (r fixedRail) Ask(context.Context, string) (Status, error)         { return r.status, r.err }

func TestAnswersAreConfirmed(t *testing.T) {
	in := instruction()
	good := Status{Key: in.Key, State: Settled, Amount: in.Amount, Currency: in.Currency, At: time.Unix(1, 0)}
	with := func(f func(*Status)) Status { s := good; f(&s); return s }
	for name, c := range map[string]struct {
		status Status
		field  string
	}{
		"as asked":      {good, ""},
		"not found":     {Status{Key: in.Key, State: NotFound}, ""},
		"key":           {with(func(s *Status) { s.Key = "a/b/2" }), "key"},
		"amount":        {with(func(s *Status) { s.Amount++ }), "amount"},
		"refused other": {with(func(s *Status) { s.State = Refused; s.Amount = 1 }), "amount"},
		"currency":      {with(func(s *Status) { s.Currency = "USD" }), "currency"},
		"state":         {with(func(s *Status) { s.State = "done" }), "state"},
		"nothing":       {Status{}, "state"},
	} {
		r := fixedRail{status: c.status}
		_, err1 := Submit(context.Background(), r, in)
		_, err2 := Ask(context.Background(), r, in.Key, in.Amount, in.Currency)
		for _, err := range []error{err1, err2} {
			var e *Error
			if c.field == "" && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if c.field != "" && (!errors.As(err, &e) || e.Certainty != Unknown || e.Code != CodeMismatch || e.Field != c.field) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

func TestAFailedQuestionProvesNothing(t *testing.T) {
	in := instruction()
	for _, c := range []Certainty{NotExecuted, Never, Unknown} {
		r := fixedRail{err: &Error{Certainty: c, Code: CodeUnreachable}}
		_, err := Ask(context.Background(), r, in.Key, in.Amount, in.Currency)
		if CertaintyOf(err) != Unknown || CodeOf(err) != CodeUnreachable {
			t.Errorf("%s: %v", c, err)
		}
	}
	_, err := Submit(context.Background(), fixedRail{err: errors.New("odd")}, in)
	if CertaintyOf(err) != Unknown || CodeOf(err) != CodeNotUnderstood {
		t.Errorf("a foreign error: %v", err)
	}
}

func TestStates(t *testing.T) {
	for s, final := range map[State]bool{Accepted: false, Settled: true, Refused: true, Failed: true, NotFound: false} {
		if !s.Valid() || s.Final() != final {
			t.Errorf("%s: valid %v final %v", s, s.Valid(), s.Final())
		}
	}
	c := Capabilities{Currencies: []string{"VND"}, Methods: []string{MethodBank}}
	if !c.Takes("VND", MethodBank) || c.Takes("VND", MethodCash) || c.Takes("USD", MethodBank) {
		t.Error("Takes")
	}
}
