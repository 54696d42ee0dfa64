package registers

import (
	"errors"
	"fmt"
	"log/slog"
)

// Person is who is asked about, or whom a register knows. It is personal data
// that lives only in memory between the seal and the wire: every usual way to
// print, log or encode it gives a redacted form, and that cannot be decoded
// again. Adapters read the fields into their own message.
type Person struct {
	NationalID string
	FullName   string // "" when it is not known, as all that follow
	BirthDate  string // YYYY-MM-DD
	Sex        string // female or male
}

const redacted = "person(redacted)"

// String gives the redacted form.
func (Person) String() string { return redacted }

// GoString gives the redacted form.
func (Person) GoString() string { return redacted }

// Format writes the redacted form for every verb of fmt, %+v and %#v included.
func (Person) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue gives the redacted form to slog.
func (Person) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText gives the redacted form; encoding/json and encoding/xml use it.
func (Person) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText refuses: what was written is redacted.
func (*Person) UnmarshalText([]byte) error {
	return errors.New("registers: a person is never read from an encoded form")
}

// GobEncode refuses, for the same reason.
func (Person) GobEncode() ([]byte, error) {
	return nil, errors.New("registers: a person is never encoded")
}

// GobDecode refuses.
func (*Person) GobDecode([]byte) error {
	return errors.New("registers: a person is never read from an encoded form")
}
