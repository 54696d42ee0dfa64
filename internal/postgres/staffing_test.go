package postgres_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// owner runs a statement with the owner's role, as an administrator's tool.
func owner(t testing.TB, db *pgtest.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.SQL(t).Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

// parked gives the flag of a case and the reasons of its open repairs.
func parked(t testing.TB, db *pgtest.DB, id string) (flag bool, because string) {
	t.Helper()
	err := db.SQL(t).QueryRow(`SELECT parked, coalesce((SELECT string_agg(t.rule->>'because', ' ' ORDER BY t.id) FROM tasks t
		WHERE t.case_id = c.id AND t.kind = 'repair_configuration' AND t.closed_at IS NULL), '') FROM cases c WHERE id = $1`, id).Scan(&flag, &because)
	if err != nil {
		t.Fatal(err)
	}
	return flag, because
}

// A task that nobody can bring to its end parks its case as soon as it is
// opened; a missing approver never rejects a household.
func TestATaskThatNobodyCanDecideParks(t *testing.T) {
	t.Parallel()
	approve := func(level aid.Level) postgres.NewTask {
		return postgres.NewTask{Kind: aid.Approve, Level: level.Name, Rule: level, Area: map[string]string{"commune": "51001", "province": "51"}[level.Name]}
	}
	tests := map[string]struct {
		staff string
		task  postgres.NewTask
		park  bool
	}{
		"a whole committee":               {``, approve(committee("province")), false},
		"a committee without a chair":     {`UPDATE staff_roles SET chair = false`, approve(committee("province")), true},
		"a chair that need not be there":  {`UPDATE staff_roles SET chair = false`, approve(aid.Level{Name: "province", Mode: aid.ModeCommittee, Quorum: 2}), false},
		"below the quorum":                {`UPDATE staff_roles SET committee = subject IN ('approver4')`, approve(committee("province")), true},
		"approvers outside the committee": {`UPDATE staff_roles SET committee = false, chair = false`, approve(committee("province")), true},
		"the chair of another province":   {`UPDATE staff_roles SET area = '48' WHERE subject = 'approver4'`, approve(committee("province")), true},
		"two of three":                    {``, approve(aid.Level{Name: "commune", Mode: aid.ModeNOfM, N: 2}), true},
		"one who is disabled":             {`UPDATE staff SET disabled_at = now() WHERE subject = 'approver1'`, approve(aid.Level{Name: "commune", Mode: aid.ModeAny}), true},
		"one":                             {``, approve(aid.Level{Name: "commune", Mode: aid.ModeAny}), false},
		"two persons for a payment":       {``, postgres.NewTask{Kind: aid.ResolvePayment}, false},
		"one person for a payment":        {`DELETE FROM staff_roles WHERE role IN ('treasurer', 'releaser')`, postgres.NewTask{Kind: aid.ResolvePayment}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			if tt.staff != "" {
				owner(t, db, tt.staff)
			}
			c := submit(t, db, "portal1", request(0))
			id := openTask(t, db, c.ID, tt.task)
			flag, because := parked(t, db, c.ID)
			if want := map[bool]string{true: "nobody_can_decide"}[tt.park]; flag != tt.park || because != want {
				t.Fatalf("parked %v, %q", flag, because)
			}
			if n := count(t, db, `SELECT count(*) FROM tasks WHERE kind = 'repair_configuration' AND subject <> $1`, id); n > 0 {
				t.Error("the repair does not name its task")
			}
		})
	}
}

// A duty that somebody holds in the case bars from the others: who is left is
// what counts.
func TestDutiesAreCounted(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner(t, db, `DELETE FROM staff_roles WHERE subject = 'verifier2'`)
	c := submit(t, db, "portal1", request(0))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	decide(t, db, task, db.Staff(t, "verifier1"), aid.ActionComplete, ``)
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	if flag, _ := parked(t, db, c.ID); flag {
		t.Fatal("one's own duty may be repeated")
	}
	visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FollowUpVisit, Subject: "vis_1"})
	if flag, because := parked(t, db, c.ID); !flag || because != "nobody_can_decide" {
		t.Fatalf("the only verifier has verified: %v, %q", flag, because)
	}
	repair := taskOf(t, db, c.ID, aid.RepairConfiguration)
	complete := func() error {
		d := record(t, db, asks(t, db, repair, "admin1", aid.ActionComplete))
		err := db.ApplyIntent(t.Context(), d)
		if err != nil {
			if err := db.RefuseIntent(t.Context(), d.ID, aid.KindOf(err), aid.CodeOf(err)); err != nil {
				t.Fatal(err)
			}
		}
		return err
	}
	wantCode(t, complete(), "not_repaired")
	owner(t, db, `INSERT INTO staff_roles (subject, role, area) VALUES ('verifier2', 'verifier', '51')`)
	if err := complete(); err != nil {
		t.Fatal(err)
	}
	if flag, _ := parked(t, db, c.ID); flag {
		t.Fatal("still parked")
	}
	owner(t, db, `DELETE FROM staff_roles WHERE subject = 'verifier2'`)
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error { // asked twice in one review
		id, err := tx.OpenTask(c, postgres.NewTask{Kind: aid.DecideStalled, Subject: visit, Owner: aid.OwnerOffice})
		if err != nil {
			return err
		}
		again, err := tx.OpenTask(c, postgres.NewTask{Kind: aid.DecideStalled, Subject: visit, Owner: aid.OwnerOffice})
		if err == nil && again != id {
			t.Errorf("%s opened beside %s", again, id)
		}
		return err
	})
}

// The flag follows the repairs, whoever closes them, and a repair ends with
// the task that it is about.
func TestParkedFollowsTheRepairs(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner(t, db, `DELETE FROM staff_roles WHERE role = 'verifier'`)
	c := submit(t, db, "portal1", request(0))
	for _, kind := range []aid.TaskKind{aid.VerifyDocuments, aid.FieldVisit} {
		openTask(t, db, c.ID, postgres.NewTask{Kind: kind})
	}
	if n := count(t, db, `SELECT count(*) FROM tasks WHERE kind = 'repair_configuration' AND closed_at IS NULL`); n != 2 {
		t.Fatalf("%d repairs", n)
	}
	end := func(kinds ...aid.TaskKind) {
		change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error { return tx.EndTasks(c, "replaced", kinds...) })
	}
	end(aid.VerifyDocuments)
	if flag, _ := parked(t, db, c.ID); !flag {
		t.Fatal("one repair is open")
	}
	end(aid.FieldVisit)
	if flag, because := parked(t, db, c.ID); flag || because != "" {
		t.Fatalf("%v, %q", flag, because)
	}
	if n := count(t, db, `SELECT count(*) FROM tasks WHERE kind = 'repair_configuration' AND state = 'void'`); n != 2 {
		t.Fatalf("%d void repairs", n)
	}
	wantCode(t, db.Write(t.Context(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(c.ID)
		if err == nil {
			_, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.FieldVisit, Owner: aid.OwnerOffice})
		}
		return err
	}), "task_closed")
}
