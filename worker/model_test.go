package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// simple is a case as docs/approvals.md, docs/clock.md and docs/delegation.md
// say that it goes, in plain Go: no database, no workflow, no time but its own,
// and nothing of the program but its words. Working time is elapsed time here:
// the calendar of the walk has no nights.
type simple struct {
	forgets map[string]bool // rules that it does not know; empty but for mutants
	now     time.Duration   // since the submit
	staff   map[string]*member
	lent    []*lending
	claims  time.Duration // after which a claim lapses; 0: never
	money   int64         // that the fund has

	status          aid.Status
	stage           aid.Stage
	norm, lowered   int64
	payee           int
	review, returns int
	all, rest       []tier // of the matrix; those still to be asked
	at              int    // the first of rest that is being asked
	works           []*work
	duties          map[string]string // by person
	again           map[string]int    // the last review that was sent back, by level
	pending         []*decision       // asked for, and not brought to the workflow

	owner  aid.Owner
	waited map[aid.Owner]time.Duration
	clocks map[string]*ladder // of the case and its stages
	told   map[string]int     // what was told of late work
}

// member is a person with one role.
type member struct {
	role        aid.Role
	level       string // of an approver; one has two
	seat, chair bool
	away        bool // in another province
	out         bool // the role was taken away
}

// lending is a delegation.
type lending struct {
	id                   string
	principal, delegate  string
	ceiling              int64
	begins, ends         time.Duration
	revoked, moved, back bool
}

func (l *lending) holds(now time.Duration) bool {
	return !l.revoked && l.begins <= now && now < l.ends
}

// tier is a level of the matrix; those of one group are asked together.
type tier struct {
	name, mode         string
	n, quorum          int
	chair              bool
	decides, tie, once string
	limit              int64
	group              int
}

// ladder is the time of something: what it may take, what it took, and how many
// of its rungs have rung.
type ladder struct {
	allowed, spent time.Duration
	rung           int
}

// work is a task.
type work struct {
	ladder
	id             string // in PostgreSQL
	kind           aid.TaskKind
	level, subject string
	review         int
	tier           tier
	votes          []vote
	state, outcome string
	version        int
	holder, lentBy string
	lapses         time.Duration // 0: never
	asked          time.Duration // of the partner: since when
	parked         bool          // nobody was left to bring it to its end
}

type vote struct {
	actor, behalf string
	action        aid.Action
	chair         bool
	amount        int64
	payee         int
}

// decision is what somebody asks for.
type decision struct {
	id            string
	work          *work
	actor, behalf string
	action        aid.Action
	amount        int64 // 0: as it is
	to            string
	payee         int   // of an answer; 0: the same
	more          int64 // of an answer: what is asked for now; 0: the same
	version       int
}

func (m *simple) asking() int64 {
	if m.lowered > 0 {
		return m.lowered
	}
	return m.norm
}

func (m *simple) open() bool {
	return m.status == aid.InReview || m.status == aid.ActionNeeded || m.status == aid.WaitingFunds
}

// verdict is what votes on a level come to.
func (t tier) verdict(votes []vote) string {
	n, chair := map[aid.Action]int{}, aid.Action("")
	for _, v := range votes {
		n[v.action]++
		if v.chair {
			chair = v.action
		}
	}
	yes, no := n[aid.ActionApprove], n[aid.ActionReject]
	veto := t.once == "veto" || (t.once == "" && t.mode != "committee")
	switch {
	case n[aid.ActionReturn] > 0:
		return "returned"
	case veto && no > 0:
		return "rejected"
	case t.mode != "committee":
		return first(yes >= max(t.n, 1), "approved", no >= max(t.n, 1), "rejected")
	case len(votes) < t.quorum || t.chair && chair == "":
		return "pending"
	case t.decides == "unanimity":
		return first(no > 0, "rejected", yes > 0, "approved")
	case yes != no:
		return first(yes > no, "approved", true, "rejected")
	case t.tie == "rejected":
		return first(no > 0, "rejected", false, "")
	case t.tie == "open":
		return "pending"
	}
	return first(chair == aid.ActionApprove, "approved", chair == aid.ActionReject, "rejected")
}

func first(a bool, one string, b bool, other string) string {
	switch {
	case a:
		return one
	case b:
		return other
	}
	return "pending"
}

