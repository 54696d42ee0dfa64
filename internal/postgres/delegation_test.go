package postgres_test

import (
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// lend writes a delegation that holds now, as nobody but a test does.
func lend(t testing.TB, db *pgtest.DB, principal, delegate string) string {
	t.Helper()
	id := postgres.NewID(aid.DelegationID)
	owner(t, db, `INSERT INTO delegations (id, principal, delegate, from_at, until_at, reason_code, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, 'leave', $2, $4)`, id, principal, delegate, db.Now().Add(-time.Hour), db.Now().Add(24*time.Hour))
	return id
}

func provinceTask(t testing.TB, db *pgtest.DB, i int) string {
	t.Helper()
	c := submit(t, db, "portal1", request(i))
	return openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Area: "51", Rule: committee("province")})
}

func tryDecide(t testing.TB, db *pgtest.DB, task, actor, behalf string) error {
	t.Helper()
	in := asks(t, db, task, actor, aid.ActionApprove)
	in.Behalf = behalf
	recorded, err := db.RecordIntent(t.Context(), in)
	if err != nil {
		return err
	}
	return db.Write(t.Context(), func(tx *postgres.Tx) error {
		var id string
		if err := tx.Get(&id, `SELECT case_id FROM tasks WHERE id = $1`, task); err != nil {
			return err
		}
		c, err := tx.LockCase(id)
		if err != nil {
			return err
		}
		_, _, err = tx.ApplyDecision(c, recorded.Decision)
		return err
	})
}

// A delegate and the principal are one vote, whichever of them votes and in
// whose name; and the duty is entered for both.
func TestADelegateAndThePrincipalHaveOneVote(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	lend(t, db, "approver2", "approver5") // approver5 sits in no committee
	task := provinceTask(t, db, 0)
	wantCode(t, tryDecide(t, db, task, "approver5", "approver3"), "not_delegated")
	if err := tryDecide(t, db, task, "approver5", ""); err != nil {
		t.Fatal(err)
	}
	wantCode(t, tryDecide(t, db, task, "approver2", ""), "already_decided")
	wantCode(t, tryDecide(t, db, task, "approver5", "approver2"), "already_decided")
	for _, who := range []string{"approver2", "approver5"} {
		if n := count(t, db, `SELECT count(*) FROM case_duties WHERE person = $1 AND duty = 'approve:province' AND beside <> ''`, who); n != 1 {
			t.Errorf("%s holds %d duties", who, n)
		}
	}
	for _, table := range []string{"decisions", "events"} {
		if n := count(t, db, `SELECT count(*) FROM `+table+` WHERE actor = 'approver5' AND behalf = 'approver2'`); n != 1 {
			t.Errorf("%s: %d rows with both names", table, n)
		}
	}
}

// A member of the committee who is a delegate, too, has one vote.
func TestAMemberWhoIsADelegateHasOneVote(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	lend(t, db, "approver2", "approver3")
	task := provinceTask(t, db, 0)
	if err := tryDecide(t, db, task, "approver3", ""); err != nil {
		t.Fatal(err)
	}
	wantCode(t, tryDecide(t, db, task, "approver3", "approver2"), "already_decided")
	if err := tryDecide(t, db, task, "approver2", ""); err != nil {
		t.Fatal("the principal has a vote of the own:", err)
	}
}

