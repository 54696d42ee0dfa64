package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// caseOf gives the case of a task.
func (d *door) caseOf(task string) string {
	return d.call("manager1", "GET", "/v1/tasks/"+task, nil).str("case.id")
}

// opened opens a task of a case, as a step of its workflow would.
func (d *door) opened(t *testing.T, caseID string, kind aid.TaskKind) (task string) {
	t.Helper()
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: kind, Workflow: c.WorkflowID, Owner: aid.OwnerOffice, Rule: map[string]string{"because": "test"}})
		return err
	})
	return task
}

// approval opens a level's approval of a case.
func (d *door) approval(t *testing.T, caseID, level string) (task string) {
	t.Helper()
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.Approve, Level: level, Workflow: c.WorkflowID, Owner: aid.OwnerOffice, Rule: aid.Level{Name: level, Mode: aid.ModeAny}})
		return err
	})
	return task
}

// withdrawn ends a case, as its workflow would.
func (d *door) withdrawn(t *testing.T, caseID string) {
	t.Helper()
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.EndTasks(c, "void"); err != nil {
			return err
		}
		return tx.MoveCase(c, aid.EventWithdraw)
	})
}

func (d *door) moves(t *testing.T, caseID string, move func(*postgres.Tx, *postgres.Case) error) {
	t.Helper()
	err := d.db.Write(context.Background(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(caseID)
		if err != nil {
			return err
		}
		return move(tx, c)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// person is a request for medical aid of an invented person.
func (d *door) person(i int) map[string]any {
	d.t.Helper()
	p := postgres.DevelopmentHousehold(i)[0]
	out := change(d.request("medical"), "external_id", nil)
	out["applicant"] = map[string]any{"full_name": p.FullName, "national_id": p.NationalID, "birth_date": p.BirthDate, "sex": p.Sex, "phone": p.Phone}
	out["household"] = map[string]any{"code": p.HouseholdCode}
	return out
}

// submit sends a request of portal1 and gives the case's id.
func (d *door) submit(request map[string]any) string {
	d.t.Helper()
	a := d.call("portal1", "POST", "/v1/cases", request, key()...)
	if a.Status != http.StatusCreated {
		d.t.Fatalf("submit: %d %s", a.Status, a.Raw)
	}
	return a.str("id")
}

// returned sends a case in review back to its partner and gives the task by
// which it waits.
func (d *door) returned(t *testing.T, caseID string) (task string) {
	t.Helper()
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		if err := tx.EndTasks(c, "replaced"); err != nil {
			return err
		}
		if err := tx.MoveCase(c, aid.EventReturn); err != nil {
			return err
		}
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.ProvideInformation, Workflow: c.WorkflowID, Owner: aid.OwnerPartner, Rule: map[string]string{"because": "returned"}})
		return err
	})
	return task
}

// asked makes a case that waits for its partner.
func (d *door) asked(t *testing.T, i int) (caseID, task string) {
	t.Helper()
	caseID = d.submit(d.person(i))
	d.underReview(caseID)
	return caseID, d.returned(t, caseID)
}

// reserved makes a case whose money is set aside, with one payment that is due
// and a planned visit. Calling again fails the payment and makes a new one in
// its place, as the disbursement does for a retry.
func (d *door) reserved(t *testing.T, i int) (caseID, payment string, again func()) {
	t.Helper()
	caseID = d.submit(d.person(i))
	var award *postgres.Award
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		if award, err = d.award(t, tx, c); err == nil {
			payment, err = due(tx, c, award, "")
		}
		if err != nil {
			return err
		}
		return tx.PlanVisits(c, []time.Time{tx.Now.AddDate(0, 0, 30)})
	})
	return caseID, payment, func() {
		if _, err := d.db.SQL(t).Exec(`UPDATE payments SET state = 'failed', ended_at = created_at WHERE id = $1`, payment); err != nil {
			t.Fatal(err)
		}
		d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) error {
			_, err := due(tx, c, award, payment)
			return err
		})
	}
}

// waiting makes a case whose money is approved and not there.
func (d *door) waiting(t *testing.T, i int) string {
	t.Helper()
	id := d.submit(d.person(i))
	d.moves(t, id, func(tx *postgres.Tx, c *postgres.Case) error {
		fund, err := tx.FundFor(c.Area, c.Currency)
		if err != nil {
			return err
		}
		c.FundID, c.DecidedAt = &fund, &tx.Now
		for _, event := range []string{aid.EventOpen, aid.EventVerify, aid.EventWaitFunds} {
			if err := tx.MoveCase(c, event); err != nil {
				return err
			}
		}
		_, err = tx.ProposeAward(c)
		return err
	})
	return id
}

func (d *door) award(t *testing.T, tx *postgres.Tx, c *postgres.Case) (*postgres.Award, error) {
	t.Helper()
	fund, err := tx.FundFor(c.Area, c.Currency)
	if err != nil {
		return nil, err
	}
	c.FundID, c.DecidedAt = &fund, &tx.Now
	for _, event := range []string{aid.EventOpen, aid.EventVerify, aid.EventAward} {
		if err := tx.MoveCase(c, event); err != nil {
			return nil, err
		}
	}
	award, err := tx.ProposeAward(c)
	if err != nil {
		return nil, err
	}
	if ok, err := tx.Reserve(c, award, "approver1"); err != nil || !ok {
		t.Fatalf("reserve: %v %v", ok, err)
	}
	return award, tx.PlanTranches(c, award)
}

func due(tx *postgres.Tx, c *postgres.Case, award *postgres.Award, retryOf string) (string, error) {
	tranches, err := tx.Tranches(award)
	if err != nil {
		return "", err
	}
	p, err := tx.MakeDue(c, award, &tranches[0], c.WorkflowID, retryOf)
	if err != nil {
		return "", err
	}
	return p.ID, nil
}

// fund opens a fund of the province.
func (d *door) fund(code string) string {
	return d.call("manager1", "POST", "/v1/funds", map[string]any{"code": code, "name": code, "area": "51", "budget": map[string]any{"amount": 1_000_000, "currency": "VND"}}, key()...).str("id")
}

// postedIn has a fund's first posting in the middle of a year.
func (d *door) postedIn(t *testing.T, fund string, year int) {
	t.Helper()
	d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", map[string]any{"amount": map[string]any{"amount": 1000, "currency": "VND"}, "received_on": "2026-03-02"}, key()...)
	if _, err := d.db.SQL(t).Exec(`UPDATE ledger_transactions SET at = make_date($2, 7, 1) WHERE fund_id = $1`, fund, year); err != nil {
		t.Fatal(err)
	}
}
