package postgres_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// bulk is one person who decides by a batch, of this one task.
func bulk(h *hands, a act, who hand) error {
	id, _ := h.open(a)
	recorded, err := h.tx.BatchIn(h.callers[who.actor], who.behalf, id, a.action)
	if err != nil {
		return err
	}
	return h.applied(a, recorded, who)
}

// given is a task that a manager gives to the person by the real operation.
// Whom the manager may not give it to, tries all the same.
func given(h *hands, a act, who hand) error {
	id, _ := h.open(a)
	c := h.locked()
	t, err := h.tx.LockTask(c, id)
	if err != nil {
		return err
	}
	refused := h.tx.AssignIn(c, t, h.callers["manager1"], h.callers[who.actor])
	var e *aid.Error
	if refused != nil && (!errors.As(refused, &e) || len(e.Faults) != 1) {
		return refused
	}
	err = single(h, a, who)
	if err == nil && refused != nil {
		return fmt.Errorf("not to be given, and decided: %w", refused)
	}
	return err
}

// applied makes a recorded decision a fact, with all that follows.
func (h *hands) applied(a act, recorded postgres.RecordedIntent, who hand) error {
	c := h.locked()
	t, _, err := h.tx.ApplyDecision(c, recorded.Decision)
	if err != nil {
		return postgres.Translate(err)
	}
	if !a.last && a.kind == aid.Approve { // a committee has not finished
		if err := h.tx.Voted(c, t); err != nil {
			return postgres.Translate(err)
		}
	}
	return h.follows(a, t, who)
}

// The other ways of deciding: by a batch, as the one whom a manager has given
// the task, on a committee by the real votes. What is legal is paid, and
// nothing else.
func TestEveryAssignmentByEveryWay(t *testing.T) {
	t.Parallel()
	one, two := []aid.Level{anyOf("commune")}, []aid.Level{anyOf("commune"), anyOf("province")}
	committee := []aid.Level{anyOf("commune"), {Name: "province", Mode: aid.ModeCommittee, Quorum: 2}} // six duties
	for name, tt := range map[string]struct {
		levels    []aid.Level
		related   []string
		do        func(*hands, act, hand) error
		without   string
		delegates bool
		paid      int
	}{
		"a batch":                                   {two, []string{"applicant"}, bulk, ``, false, 120},
		"a batch, the program alone":                {one, []string{"household", "account"}, bulk, walls, false, 24},
		"a batch, delegates":                        {one, []string{"applicant"}, bulk, ``, true, 168},
		"given by a manager":                        {two, []string{"applicant"}, given, ``, false, 120},
		"a committee, the program":                  {committee, nil, single, ``, false, 720},
		"a committee by batches, the program alone": {committee, nil, bulk, walls, false, 720},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			in := content(len(tt.levels))
			people := sixPeople(t, db, in, tt.related...)
			c := submit(t, db, "portal1", in)
			if tt.without != "" {
				owner(t, db, tt.without)
			}
			h := &hands{t: t, db: db, caseID: c.ID, acts: dutiesOf(instructed, tt.levels...), do: tt.do, choice: alone(people),
				legal: differentAndUnrelated(relatedOf(people, len(tt.related)))}
			if tt.delegates {
				h.choice = append(h.choice, delegates(t, db, people)...)
			}
			h.callers = map[string]*postgres.Caller{"manager1": db.Staff(t, "manager1")}
			for _, p := range people {
				h.callers[p] = db.Staff(t, p)
			}
			h.tried(nil)
			if n := h.legalOnes(nil); h.paid != tt.paid || n != tt.paid {
				t.Errorf("%d assignments were paid, %d are legal, %d by hand", h.paid, n, tt.paid)
			}
		})
	}
}

// What an approval binds changes after it, whichever it is: nothing that was
// approved is paid any more, whoever did what; by the program and by the
// database. Where nothing changes, what is legal is paid.
func TestEveryAssignmentAfterAnEdit(t *testing.T) {
	t.Parallel()
	edits := map[string]func(h *hands, in postgres.CaseContent) error{
		"nothing": func(*hands, postgres.CaseContent) error { return nil },
		"amount": func(h *hands, _ postgres.CaseContent) error {
			c := h.locked()
			more := c.Asking() + 1
			c.Amount, c.ProposedAmount = &more, &more
			return h.tx.SaveCase(c)
		},
		"payee": func(h *hands, in postgres.CaseContent) error {
			other := *in.Payee
			other.Kind = "guardian"
			return h.changeAccount(other)
		},
		"account": func(h *hands, in postgres.CaseContent) error {
			other := *in.Payee
			other.AccountNumber = "0099900001"
			return h.changeAccount(other)
		},
		"fund": func(h *hands, _ postgres.CaseContent) error {
			c := h.locked()
			if err := h.tx.Get(&c.FundID, `SELECT id FROM funds WHERE id <> $1 AND area IN ('51', '51001')`, *c.FundID); err != nil {
				return err
			}
			return h.tx.SaveCase(c)
		},
	}
	for name, edit := range edits {
		for wall, way := range map[string]struct {
			do  func(*hands, act, hand) error
			pay func(*hands, hand) error
		}{"the program": {single, instructed}, "the database": {past, straight}} {
			t.Run(name+", "+wall, func(t *testing.T) {
				t.Parallel()
				db := pgtest.New(t)
				in := content(1)
				people := sixPeople(t, db, in, "applicant")
				fundOf(t, db, 100_000_000, 100_000_000) // beside that of the province
				c := submit(t, db, "portal1", in)
				h := &hands{t: t, db: db, caseID: c.ID, acts: dutiesOf(way.pay, anyOf("commune")), do: way.do, choice: alone(people),
					legal: differentAndUnrelated(relatedOf(people, 1)), voided: name != "nothing"}
				then := h.acts[1].then
				h.acts[1].then = func(h *hands, who hand) error { return errors.Join(edit(h, in), then(h, who)) }
				h.tried(nil)
				if want := map[bool]int{true: 0, false: 120}[h.voided]; h.paid != want || h.asked < 100 {
					t.Errorf("%d assignments were paid, %d are legal; %d acts", h.paid, want, h.asked)
				}
			})
		}
	}
}

// intentOf is what somebody asks for on a task.
func intentOf(a act, who hand, task string, version int) postgres.Intent {
	return postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: who.actor, Behalf: who.behalf, TaskVersion: version,
		Action: a.action, Data: json.RawMessage(`{}`)}
}
