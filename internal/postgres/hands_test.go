package postgres_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// anyOf is a level of one approver.
func anyOf(name string) aid.Level { return aid.Level{Name: name, Mode: aid.ModeAny} }

// content is a request whose matrix has that many levels.
func content(levels int) postgres.CaseContent {
	in := request(0)
	if levels > 1 {
		in.RequestedAmount = 15_000_000
	}
	return in
}

// walls are what the database has of its own.
const walls = `DROP TRIGGER decisions_take_duty ON decisions; DROP TRIGGER decisions_nobody_related ON decisions;
	DROP TRIGGER payments_in_clean_hands ON payments; DROP TRIGGER payments_go ON payments; ALTER TABLE case_duties DROP CONSTRAINT four_eyes`

// Every assignment of six people, some of them related, to the duties of a
// case: what is legal is paid, and nothing else, whichever of the two walls
// stands alone.
func TestEveryAssignmentOfSixPeople(t *testing.T) {
	t.Parallel()
	two := []aid.Level{anyOf("commune"), anyOf("province")}
	tests := map[string]struct {
		levels    []aid.Level
		related   []string
		do        func(*hands, act, hand) error
		pay       func(*hands, hand) error
		without   string // what the database is deprived of
		paid      int    // legal assignments, counted by hand
		delegates bool
	}{
		"both walls":                        {two, nil, single, instructed, ``, 720, false},
		"both walls, a sibling":             {two, []string{"applicant"}, single, instructed, ``, 120, false},
		"both walls, household and account": {two[:1], []string{"household", "account"}, single, instructed, ``, 24, false},
		"the program alone":                 {two, []string{"applicant"}, single, instructed, walls, 120, false},
		"the program alone, two relatives":  {two[:1], []string{"household", "account"}, single, instructed, walls, 24, false},
		"the database alone":                {two, []string{"applicant"}, past, straight, ``, 120, false},
		"the database alone, two relatives": {two[:1], []string{"household", "account"}, past, straight, ``, 24, false},
		"the payment's wall alone":          {two[:1], []string{"applicant", "account"}, past, straight, strings.Replace(walls, `DROP TRIGGER payments_in_clean_hands ON payments; `, ``, 1), 24, false},
		"delegates, the database alone":     {two[:1], []string{"applicant"}, past, straight, ``, 0, true},
		"a committee":                       {[]aid.Level{anyOf("commune"), {Name: "province", Mode: aid.ModeCommittee, Quorum: 2}}, nil, past, straight, ``, 720, false},
		"delegates":                         {two[:1], []string{"applicant"}, single, instructed, ``, 0, true},
		"delegates, the program alone":      {two[:1], []string{"applicant"}, single, instructed, walls, 0, true},
		"assigned before":                   {two[:1], []string{"applicant"}, assigned, instructed, ``, 120, false},
		"roles that come and go":            {two[:1], []string{"applicant"}, roleChanges, instructed, ``, 120, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			in := content(len(tt.levels))
			people := sixPeople(t, db, in, tt.related...)
			c := submit(t, db, "portal1", in)
			if tt.without != "" {
				owner(t, db, tt.without)
			}
			h := &hands{t: t, db: db, caseID: c.ID, acts: dutiesOf(tt.pay, tt.levels...), do: tt.do, choice: alone(people),
				legal: differentAndUnrelated(relatedOf(people, len(tt.related)))}
			if tt.delegates {
				h.choice = append(h.choice, delegates(t, db, people)...)
				tt.paid = h.legalOnes(nil)
			}
			h.tried(nil)
			if h.paid != tt.paid || tt.paid == 0 {
				t.Errorf("%d assignments were paid, %d are legal", h.paid, tt.paid)
			}
		})
	}
}

// delegates are three of the six, each for another one: a delegation is not
// handed on.
func delegates(t testing.TB, db *pgtest.DB, people []string) (all []hand) {
	for i := 0; i < len(people); i += 2 {
		principal, delegate := people[i], people[i+1]
		all = append(all, hand{actor: delegate, behalf: principal})
		owner(t, db, `INSERT INTO delegations (id, principal, delegate, from_at, until_at, reason_code, created_by, created_at)
			VALUES ('del_' || $1, $1, $2, '2026-01-01', '2027-01-01', 'leave', $1, '2026-01-01')`, principal, delegate)
	}
	return all
}

