package e2e

import (
	"slices"
	"testing"
)

// story is a case from a portal's request to closed, with what is killed on
// the way.
type story struct {
	programme string
	account   string            // last digits: how the bank behaves, see package simulator
	late      bool              // the bank takes its time to settle, see settleLate
	kills     map[string]string // after which decision (kind[/level]#n) which part is killed
	tranches  []int64           // amounts that have to arrive
}

// How the simulated bank treats an account, by its last digits.
const (
	ordinary          = "051000"
	settlesLate       = "990004" // 20 times later than usual
	errorAfterPayment = "990006" // executes, and answers 500 to the first submit
)

// TestStories takes a case of each kind to its end, all at once, on one stack
// whose parts are killed in the middle: the worker between a decision and what
// follows it and while money is on its way, the bank itself while it has the
// money, and each of the API, the engine and PostgreSQL. What one story kills
// hits the others wherever they are.
func TestStories(t *testing.T) {
	s := theStack(t)
	stories := []story{
		{programme: "housing_new", account: ordinary, tranches: []int64{22_800_000, 22_800_000, 11_400_000}, kills: map[string]string{
			"approve/commune#1":   "worker",
			"prepare_payment#2":   "engine",
			"follow_up_visit#1":   "worker",
			"confirm_milestone#3": "postgres",
		}},
		{programme: "medical", account: errorAfterPayment, tranches: []int64{6_000_000}, kills: map[string]string{
			"field_visit#1": "worker",
		}},
		{programme: "schooling", account: ordinary, late: true, tranches: []int64{2_000_000, 2_000_000}, kills: map[string]string{
			"prepare_payment#1": "api",
			"release_payment#1": "worker",
			"release_payment#2": "simulator",
		}},
	}
	ids := make([]string, len(stories))
	t.Run("cases", func(t *testing.T) {
		for i, story := range stories {
			t.Run(story.programme, func(t *testing.T) {
				t.Parallel()
				ids[i] = story.play(t, s)
			})
		}
	})
	if t.Failed() {
		return
	}
	for i, story := range stories {
		story.check(t, s, ids[i])
	}
	s.checkMoney(t)
}

// play submits the case and drives it to its end.
func (st story) play(t *testing.T, s *stack) string {
	t.Helper()
	r := newRequest(t, s, st.programme)
	r.in("payee")["account_number"] = "0051" + st.account
	c := submit(t, s, r)
	seen := map[string]int{}
	killed := 0
	d := &drive{s: s, id: c.ID, decided: func(t *testing.T, done string) {
		seen[done]++
		if st.late && done == "prepare_payment" {
			s.settleLate(t, c.ID)
		}
		part, ok := st.kills[done+"#"+itoa(seen[done])]
		if !ok {
			return
		}
		pid := s.kill(t, part)
		killed++
		t.Logf("killed the %s (%d) after %s", part, pid, done)
		if done == "release_payment" {
			st.expectOnItsWay(t, s, c.ID)
		}
	}}
	d.toEnd(t)
	if killed != len(st.kills) {
		t.Errorf("%d of %d kills happened: decisions were %v", killed, len(st.kills), seen)
	}
	return c.ID
}

// expectOnItsWay makes sure that the kill was what it is said to be: in the
// middle of a payment.
func (st story) expectOnItsWay(t *testing.T, s *stack, id string) {
	t.Helper()
	on := list[payment](t, s.as(t, "treasurer1"), "/v1/payments", "case", id, "status", "instructed")
	if len(on) != 1 {
		t.Errorf("%d payments are on their way after the kill, want 1", len(on))
	}
}

// check looks at what became of a closed case.
func (st story) check(t *testing.T, s *stack, id string) {
	t.Helper()
	c := s.caseOf(t, id)
	if c.Status != "closed" || c.Stage != "closed" || c.Parked {
		t.Errorf("%s: %+v", st.programme, c)
	}
	if open := s.openTasks(t, id); len(open) > 0 {
		t.Errorf("%s: open tasks are left: %+v", st.programme, open)
	}
	var settled []int64
	payments := list[payment](t, s.as(t, "treasurer1"), "/v1/payments", "case", id)
	slices.SortFunc(payments, func(a, b payment) int { return a.Tranche - b.Tranche })
	for _, p := range payments {
		if p.Status != "settled" {
			t.Errorf("%s: tranche %d is %s", st.programme, p.Tranche, p.Status)
		}
		settled = append(settled, p.Amount.Amount)
	}
	if !slices.Equal(settled, st.tranches) {
		t.Errorf("%s: paid %v, want %v", st.programme, settled, st.tranches)
	}
	st.checkVisits(t, s, id)
	st.checkTimeline(t, s, id)
}

func (st story) checkVisits(t *testing.T, s *stack, id string) {
	t.Helper()
	visits := list[visit](t, s.as(t, "manager1"), "/v1/follow-ups", "case", id)
	if len(visits) == 0 {
		t.Errorf("%s: no visit", st.programme)
	}
	for _, v := range visits {
		if v.Status != "completed" {
			t.Errorf("%s: visit %d is %s", st.programme, v.N, v.Status)
		}
	}
}

// checkTimeline: however often a step was tried, it happened once. Events of
// payments are one for each tranche.
func (st story) checkTimeline(t *testing.T, s *stack, id string) {
	t.Helper()
	count := map[string]int{}
	for _, e := range s.timeline(t, id) {
		count[e.Type]++
	}
	for kind, want := range map[string]int{"case.submitted": 1, "case.verified": 1, "case.approved": 1, "case.closed": 1,
		"payment.instructed": len(st.tranches), "payment.settled": len(st.tranches)} {
		if count[kind] != want {
			t.Errorf("%s: %d events %s, want %d; all: %v", st.programme, count[kind], kind, want, count)
		}
	}
}
