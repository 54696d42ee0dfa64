package simulator

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
)

// maxBody is the longest request that is read, in bytes.
const maxBody = 64 << 10

// Config is everything that the process needs to know.
type Config struct {
	Address string // host:port to listen on; port 0 picks a free one. Used by Run
	People  string // file of the people, one JSON object a line
	Token   string // bearer of every request; "" asks for none
}

// person is one line of the file, and what a lookup answers besides found.
type person struct {
	NationalID string `json:"national_id"`
	FullName   string `json:"full_name,omitempty"`
	BirthDate  string `json:"birth_date,omitempty"`
	Sex        string `json:"sex,omitempty"`
}

// Server is the simulated register. Make it with Open, end it with Close.
type Server struct {
	people  map[string]person
	bearer  [sha256.Size]byte
	open    bool // no token is asked for
	closing chan struct{}
	once    sync.Once

	mu        sync.Mutex
	rules     []Rule
	questions int
}

// Open reads the people and makes a server. The error names the line that is
// at fault, and nothing of what it says.
func Open(c Config) (*Server, error) {
	people, err := readPeople(c.People)
	if err != nil {
		return nil, err
	}
	return &Server{people: people, bearer: sha256.Sum256([]byte("Bearer " + c.Token)), open: c.Token == "", closing: make(chan struct{})}, nil
}

func readPeople(name string) (map[string]person, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.New("register simulator: the file of people cannot be opened")
	}
	defer f.Close()
	people, lines := map[string]person{}, bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var p person
		if len(lines.Bytes()) == 0 {
			continue
		}
		if json.Unmarshal(lines.Bytes(), &p) != nil || p.NationalID == "" {
			return nil, fmt.Errorf("register simulator: line %d of the file of people is no person with a national_id", n)
		}
		if _, twice := people[p.NationalID]; twice {
			return nil, fmt.Errorf("register simulator: line %d of the file of people repeats a number", n)
		}
		people[p.NationalID] = p
	}
	return people, lines.Err()
}

// Close ends calls that are held by a fault. It may be called twice.
func (s *Server) Close() { s.once.Do(func() { close(s.closing) }) }

// Handler serves the simulator's API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /v1/persons/lookup", s.authorized(s.lookup))
	mux.HandleFunc("POST /v1/faults", s.authorized(s.addFault))
	mux.HandleFunc("DELETE /v1/faults", s.authorized(s.clearFaults))
	mux.HandleFunc("GET /v1/questions", s.authorized(s.countQuestions))
	return mux
}

// authorized lets a request in that carries the token. Hashes are compared, so
// that the time taken tells nothing.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if !s.open && subtle.ConstantTimeCompare(given[:], s.bearer[:]) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func (s *Server) lookup(w http.ResponseWriter, r *http.Request) {
	var asked person
	if !readBody(w, r, &asked) {
		return
	}
	held, found := s.people[asked.NationalID]
	if !found {
		held = person{NationalID: asked.NationalID}
	}
	if rule, ok := s.draw(); ok && !s.misbehave(w, r, rule, held) {
		return
	}
	answer(w, found, held)
}

// draw counts a question and gives the fault that strikes it, if any.
func (s *Server) draw() (Rule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.questions++
	if len(s.rules) == 0 {
		return Rule{}, false
	}
	rule := s.rules[0]
	if rule.Calls == 1 {
		s.rules = s.rules[1:]
	} else if rule.Calls > 1 {
		s.rules[0].Calls--
	}
	return rule, true
}

func (s *Server) addFault(w http.ResponseWriter, r *http.Request) {
	var rule Rule
	if !readBody(w, r, &rule) {
		return
	}
	if !slices.Contains(Kinds(), rule.Kind) || rule.Calls < 0 || rule.DelayMS < 0 {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, rule)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) clearFaults(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) countQuestions(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]int{"questions": s.questions})
}

func answer(w http.ResponseWriter, found bool, p person) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Found bool `json:"found"`
		person
	}{found, p})
}

func readBody(w http.ResponseWriter, r *http.Request, v any) bool {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil || json.Unmarshal(raw, v) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return false
	}
	return true
}
