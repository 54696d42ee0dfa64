package simulator

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// Kind names one way in which the simulator misbehaves.
type Kind string

// The kinds of faults.
const (
	Error        Kind = "error"        // 500
	Timeout      Kind = "timeout"      // no answer
	Hang         Kind = "hang"         // the answer begins and never ends
	Reset        Kind = "reset"        // connection reset
	Malformed    Kind = "malformed"    // broken JSON
	TooLong      Kind = "too_long"     // an answer without end in sight
	Slow         Kind = "slow"         // an honest answer, after DelayMS
	WrongID      Kind = "wrong_id"     // an answer about another number
	Unauthorized Kind = "unauthorized" // 401
	RateLimited  Kind = "rate_limited" // 429
	Redirect     Kind = "redirect"     // 307 to somewhere else
	NoPath       Kind = "no_path"      // 404, as a wrong path has it
)

// Kinds gives all kinds of faults.
func Kinds() []Kind {
	return []Kind{Error, Timeout, Hang, Reset, Malformed, TooLong, Slow, WrongID, Unauthorized, RateLimited, Redirect, NoPath}
}

// Rule makes lookups go wrong.
type Rule struct {
	Kind    Kind  `json:"kind"`
	Calls   int   `json:"calls,omitempty"`    // so many of the next ones; 0 means all, until the faults are cleared
	DelayMS int64 `json:"delay_ms,omitempty"` // milliseconds: of slow; how long timeout and hang hold, 0 means two minutes
}

// hold waits until the client has gone, the rule's time is over or the server
// closes.
func (s *Server) hold(r *http.Request, rule Rule) {
	wait := 2 * time.Minute
	if rule.DelayMS > 0 {
		wait = time.Duration(rule.DelayMS) * time.Millisecond
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.closing:
	}
}

// misbehave answers a lookup in the way of a fault. It tells whether the
// honest answer is still to be given.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, rule Rule, honest person) bool {
	switch rule.Kind {
	case Error:
		w.WriteHeader(http.StatusInternalServerError)
	case Unauthorized:
		w.WriteHeader(http.StatusUnauthorized)
	case RateLimited:
		w.WriteHeader(http.StatusTooManyRequests)
	case NoPath:
		http.NotFound(w, r)
	case Redirect:
		http.Redirect(w, r, "/v1/elsewhere", http.StatusTemporaryRedirect)
	case Timeout:
		s.hold(r, rule)
		panic(http.ErrAbortHandler)
	case Hang:
		_, _ = w.Write([]byte(`{"found": true, "national_id": `))
		_ = http.NewResponseController(w).Flush()
		s.hold(r, rule)
		panic(http.ErrAbortHandler)
	case Reset:
		reset(w)
	case Malformed:
		_, _ = w.Write([]byte(`{"found": true, "national_id": "` + honest.NationalID))
	case TooLong:
		_, _ = w.Write([]byte(`{"found": true, "note": "` + strings.Repeat("x", 1<<20) + `"}`))
	case WrongID:
		honest.NationalID += "0"
		answer(w, true, honest)
	default:
		s.hold(r, rule)
		return true
	}
	return false
}

// reset closes the connection with RST instead of FIN.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = conn.Close()
}
