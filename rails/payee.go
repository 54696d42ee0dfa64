package rails

import (
	"errors"
	"fmt"
	"log/slog"
)

// Methods of a payee.
const (
	MethodBank = "bank" // to an account at a bank
	MethodCash = "cash" // handed over against a receipt
)

// Payee is who gets the money. It is personal data that lives only in memory
// on its way to the rail: every usual way to print, log or encode it gives a
// redacted form, and a redacted form cannot be decoded again, so that a payee
// can never travel through a history or a log by accident. Rails read the
// fields into their own message.
type Payee struct {
	Method        string // MethodBank or MethodCash
	BankBIN       string // six digits of the bank, "" for cash
	AccountNumber string // "" for cash
	AccountName   string // name of the holder as the bank knows it, or of the collector
}

const redactedPayee = "payee(redacted)"

// String gives the redacted form.
func (Payee) String() string { return redactedPayee }

// GoString gives the redacted form.
func (Payee) GoString() string { return redactedPayee }

// Format writes the redacted form for every verb of fmt, %+v and %#v included.
func (Payee) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redactedPayee)) }

// LogValue gives the redacted form to slog.
func (Payee) LogValue() slog.Value { return slog.StringValue(redactedPayee) }

// MarshalText gives the redacted form; encoding/json and encoding/xml use it.
func (Payee) MarshalText() ([]byte, error) { return []byte(redactedPayee), nil }

// UnmarshalText refuses: what was written is redacted, and paying to it would
// lose money.
func (*Payee) UnmarshalText([]byte) error {
	return errors.New("rails: a payee is never read from an encoded form")
}

// GobEncode refuses, for the same reason.
func (Payee) GobEncode() ([]byte, error) {
	return nil, errors.New("rails: a payee is never encoded")
}

// GobDecode refuses.
func (*Payee) GobDecode([]byte) error {
	return errors.New("rails: a payee is never read from an encoded form")
}
