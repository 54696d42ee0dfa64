// Package registertest is the conformance suite of registers: what every way
// to ask one has to do before a household's case rests on it. An adapter
// passes it through its real client against the real process, or against the
// test system of its register.
//
//	func TestConformance(t *testing.T) {
//		registertest.Run(t, func(t *testing.T) registertest.Subject { ... })
//	}
package registertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aidflow/aidflow/registers"
)

// Subject is one fresh register under test.
type Subject struct {
	// Register is the client as production uses it.
	Register registers.Register
	// Known is somebody whom the register knows, with everything it knows.
	Known registers.Person
	// Unknown is a well-formed number that the register does not know.
	Unknown string
	// Fault makes every question go wrong until mend is called. Nil when the
	// register has no test system that can; the tests that need it are skipped.
	Fault func(t *testing.T, f Fault) (mend func())
	// Kill ends the register's process without warning. Nil when it cannot be
	// done.
	Kill func(t *testing.T)
}

// Fault is a way in which a question goes wrong.
type Fault string

// The faults of the suite.
const (
	Error        Fault = "error"
	Timeout      Fault = "timeout"
	Hang         Fault = "hang"
	Reset        Fault = "reset"
	Malformed    Fault = "malformed"
	TooLong      Fault = "too_long"
	WrongID      Fault = "wrong_id"
	Unauthorized Fault = "unauthorized"
	RateLimited  Fault = "rate_limited"
	Redirect     Fault = "redirect"
	NoPath       Fault = "no_path"
)

// Faults gives each fault with the code that the question has to fail with.
func Faults() map[Fault]string {
	return map[Fault]string{
		Error: registers.CodeRegisterFault, Timeout: registers.CodeNoAnswer, Hang: registers.CodeNoAnswer, Reset: registers.CodeNoAnswer,
		Malformed: registers.CodeMalformedAnswer, TooLong: registers.CodeMalformedAnswer, WrongID: registers.CodeMismatch,
		Unauthorized: registers.CodeUnauthorized, RateLimited: registers.CodeRateLimited, Redirect: registers.CodeRegisterFault,
		NoPath: registers.CodeRegisterFault,
	}
}

// Run runs the suite. open is called once for each test and cleans up through
// its t.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, Subject)
	}{
		{"WhoIsKnownMatches", known},
		{"WhatDiffersIsNamed", differs},
		{"WhoIsNotKnownIsNotFound", unknown},
		{"QuestionsAtOnceAreAnsweredApart", atOnce},
		{"AFaultIsNoAnswer", faults},
		{"ARegisterThatIsGoneIsUnreachable", gone},
		{"AQuestionEndsWithItsCaller", ends},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func expect(t *testing.T, r registers.Register, asked registers.Person, want registers.Answer) {
	t.Helper()
	got, err := registers.Ask(t.Context(), r, asked)
	if err != nil || got.Result != want.Result || !slices.Equal(got.Fields, want.Fields) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}

func known(t *testing.T, s Subject) {
	for range 2 {
		expect(t, s.Register, s.Known, registers.Answer{Result: registers.Match})
	}
	bare := registers.Person{NationalID: s.Known.NationalID}
	expect(t, s.Register, bare, registers.Answer{Result: registers.Match})
}

func differs(t *testing.T, s Subject) {
	other := s.Known
	other.BirthDate = "1901-01-01"
	expect(t, s.Register, other, registers.Answer{Result: registers.Differs, Fields: []string{registers.FieldBirthDate}})
	other.FullName = "Somebody Else"
	expect(t, s.Register, other, registers.Answer{Result: registers.NoMatch, Fields: []string{registers.FieldBirthDate, registers.FieldName}})
}

func unknown(t *testing.T, s Subject) {
	asked := s.Known
	asked.NationalID = s.Unknown
	expect(t, s.Register, asked, registers.Answer{Result: registers.NotFound})
}

// atOnce asks about two persons side by side: nobody gets the other's answer.
func atOnce(t *testing.T, s Subject) {
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { expect(t, s.Register, s.Known, registers.Answer{Result: registers.Match}) })
		all.Go(func() {
			expect(t, s.Register, registers.Person{NationalID: s.Unknown}, registers.Answer{Result: registers.NotFound})
		})
	}
	all.Wait()
}

// faults: nothing that goes wrong is taken for an answer, the error says
// nothing of the person, and the next question is answered.
func faults(t *testing.T, s Subject) {
	if s.Fault == nil {
		t.Skip("the register cannot be made to fail")
	}
	for fault, code := range Faults() {
		mend := s.Fault(t, fault)
		_, err := registers.Ask(t.Context(), s.Register, s.Known)
		mend()
		mustFail(t, string(fault), err, code, s.Known)
		expect(t, s.Register, s.Known, registers.Answer{Result: registers.Match})
	}
}

func mustFail(t *testing.T, name string, err error, code string, about registers.Person) {
	t.Helper()
	var fault *registers.Error
	if !errors.As(err, &fault) || fault.Code != code {
		t.Errorf("%s: %v, want %s", name, err, code)
		return
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, part := range []string{about.NationalID, about.FullName, about.BirthDate} {
			if part != "" && strings.Contains(e.Error(), part) {
				t.Errorf("%s: the error tells of the person", name)
			}
		}
	}
}

func gone(t *testing.T, s Subject) {
	if s.Kill == nil {
		t.Skip("the register cannot be killed")
	}
	expect(t, s.Register, s.Known, registers.Answer{Result: registers.Match})
	s.Kill(t)
	for range 2 { // the first may find the connection of before
		_, err := registers.Ask(t.Context(), s.Register, s.Known)
		if code := registers.CodeOf(err); err == nil || (code != registers.CodeUnreachable && code != registers.CodeNoAnswer) {
			t.Errorf("a register that is gone: %v", err)
		}
	}
}

func ends(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := registers.Ask(ctx, s.Register, s.Known); err == nil {
		t.Error("answered after its caller had gone")
	}
}
