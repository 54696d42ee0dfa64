package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	if portal.Code != "portal1" || portal.Mode != "test" || !portal.MayScope("cases:write") || portal.MayScope("everything") ||
		!slices.Equal(portal.Areas, []string{"51", "51001", "51002", "51003", "51004", "51005"}) || portal.CaseAreas() == nil || len(portal.CaseAreas()) != 0 {
		t.Fatalf("%+v", portal)
	}
	until := db.Clock.Now().Add(time.Hour)
	id, key, err := db.CreateKey(ctx, portal.ID, "test", []string{"cases:read"}, &until)
	if err != nil || !postgres.ValidKey(key) || !strings.HasPrefix(key, "aid_test_") {
		t.Fatalf("%s %v", key, err)
	}
	if c := must(db.PartnerByKey(ctx, key))(t); c.KeyID != id || c.ID != portal.ID || c.MayScope("cases:write") {
		t.Fatalf("%+v", c)
	}
	_, _, err = db.CreateKey(ctx, portal.ID, "test", nil, nil)
	wantCode(t, err, "too_many_keys")
	_, _, err = db.CreateKey(ctx, "par_nobody", "test", nil, nil)
	wantCode(t, err, "partner_not_found")
	for name, bad := range map[string]string{"empty": "", "mistyped": key[:len(key)-1] + "0", "live": strings.Replace(key, "test", "live", 1), "short": key[:20], "foreign": "Bearer x"} {
		if bad == key {
			continue
		}
		_, err := db.PartnerByKey(ctx, bad)
		if wantCode(t, err, "invalid_key"); aid.KindOf(err) != aid.Unauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
	db.Clock.Advance(2 * time.Hour)
	_, err = db.PartnerByKey(ctx, key)
	wantCode(t, err, "key_expired")
	for range 2 {
		if err := db.RevokeKey(ctx, portal.ID, portal.KeyID); err != nil {
			t.Fatal(err)
		}
	}
	_, err = db.PartnerByKey(ctx, db.Keys["portal1"])
	wantCode(t, err, "key_revoked")
	wantCode(t, db.RevokeKey(ctx, portal.ID, db.Partner(t, "portal2").KeyID), "key_not_found")
	exec(t, db, `UPDATE partners SET ended_at = now() WHERE code = 'portal2'`)
	_, err = db.PartnerByKey(ctx, db.Keys["portal2"])
	wantCode(t, err, "key_revoked")
}

func exec(t testing.TB, db *pgtest.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.SQL(t).Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

func TestStaff(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	chair := db.Staff(t, "approver4")
	if len(chair.Roles) != 1 || chair.Roles[0].Level != "province" || !chair.Roles[0].Chair || !chair.Roles[0].Committee ||
		!chair.Has(aid.RoleApprover, "51003") || chair.Has(aid.RoleApprover, "48001") || !chair.Has(aid.RoleApprover, "") || chair.Has(aid.RoleAdmin, "") {
		t.Fatalf("%+v", chair)
	}
	if admin := db.Staff(t, "admin1"); len(admin.CaseAreas()) != 0 || len(admin.Areas) != 6 || len(admin.MoneyAreas()) != 0 {
		t.Fatalf("%+v", admin)
	}
	if auditor := db.Staff(t, "auditor1"); len(auditor.CaseAreas()) != 6 || auditor.Reads("51001", "medical", aid.RoleIntake, aid.RoleVerifier) {
		t.Fatalf("%+v", auditor)
	}
	_, err := db.StaffBySubject(ctx, "nobody")
	wantCode(t, err, "unknown_subject")
	exec(t, db, `INSERT INTO staff (subject, name, created_at) VALUES ('new', 'New', now())`)
	if fresh := db.Staff(t, "new"); len(fresh.Roles) != 0 || len(fresh.Areas) != 0 {
		t.Fatalf("%+v", fresh)
	}
	exec(t, db, `UPDATE staff SET disabled_at = now() WHERE subject = 'approver4'`)
	_, err = db.StaffBySubject(ctx, "approver4")
	wantCode(t, err, "staff_disabled")
	if err := db.AuditRefusal(ctx, chair, "decideTask", "task_1", "wrong_role"); err != nil {
		t.Fatal(err)
	}
	if count(t, db, `SELECT count(*) FROM audit WHERE actor = 'approver4' AND outcome = 'refused' AND code = 'wrong_role'`) != 1 {
		t.Fatal("the refusal is not in the audit")
	}
}

func TestAreas(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	exec(t, db, `INSERT INTO areas (code, name, level, parent, valid_from, valid_to) VALUES ('51900', 'Gone', 'commune', '51', '2000-01-01', '2025-07-01')`)
	today := db.Clock.Now()
	for name, tc := range map[string]struct {
		filter postgres.AreaFilter
		n      int
	}{
		"all":       {postgres.AreaFilter{}, 9},
		"provinces": {postgres.AreaFilter{Level: "province"}, 2},
		"communes":  {postgres.AreaFilter{Parent: "51"}, 6},
		"today":     {postgres.AreaFilter{Parent: "51", At: today}, 5},
		"then":      {postgres.AreaFilter{Parent: "51", At: today.AddDate(-2, 0, 0)}, 6},
	} {
		if rows := must(db.Areas(ctx, tc.filter, postgres.Page{}))(t); len(rows) != tc.n {
			t.Errorf("%s: %d, want %d", name, len(rows), tc.n)
		}
	}
	first := must(db.Areas(ctx, postgres.AreaFilter{}, postgres.Page{Limit: 4}))(t)
	rest := must(db.Areas(ctx, postgres.AreaFilter{}, postgres.Page{After: first[3].Cursor()}))(t)
	if len(first) != 4 || len(rest) != 5 || rest[0].Code <= first[3].Code {
		t.Fatalf("%v %v", first, rest)
	}
	if a := must(db.Area(ctx, "51003"))(t); a.Name != "Sơn Tịnh" || *a.Parent != "51" {
		t.Fatalf("%+v", a)
	}
	if below := must(db.AreasBelow(ctx, "51"))(t); len(below) != 7 {
		t.Fatalf("%v", below)
	}
	if below := must(db.AreasBelow(ctx, "none"))(t); len(below) != 0 {
		t.Fatalf("%v", below)
	}
	// Nothing new starts in an area that is gone.
	content := request(0)
	content.Area = "51900"
	_, err := db.CreateCase(ctx, db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), content, false)
	wantFault(t, err, "/area", "unknown_area")
}

func TestSeedTwice(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	tables := []string{"areas", "partners", "partner_keys", "staff", "staff_roles", "calendars", "programmes", "households", "household_members", "funds", "contributions", "ledger_entries"}
	before := map[string]int{}
	for _, table := range tables {
		if before[table] = count(t, db, `SELECT count(*) FROM `+table); before[table] == 0 {
			t.Errorf("%s is empty", table)
		}
	}
	keys, err := db.Owner(t).SeedDevelopment(ctx, definitions(t, db), nil)
	if err != nil || keys["portal1"] != db.Keys["portal1"] || keys["portal2"] == "" {
		t.Fatalf("%v", err)
	}
	for _, table := range tables {
		if n := count(t, db, `SELECT count(*) FROM `+table); n != before[table] {
			t.Errorf("%s: %d rows became %d", table, before[table], n)
		}
	}
}