// stands tells whether the last approval of a level counts for what is asked
// for now.
func (m *simple) stands(t tier) bool {
	var last *work
	for _, w := range m.works {
		if w.kind == aid.Approve && w.level == t.name && w.outcome == "approved" {
			last = w
		}
	}
	if last == nil || last.review <= m.again[t.name] || m.forgets["what stands"] {
		return false
	}
	var votes []vote
	for _, v := range last.votes {
		if v.action == aid.ActionApprove && (v.payee != m.payee || v.amount < m.asking()) {
			continue
		}
		if v.action == aid.ActionApprove && t.limit > 0 && v.amount > t.limit {
			return false
		}
		votes = append(votes, v)
	}
	return t.verdict(votes) == "approved"
}

// reach tells why a person's own role does not reach a task.
func (m *simple) reach(person string, w *work) string {
	p := m.staff[person]
	roles := map[aid.TaskKind][]aid.Role{aid.VerifyDocuments: {aid.RoleVerifier}, aid.FieldVisit: {aid.RoleVerifier}, aid.Approve: {aid.RoleApprover},
		aid.DecideStalled: {aid.RoleVerifier, aid.RoleManager}}
	switch {
	case w.kind == aid.ProvideInformation && p.role != aid.RolePartner, p.out, p.away:
		return "task_not_found"
	case p.role == aid.RolePartner:
		return first(w.kind == aid.ProvideInformation, "", true, "wrong_role")
	case !slices.Contains(roles[w.kind], p.role):
		return "wrong_role"
	case w.kind == aid.Approve && (!strings.Contains(p.level, w.level) || w.tier.mode == "committee" && !p.seat):
		return "wrong_level"
	}
	return ""
}

// borrows tells why a delegation does not reach a task.
func (m *simple) borrows(l *lending, w *work) string {
	if w.kind == aid.ProvideInformation {
		return "task_not_found"
	}
	if why := m.reach(l.principal, w); why != "" {
		return why
	}
	return first(l.ceiling > 0 && l.ceiling < m.asking(), "not_delegated", true, "")
}

// lenders gives the delegations by which a person acts now.
func (m *simple) lenders(person string) (all []*lending) {
	for _, l := range m.lent {
		d, p := m.staff[person], m.staff[l.principal]
		if l.delegate == person && l.holds(m.now) && !d.out && !p.out && d.role == p.role {
			all = append(all, l)
		}
	}
	return all
}

// standing tells in whose names a person decides a task, and whether as chair;
// or why it may not.
func (m *simple) standing(w *work, person, behalf string) (hands []string, chair bool, why string) {
	own, lenders := m.reach(person, w), m.lenders(person)
	if own == "" && behalf == "" {
		return []string{person}, m.staff[person].chair, ""
	}
	var able []*lending
	there := own != "task_not_found" && w.kind != aid.ProvideInformation
	for _, l := range lenders {
		there = there || !m.staff[l.principal].away
		if behalf != "" && l.principal != behalf {
			continue
		}
		lent := m.borrows(l, w)
		if lent == "" {
			able = append(able, l)
		}
		if behalf != "" && (lent != "task_not_found" || w.kind == aid.ProvideInformation) {
			own = lent
		} else if behalf == "" && own == "task_not_found" {
			own = lent
		}
	}
	switch {
	case len(able) == 1:
		return []string{person, able[0].principal}, m.staff[able[0].principal].chair, ""
	case len(able) > 1:
		return nil, false, "invalid_content"
	case behalf != "" && there && !slices.ContainsFunc(lenders, func(l *lending) bool { return l.principal == behalf }):
		return nil, false, "not_delegated"
	case behalf != "" && !there:
		return nil, false, "task_not_found"
	}
	return nil, false, own
}

// refusals gives every reason for which a decision is not made; none when it
// is.
func (m *simple) refusals(d *decision, late bool) (why []string) {
	w, add := d.work, func(broken bool, code string) {
		if broken && !slices.Contains(why, code) {
			why = append(why, code)
		}
	}
	hands, _, no := m.standing(w, d.actor, d.behalf)
	add(no != "", no)
	add(w.state != "open", "task_closed")
	if no == "" {
		add(late && d.behalf == "" && len(hands) > 1, "wrong_role") // the own role has ended
		m.barred(w, d, hands, add)
	}
	add(d.version != w.version && !m.forgets["versions"], "stale")
	if bad := m.faulty(d); bad != "" {
		add(true, first(late, bad, true, "invalid_content"))
	}
	return why
}

