package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// withoutEngine runs f while Temporal is away: its process is killed, and the
// supervisor that would start it again is held until f is over.
func (s *stack) withoutEngine(t *testing.T, f func()) {
	t.Helper()
	s.signal(syscall.SIGSTOP)
	release := sync.OnceFunc(func() { s.signal(syscall.SIGCONT) })
	t.Cleanup(release)
	killed := s.kill(t, "engine")
	s.await(t, 10*time.Second, "the engine's end", func() bool { return !alive(killed) })
	f()
	if s.pid("engine") != killed {
		t.Fatal("the engine was not away")
	}
	release()
	s.awaitBack(t, "engine", killed)
}

// TestIntakeWhileTheEngineIsAway: a portal is never told to come back later. A
// request is taken, a decision and a wish to withdraw are written down, and all
// go on by themselves.
func TestIntakeWhileTheEngineIsAway(t *testing.T) {
	s := theStack(t)
	before := submit(t, s, newRequest(t, s, "medical"))
	papers := s.awaitTask(t, before.ID, "verify_documents", "")
	verifier := s.as(t, "verifier1")
	_, etag := getTagged[task](t, verifier, "/v1/tasks/"+papers.ID)
	r := newRequest(t, s, "medical")
	unwanted := submit(t, s, newRequest(t, s, "medical"))
	s.awaitTask(t, unwanted.ID, "verify_documents", "")

	var taken caseView
	var decided decision
	s.withoutEngine(t, func() {
		answer := s.partner(t).call(t, http.MethodPost, "/v1/cases", r, newKey())
		if answer.status != http.StatusCreated {
			t.Fatalf("%s", answer)
		}
		answer.into(t, &taken)
		if c := s.caseOf(t, taken.ID); c.Status != "submitted" || c.Reference == "" {
			t.Errorf("while the engine is away: %+v", c)
		}
		answer = verifier.call(t, http.MethodPost, "/v1/tasks/"+papers.ID+"/decisions", map[string]string{"action": "complete"}, newKey(), ifMatch(etag))
		if answer.status != http.StatusAccepted || answer.header.Get("Location") == "" {
			t.Fatalf("%s", answer)
		}
		answer.into(t, &decided)
		if decided.Status != "pending" {
			t.Errorf("the decision is %s", decided.Status)
		}
		for range 2 {
			if answer = s.partner(t).call(t, http.MethodPost, "/v1/cases/"+unwanted.ID+"/withdraw", nil, newKey()); answer.status != http.StatusAccepted {
				t.Errorf("%s", answer)
			}
		}
	})
	s.awaitStatus(t, unwanted.ID, "withdrawn")

	s.awaitTask(t, taken.ID, "verify_documents", "")
	log, err := os.ReadFile(filepath.Join(s.dir, "log", "worker.log"))
	if err != nil || !strings.Contains(string(log), "sweep started a workflow") || !strings.Contains(string(log), "case/"+taken.ID) {
		t.Errorf("the case goes on, and the sweep has not started it: %v", err)
	}
	s.awaitDecision(t, verifier, decided.ID)
	if one := get[task](t, verifier, "/v1/tasks/"+papers.ID); one.open() {
		t.Errorf("the decision is applied and the task is %s", one.Status)
	}
}

// TestCopiesOfOneSubmit: a portal that sends the same request again and again
// gets one case and one answer.
func TestCopiesOfOneSubmit(t *testing.T) {
	const copies = 50
	s := theStack(t)
	portal, r, key := s.partner(t), newRequest(t, s, "schooling"), newKey()
	answers := make([]reply, copies)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			<-begin
			var err error
			for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				if answers[i], err = portal.send(http.MethodPost, "/v1/cases", r, key); err == nil && !passing(answers[i]) {
					return
				}
			}
		})
	}
	close(begin)
	all.Wait()
	first, body := 0, ""
	for _, a := range answers {
		if a.status != http.StatusCreated {
			t.Fatalf("%s", a)
		}
		if a.header.Get("Idempotent-Replayed") != "true" {
			first++
		}
		if body == "" {
			body = string(a.body)
		}
		if string(a.body) != body || a.header.Get("Location") != answers[0].header.Get("Location") || a.header.Get("ETag") != answers[0].header.Get("ETag") {
			t.Errorf("two answers differ:\n%s\n%s", body, a.body)
		}
	}
	if first != 1 {
		t.Errorf("%d answers are not replays, want 1", first)
	}
	if n := len(list[caseView](t, portal, "/v1/cases", "external_id", r["external_id"].(string))); n != 1 {
		t.Errorf("%d cases, want 1", n)
	}
}

// TestSubmitOnce goes through what makes a request the same or another one.
func TestSubmitOnce(t *testing.T) {
	s := theStack(t)
	portal, r, key := s.partner(t), newRequest(t, s, "medical"), newKey()
	made := portal.call(t, http.MethodPost, "/v1/cases", r, key)
	if made.status != http.StatusCreated {
		t.Fatalf("%s", made)
	}
	var c caseView
	made.into(t, &c)
	other := newRequest(t, s, "medical")
	number := func() int { return len(list[caseView](t, portal, "/v1/cases")) }
	before := number()
	for _, test := range []struct {
		name    string
		body    request
		headers []header
		status  int
		code    string
		theCase string // that the problem names
	}{
		{"other body, same key", r.with(request{"submitted_by": "officer 18"}), []header{key}, http.StatusUnprocessableEntity, "idempotency_key_reused", ""},
		{"no key", other, nil, http.StatusBadRequest, "idempotency_key_missing", ""},
		{"empty key", other, []header{idempotent(" ")}, http.StatusBadRequest, "idempotency_key_missing", ""},
		{"key too long", other, []header{idempotent(strings.Repeat("k", 256))}, http.StatusBadRequest, "invalid_parameters", ""},
		{"same external_id, other person", other.with(request{"external_id": r["external_id"]}), []header{newKey()}, http.StatusConflict, "duplicate_external_id", c.ID},
		{"same person and programme", r.with(request{"external_id": fmt.Sprint(r["external_id"], "-b")}), []header{newKey()}, http.StatusConflict, "open_case_exists", c.ID},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := portal.call(t, http.MethodPost, "/v1/cases", test.body, test.headers...)
			expectProblem(t, a, test.status, test.code)
			if a.problem.Case != test.theCase {
				t.Errorf("it names the case %q, want %q", a.problem.Case, test.theCase)
			}
		})
	}
	if after := number(); after != before {
		t.Errorf("refused requests made %d cases", after-before)
	}
	again := portal.call(t, http.MethodPost, "/v1/cases", r, key)
	if again.status != made.status || string(again.body) != string(made.body) || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat after all this: %s", again)
	}
	// A refused key is free: the caller puts right what was wrong and goes on.
	fixed := newKey()
	expectProblem(t, portal.call(t, http.MethodPost, "/v1/cases", other.with(request{"area": "99999"}), fixed), http.StatusUnprocessableEntity, "invalid_content")
	if a := portal.call(t, http.MethodPost, "/v1/cases", other, fixed); a.status != http.StatusCreated {
		t.Errorf("%s", a)
	}
}
