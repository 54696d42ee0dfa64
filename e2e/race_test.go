package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/internal/racetest"
)

// rounds is how often each race is run; each round has a case of its own.
const rounds = 4

// try is one call of a race.
type try struct {
	who     string
	method  string
	path    string
	body    any
	headers []header
}

// together makes all calls in the same moment and gives their answers.
func (s *stack) together(t *testing.T, tries ...try) []reply {
	t.Helper()
	answers, errs := make([]reply, len(tries)), make([]error, len(tries))
	begin, since := make(chan struct{}), time.Now()
	var all sync.WaitGroup
	for i, one := range tries {
		c := s.as(t, one.who)
		all.Go(func() {
			<-begin
			called := time.Since(since)
			answers[i], errs[i] = c.send(one.method, one.path, one.body, one.headers...)
			answers[i].called, answers[i].returned = called, time.Since(since)
		})
	}
	close(begin)
	all.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("%s: %v", answers[i].call, err)
		}
	}
	return answers
}

// deciding is a decision on a task as the person sees it now.
func (s *stack) deciding(t *testing.T, who string, one task, action, reason string) try {
	t.Helper()
	now, etag := getTagged[task](t, s.as(t, who), "/v1/tasks/"+one.ID)
	body := now.answer(action)
	if reason != "" {
		body["reason_code"] = reason
	}
	return try{who, http.MethodPost, "/v1/tasks/" + one.ID + "/decisions", body, []header{newKey(), ifMatch(etag)}}
}

// oneWinner checks that exactly one of the answers is a success, and that
// every other is told why not, by a problem with one of the codes.
func oneWinner(t *testing.T, answers []reply, codes ...string) int {
	t.Helper()
	winner, winners := -1, 0
	for i, a := range answers {
		if a.status == http.StatusOK {
			winner, winners = i, winners+1
			continue
		}
		known := false
		for _, code := range codes {
			known = known || a.problem.Code == code
		}
		if !known || a.status != http.StatusConflict && a.status != http.StatusPreconditionFailed {
			t.Errorf("the loser is told %s", a)
		}
	}
	if winners != 1 {
		t.Fatalf("%d winners: %v", winners, answers)
	}
	return winner
}

// lost are the codes that who comes second is told, and rightly so.
var lost = []string{"already_decided", "task_closed", "task_claimed", "stale"}

// TestRaces lets two people want the same thing at the same moment, again and
// again, from the first claim to the last release: each time one of them has
// it, the other is told, and it happened once.
func TestRaces(t *testing.T) {
	s := theStack(t)
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			c := submit(t, s, newRequest(t, s, "medical"))
			d := &drive{s: s, id: c.ID}
			papers, visit := s.awaitTask(t, c.ID, "verify_documents", ""), s.awaitTask(t, c.ID, "field_visit", "")
			if round%2 == 0 {
				s.raceToClaim(t, papers)
				s.raceToDecide(t, visit, [2]string{"verifier1", "verifier2"}, [2]string{"complete", "complete"})
				s.raceToWithdraw(t, c.ID, d)
				return
			}
			// verifier2 is kept for the visit at the end.
			s.raceToDecide(t, papers, [2]string{"verifier1", "verifier1"}, [2]string{"complete", "complete"})
			s.raceToDecide(t, d.until(t, "approve", "commune"), [2]string{"approver1", "approver1"}, [2]string{"approve", "reject"})
			if s.caseOf(t, c.ID).Status == "rejected" {
				return
			}
			s.raceToDecide(t, d.until(t, "prepare_payment", ""), [2]string{"treasurer1", "treasurer2"}, [2]string{"confirm", "confirm"})
			s.raceToDecide(t, d.until(t, "release_payment", ""), [2]string{"releaser1", "releaser1"}, [2]string{"approve", "approve"})
			d.toEnd(t)
			story{programme: "medical", tranches: []int64{6_000_000}}.check(t, s, c.ID)
		})
	}
}

// raceToClaim: two verifiers take the same task.
func (s *stack) raceToClaim(t *testing.T, one task) {
	t.Helper()
	people := []string{"verifier1", "verifier2"}
	var tries []try
	for _, who := range people {
		_, etag := getTagged[task](t, s.as(t, who), "/v1/tasks/"+one.ID)
		tries = append(tries, try{who, http.MethodPost, "/v1/tasks/" + one.ID + "/claim", nil, []header{ifMatch(etag)}})
	}
	answers := s.together(t, tries...)
	winner := people[oneWinner(t, answers, lost...)]
	for _, a := range answers {
		if a.problem.Code == "task_claimed" && (a.problem.Held.By != winner || a.problem.Held.Action != "claim" || a.problem.Held.At.IsZero()) {
			t.Errorf("the loser is not told who has it, and since when: %s", a)
		}
	}
	if got := get[task](t, s.as(t, winner), "/v1/tasks/"+one.ID); got.Status != "claimed" || got.Assignee != winner {
		t.Errorf("%s has it, and the task is %+v", winner, got)
	}
	if r := s.together(t, s.deciding(t, winner, one, "complete", ""))[0]; r.status != http.StatusOK {
		t.Errorf("who has the claim decides: %s", r)
	}
}