// barred looks at everything that keeps somebody from a task who has the role
// for it.
func (m *simple) barred(w *work, d *decision, hands []string, add func(bool, string)) {
	add(w.holder != "" && !slices.Contains(hands, w.holder) && w.lentBy != d.actor, "task_claimed")
	for _, h := range hands {
		held := m.duties[h]
		add(held != "" && duty(w) != "" && held != duty(w) && !m.forgets["four eyes"], "four_eyes")
		for _, v := range w.votes {
			add(v.actor == h || v.behalf == h && !m.forgets["one vote"], "already_decided")
		}
	}
	for _, p := range m.pending {
		same := p.actor == d.actor || p.behalf != "" && len(hands) > 1 && p.behalf == hands[1]
		add(p != d && p.work == w && same, "already_decided")
	}
}

func duty(w *work) string {
	switch w.kind {
	case aid.VerifyDocuments, aid.FieldVisit:
		return "verify"
	case aid.Approve:
		return "approve:" + w.level
	}
	return ""
}

// faulty tells what is wrong with the content of a decision.
func (m *simple) faulty(d *decision) string {
	t := d.work.tier
	switch {
	case d.work.kind != aid.Approve:
		return ""
	case d.action == aid.ActionApprove && d.amount > m.asking():
		return "amount_above_request"
	case d.action == aid.ActionApprove && d.amount > 0 && d.amount < m.asking() && t.mode == "committee":
		return "amount_not_by_committee"
	case d.action == aid.ActionApprove && t.limit > 0 && (d.amount == 0 && m.asking() > t.limit || d.amount > t.limit):
		return "amount_above_level_limit"
	case d.action == aid.ActionReturn && d.to != "partner" && d.to != "verification" && !m.earlier(d.to):
		return "level_not_earlier"
	}
	return ""
}

// earlier tells whether an approval of a level stands that could be asked for
// again.
func (m *simple) earlier(level string) bool {
	i := slices.IndexFunc(m.all, func(t tier) bool { return t.name == level })
	return i >= 0 && m.stands(m.all[i])
}

// decidable tells whether those who are left can bring a task to its end.
func (m *simple) decidable(w *work) bool {
	able, chair, votes := 0, false, map[aid.Action]int{}
	for _, v := range w.votes {
		votes[v.action]++
		chair = chair || v.chair
	}
	for name, p := range m.staff {
		voted := slices.ContainsFunc(w.votes, func(v vote) bool { return v.actor == name || v.behalf == name })
		held := m.duties[name]
		if m.reach(name, w) != "" || voted || held != "" && duty(w) != "" && held != duty(w) {
			continue
		}
		able++
		chair = chair || p.chair
	}
	switch w.tier.mode {
	case "committee":
		return able > 0 && len(w.votes)+able >= w.tier.quorum && (chair || !w.tier.chair)
	case "n_of_m":
		return able > 0 && votes[aid.ActionApprove]+able >= w.tier.n
	}
	return able > 0
}

// rows tells of everything that is compared.
func (m *simple) rows() []string {
	out := []string{fmt.Sprint("case ", m.status, " ", m.stage, " review ", m.review, " returns ", m.returns, " lowered ", m.lowered, " awaits ", m.owner)}
	for _, w := range m.works {
		row := fmt.Sprint("task ", w.name(), " ", w.state, " ", w.outcome, " version ", w.version)
		if w.state == "open" {
			row += fmt.Sprint(" held ", w.holder, " for ", w.lentBy)
		}
		if w.state == "open" && w.parked {
			out = append(out, "parked "+w.name())
		}
		var votes []string
		for _, v := range w.votes {
			votes = append(votes, fmt.Sprint(" ", v.action, " ", v.actor, " ", v.behalf, " ", v.chair))
		}
		slices.Sort(votes)
		out = append(out, row+strings.Join(votes, ""))
	}
	for what, n := range m.told {
		out = append(out, fmt.Sprint("told ", what, " ", n))
	}
	slices.Sort(out)
	return out
}
