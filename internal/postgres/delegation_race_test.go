package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// delegate asks for a delegation from now on, as a person does.
func delegate(t testing.TB, db *pgtest.DB, principal, to string) (*postgres.DelegationRow, error) {
	return db.CreateDelegation(t.Context(), db.Staff(t, principal), postgres.NewDelegation{ID: postgres.NewID(aid.DelegationID),
		Delegate: to, Until: db.Now().Add(24 * time.Hour), Reason: "leave"})
}

// A delegation that is revoked while the delegate decides: either the decision
// was made first and stands, or it is refused. Never a decision without a
// delegation, never both answers.
func TestARevocationRacesADecision(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for i := range 12 {
		task := provinceTask(t, db, i)
		d := must(delegate(t, db, "approver2", "approver5"))(t)
		in := asks(t, db, task, "approver5", aid.ActionApprove)
		errs := crowd(2, func(i int) error {
			if i == 0 {
				_, err := db.RevokeDelegation(t.Context(), db.Staff(t, "approver2"), d.ID, 0)
				return err
			}
			recorded, err := db.RecordIntent(t.Context(), in)
			if err != nil {
				return err
			}
			return applied(t, db, recorded.Decision)
		})
		if errs[0] != nil {
			t.Fatal("the revocation:", errs[0])
		}
		n := count(t, db, `SELECT count(*) FROM decisions WHERE task_id = $1 AND state = 'applied'`, task)
		if (errs[1] == nil) != (n == 1) {
			t.Fatalf("%v, and %d decisions", errs[1], n)
		}
		if errs[1] != nil && !slices.Contains([]string{"wrong_level", "not_delegated", "wrong_role"}, aid.CodeOf(errs[1])) {
			t.Fatal("the decision:", errs[1])
		}
		wantDenied(t, tryDecide(t, db, provinceTask(t, db, 100+i), "approver5", "approver2"))
	}
}

func wantDenied(t testing.TB, err error) {
	t.Helper()
	if aid.KindOf(err) != aid.Forbidden {
		t.Fatalf("got %v, want Forbidden", err)
	}
}

func applied(t testing.TB, db *pgtest.DB, d aid.Decision) error {
	return db.Write(t.Context(), func(tx *postgres.Tx) error {
		var id string
		if err := tx.Get(&id, `SELECT case_id FROM tasks WHERE id = $1`, d.Task); err != nil {
			return err
		}
		c, err := tx.LockCase(id)
		if err != nil {
			return err
		}
		_, _, err = tx.ApplyDecision(c, d)
		return err
	})
}

// Principal and delegate at the same instant: one vote.
func TestPrincipalAndDelegateAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	must(delegate(t, db, "approver2", "approver5"))(t)
	for i := range 10 {
		task := provinceTask(t, db, i)
		errs := crowd(2, func(i int) error {
			return tryDecide(t, db, task, []string{"approver2", "approver5"}[i], "")
		})
		n := count(t, db, `SELECT count(*) FROM decisions WHERE task_id = $1 AND state = 'applied'`, task)
		if n != 1 || (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%d votes: %v", n, errs)
		}
		for _, err := range errs {
			if err != nil {
				wantCode(t, err, "already_decided")
			}
		}
	}
}

// Two delegations that overlap, asked for at once: exactly one. The same for
// two that would be a chain.
func TestTwoDelegationsAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for name, pairs := range map[string][2][2]string{
		"delegation_overlaps": {{"approver2", "approver3"}, {"approver2", "approver5"}},
		"delegation_chain":    {{"treasurer1", "treasurer2"}, {"treasurer2", "treasurer1"}},
	} {
		errs := crowd(2, func(i int) error {
			_, err := delegate(t, db, pairs[i][0], pairs[i][1])
			return err
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("%s: %v", name, errs)
		}
		for _, err := range errs {
			if err != nil {
				wantCode(t, err, name)
			}
		}
	}
}

