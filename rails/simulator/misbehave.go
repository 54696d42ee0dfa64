package simulator

import (
	"net"
	"net/http"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// maxHold is how long a call without an answer is held when its rule does not
// say; every sane client has gone by then.
const maxHold = 2 * time.Minute

// misbehave answers one call in the way of a fault. status is what an honest
// answer would have said.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, rule Rule, status rails.Status) {
	s.cfg.Log.Info("fault", "kind", rule.Kind, "key", status.Key)
	switch rule.Kind {
	case ErrorBefore, ErrorAfter:
		refuse(w, http.StatusInternalServerError, codeRailBroke, "")
	case RateLimited:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, rails.CodeRateLimited, "")
	case TimeoutBefore, TimeoutAfter:
		s.hold(r, rule)
		panic(http.ErrAbortHandler)
	case Hang:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"key":`))
		_ = http.NewResponseController(w).Flush()
		s.hold(r, rule)
		panic(http.ErrAbortHandler)
	case ResetBefore, ResetAfter:
		reset(w)
	case Malformed:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"key":"` + status.Key + `","state":"settled","amount":`))
	default:
		answer(w, http.StatusOK, rule.Kind.bend(status))
	}
}

// hold waits until the client has gone, the rule's time is over or the server
// closes.
func (s *Server) hold(r *http.Request, rule Rule) {
	wait := maxHold
	if rule.DelayMS > 0 {
		wait = rule.delay()
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
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
