package postgres_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// changeStaff changes a person as admin1 does who has just looked.
func changeStaff(t testing.TB, db *pgtest.DB, subject string, change postgres.StaffChange) error {
	t.Helper()
	admin := db.Staff(t, "admin1")
	row := must(db.StaffMember(t.Context(), admin, subject))(t)
	_, err := db.ChangeStaff(t.Context(), admin, subject, row.Version, change)
	return err
}

func disabled(yes bool) postgres.StaffChange { return postgres.StaffChange{Disabled: &yes} }

// Who leaves has nothing in hand any more, decides nothing, lends nothing and
// borrows nothing: at once.
func TestWhoLeavesGivesBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	own, lent := provinceTask(t, db, 0), provinceTask(t, db, 1)
	must(db.ClaimTask(t.Context(), db.Staff(t, "approver3"), own, 0))(t)
	must(db.ClaimTask(t.Context(), db.Staff(t, "approver2"), lent, 0))(t)
	must(delegate(t, db, "approver2", "approver3"))(t)
	if holder(t, db, lent) != "approver3/approver2" {
		t.Fatal(holder(t, db, lent))
	}
	if err := changeStaff(t, db, "approver3", disabled(true)); err != nil {
		t.Fatal(err)
	}
	if holder(t, db, own) != "/" || holder(t, db, lent) != "approver2/" {
		t.Fatalf("in the hands of %s and %s", holder(t, db, own), holder(t, db, lent))
	}
	if n := count(t, db, `SELECT count(*) FROM delegations WHERE revoked_at IS NOT NULL AND because = 'delegate_disabled'`); n != 1 {
		t.Error("the delegation goes on")
	}
	_, err := db.StaffBySubject(t.Context(), "approver3")
	wantCode(t, err, "staff_disabled")
	wantDenied(t, tryDecideAs(t, db, own, "approver3"))
	if n := count(t, db, `SELECT count(*) FROM audit WHERE action = 'change_staff' AND actor = 'admin1' AND object = 'approver3'`); n != 1 {
		t.Error("not in the audit")
	}
}

func tryDecideAs(t testing.TB, db *pgtest.DB, task, actor string) error {
	t.Helper()
	err := tryDecide(t, db, task, actor, "")
	if aid.CodeOf(err) == "task_not_found" {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	return err
}

// A case that nobody can decide any more is parked, and goes on when somebody
// can again.
func TestCasesParkAndGoOnWithTheStaff(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Area: "51", Rule: committee("province")})
	if err := changeStaff(t, db, "approver4", disabled(true)); err != nil { // the chair
		t.Fatal(err)
	}
	if flag, because := parked(t, db, c.ID); !flag || because != "nobody_can_decide" {
		t.Fatalf("parked %v, %q", flag, because)
	}
	before := count(t, db, `SELECT count(*) FROM outbox WHERE name = 'look'`)
	if err := changeStaff(t, db, "approver4", disabled(false)); err != nil {
		t.Fatal(err)
	}
	if flag, because := parked(t, db, c.ID); flag || because != "" {
		t.Fatalf("parked %v, %q", flag, because)
	}
	if n := count(t, db, `SELECT count(*) FROM outbox WHERE name = 'look'`); n != before+1 {
		t.Errorf("its workflow was told %d times", n-before)
	}
	if n := count(t, db, `SELECT count(*) FROM events WHERE case_id = $1 AND kind IN ('case.parked', 'case.unparked')`, c.ID); n != 2 {
		t.Errorf("%d events", n)
	}
	roles := must(db.StaffMember(t.Context(), db.Staff(t, "admin1"), "approver4"))(t).Roles
	roles[0].Programmes = []string{"schooling"} // the case is a medical one
	if err := changeStaff(t, db, "approver4", postgres.StaffChange{Roles: &roles}); err != nil {
		t.Fatal(err)
	}
	if flag, _ := parked(t, db, c.ID); !flag {
		t.Fatal("the chair is there for another programme only")
	}
	if n := count(t, db, `SELECT count(*) FROM task_rechecks`); n != 0 {
		t.Errorf("%d looks are left", n)
	}
}

// Nobody changes themselves; two who disable each other at once leave one.
func TestNobodyChangesThemselves(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, err := db.ChangeStaff(t.Context(), db.Staff(t, "admin1"), "admin1", 1, disabled(false))
	wantCode(t, err, "own_roles")
	if _, err := db.SQL(t).Exec(`INSERT INTO staff_roles (subject, role, area, granted_by) VALUES ('admin1', 'treasurer', '51', 'admin1')`); err == nil {
		t.Error("the database lets somebody give a role to themselves")
	}
	pair := []*postgres.Caller{db.Staff(t, "admin1"), db.Staff(t, "admin2")}
	errs := crowd(2, func(i int) error {
		_, err := db.ChangeStaff(t.Context(), pair[i], pair[1-i].ID, 1, disabled(true))
		return err
	})
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatal(errs)
	}
	if n := count(t, db, `SELECT count(*) FROM staff WHERE subject LIKE 'admin_' AND disabled_at IS NULL`); n != 1 {
		t.Fatalf("%d administrators are left", n)
	}
}

// Everything that is wrong with roles is told at once, and nothing is changed.
func TestBadRoles(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner(t, db, `INSERT INTO staff_roles (subject, role, area) VALUES ('approver5', 'verifier', '48')`)
	elsewhere := postgres.StaffRole{Role: aid.RoleVerifier, Area: "48"}
	for _, tt := range []struct {
		role     postgres.StaffRole
		at, code string
	}{
		{postgres.StaffRole{Role: aid.RoleApprover, Area: "51"}, "/roles/1/level", "level_required"},
		{postgres.StaffRole{Role: aid.RoleVerifier, Area: "51", Level: "commune"}, "/roles/1/level", "level_not_allowed"},
		{postgres.StaffRole{Role: aid.RoleApprover, Area: "51", Level: "moon"}, "/roles/1/level", "unknown_level"},
		{postgres.StaffRole{Role: aid.RoleVerifier, Area: "48001"}, "/roles/1/area", "unknown_area"},
		{postgres.StaffRole{Role: aid.RoleVerifier, Area: "51", Committee: true}, "/roles/1/committee", "seat_not_allowed"},
		{postgres.StaffRole{Role: aid.RoleApprover, Area: "51", Level: "province", Chair: true}, "/roles/1/chair", "chair_without_seat"},
		{postgres.StaffRole{Role: aid.RoleVerifier, Area: "51", Programmes: []string{"x"}}, "/roles/1/programmes/0", "unknown_programme"},
	} {
		wantFault(t, changeStaff(t, db, "approver5", postgres.StaffChange{Roles: &[]postgres.StaffRole{elsewhere, tt.role}}), tt.at, tt.code)
	}
	wantFault(t, changeStaff(t, db, "approver5", postgres.StaffChange{Roles: &[]postgres.StaffRole{}}), "/roles", "roles_elsewhere")
	wantCode(t, changeStaff(t, db, "approver5", disabled(true)), "wrong_area")
	nobody := "nobody"
	wantFault(t, changeStaff(t, db, "approver1", postgres.StaffChange{Superior: &nobody}), "/superior", "unknown_person")
	_, err := db.ChangeStaff(t.Context(), db.Staff(t, "admin1"), "approver1", 7, disabled(true))
	wantCode(t, err, "stale")
	if n := count(t, db, `SELECT count(*) FROM staff WHERE version > 1`); n != 0 {
		t.Errorf("%d persons were changed", n)
	}
}