// raceToDecide: two decisions on one task, of two people or from two windows
// of one. What came back is one of the orders in which they can have been made,
// and whoever lost to a decision is told whose, which and when.
func (s *stack) raceToDecide(t *testing.T, one task, who, actions [2]string) {
	t.Helper()
	reasons := map[string]string{"reject": "not_eligible"}
	answers := s.together(t, s.deciding(t, who[0], one, actions[0], reasons[actions[0]]), s.deciding(t, who[1], one, actions[1], reasons[actions[1]]))
	winner := oneWinner(t, answers, lost...)
	var made decision
	answers[winner].into(t, &made)
	var history []racetest.Done
	for i, a := range answers {
		act := racetest.Act{Kind: racetest.Decide, Actor: who[i], Action: actions[i], Seen: 1, Key: fmt.Sprint(i), Twice: who[0] == who[1]}
		said := racetest.Settled{By: a.problem.Decided.By, Action: a.problem.Decided.Action, At: a.problem.Decided.At.UTC().Format(time.RFC3339)}
		if i == winner {
			said = racetest.Settled{By: made.DecidedBy, Action: made.Action, At: made.AppliedAt.UTC().Format(time.RFC3339)}
		}
		history = append(history, racetest.Done{Act: act, Answer: racetest.Answer{Code: a.problem.Code, Settled: said}, Called: a.called, Returned: a.returned})
	}
	if !racetest.Check(1, history) {
		t.Errorf("an order that cannot be: %+v", history)
	}
	if got := get[task](t, s.as(t, "manager1"), "/v1/tasks/"+one.ID); got.open() {
		t.Errorf("the task is %+v after %+v", got, made)
	}
}

// raceToWithdraw: the household withdraws in the moment of the last approval.
// Either order is a right one; whichever it is, nothing stays reserved.
func (s *stack) raceToWithdraw(t *testing.T, id string, d *drive) {
	t.Helper()
	one := d.until(t, "approve", "commune")
	withdraw := try{"portal1", http.MethodPost, "/v1/cases/" + id + "/withdraw",
		map[string]string{"submitted_by": "officer 17", "reason_code": "applicant_request"}, []header{newKey()}}
	answers := s.together(t, s.deciding(t, "approver1", one, "approve", ""), withdraw)
	approved, withdrawn := answers[0], answers[1]
	switch {
	case withdrawn.status == http.StatusOK || withdrawn.status == http.StatusAccepted:
		c := s.awaitStatus(t, id, "withdrawn")
		if c.Stage != "closed" || len(s.openTasks(t, id)) != 0 {
			t.Errorf("withdrawn, and %+v with tasks %+v", c, s.openTasks(t, id))
		}
	case approved.status == http.StatusOK:
		expectProblem(t, withdrawn, withdrawn.status, withdrawn.problem.Code)
		if c := s.caseOf(t, id); c.Status != "approved" {
			t.Errorf("approved, and %+v", c)
		}
	default:
		t.Fatalf("nobody wins: %s\n%s", approved, withdrawn)
	}
	if approved.status != http.StatusOK && approved.status != http.StatusConflict && approved.status != http.StatusPreconditionFailed {
		t.Errorf("%s", approved)
	}
	for _, kind := range []string{"case.approved", "case.withdrawn"} {
		if n := s.countEvents(t, id, kind); n > 1 {
			t.Errorf("%d events %s", n, kind)
		}
	}
	reserved := int64(0)
	for _, tx := range list[struct {
		Entries []entry `json:"entries"`
	}](t, s.as(t, "auditor1"), "/v1/ledger/transactions", "case", id) {
		for _, e := range tx.Entries {
			if e.Account == "reserved" {
				reserved += e.Amount
			}
		}
	}
	if c := s.caseOf(t, id); c.Status == "withdrawn" && reserved != 0 {
		t.Errorf("%d stay reserved for a withdrawn case", reserved)
	}
}

// countEvents counts what the timeline of a case says of one type.
func (s *stack) countEvents(t *testing.T, id, kind string) int {
	t.Helper()
	n := 0
	for _, e := range s.timeline(t, id) {
		if e.Type == kind {
			n++
		}
	}
	return n
}
