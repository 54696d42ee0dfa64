package rails

import (
	"errors"
	"fmt"
	"time"
)

// Certainty says what a failed call proves, and so what may be done next.
type Certainty string

// The three certainties. There is no fourth: what is not understood is Unknown.
const (
	// NotExecuted: this call certainly moved nothing. Sending the same
	// instruction again, under the same key, is safe now (or after RetryAfter).
	// It says nothing about earlier calls of that key.
	NotExecuted Certainty = "not_executed"
	// Unknown: the instruction may have been executed. Ask by key before
	// anything else; never raise n, never release the money.
	Unknown Certainty = "unknown"
	// Never: this call moved nothing and sending it again can never help. With
	// CodeKeyConflict another instruction holds the key and may have moved
	// money: that goes to a person.
	Never Certainty = "never"
)

// Codes that every rail uses. A rail may add its own.
const (
	CodeKeyConflict        = "key_conflict"        // the key is used with other content (Never)
	CodeInvalidInstruction = "invalid_instruction" // the form of the instruction is wrong (Never)
	CodeUnreachable        = "unreachable"         // no connection was made (NotExecuted)
	CodeRateLimited        = "rate_limited"        // turned away before execution (NotExecuted)
	CodeUnauthorized       = "unauthorized"        // the rail does not know our secret (NotExecuted)
	CodeMismatch           = "mismatch"            // the answer speaks of another movement (Unknown)
	CodeNoAnswer           = "no_answer"           // sent, and no answer came (Unknown)
	CodeMalformedAnswer    = "malformed_answer"    // an answer that cannot be read (Unknown)
	CodeRailFault          = "rail_fault"          // the rail says that it broke (Unknown)
	CodeNotUnderstood      = "not_understood"      // an error of no known kind (Unknown)
)

// Error is the failure of one call to a rail. It carries codes only, so that
// it may be logged, stored and recorded in histories; Cause is for logs and
// holds no content of the instruction.
type Error struct {
	Certainty  Certainty
	Code       string        // stable
	Field      string        // the field at fault, "" when there is none
	RetryAfter time.Duration // the rail asks to wait this long; 0 means no wish
	Cause      error
}

// Error gives certainty, code and field.
func (e *Error) Error() string {
	s := fmt.Sprintf("rail: %s (%s)", e.Code, e.Certainty)
	if e.Field != "" {
		s += " at " + e.Field
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause, if any.
func (e *Error) Unwrap() error { return e.Cause }

// CertaintyOf is the one switch from a rail's error to what may be done next.
// An error that is not an *Error, or has no known certainty, is Unknown. Do
// not call it with nil.
func CertaintyOf(err error) Certainty {
	var e *Error
	if !errors.As(err, &e) {
		return Unknown
	}
	switch e.Certainty {
	case NotExecuted, Never:
		return e.Certainty
	}
	return Unknown
}

// CodeOf gives the code of a rail's error, CodeNotUnderstood when it has none.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Code != "" {
		return e.Code
	}
	return CodeNotUnderstood
}

// asError keeps an *Error and wraps anything else as Unknown.
func asError(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Certainty: Unknown, Code: CodeNotUnderstood, Cause: err}
}

// unproven turns whatever a failed question says into Unknown, keeping its
// code: a rail that cannot be reached now may have executed the instruction
// before.
func unproven(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Certainty == Unknown {
		return err
	}
	return &Error{Certainty: Unknown, Code: e.Code, Field: e.Field, RetryAfter: e.RetryAfter, Cause: e.Cause}
}
