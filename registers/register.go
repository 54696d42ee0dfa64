// Package registers holds the ways to ask a register of somebody else's whether
// a person is who the request says: the population register, a social
// insurance. A register tells what it holds under an id number; what it says
// is compared here, in memory, and nothing but codes leaves this package.
//
// Callers use the function Ask, which adds what no register may be trusted
// with: an answer about somebody else is no answer.
package registers

import (
	"context"
	"errors"
)

// Register is one register outside. Implementations are safe for concurrent
// use, keep nothing of a person, and return an *Error for every failure.
type Register interface {
	// Look gives what the register holds under the person's id number. A
	// number that it does not know is an Entry that is not Found, no error.
	Look(ctx context.Context, asked Person) (Entry, error)
}

// Entry is what a register holds under an id number.
type Entry struct {
	Found  bool
	Person Person // the number that was looked up; the rest only when it was found, as far as the register tells
}

// Result says in one word what comparing came to.
type Result string

// The results. What differs in one respect may be a slip of the pen; where
// name and birth date differ both, the number is somebody else's.
const (
	Match    Result = "match"     // everything that both know is the same
	Differs  Result = "differs"   // see the fields
	NoMatch  Result = "no_match"  // the number is somebody else's
	NotFound Result = "not_found" // the register does not know the number
)

// Results gives all results, for those who record one by hand.
func Results() []Result { return []Result{Match, Differs, NoMatch, NotFound} }

// The fields that may differ.
const (
	FieldName      = "full_name"
	FieldBirthDate = "birth_date"
	FieldSex       = "sex"
)

// Answer is what is kept of an answer: codes only.
type Answer struct {
	Result Result
	Fields []string // that differ, sorted; with Differs and NoMatch
}

// Codes gives the answer as the codes of a check: none for a match.
func (a Answer) Codes() []string {
	if a.Result == Match {
		return []string{}
	}
	codes := []string{string(a.Result)}
	for _, field := range a.Fields {
		codes = append(codes, field+"_differs")
	}
	return codes
}

// Ask asks a register about a person and compares. The error is always an
// *Error: the register is away, or what it says cannot be believed; asking
// later may help.
func Ask(ctx context.Context, r Register, asked Person) (Answer, error) {
	entry, err := r.Look(ctx, asked)
	if err != nil {
		return Answer{}, asError(err)
	}
	if entry.Person.NationalID != asked.NationalID {
		return Answer{}, &Error{Code: CodeMismatch}
	}
	if !entry.Found {
		return Answer{Result: NotFound}, nil
	}
	return compare(asked, entry.Person), nil
}

// asError keeps an *Error and wraps anything else.
func asError(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Code: CodeNotUnderstood, Cause: err}
}
