package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// hands is a case that is taken from its verification to its payment in one
// transaction, by whoever is named, with a savepoint before each act: every
// assignment of people to its duties is tried, and taken back.
type hands struct {
	t       testing.TB
	db      *pgtest.DB
	tx      *postgres.Tx
	caseID  string
	acts    []act
	do      func(h *hands, a act, who hand) error // the way of acting
	legal   func(done []hand) bool                // what the rule says, in words of its own
	choice  []hand
	callers map[string]*postgres.Caller // of the ways that ask for one
	voided  bool                        // what was approved is approved no more: nothing is paid

	asked, refused, paid int
	wrong                []string
}

// hand is who answers for an act: a person, for another one when behalf is set.
type hand struct{ actor, behalf string }

func (w hand) persons() []string {
	if w.behalf == "" {
		return []string{w.actor}
	}
	return []string{w.actor, w.behalf}
}

// act is one duty of the case: the task that it decides, and what follows.
type act struct {
	name   string
	kind   aid.TaskKind
	action aid.Action
	level  aid.Level
	last   bool // of its task; a committee votes twice
	then   func(h *hands, who hand) error
}

// sixPeople are six persons, each with every role, and of them those who are
// related to whom the case is for: one to the applicant, one to a member of
// the household in the register, one to the payee's account.
func sixPeople(t testing.TB, db *pgtest.DB, of postgres.CaseContent, related ...string) []string {
	t.Helper()
	people := []string{}
	for i := range 6 {
		p := fmt.Sprintf("person%d", i)
		people = append(people, p)
		owner(t, db, `INSERT INTO staff (subject, name, created_at) VALUES ($1, 'Invented', now())`, p)
		owner(t, db, `INSERT INTO staff_roles (subject, role, area, level, committee, chair)
			SELECT $1, r, '51', l, l = 'province', l = 'province' FROM (VALUES ('verifier', ''), ('approver', 'commune'), ('approver', 'province'),
			('treasurer', ''), ('releaser', ''), ('manager', '')) v (r, l)`, p)
	}
	family := postgres.DevelopmentHousehold(0)
	for i, how := range related {
		n := postgres.NewRelation{ID: postgres.NewID(aid.RelationID), Kind: "sibling", FullName: "Invented Relative"}
		switch how {
		case "applicant":
			n.NationalID = of.Applicant.NationalID
		case "household":
			n.NationalID = family[len(family)-1].NationalID
		case "account":
			n.BankBIN, n.AccountNumber = of.Payee.BankBIN, of.Payee.AccountNumber
		}
		must(db.AddRelation(t.Context(), db.Staff(t, "admin1"), people[5-i], n))(t)
	}
	return people
}

// related tells who of the six is, by what the test has set up.
func relatedOf(people []string, n int) []string { return people[len(people)-n:] }

// differentAndUnrelated is the rule: as many persons as there are names, none
// of them related.
func differentAndUnrelated(related []string) func([]hand) bool {
	return func(done []hand) bool {
		var all []string
		for _, w := range done {
			all = append(all, w.persons()...)
		}
		slices.Sort(all)
		n := len(all)
		return len(slices.Compact(all)) == n && !slices.ContainsFunc(done, func(w hand) bool {
			return slices.ContainsFunc(w.persons(), func(p string) bool { return slices.Contains(related, p) })
		})
	}
}

// everyAssignment tries every hand for every act, in order. Below an act that
// was refused nothing can be paid: the assignments there are counted with it.
func (h *hands) everyAssignment(done []hand) {
	h.t.Helper()
	if len(done) == len(h.acts) {
		return
	}
	a := h.acts[len(done)]
	for _, who := range h.choice {
		all := append(slices.Clone(done), who)
		h.exec(`SAVEPOINT before`)
		h.asked++
		err := h.do(h, a, who)
		if err == nil {
			h.went(all)
			h.everyAssignment(all)
		} else {
			h.stopped(all, err)
		}
		h.exec(`ROLLBACK TO SAVEPOINT before`)
		h.exec(`RELEASE SAVEPOINT before`)
	}
}

