package worker_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// decides makes a decision that nothing speaks against.
func (m *simple) decides(d *decision) {
	w := d.work
	hands, chair, _ := m.standing(w, d.actor, d.behalf)
	for _, h := range hands {
		if duty(w) != "" {
			m.duties[h] = duty(w)
		}
	}
	v := vote{actor: d.actor, action: d.action, chair: chair && w.kind == aid.Approve, payee: m.payee, amount: m.asking()}
	if len(hands) > 1 {
		v.behalf = hands[1]
	}
	if d.amount > 0 {
		v.amount = d.amount
	}
	w.votes = append(w.votes, v)
	switch {
	case w.kind == aid.Approve:
		m.approves(w, d)
	case w.kind == aid.ProvideInformation:
		m.answered(w, d)
	case w.kind == aid.DecideStalled:
		m.goesOn(w, d)
	case d.action == aid.ActionReturn:
		m.sendsBack(w, "partner")
	case d.action == aid.ActionReject:
		w.close("rejected")
		m.end(aid.Rejected)
	default:
		w.close("completed")
		m.owner = aid.OwnerOffice
		if len(m.opens(aid.VerifyDocuments, aid.FieldVisit)) == 0 {
			m.verified()
		}
	}
}

func (w *work) close(outcome string) {
	w.state, w.outcome, w.version = "done", outcome, w.version+1
}

// opens gives the open tasks of some kinds; of all when none is named.
func (m *simple) opens(kinds ...aid.TaskKind) (all []*work) {
	for _, w := range m.works {
		if w.state == "open" && (len(kinds) == 0 || slices.Contains(kinds, w.kind)) {
			all = append(all, w)
		}
	}
	return all
}

func (m *simple) ends(state string, kinds ...aid.TaskKind) {
	for _, w := range m.opens(kinds...) {
		w.state, w.version = state, w.version+1
	}
}

func (m *simple) end(status aid.Status) {
	m.ends("void")
	m.status, m.stage, m.owner = status, aid.Ended, ""
}

// task opens a task. What was asked before and sent back goes on with the time
// that it had left, four hours at least.
func (m *simple) task(kind aid.TaskKind, level, subject string, days int, t tier) *work {
	w := &work{kind: kind, level: level, subject: subject, review: m.review, tier: t, state: "open", version: 1, asked: m.now}
	w.allowed = time.Duration(days) * day
	for _, b := range m.works {
		if b.kind == kind && b.level == level && b.subject == subject && b.state != "open" {
			if w.allowed, w.spent, w.rung = time.Duration(days)*day, 0, 0; b.state == "replaced" || b.outcome == "returned" {
				w.allowed, w.spent = max(b.allowed, b.spent+4*time.Hour), b.spent
				w.rung = map[bool]int{true: 1}[w.spent >= w.allowed/100*80]
			}
		}
	}
	m.works = append(m.works, w)
	m.owner = aid.OwnerOffice
	w.parked = !m.decidable(w)
	return w
}

const day = 24 * time.Hour

func (m *simple) verifies() {
	m.status, m.stage = aid.InReview, aid.Verification
	m.task(aid.VerifyDocuments, "", "", 3, tier{})
	m.task(aid.FieldVisit, "", "", 5, tier{})
}

func (m *simple) verified() {
	if m.returns > 0 {
		m.ends("void", aid.DecideStalled)
	}
	m.stage = aid.Approval
	m.asksRest()
}

// asksRest asks the first levels that have not approved what is asked for now;
// when all have, the last one says that the case goes on.
func (m *simple) asksRest() {
	m.rest, m.at = nil, 0
	for _, t := range m.all {
		if m.review == 1 || !m.stands(t) {
			m.rest = append(m.rest, t)
		}
	}
	if len(m.rest) == 0 {
		m.rest = m.all[len(m.all)-1:]
	}
	m.asks()
}

func (m *simple) group() []tier {
	end := m.at
	for end < len(m.rest) && m.rest[end].group == m.rest[m.at].group {
		end++
	}
	return m.rest[m.at:end]
}

