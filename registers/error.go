package registers

import "errors"

// Codes of what goes wrong between us and a register. Whatever it is, the
// register is away for us, and is asked again later.
const (
	CodeUnreachable     = "unreachable"      // no connection
	CodeUnauthorized    = "unauthorized"     // it does not know our token
	CodeRateLimited     = "rate_limited"     // asked too often
	CodeNoAnswer        = "no_answer"        // asked, and no answer came in time
	CodeRegisterFault   = "register_fault"   // it says that it broke, or sends us elsewhere
	CodeMalformedAnswer = "malformed_answer" // an answer that cannot be read, or is too long
	CodeMismatch        = "mismatch"         // an answer about somebody else
	CodeNotUnderstood   = "not_understood"   // an error of no known kind
	CodeNotConfigured   = "not_configured"   // the deployment has no register of this name
)

// Error is the failure of one question. It carries a code only, so that it may
// be logged and recorded in histories; Cause is for logs and holds nothing of
// question or answer.
type Error struct {
	Code  string // stable
	Cause error
}

// Error gives the code.
func (e *Error) Error() string {
	if e.Cause != nil {
		return "register: " + e.Code + ": " + e.Cause.Error()
	}
	return "register: " + e.Code
}

// Unwrap gives the cause, if any.
func (e *Error) Unwrap() error { return e.Cause }

// CodeOf gives the code of a register's error, CodeNotUnderstood when it has
// none.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Code != "" {
		return e.Code
	}
	return CodeNotUnderstood
}