func (h *hands) went(all []hand) {
	if len(all) < len(h.acts) {
		return
	}
	h.paid++
	if !h.legal(all) {
		h.wrong = append(h.wrong, fmt.Sprintf("paid by %v", all))
	}
}

// stopped looks whether the refusal is one of the rule's.
func (h *hands) stopped(all []hand, err error) {
	h.refused++
	switch aid.CodeOf(err) {
	case "not_approved":
		if h.voided {
			return
		}
	case "four_eyes", "conflict_of_interest", "conflict_unreviewed", "already_decided":
		if !h.legal(all) {
			return
		}
	}
	h.wrong = append(h.wrong, fmt.Sprintf("%v: %v", all, err))
}

func (h *hands) exec(statement string, args ...any) {
	h.t.Helper()
	if _, err := h.tx.Exec(statement, args...); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

func (h *hands) locked() *postgres.Case {
	h.t.Helper()
	c, err := h.tx.LockCase(h.caseID)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// open gives the open task of an act, opening it when nobody has.
func (h *hands) open(a act) (id string, version int) {
	h.t.Helper()
	c := h.locked()
	look := func() error {
		return h.tx.QueryRow(`SELECT id, version FROM tasks WHERE case_id = $1 AND kind = $2 AND level = $3 AND closed_at IS NULL`, c.ID, a.kind, a.level.Name).Scan(&id, &version)
	}
	if look() == nil {
		return id, version
	}
	area := c.Area
	if a.level.Name == "province" {
		area = "51"
	}
	_, err := h.tx.OpenTask(c, postgres.NewTask{Kind: a.kind, Level: a.level.Name, Workflow: c.WorkflowID, Rule: a.level, Area: area, Owner: aid.OwnerOffice})
	if err == nil {
		err = look()
	}
	if err != nil {
		h.t.Fatalf("%s: %v", a.name, err)
	}
	return id, version
}

// single is one person who decides, as through the API: the intent is checked
// and stored, then applied with all that follows.
func single(h *hands, a act, who hand) error {
	id, version := h.open(a)
	recorded, err := h.tx.RecordIn(intentOf(a, who, id, version))
	if err != nil {
		return err
	}
	return h.applied(a, recorded, who)
}

// past writes a decision past every check of the program.
func past(h *hands, a act, who hand) error {
	id, _ := h.open(a)
	_, err := h.tx.Exec(`INSERT INTO decisions (id, task_id, case_id, actor, behalf, action, amount, bound_hash, task_version, state, asked_at, decided_at)
		SELECT $1, t.id, t.case_id, $3, $4, $5, CASE WHEN t.kind = 'approve' THEN coalesce(c.amount, c.proposed_amount, c.requested_amount) END,
		       CASE WHEN t.kind = 'approve' THEN sha256((SELECT account_hash FROM payee_accounts WHERE id = c.payee_account_id)
		            || convert_to(c.fund_id, 'UTF8') || convert_to(c.currency::text, 'UTF8')) END, t.version, 'applied', now(), now()
		FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.id = $2`, postgres.NewID(aid.DecisionID), id, who.actor, who.behalf, a.action)
	if err != nil {
		return postgres.Translate(err)
	}
	t, err := h.tx.LockTask(h.locked(), id)
	if err != nil {
		return err
	}
	return h.follows(a, t, who)
}

// follows is what the process does after the decision.
func (h *hands) follows(a act, t *postgres.Task, who hand) error {
	c := h.locked()
	if a.kind == aid.PreparePayment {
		return postgres.Translate(h.tx.PrepareIn(c, t, aid.Decision{Actor: who.actor}))
	}
	if a.last {
		if err := h.tx.CloseTask(t, map[bool]string{true: "approved", false: "done"}[a.kind == aid.Approve]); err != nil {
			return err
		}
	}
	if a.then == nil {
		return nil
	}
	return postgres.Translate(a.then(h, who))
}

// awarded reserves the money and makes the payment due.
func awarded(h *hands, who hand) error {
	c := h.locked()
	c.DecidedAt = &h.tx.Now
	award, err := h.tx.ProposeAward(c)
	if err != nil {
		return err
	}
	if ok, err := h.tx.Reserve(c, award, who.actor); err != nil || !ok {
		return fmt.Errorf("reserve: %v %w", ok, err)
	}
	if err := h.tx.PlanTranches(c, award); err != nil {
		return err
	}
	c.Amount = &award.Amount
	if err := h.tx.MoveCase(c, aid.EventAward); err != nil {
		return err
	}
	tranches, err := h.tx.Tranches(award)
	if err != nil {
		return err
	}
	if err := h.tx.MoveTranche(tranches[0].ID, "planned", "due"); err != nil {
		return err
	}
	_, err = h.tx.MakeDue(c, award, &tranches[0], c.WorkflowID, "")
	return err
}

// instructed commits the payment to its rail.
func instructed(h *hands, who hand) error {
	c := h.locked()
	award, err := h.tx.AwardOf(c)
	if err != nil {
		return err
	}
	p, err := h.tx.LivePayment(c)
	if err != nil {
		return err
	}
	return h.tx.Instruct(c, award, p, who.actor)
}

// straight is Instruct without the program's checks.
func straight(h *hands, _ hand) error {
	_, err := h.tx.Exec(`UPDATE payments SET state = 'instructed', instructed_at = now() WHERE case_id = $1 AND state = 'queued'`, h.caseID)
	return err
}

func toApproval(h *hands, _ hand) error { return h.tx.MoveCase(h.locked(), aid.EventVerify) }

// dutiesOf are the acts of a case with these levels; pay is how it is paid.
func dutiesOf(pay func(*hands, hand) error, levels ...aid.Level) []act {
	acts := []act{{name: "verify", kind: aid.VerifyDocuments, action: aid.ActionComplete, last: true, then: toApproval}}
	for i, l := range levels {
		votes := max(l.Quorum, 1)
		for v := range votes {
			a := act{name: l.Name, kind: aid.Approve, action: aid.ActionApprove, level: l, last: v == votes-1}
			if i == len(levels)-1 && a.last {
				a.then = awarded
			}
			acts = append(acts, a)
		}
	}
	return append(acts, act{name: "pay", kind: aid.PreparePayment, action: aid.ActionConfirm},
		act{name: "release", kind: aid.ReleasePayment, action: aid.ActionApprove, last: true, then: pay})
}

// alone are the people, each acting in the own name.
func alone(people []string) (all []hand) {
	for _, p := range people {
		all = append(all, hand{actor: p})
	}
	return all
}

// tried runs every assignment and takes everything back.
func (h *hands) tried(prepare func(*hands)) {
	h.t.Helper()
	started := time.Now()
	back := fmt.Errorf("all of it is taken back")
	err := h.db.Write(h.t.Context(), func(tx *postgres.Tx) error {
		h.tx = tx
		c := h.locked()
		fund, err := tx.FundFor(c.Area, c.Currency)
		if err != nil {
			return err
		}
		c.FundID = &fund
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		if prepare != nil {
			prepare(h)
		}
		h.everyAssignment(nil)
		return back
	})
	if err == nil || err.Error() != back.Error() {
		h.t.Fatal(err)
	}
	for _, w := range h.wrong[:min(len(h.wrong), 5)] {
		h.t.Errorf("%s", w)
	}
	all := 1
	for range h.acts {
		all *= len(h.choice)
	}
	h.t.Logf("%d assignments: %d paid, none of them illegal: %v; %d acts tried, %d refused, %v", all, h.paid, len(h.wrong) == 0, h.asked, h.refused, time.Since(started).Round(time.Millisecond))
}
