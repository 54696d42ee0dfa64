package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Accounts with which the bank refuses or stays silent, see package simulator.
const (
	rejectedLater = "990003" // accepted, then failed
	neverSettles  = "990009"
	blockedOnce   = "990010" // the first attempt is refused, later ones are paid
)

// tale is a case that goes an unusual way: what people say other than those
// of good will, and what else happens.
type tale struct {
	name      string
	programme string
	account   string            // last digits; "" for an ordinary one
	says      map[string][]said // by kind of task, or approve/level: what is said first, in turn
	once      []moment          // what else happens, each once, in this order
	end       string            // status of the case when it is over
}

// said is one answer to a task.
type said struct {
	who, action, reason string
	data                map[string]any
	after               string // a duration that passes first; nothing else when who is ""
	opens               string // kind of the task that this opens
	waits               bool   // nobody says anything before everything else has happened
}

// moment is something that happens once its time has come.
type moment struct {
	when func(*testing.T, *player) bool
	do   func(*testing.T, *player)
}

// player is a tale on its way.
type player struct {
	tale
	s     *stack
	id    string
	marks []string // of personal data, in lower case
	told  map[string]int
}

// again returns a case to its verifier.
func again() map[string]any {
	return map[string]any{"to": "verification", "items": []any{map[string]any{"kind": "field_visit", "problem": "unclear"}}}
}

// missing names a paper that is not there.
func missing(paper string) map[string]any {
	return map[string]any{"items": []any{map[string]any{"kind": paper, "problem": "missing"}}}
}

// tell plays a tale to its end: the case has its last status, nothing is open.
func (p tale) tell(t *testing.T, s *stack) *player {
	t.Helper()
	on := &player{tale: p, s: s, told: map[string]int{}}
	on.submit(t)
	for deadline := time.Now().Add(caseLimit); ; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s %s: not over within %s: %+v\n%s", p.name, on.id, caseLimit, s.caseOf(t, on.id), s.tail())
		}
		if on.happens(t) || on.answers(t) {
			continue
		}
		switch c := s.caseOf(t, on.id); {
		case c.Status == p.end && len(on.once) == 0 && len(s.openTasks(t, on.id)) == 0:
			return on
		case c.Status == "following_up":
			on.passToVisit(t)
		}
	}
}

// submit sends the request; everything personal in it is marked.
func (p *player) submit(t *testing.T) {
	t.Helper()
	r := newRequest(t, p.s, p.programme)
	account, number := "0077"+ordinary, "09"+itoa(80000000+int(households.Load()))
	if p.account != "" {
		account = "0077" + p.account
	}
	person := r.in("applicant")
	person["full_name"], person["phone"], person["address"] = "Quyen Qanary Vogelin", number, "Qanary lane 7"
	for _, one := range r.in("household")["members"].([]any) {
		one.(map[string]any)["full_name"] = "Kim Qanary Vogelin"
	}
	payee := r.in("payee")
	payee["account_number"], payee["account_name"] = account, "QUYEN QANARY VOGELIN"
	r.in("answers")["note"] = "The Qanary family."
	for _, paper := range r["documents"].([]any) {
		paper.(map[string]any)["location"] = "Qanary cabinet"
	}
	p.marks = []string{"qanary", "vogelin", number, account, person["national_id"].(string)}
	p.id = submit(t, p.s, r).ID
}

// happens lets the next moment come, if it is its time.
func (p *player) happens(t *testing.T) bool {
	t.Helper()
	if len(p.once) == 0 || !p.once[0].when(t, p) {
		return false
	}
	p.once[0].do(t, p)
	p.once = p.once[1:]
	return true
}

// answers has somebody decide the first open task; false when there is none.
func (p *player) answers(t *testing.T) bool {
	t.Helper()
	open := p.s.openTasks(t, p.id)
	if len(open) == 0 {
		return false
	}
	one := open[0]
	for _, other := range open {
		if other.Kind == "decide_stalled" { // before the task that it asks about
			one = other
		}
	}
	key := one.Kind
	if one.Level != "" {
		key += "/" + one.Level
	}
	if script := p.says[key]; p.told[key] < len(script) {
		next := script[p.told[key]]
		if next.waits && len(p.once) > 0 {
			return false
		}
		p.told[key]++
		if next.after != "" {
			p.s.advance(t, p.id, next.after)
		}
		if next.opens != "" {
			p.s.awaitTask(t, p.id, next.opens, "")
		}
		if next.who != "" {
			p.say(t, one, next)
		}
		return true
	}
	who := actors(one)
	switch {
	case one.Kind == "prepare_payment" && p.payAnew(t):
	case one.Kind == "provide_information":
		p.provide(t)
		return true
	case one.Kind == "recover_money":
		who = []string{"treasurer1", "manager1"}
	case one.Kind == "repair_configuration":
		who = []string{"admin1"}
	case len(who) == 0:
		return false // a moment will come for it
	}
	p.told[one.ID]++ // the committee: one after the other
	next := said{who: who[(p.told[one.ID]-1)%len(who)], action: good(one.Kind)}
	if one.Kind == "recover_money" {
		next.reason = "in_need"
	}
	p.say(t, one, next)
	return true
}