// Each thing that is wrong with a delegation is said once, and clearly.
func TestWhatIsNoDelegation(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner(t, db, `UPDATE staff SET disabled_at = now() WHERE subject = 'approver4'`)
	lend(t, db, "treasurer1", "treasurer2")
	day := 24 * time.Hour
	good := func() postgres.NewDelegation {
		return postgres.NewDelegation{ID: postgres.NewID(aid.DelegationID), Delegate: "approver3", Until: db.Now().Add(day), Reason: "leave"}
	}
	tests := map[string]struct {
		who      string
		change   func(*postgres.NewDelegation)
		at, code string
	}{
		"to oneself":           {"approver2", func(d *postgres.NewDelegation) { d.Delegate = "approver2" }, "/delegate", "delegation_to_oneself"},
		"in the past":          {"approver2", func(d *postgres.NewDelegation) { d.From = db.Now().Add(-day) }, "/from", "delegation_in_past"},
		"ends before it":       {"approver2", func(d *postgres.NewDelegation) { d.Until = db.Now().Add(-time.Hour) }, "/until", "ends_before_it_begins"},
		"for ever":             {"approver2", func(d *postgres.NewDelegation) { d.Until = db.Now().Add(400 * day) }, "/until", "delegation_too_long"},
		"without the role":     {"approver2", func(d *postgres.NewDelegation) { d.Delegate = "verifier1" }, "/delegate", "delegate_without_role"},
		"disabled":             {"approver2", func(d *postgres.NewDelegation) { d.Delegate = "approver4" }, "/delegate", "staff_disabled"},
		"nobody":               {"approver2", func(d *postgres.NewDelegation) { d.Delegate = "nobody" }, "/delegate", "unknown_person"},
		"an unknown programme": {"approver2", func(d *postgres.NewDelegation) { d.Programmes = []string{"medical", "x"} }, "/programmes/1", "unknown_programme"},
		"by no manager":        {"approver2", func(d *postgres.NewDelegation) { d.Principal = "approver5" }, "", "wrong_role"},
		"to the manager":       {"manager1", func(d *postgres.NewDelegation) { d.Principal, d.Delegate = "approver2", "manager1" }, "/delegate", "delegation_to_recorder"},
		"overlapping":          {"treasurer1", func(d *postgres.NewDelegation) { d.Delegate, d.From = "treasurer2", db.Now().Add(time.Hour) }, "", "delegation_overlaps"},
		"handed on":            {"treasurer2", func(d *postgres.NewDelegation) { d.Delegate = "treasurer1" }, "", "delegation_chain"},
	}
	for name, tt := range tests {
		in := good()
		tt.change(&in)
		_, err := db.CreateDelegation(t.Context(), db.Staff(t, tt.who), in)
		if tt.at != "" {
			wantFault(t, err, tt.at, tt.code)
		} else if aid.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM delegations`); n != 1 {
		t.Errorf("%d delegations", n)
	}
	in := good()
	in.Principal = "approver2"
	must(db.CreateDelegation(t.Context(), db.Staff(t, "manager1"), in))(t) // for an absent person
}

func holder(t testing.TB, db *pgtest.DB, task string) string {
	t.Helper()
	var who string
	err := db.SQL(t).QueryRow(`SELECT coalesce(assignee, '') || '/' || coalesce(assigned_for, '') FROM tasks WHERE id = $1`, task).Scan(&who)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// What the principal has in hand goes to the delegate at the beginning and
// comes back, undecided, at the end; by its dates, or when it is revoked.
func TestTasksMoveAndReturn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	task := provinceTask(t, db, 0)
	must(db.ClaimTask(t.Context(), db.Staff(t, "approver2"), task, 0))(t)
	in := postgres.NewDelegation{ID: postgres.NewID(aid.DelegationID), Delegate: "approver3", From: db.Now().Add(time.Hour), Until: db.Now().Add(2 * time.Hour), Reason: "travel"}
	must(db.CreateDelegation(t.Context(), db.Staff(t, "approver2"), in))(t)
	settle := func(want int, hands string) {
		t.Helper()
		if n := must(db.SettleDelegations(t.Context(), 10))(t); n != want || holder(t, db, task) != hands {
			t.Fatalf("%d settled, in the hands of %s", n, holder(t, db, task))
		}
	}
	settle(0, "approver2/")
	db.Clock.Advance(time.Hour)
	settle(1, "approver3/approver2")
	settle(0, "approver3/approver2")
	db.Clock.Advance(time.Hour)
	settle(1, "approver2/")
	second := must(delegate(t, db, "approver2", "approver3"))(t)
	if holder(t, db, task) != "approver3/approver2" {
		t.Fatal("one that begins now moves at once:", holder(t, db, task))
	}
	must(db.RevokeDelegation(t.Context(), db.Staff(t, "manager1"), second.ID, 0))(t)
	if holder(t, db, task) != "approver2/" {
		t.Fatal("revoked:", holder(t, db, task))
	}
	_, err := db.RevokeDelegation(t.Context(), db.Staff(t, "approver2"), second.ID, 0)
	wantCode(t, err, "delegation_over")
	if n := count(t, db, `SELECT count(*) FROM events WHERE task_id = $1 AND kind IN ('task.delegated', 'task.delegation_ended')`, task); n != 4 {
		t.Errorf("%d events", n)
	}
	if n := count(t, db, `SELECT count(*) FROM notices WHERE kind IN ('delegation.begun', 'delegation.ended')`); n != 4 {
		t.Errorf("%d notices", n)
	}
}

// Every check looks at the dates itself: nothing waits for the sweep.
func TestADelegationHoldsByItsDates(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in := postgres.NewDelegation{ID: postgres.NewID(aid.DelegationID), Delegate: "approver5", From: db.Now().Add(time.Hour), Until: db.Now().Add(2 * time.Hour), Reason: "leave"}
	must(db.CreateDelegation(t.Context(), db.Staff(t, "approver2"), in))(t)
	wantCode(t, tryDecide(t, db, provinceTask(t, db, 0), "approver5", ""), "wrong_level")
	db.Clock.Advance(time.Hour)
	if err := tryDecide(t, db, provinceTask(t, db, 1), "approver5", ""); err != nil {
		t.Fatal(err)
	}
	db.Clock.Advance(time.Hour)
	wantCode(t, tryDecide(t, db, provinceTask(t, db, 2), "approver5", ""), "wrong_level")
}

// A delegation reaches as far as it says, and lives no longer than the roles of
// the two.
func TestADelegationReachesNoFurther(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"another programme":                  `UPDATE delegations SET programmes = '{schooling}'`,
		"above its ceiling":                  `UPDATE delegations SET ceiling = 5999999`,
		"the principal's role has ended":     `DELETE FROM staff_roles WHERE subject = 'approver2'`,
		"the delegate's role has ended":      `DELETE FROM staff_roles WHERE subject = 'approver5'`,
		"the principal is disabled":          `UPDATE staff SET disabled_at = now() WHERE subject = 'approver2'`,
		"the delegate is disabled":           `UPDATE staff SET disabled_at = now() WHERE subject = 'approver5'`,
		"the principal's role is for others": `UPDATE staff_roles SET programmes = '{schooling}' WHERE subject = 'approver2'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			lend(t, db, "approver2", "approver5")
			task := provinceTask(t, db, 0)
			owner(t, db, change)
			err := tryDecide(t, db, task, "approver5", "approver2")
			if kind := aid.KindOf(err); kind != aid.Forbidden && kind != aid.NotFound {
				t.Fatal(err)
			}
		})
	}
}

// Another duty of one of the two bars both, and so does an act in the
// principal's name afterwards.
func TestDutiesOfBothPersonsBar(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner(t, db, `INSERT INTO staff_roles (subject, role, area) VALUES ('approver2', 'verifier', '51'), ('approver5', 'verifier', '51')`)
	lend(t, db, "approver2", "approver5")
	for i, who := range []string{"approver2", "approver5"} {
		c := submit(t, db, "portal1", request(i))
		visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
		decide(t, db, visit, db.Staff(t, who), aid.ActionComplete, ``)
		task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Area: "51", Rule: committee("province")})
		wantCode(t, tryDecide(t, db, task, "approver5", "approver2"), "four_eyes")
		err := db.Write(t.Context(), func(tx *postgres.Tx) error {
			_, err := tx.Exec(`INSERT INTO decisions (id, task_id, case_id, actor, behalf, action, task_version, state, asked_at, decided_at)
				SELECT $1, id, case_id, 'approver5', 'approver2', 'approve', version, 'applied', $3, $3 FROM tasks WHERE id = $2`, postgres.NewID(aid.DecisionID), task, tx.Now)
			return err
		})
		wantCode(t, err, "four_eyes")
	}
}