// legalOnes counts the assignments that the rule allows.
func (h *hands) legalOnes(done []hand) (n int) {
	if len(done) == len(h.acts) {
		return map[bool]int{true: 1}[h.legal(done)]
	}
	for _, who := range h.choice {
		n += h.legalOnes(append(append([]hand{}, done...), who))
	}
	return n
}

// assigned is a task that a manager has given to the person before.
func assigned(h *hands, a act, who hand) error {
	id, _ := h.open(a)
	h.exec(`UPDATE tasks SET state = 'claimed', assignee = $2, claimed_at = now(), version = version + 1 WHERE id = $1`, id, who.actor)
	return single(h, a, who)
}

// roleChanges is a person who has the role that it takes only while acting.
func roleChanges(h *hands, a act, who hand) error {
	h.exec(`DELETE FROM staff_roles WHERE subject = $1`, who.actor)
	rule, _ := aid.RuleOf(a.kind)
	h.exec(`INSERT INTO staff_roles (subject, role, area, level) VALUES ($1, $2, '51', $3)`, who.actor, rule.Roles[0], a.level.Name)
	err := single(h, a, who)
	if err == nil {
		h.exec(`DELETE FROM staff_roles WHERE subject = $1`, who.actor)
	}
	return err
}

// The payee's account becomes that of a relative of one of the six after the
// verification: whoever verified holds the payment back. After the approval:
// nothing that was approved is paid any more, whoever did what.
func TestEveryAssignmentWhenTheAccountChanges(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after string
		do    func(*hands, act, hand) error
		pay   func(*hands, hand) error
		paid  int
	}{
		"before the approval, the program":  {"verify", single, instructed, 120},
		"before the approval, the database": {"verify", past, straight, 120},
		"after the approval, the program":   {"commune", single, instructed, 0},
		"after the approval, the database":  {"commune", past, straight, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			in := content(1)
			people := sixPeople(t, db, in)
			other := *in.Payee
			other.AccountNumber = "0099900001"
			must(db.AddRelation(t.Context(), db.Staff(t, "admin1"), people[5], postgres.NewRelation{ID: postgres.NewID(aid.RelationID), Kind: "spouse",
				FullName: "Invented Spouse", BankBIN: other.BankBIN, AccountNumber: other.AccountNumber}))(t)
			c := submit(t, db, "portal1", in)
			h := &hands{t: t, db: db, caseID: c.ID, acts: dutiesOf(tt.pay, anyOf("commune")), do: tt.do, choice: alone(people),
				legal: differentAndUnrelated(people[5:])}
			for i, a := range h.acts {
				if a.name == tt.after {
					h.acts[i].then = func(h *hands, who hand) error { return errors.Join(h.changeAccount(other), a.then(h, who)) }
				}
			}
			h.voided = tt.paid == 0
			h.tried(nil)
			if h.paid != tt.paid || h.asked < 100 {
				t.Errorf("%d assignments were paid, %d are legal; %d acts", h.paid, tt.paid, h.asked)
			}
		})
	}
}

// changeAccount is a partner's answer that names another account.
func (h *hands) changeAccount(p postgres.Payee) error {
	c := h.locked()
	id := postgres.NewID(aid.DecisionID)
	data, err := json.Marshal(map[string]any{"payee": p})
	if err != nil {
		return err
	}
	sealed, err := h.db.Vault.Seal("decisions", "sealed", id, []byte(`{"data": `+string(data)+`}`))
	if err != nil {
		return err
	}
	task, err := h.tx.OpenTask(c, postgres.NewTask{Kind: aid.ProvideInformation, Workflow: c.WorkflowID, Owner: aid.OwnerPartner})
	if err != nil {
		return err
	}
	h.exec(`INSERT INTO decisions (id, task_id, case_id, actor, action, sealed, task_version, state, asked_at) VALUES ($1, $2, $3, $4, 'complete', $5, 1, 'intent', now())`,
		id, task, c.ID, c.PartnerID, sealed)
	if err := h.tx.ApplyInformation(c, id); err != nil {
		return err
	}
	h.exec(`UPDATE tasks SET state = 'done', closed_at = now() WHERE id = $1`, task)
	return h.tx.SaveCase(c)
}
