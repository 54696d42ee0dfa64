package worker_test

import (
	"fmt"
	"sort"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// questionRungs are what a partner has until it is reminded, twice, and until a
// person is asked.
var questionRungs = []time.Duration{7 * day, 14 * day, 30 * day}

// passes lets time pass. Nothing but the partner's silence has a consequence
// for what is open.
func (m *simple) passes(d time.Duration) {
	for d > 0 && m.open() {
		step, silent := d, (*work)(nil)
		for _, q := range m.opens(aid.ProvideInformation) {
			if left := q.asked + questionRungs[2] - m.now; q.rung < 3 && left > 0 && left <= step {
				step, silent = left, q
			}
		}
		m.elapse(step)
		if d -= step; silent != nil && len(m.opens(aid.DecideStalled)) == 0 {
			m.told["case.no_answer task "+silent.name()]++
			m.stalls(silent)
		}
	}
	m.now += max(d, 0)
}

func (w *work) name() string { return fmt.Sprint(w.kind, " ", w.level, " ", w.review) }

func (m *simple) elapse(d time.Duration) {
	m.now += d
	m.waited[m.owner] += d
	office := m.owner != aid.OwnerPartner && m.owner != aid.OwnerFund
	for _, scope := range []string{"case", string(m.stage)} {
		if k := m.clocks[scope]; k != nil && office {
			m.rings(k, d, scope, nil)
		}
	}
	for _, w := range m.opens() {
		if w.kind != aid.ProvideInformation {
			m.rings(&w.ladder, d, "", w)
			continue
		}
		for w.rung < 3 && m.now >= w.asked+questionRungs[w.rung] {
			if w.rung++; w.rung < 3 {
				m.told["task.partner_reminded task "+w.name()]++
			}
		}
	}
}

// rings lets working time pass for a ladder: 80 per cent, the deadline, whoever
// is above, and two days later whoever has the task loses it. Each once.
func (m *simple) rings(k *ladder, d time.Duration, scope string, w *work) {
	k.spent += d
	name := scope
	if w != nil {
		name = "task " + w.name()
	}
	due := k.allowed
	if m.forgets["the hour"] {
		due += 20 * day
	}
	for at := []time.Duration{k.allowed / 100 * 80, due, due, due + 2*day}; k.rung < len(at) && k.spent >= at[k.rung]; k.rung++ {
		switch {
		case k.rung == 0:
			m.told["case.sla_at_risk "+name]++
			if w != nil {
				m.told["task.reminded "+name]++
			}
		case k.rung == 1:
			m.told["case.sla_breached "+name]++
		case k.rung == 2:
			m.told[map[bool]string{true: "task", false: "case"}[w != nil]+".escalated "+name]++
		case w != nil && w.holder != "" && (w.lapses == 0 || w.lapses > m.now-(k.spent-at[3])):
			m.told["task.reassigned "+name]++
			w.holder, w.lentBy, w.version = "", "", w.version+1
		}
	}
}

// holds gives a task into somebody's hands; "" gives it back to everybody.
func (m *simple) holds(w *work, person, lentBy string) {
	w.holder, w.lentBy, w.version, w.lapses = person, lentBy, w.version+1, 0
	if m.claims > 0 {
		w.lapses = m.now + m.claims
	}
}

// sweeps does what the program does by itself within a minute: claims lapse,
// and delegations move what is in hand and give it back.
func (m *simple) sweeps() {
	for _, w := range m.opens() {
		if w.holder != "" && w.lapses > 0 && w.lapses <= m.now {
			w.holder, w.lentBy = "", ""
		}
	}
	sort.SliceStable(m.lent, func(i, j int) bool { return m.lent[i].begins < m.lent[j].begins })
	for _, l := range m.lent {
		switch {
		case !l.moved && l.holds(m.now):
			l.moved = true
			for _, w := range m.opens() {
				if w.holder == l.principal {
					m.hands(w, l)
				}
			}
		case !l.back && (l.revoked || m.now >= l.ends):
			l.back = true
			for _, w := range m.opens() {
				if w.holder == l.delegate && w.lentBy == l.principal {
					m.takesBack(w)
				}
			}
		}
	}
}

// free tells whether nothing but the role is needed of these persons.
func (m *simple) free(w *work, hands []string) bool {
	ok := true
	saved := w.holder
	w.holder = ""
	m.barred(w, &decision{work: w, actor: "nobody"}, hands, func(broken bool, _ string) { ok = ok && !broken })
	w.holder = saved
	return ok
}

func (m *simple) hands(w *work, l *lending) {
	hands, _, no := m.standing(w, l.delegate, l.principal)
	switch {
	case no != "": // not within the delegation
	case m.free(w, hands):
		m.holds(w, l.delegate, l.principal)
	default:
		m.holds(w, "", "")
	}
}

func (m *simple) takesBack(w *work) {
	if p := w.lentBy; p != "" {
		if hands, _, no := m.standing(w, p, ""); no == "" && len(hands) == 1 && m.free(w, hands) {
			m.holds(w, p, "")
			return
		}
	}
	m.holds(w, "", "")
}

// leaves takes a person's role away, or gives it back. What the person has in
// hand, or lent, and may not decide so any more goes back, and who is left is
// looked at anew.
func (m *simple) leaves(person string, out bool) {
	m.staff[person].out = out
	for _, w := range m.opens() {
		if w.holder == "" || w.holder != person && w.lentBy != person {
			continue
		}
		hands, _, no := m.standing(w, w.holder, w.lentBy)
		if no != "" || w.lentBy == "" && len(hands) > 1 {
			m.takesBack(w)
		}
	}
	for _, w := range m.opens() {
		w.parked = !m.decidable(w)
	}
}

// apart tells why a delegation is refused; none when it is not.
func (m *simple) apart(n *lending) (why []string) {
	if n.principal == n.delegate {
		why = append(why, "delegation_to_oneself")
	} else if p, d := m.staff[n.principal], m.staff[n.delegate]; p.out || d.out || p.role != d.role {
		why = append(why, "delegate_without_role")
	}
	for _, l := range m.lent {
		if l.revoked || l.begins >= n.ends || n.begins >= l.ends {
			continue
		}
		if l.principal == n.principal {
			why = append(why, "delegation_overlaps")
		}
		if (l.principal == n.delegate || l.delegate == n.principal) && !m.forgets["no chains"] {
			why = append(why, "delegation_chain")
		}
	}
	return why
}