func (m *simple) asks() {
	for _, t := range m.group() {
		m.task(aid.Approve, t.name, "", 3, t)
	}
}

func (m *simple) approves(w *work, d *decision) {
	if d.action == aid.ActionApprove && d.amount > 0 && d.amount < m.asking() {
		m.lowered = d.amount
		for _, o := range m.opens(aid.Approve) {
			if o != w && len(m.group()) > 1 {
				o.version++
			}
		}
	}
	switch result := w.tier.verdict(w.votes); result {
	case "pending":
		w.version++
		w.holder, w.lentBy = "", ""
		m.owner = aid.OwnerOffice
		w.parked = w.parked || !m.decidable(w)
	case "rejected":
		w.close(result)
		m.end(aid.Rejected)
	case "returned":
		m.sendsBack(w, d.to)
	default:
		w.close(result)
		m.owner = aid.OwnerOffice
		m.approved()
	}
}

func (m *simple) approved() {
	if len(m.group()) > 1 && slices.ContainsFunc(m.group(), func(t tier) bool { return !m.stands(t) }) {
		return
	}
	if m.at += len(m.group()); m.at < len(m.rest) {
		m.asks()
		return
	}
	m.status, m.owner = aid.WaitingFunds, aid.OwnerFund
	m.tries()
}

// tries reserves the money, if it is there.
func (m *simple) tries() {
	if m.status == aid.WaitingFunds && m.money >= m.asking() {
		m.money -= m.asking()
		m.status, m.stage, m.owner = aid.Approved, aid.Disbursement, aid.OwnerSystem
		m.lowered = m.asking()
	}
}

func (m *simple) sendsBack(w *work, to string) {
	w.close("returned")
	if to != "partner" && to != "verification" {
		m.again[to] = m.review
	}
	m.ends("replaced")
	m.returns++
	if to == "partner" {
		m.status = aid.ActionNeeded
		asked := m.task(aid.ProvideInformation, "", "", 0, tier{})
		m.doubts(asked)
		m.owner = aid.OwnerPartner
		return
	}
	m.review++
	if to == "verification" {
		m.verifies()
	} else {
		m.asksRest()
	}
	m.doubts(nil)
}

// doubts asks, from the fourth return on, whether the case is to go on.
func (m *simple) doubts(about *work) {
	if m.returns > 3 {
		m.stalls(about)
	}
}

// stalls asks whether the case is to go on, about the question that the partner
// has not answered or, without one, about the stage.
func (m *simple) stalls(about *work) {
	subject := string(m.stage)
	if about != nil {
		subject = fmt.Sprint("question ", slices.Index(m.works, about))
	}
	m.task(aid.DecideStalled, "", subject, 3, tier{})
}

func (m *simple) answered(w *work, d *decision) {
	w.close("provided")
	m.ends("void", aid.DecideStalled)
	m.review++
	if d.payee != 0 && d.payee != m.payee || d.more != 0 && d.more != m.norm {
		m.lowered = 0
	}
	if d.payee != 0 {
		m.payee = d.payee
	}
	if d.more != 0 {
		m.norm = d.more
	}
	m.status = aid.InReview
	if m.stage == aid.Verification {
		m.verifies()
	} else {
		m.asksRest()
	}
}

// goesOn is the answer to the question whether a case is to go on.
func (m *simple) goesOn(w *work, d *decision) {
	if d.action == aid.ActionConfirm {
		w.close("confirmed")
		m.end(aid.Withdrawn)
		return
	}
	w.close("rejected")
	m.review++
	m.owner = aid.OwnerOffice
	if m.status == aid.ActionNeeded {
		m.owner = aid.OwnerPartner
		for _, q := range m.opens(aid.ProvideInformation) {
			if q.rung == len(questionRungs) { // asked about again after the same time
				q.rung, q.asked = len(questionRungs)-1, m.now
			}
		}
	}
}
