// Package rails holds the ways to pay. A rail takes an instruction under a
// business key, moves the money at most once for that key, and answers when it
// is asked by the key. What a bank calls its fields stays in the package of
// that rail; the rest of the house knows only the words of this package.
//
// Callers use the functions Submit and Ask, which add the checks that no rail
// may be trusted to make: a valid instruction before it leaves, and an answer
// that speaks of the same key, amount and currency.
package rails

import (
	"context"
	"regexp"
	"slices"
	"time"
)

// Rail is one way to pay. Implementations are safe for concurrent use, keep
// nothing of a payee, and return an *Error for every failure.
type Rail interface {
	// Name is the stable name of the rail: it is stored with each attempt and
	// is part of the callback's path.
	Name() string
	// Capabilities says what the rail can do. The answer never changes while
	// the process runs.
	Capabilities() Capabilities
	// Submit hands one instruction to the rail and gives the rail's answer. It
	// does not wait for settlement. The same instruction under the same key is
	// executed once, however often it is sent. Other content under a used key
	// is an Error with certainty Never and code CodeKeyConflict.
	Submit(ctx context.Context, in Instruction) (Status, error)
	// Ask gives what the rail knows of a key. A key that it does not know is
	// a Status of state NotFound, not an error.
	Ask(ctx context.Context, key string) (Status, error)
}

// Capabilities says what a rail can do, so that the workflow can choose the
// path without knowing the rail.
type Capabilities struct {
	Instant    bool          // pays one by one; false: instructions travel in a pay run's file
	CanAsk     bool          // answers Ask; false: only statements tell the outcome
	Callbacks  bool          // sends hints when a state changes
	Idempotent bool          // a resend of the same key and content is safe
	KeyMemory  time.Duration // how long a key is remembered; 0 means for ever
	MaxAmount  int64         // highest amount of one instruction in minor units; 0 means none
	Currencies []string      // ISO 4217 codes that the rail takes
	Methods    []string      // payee methods that the rail takes: bank, cash
}

// Takes reports whether the rail can carry this currency and payee method.
func (c Capabilities) Takes(currency, method string) bool {
	return slices.Contains(c.Currencies, currency) && slices.Contains(c.Methods, method)
}

// Instruction asks a rail to move money once.
type Instruction struct {
	Key      string `json:"key"`      // business key "<award>/<tranche>/<n>", n counts the payments of the tranche; see ValidKey
	Amount   int64  `json:"amount"`   // minor units, above zero
	Currency string `json:"currency"` // ISO 4217
	Payee    Payee  `json:"payee"`    // personal: written redacted wherever it is printed
	Purpose  string `json:"purpose"`  // line on the payee's statement: a reference, never personal data
}

var (
	keyPattern      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}/[A-Za-z0-9_-]{1,64}/[1-9][0-9]{0,5}$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
)

// maxPurpose is the longest purpose in bytes: the remittance field of ISO 20022.
const maxPurpose = 140

// ValidKey reports whether key has the form that Key makes.
func ValidKey(key string) bool { return keyPattern.MatchString(key) }

// Validate checks the form of an instruction. A fault is an *Error with
// certainty Never and code CodeInvalidInstruction that names the field and
// never repeats its value.
func (in Instruction) Validate() error {
	switch {
	case !ValidKey(in.Key):
		return invalid("key")
	case in.Amount <= 0:
		return invalid("amount")
	case !currencyPattern.MatchString(in.Currency):
		return invalid("currency")
	case in.Payee.Method == "":
		return invalid("payee.method")
	case len(in.Purpose) > maxPurpose:
		return invalid("purpose")
	}
	return nil
}

func invalid(field string) error {
	return &Error{Certainty: Never, Code: CodeInvalidInstruction, Field: field}
}

// State is what a rail says about an instruction.
type State string

// The states of an instruction at a rail.
const (
	Accepted State = "accepted"  // taken, not yet settled: ask again
	Settled  State = "settled"   // the payee has the money; final for the attempt
	Refused  State = "refused"   // never taken, nothing moved; final
	Failed   State = "failed"    // taken, then not executed; nothing has left; final
	NotFound State = "not_found" // the key is not known, at least not yet: no proof of anything
)

// Valid reports whether s is one of the states above.
func (s State) Valid() bool {
	switch s {
	case Accepted, Settled, Refused, Failed, NotFound:
		return true
	}
	return false
}

// Final reports whether the attempt is over: settled, refused or failed.
// NotFound is not final: the instruction may still be on its way. The remedy
// for NotFound is to send the same key again, never a higher n.
func (s State) Final() bool { return s == Settled || s == Refused || s == Failed }

// Status is a rail's answer about one key. It holds no personal data and may
// be recorded in histories.
type Status struct {
	Key       string    `json:"key"`
	State     State     `json:"state"`
	Reference string    `json:"reference,omitempty"` // the rail's own id of the movement
	Code      string    `json:"code,omitempty"`      // why it was refused or failed
	Amount    int64     `json:"amount,omitempty"`    // minor units, as the rail understood them
	Currency  string    `json:"currency,omitempty"`  // ISO 4217
	At        time.Time `json:"at"`                  // when the rail entered this state, by the rail's clock
}

// Confirm checks that a status speaks of the movement that was asked for. Any
// difference, and any state that is not known, is an *Error with certainty
// Unknown and code CodeMismatch: a person has to look, and nothing is settled.
func (s Status) Confirm(key string, amount int64, currency string) error {
	fault := ""
	switch {
	case !s.State.Valid():
		fault = "state"
	case s.Key != key:
		fault = "key"
	case s.State == NotFound:
	case s.Amount != amount:
		fault = "amount"
	case s.Currency != currency:
		fault = "currency"
	}
	if fault == "" {
		return nil
	}
	return &Error{Certainty: Unknown, Code: CodeMismatch, Field: fault}
}

// Submit validates the instruction, hands it to the rail and confirms the
// answer. The error is always an *Error; a Status is returned only with a nil
// error.
func Submit(ctx context.Context, r Rail, in Instruction) (Status, error) {
	if err := in.Validate(); err != nil {
		return Status{}, err
	}
	s, err := r.Submit(ctx, in)
	return confirmed(s, err, in.Key, in.Amount, in.Currency)
}

// Ask asks the rail about a key and confirms the answer against the amount
// (minor units) and currency of the instruction. The error is always an
// *Error with certainty Unknown unless the key is malformed: a question that
// was not answered proves nothing about the instruction.
func Ask(ctx context.Context, r Rail, key string, amount int64, currency string) (Status, error) {
	if !ValidKey(key) {
		return Status{}, invalid("key")
	}
	s, err := r.Ask(ctx, key)
	s, err = confirmed(s, err, key, amount, currency)
	return s, unproven(err)
}

func confirmed(s Status, err error, key string, amount int64, currency string) (Status, error) {
	if err == nil {
		err = s.Confirm(key, amount, currency)
	}
	if err != nil {
		return Status{}, asError(err)
	}
	return s, nil
}
