// Package aid holds the words of the field: cases, tasks, awards, payments and
// the rules that give the same answer tomorrow. It does no I/O and knows no
// clock, no randomness and no logger; time and ids are arguments.
package aid

import (
	"errors"
	"fmt"
)

// Kind says what sort of refusal an Error is. Each door translates kinds once:
// the api to an HTTP status, the activities to a retry decision.
type Kind string

// The kinds of refusal.
const (
	Invalid      Kind = "invalid"      // the content breaks a rule: 422
	NotFound     Kind = "not_found"    // not there, or not yours: 404
	Forbidden    Kind = "forbidden"    // known caller, wrong role, area or person: 403
	Conflict     Kind = "conflict"     // the state does not allow it: 409
	Stale        Kind = "stale"        // changed since it was read: 412
	Unavailable  Kind = "unavailable"  // try again later: 503
	Unknown      Kind = "unknown"      // nobody knows whether it happened: ask before trying again
	Unauthorized Kind = "unauthorized" // who are you: 401
)

// Fault is one thing that is wrong, at one place of the input.
type Fault struct {
	Pointer string            `json:"pointer,omitempty"` // JSON pointer into the body, "" for the whole
	Code    string            `json:"code"`              // stable, for programs and for the message catalogue
	Params  map[string]string `json:"params,omitempty"`  // for the message; never personal data, never the rejected value
}

// Error is a refusal with a stable code. It never carries the rejected value
// or personal data, so that it may be logged and shown.
type Error struct {
	Kind   Kind              `json:"kind"`
	Code   string            `json:"code"`
	Params map[string]string `json:"params,omitempty"`
	Faults []Fault           `json:"faults,omitempty"`
	Cause  error             `json:"-"` // for logs only
}

// Error gives kind and code, for logs and tests.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s", e.Kind, e.Code)
	for _, f := range e.Faults {
		s += fmt.Sprintf(" [%s %s]", f.Pointer, f.Code)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause, if any.
func (e *Error) Unwrap() error { return e.Cause }

// Refuse makes an Error of a kind and a code. Pairs of name and value become
// its params.
func Refuse(kind Kind, code string, params ...string) *Error {
	e := &Error{Kind: kind, Code: code}
	for i := 0; i+1 < len(params); i += 2 {
		if e.Params == nil {
			e.Params = map[string]string{}
		}
		e.Params[params[i]] = params[i+1]
	}
	return e
}

// RefuseAll makes an Invalid error that lists every fault, or nil when there
// is none.
func RefuseAll(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Code: "invalid_content", Faults: faults}
}

// KindOf gives the kind of the first Error in err's chain, or "".
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// CodeOf gives the code of the first Error in err's chain, or "".
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