// good is what a person of good will answers, to these kinds too.
func good(kind string) string {
	if kind == "recover_money" {
		return "confirm"
	}
	return action(kind)
}

// say decides a task, with a note that names somebody.
func (p *player) say(t *testing.T, one task, what said) {
	t.Helper()
	now, _ := getTagged[task](t, p.s.as(t, what.who), "/v1/tasks/"+one.ID)
	body := now.answer(what.action)
	body["note"] = "Spoken with Qanary."
	if what.reason != "" {
		body["reason_code"] = what.reason
	}
	if what.data != nil {
		body["data"] = what.data
	}
	c := p.s.as(t, what.who)
	for range 20 {
		now, etag := getTagged[task](t, c, "/v1/tasks/"+one.ID)
		if !now.open() {
			return
		}
		r := c.insist(t, http.MethodPost, "/v1/tasks/"+one.ID+"/decisions", body, newKey(), ifMatch(etag))
		switch {
		case r.status == http.StatusOK:
			return
		case r.status == http.StatusAccepted:
			var made decision
			r.into(t, &made)
			p.s.awaitDecision(t, c, made.ID)
			return
		case r.status != http.StatusPreconditionFailed:
			t.Fatalf("%s\n%s", r, p.s.tail())
		}
	}
	t.Fatalf("the task %s changes all the time", one.ID)
}

// provide gives the partner's answer to what was asked.
func (p *player) provide(t *testing.T) {
	t.Helper()
	r := p.s.partner(t).insist(t, http.MethodPost, "/v1/cases/"+p.id+"/provide_information", map[string]any{"note": "Qanary has found it."}, newKey())
	if r.status != http.StatusOK && r.status != http.StatusAccepted {
		t.Fatalf("%s\n%s", r, p.s.tail())
	}
}

// passToVisit lets time pass to the day of the next visit, not a minute longer.
func (p *player) passToVisit(t *testing.T) {
	t.Helper()
	for _, v := range list[visit](t, p.s.as(t, "manager1"), "/v1/follow-ups", "case", p.id) {
		if v.Status != "planned" {
			continue
		}
		if d := v.DueAt.Sub(p.now(t)); d > 0 {
			p.s.advance(t, p.id, fmt.Sprintf("P%dDT%dS", int(d.Hours())/24, int(d.Seconds())%86400+2))
		}
		return
	}
}

// now gives the clock of the case.
func (p *player) now(t *testing.T) time.Time {
	t.Helper()
	r := p.s.partner(t).insist(t, http.MethodPost, "/v1/sandbox/cases/"+p.id+"/advance", map[string]string{"duration": "PT1S"})
	var clock struct {
		Now time.Time `json:"now"`
	}
	r.into(t, &clock)
	if r.status != http.StatusOK || clock.Now.IsZero() {
		t.Fatalf("%s", r)
	}
	return clock.Now
}

// payments gives the payments of the case in a status.
func (p *player) payments(t *testing.T, status string) []payment {
	t.Helper()
	return list[payment](t, p.s.as(t, "treasurer1"), "/v1/payments", "case", p.id, "status", status)
}

// payAnew asks for a new payment when the last one failed and nobody has; false
// when there is none to ask for. Without it, the treasurer's task is confirmed.
func (p *player) payAnew(t *testing.T) bool {
	t.Helper()
	for _, failed := range p.payments(t, "failed") {
		if p.told[failed.ID] > 0 || len(p.once) > 0 {
			continue
		}
		p.told[failed.ID]++
		r := p.s.as(t, "treasurer1").insist(t, http.MethodPost, "/v1/payments/"+failed.ID+"/retry", nil, newKey())
		switch r.status {
		case http.StatusCreated, http.StatusAccepted:
			return true
		case http.StatusConflict: // paid anew already
		default:
			t.Fatalf("%s\n%s", r, p.s.tail())
		}
	}
	return false
}

// withdraw is the partner's wish to end the case.
func (p *player) withdraw(t *testing.T) {
	t.Helper()
	r := p.s.partner(t).insist(t, http.MethodPost, "/v1/cases/"+p.id+"/withdraw", map[string]string{"reason_code": "applicant_request"}, newKey())
	if r.status != http.StatusOK && r.status != http.StatusAccepted {
		t.Fatalf("%s\n%s", r, p.s.tail())
	}
}

// has gives a moment: a task of this kind is open.
func has(kind string) func(*testing.T, *player) bool {
	return func(t *testing.T, p *player) bool {
		for _, one := range p.s.openTasks(t, p.id) {
			if one.Kind == kind {
				return true
			}
		}
		return false
	}
}

// pays gives a moment: a payment has this status.
func pays(status string) func(*testing.T, *player) bool {
	return func(t *testing.T, p *player) bool { return len(p.payments(t, status)) > 0 }
}

// is gives a moment: the case has this status.
func is(status string) func(*testing.T, *player) bool {
	return func(t *testing.T, p *player) bool { return p.s.caseOf(t, p.id).Status == status }
}

// withdraws gives what then happens.
func withdraws(t *testing.T, p *player) { p.withdraw(t) }
