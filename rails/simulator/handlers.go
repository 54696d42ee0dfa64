package simulator

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/aidflow/aidflow/rails"
)

// routes is the whole API of the simulator.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /v1/payments", s.authorized(s.submit))
	mux.HandleFunc("GET /v1/payments/{key...}", s.authorized(s.ask))
	mux.HandleFunc("GET /v1/books", s.authorized(s.showBooks))
	mux.HandleFunc("GET /v1/faults", s.authorized(s.showFaults))
	mux.HandleFunc("POST /v1/faults", s.authorized(s.addFaults))
	mux.HandleFunc("DELETE /v1/faults", s.authorized(s.clearFaults))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, codeNoRoute, "")
	})
	return mux
}

// authorized lets a request in that carries the secret. Hashes are compared,
// so that the time taken tells nothing.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(given[:], s.bearer[:]) != 1 {
			refuse(w, http.StatusUnauthorized, rails.CodeUnauthorized, "")
			return
		}
		next(w, r)
	}
}

func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	var body paymentRequest
	if !readBody(w, r, &body) {
		return
	}
	in := body.instruction()
	if err := in.Validate(); err != nil {
		var e *rails.Error
		errors.As(err, &e)
		refuse(w, http.StatusUnprocessableEntity, e.Code, e.Field)
		return
	}
	fault, err := s.books.drawCall(onSubmit, in.Key, accountRules(in))
	if err != nil {
		s.broke(w, err)
		return
	}
	if fault != nil && !fault.Kind.executes() {
		s.misbehave(w, r, *fault, rails.Status{})
		return
	}
	status, fresh, err := s.books.execute(in, s.plan())
	switch {
	case errors.Is(err, errKeyConflict):
		refuse(w, http.StatusConflict, rails.CodeKeyConflict, "")
		return
	case err != nil:
		s.broke(w, err)
		return
	}
	nudge(s.settling)
	nudge(s.callbacks)
	if fault != nil {
		s.misbehave(w, r, *fault, status)
		return
	}
	code := http.StatusOK
	if fresh {
		code = http.StatusCreated
	}
	answer(w, code, status)
}

func (s *Server) ask(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	if !rails.ValidKey(key) {
		refuse(w, http.StatusUnprocessableEntity, rails.CodeInvalidInstruction, "key")
		return
	}
	fault, err := s.books.drawCall(onAsk, key, nil)
	if err != nil {
		s.broke(w, err)
		return
	}
	status, err := s.books.ask(key, s.now())
	if err != nil {
		s.broke(w, err)
		return
	}
	if fault != nil && fault.Kind == Hide {
		status, fault = s.hide(status, *fault), nil
	}
	if fault != nil {
		s.misbehave(w, r, *fault, status)
		return
	}
	code := http.StatusOK
	if status.State == rails.NotFound {
		code = http.StatusNotFound
	}
	answer(w, code, status)
}

// hide makes a known key unknown; with a delay only until that long after it
// was taken.
func (s *Server) hide(status rails.Status, rule Rule) rails.Status {
	if rule.DelayMS > 0 {
		at, err := s.books.acceptedAt(status.Key)
		if err != nil || s.now().After(at.Add(rule.delay())) {
			return status
		}
	}
	return rails.Status{Key: status.Key, State: rails.NotFound, At: s.now()}
}

func (s *Server) showBooks(w http.ResponseWriter, _ *http.Request) {
	b, err := s.books.read(s.now())
	if err != nil {
		s.broke(w, err)
		return
	}
	answer(w, http.StatusOK, b)
}

func (s *Server) showFaults(w http.ResponseWriter, _ *http.Request) {
	rules, err := s.books.rules()
	if err != nil {
		s.broke(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"rules": rules})
}

func (s *Server) addFaults(w http.ResponseWriter, r *http.Request) {
	var script Script
	if !readBody(w, r, &script) {
		return
	}
	for _, rule := range script.Rules {
		if field := rule.check(); field != "" {
			refuse(w, http.StatusUnprocessableEntity, rails.CodeInvalidInstruction, "rules."+field)
			return
		}
	}
	if err := s.books.addRules(script); err != nil {
		s.broke(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) clearFaults(w http.ResponseWriter, _ *http.Request) {
	if err := s.books.clearRules(); err != nil {
		s.broke(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// broke answers a fault of the simulator itself: whether the instruction was
// executed is unknown to the caller.
func (s *Server) broke(w http.ResponseWriter, err error) {
	s.cfg.Log.Error("the books failed", "error", err)
	refuse(w, http.StatusInternalServerError, codeRailBroke, "")
}

func readBody(w http.ResponseWriter, r *http.Request, v any) bool {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil || decodeStrict(b, v) != nil {
		refuse(w, http.StatusBadRequest, codeMalformed, "")
		return false
	}
	return true
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, field string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{Status: status, Code: code, Field: field})
}