// A role that is taken away while its holder decides: one outcome, and nothing
// is decided without the role afterwards.
func TestARoleEndsWhileItsHolderDecides(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	admin := db.Staff(t, "admin1")
	was := must(db.StaffMember(t.Context(), admin, "approver3"))(t).Roles
	for i := range 8 {
		task := provinceTask(t, db, i)
		row := must(db.StaffMember(t.Context(), admin, "approver3"))(t)
		errs := crowd(2, func(i int) error {
			if i == 0 {
				_, err := db.ChangeStaff(t.Context(), admin, "approver3", row.Version, postgres.StaffChange{Roles: &[]postgres.StaffRole{}})
				return err
			}
			return tryDecide(t, db, task, "approver3", "")
		})
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
		n := count(t, db, `SELECT count(*) FROM decisions WHERE task_id = $1 AND state = 'applied'`, task)
		if (errs[1] == nil) != (n == 1) {
			t.Fatalf("%v, and %d decisions", errs[1], n)
		}
		row = must(db.StaffMember(t.Context(), admin, "approver3"))(t)
		must(db.ChangeStaff(t.Context(), admin, "approver3", row.Version, postgres.StaffChange{Roles: &was}))(t)
	}
}

// Whatever delegations and roles there are: on one task nobody takes part in
// two votes, nobody decides with what was lent to the principal, and everybody
// who took part has the duty.
func TestOneVoteForEachPerson(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	people := []string{"approver1", "approver2", "approver3", "approver4", "approver5"}
	next := 0
	rapid.Check(t, func(rt *rapid.T) {
		owner(t, db, `UPDATE delegations SET revoked_at = now() WHERE revoked_at IS NULL`)
		owner(t, db, `UPDATE staff_roles SET committee = true, chair = false WHERE level = 'province'`)
		for range rapid.IntRange(0, 4).Draw(rt, "delegations") {
			_, _ = delegate(t, db, rapid.SampledFrom(people).Draw(rt, "principal"), rapid.SampledFrom(people).Draw(rt, "delegate"))
		}
		task := provinceTask(t, db, next)
		next++
		for range rapid.IntRange(1, 8).Draw(rt, "votes") {
			behalf := rapid.SampledFrom(append([]string{""}, people...)).Draw(rt, "behalf")
			actor := rapid.SampledFrom(people).Draw(rt, "actor")
			if actor == behalf {
				behalf = ""
			}
			_ = tryDecide(t, db, task, actor, behalf)
		}
		twice := count(t, db, `SELECT count(*) FROM (SELECT p FROM decisions, unnest(ARRAY[actor, nullif(behalf, '')]) p
			WHERE task_id = $1 AND state = 'applied' AND p IS NOT NULL GROUP BY p HAVING count(*) > 1) x`, task)
		chained := count(t, db, `SELECT count(*) FROM decisions d WHERE task_id = $1 AND state = 'applied' AND (
			NOT EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = CASE d.behalf WHEN '' THEN d.actor ELSE d.behalf END AND r.level = 'province')
			OR (behalf <> '' AND NOT EXISTS (SELECT 1 FROM delegations g WHERE g.principal = d.behalf AND g.delegate = d.actor AND g.revoked_at IS NULL)))`, task)
		bare := count(t, db, `SELECT count(*) FROM decisions d, unnest(ARRAY[actor, nullif(behalf, '')]) p WHERE task_id = $1 AND state = 'applied'
			AND p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM case_duties c WHERE c.case_id = d.case_id AND c.person = p)`, task)
		if twice+chained+bare > 0 {
			rt.Fatal(fmt.Sprintf("%d took part twice, %d without a role or a delegation, %d without a duty", twice, chained, bare))
		}
	})
	if n := count(t, db, `SELECT count(*) FROM decisions WHERE behalf <> '' AND state = 'applied'`); n == 0 {
		t.Error("no delegate ever voted: the property says nothing")
	}
}
