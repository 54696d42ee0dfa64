package simulator

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// Kind names one way in which the simulator misbehaves.
type Kind string

// Faults of one call. "Before" and "after" say whether the instruction was
// executed; on an ask there is nothing to execute.
const (
	ErrorBefore   Kind = "error_before"   // 500, nothing executed
	ErrorAfter    Kind = "error_after"    // 500, executed
	TimeoutBefore Kind = "timeout_before" // no answer, nothing executed
	TimeoutAfter  Kind = "timeout_after"  // no answer, executed
	Hang          Kind = "hang"           // executed; the answer begins and never ends
	ResetBefore   Kind = "reset_before"   // connection reset, nothing executed
	ResetAfter    Kind = "reset_after"    // connection reset, executed
	RateLimited   Kind = "rate_limited"   // 429 with Retry-After, nothing executed
	Malformed     Kind = "malformed"      // executed; the answer is broken JSON
	WrongAmount   Kind = "wrong_amount"   // executed; the answer claims another amount, settled
	WrongCurrency Kind = "wrong_currency" // executed; the answer claims another currency, settled
	WrongKey      Kind = "wrong_key"      // executed; the answer speaks of another key, settled
	Hide          Kind = "not_found"      // asks only: the key is not found although it was taken
)

// Faults of the movement itself, chosen once, when the instruction is taken.
const (
	Refuse      Kind = "refuse"       // refused with Code, nothing moves
	Fail        Kind = "fail"         // accepted, then failed with Code
	SettleLate  Kind = "settle_late"  // settles after DelayMS instead
	NeverSettle Kind = "never_settle" // stays accepted
)

// Faults of callbacks, chosen once per outcome (EarlyCallback when taken).
const (
	DuplicateCallback Kind = "duplicate_callback" // delivered twice, with the same id
	LateCallback      Kind = "late_callback"      // first delivered after DelayMS
	LostCallback      Kind = "lost_callback"      // never delivered
	EarlyCallback     Kind = "early_callback"     // also claims "settled" as soon as it is accepted
	ForgedCallback    Kind = "forged_callback"    // also one with a signature that does not fit
)

// phase is the moment at which a fault is drawn.
type phase string

const (
	onSubmit   phase = "submit"
	onAsk      phase = "ask"
	onExecute  phase = "execute"
	onSettle   phase = "settle"
	onAccepted phase = "accepted"
	onOutcome  phase = "outcome"
)

// phaseOf gives the moment of a kind; on is the caller's wish for the faults
// of calls. An unknown kind or wish gives "".
func phaseOf(k Kind, on string) phase {
	switch k {
	case ErrorBefore, ErrorAfter, TimeoutBefore, TimeoutAfter, Hang, ResetBefore, ResetAfter,
		RateLimited, Malformed, WrongAmount, WrongCurrency, WrongKey:
		if on == "" {
			return onSubmit
		}
		if p := phase(on); p == onSubmit || p == onAsk {
			return p
		}
		return ""
	}
	fixed := map[Kind]phase{
		Hide: onAsk, Refuse: onExecute,
		Fail: onSettle, SettleLate: onSettle, NeverSettle: onSettle, EarlyCallback: onAccepted,
		DuplicateCallback: onOutcome, LateCallback: onOutcome, LostCallback: onOutcome, ForgedCallback: onOutcome,
	}[k]
	if on != "" && on != string(fixed) {
		return ""
	}
	return fixed
}

// Rule makes some calls or movements go wrong. The first rule that fits wins;
// each fault is drawn in the same way for the same seed, rule, key and number
// of the call on that key, whatever else runs at the time.
type Rule struct {
	ID          string  `json:"id,omitempty"`          // given by the simulator
	Kind        Kind    `json:"kind"`                  //
	On          string  `json:"on,omitempty"`          // faults of calls: submit (default) or ask
	Keys        string  `json:"keys,omitempty"`        // pattern of path.Match over the key, e.g. "*/*/1"; empty means all
	Calls       int     `json:"calls,omitempty"`       // at most this often in all; 0 means no limit
	PerKey      int     `json:"per_key,omitempty"`     // at most this often for one key; 0 means no limit
	Probability float64 `json:"probability,omitempty"` // of each call, above 0 to 1; 0 means always
	Code        string  `json:"code,omitempty"`        // of refuse and fail; empty means simulated
	DelayMS     int64   `json:"delay_ms,omitempty"`    // milliseconds: of late faults, how long a timeout holds, how long not_found lasts
	Taken       int     `json:"taken,omitempty"`       // how often it struck, kept by the simulator
	Seed        uint64  `json:"seed,omitempty"`        // of its script, kept by the simulator
}

// Script is the body of POST /v1/faults.
type Script struct {
	Seed  uint64 `json:"seed"`
	Rules []Rule `json:"rules"`
}

// check gives the field that is wrong, "" when none is.
func (r Rule) check() string {
	_, badPattern := path.Match(r.Keys, "")
	switch {
	case phaseOf(r.Kind, "") == "":
		return "kind"
	case phaseOf(r.Kind, r.On) == "":
		return "on"
	case badPattern != nil:
		return "keys"
	case r.Calls < 0 || r.PerKey < 0 || r.Taken != 0 || r.ID != "" || r.Seed != 0:
		return "calls"
	case r.Probability < 0 || r.Probability > 1:
		return "probability"
	case r.DelayMS < 0 || r.DelayMS > int64(30*24*time.Hour/time.Millisecond):
		return "delay_ms"
	case len(r.Code) > 64:
		return "code"
	}
	return ""
}

func (r Rule) delay() time.Duration { return time.Duration(r.DelayMS) * time.Millisecond }

func (r Rule) code() string {
	if r.Code == "" {
		return "simulated"
	}
	return r.Code
}

func (r Rule) fits(p phase, key string) bool {
	if phaseOf(r.Kind, r.On) != p || (r.Calls > 0 && r.Taken >= r.Calls) {
		return false
	}
	if r.Keys == "" {
		return true
	}
	ok, err := path.Match(r.Keys, key)
	return ok && err == nil
}

// drawn decides the nth call of a key on this rule, from nothing but its
// arguments.
func (r Rule) drawn(key string, nth int) bool {
	if r.Probability == 0 || r.Probability == 1 {
		return true
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d|%s|%s|%s|%s|%d", r.Seed, r.Kind, r.On, r.Keys, key, nth))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11)/(1<<53) < r.Probability
}

// executes reports whether the instruction is executed in spite of the fault.
func (k Kind) executes() bool {
	switch k {
	case ErrorBefore, TimeoutBefore, ResetBefore, RateLimited:
		return false
	}
	return true
}

// bend changes a status as the wrong_... faults do: it claims a settlement of
// another movement.
func (k Kind) bend(s rails.Status) rails.Status {
	switch k {
	case WrongAmount:
		s.Amount++
	case WrongCurrency:
		s.Currency = "USD"
	case WrongKey:
		s.Key += "0"
	default:
		return s
	}
	s.State = rails.Settled
	return s
}
