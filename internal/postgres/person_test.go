package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/identity"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// Nothing personal is readable in the database: every column of every row is
// searched for what the request said.
func TestNothingPersonalIsReadable(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	content := request(0)
	c := submit(t, db, "portal1", content)
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	decide(t, db, task, db.Staff(t, "verifier1"), aid.ActionComplete, `{"text":"Canary data"}`)
	scope := postgres.IdemScope{Caller: "p", Route: "createCase", Key: "canary key", Fingerprint: []byte{1}}
	must(db.BeginIdempotent(ctx, scope, c.ID))(t)
	if err := db.FinishIdempotent(ctx, scope, postgres.IdemAnswer{Status: 201, Body: []byte("canary answer")}); err != nil {
		t.Fatal(err)
	}
	canaries := []string{"canary", strings.ToLower(content.Applicant.FullName), content.Applicant.NationalID, content.Applicant.Phone,
		content.Payee.AccountNumber, strings.ToLower(c.TrackingToken)}
	conn := db.SQL(t)
	rows, err := conn.Query(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		for _, canary := range canaries {
			// bytea columns are searched in their bytes, not in their hex form.
			if n := count(t, db, fmt.Sprintf(`SELECT count(*) FROM %s t WHERE position($1 IN lower(t::text)) > 0
				OR position(encode(convert_to($1, 'UTF8'), 'hex') IN t::text) > 0`, table), canary); n != 0 {
				t.Errorf("%s: %d rows show a canary", table, n)
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestPersonal(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	content := request(0)
	c := submit(t, db, "portal1", content)
	for _, who := range []*postgres.Caller{db.Partner(t, "portal1"), db.Staff(t, "verifier1"), db.Staff(t, "treasurer1")} {
		p := must(db.CasePersonal(ctx, who, c.ID))(t)
		if p.Masked || p.Applicant != content.Applicant || *p.Payee != *content.Payee || len(p.Documents) != 2 || p.Documents[0].Location != "Canary cupboard" {
			t.Fatalf("%s: %+v", who.ID, p)
		}
	}
	masked := must(db.CasePersonal(ctx, db.Staff(t, "auditor1"), c.ID))(t)
	if !masked.Masked || masked.Applicant.FullName != "" || masked.Payee.AccountNumber != "" || masked.Answers != nil || masked.Documents[0].Location != "" || masked.Household.Members[0].FullName != "" {
		t.Fatalf("%+v", masked)
	}
	for _, who := range []*postgres.Caller{db.Partner(t, "portal2"), db.Staff(t, "verifier3"), db.Staff(t, "admin1")} {
		_, err := db.CasePersonal(ctx, who, c.ID)
		wantCode(t, err, "case_not_found")
	}
	if n := count(t, db, `SELECT count(*) FROM audit WHERE object = $1 AND action LIKE 'read_%'`, c.ID); n != 4 {
		t.Fatalf("%d looks in the audit, want 4", n)
	}
}

// Another partner that knows a number sees its own words, never the first
// partner's.
func TestAPersonOfTwoPartners(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	submit(t, db, "portal1", request(0))
	other := request(0)
	other.Area, other.Applicant.FullName, other.Applicant.Phone = "48001", "Somebody Else", "0900000000"
	c := submit(t, db, "portal2", other)
	p := must(db.CasePersonal(ctx, db.Partner(t, "portal2"), c.ID))(t)
	if p.Applicant != other.Applicant {
		t.Fatal("one partner sees another's statement")
	}
}

func TestDevelopmentPeople(t *testing.T) {
	t.Parallel()
	people := postgres.DevelopmentPeople()
	seen := map[string]bool{}
	for _, p := range people {
		if faults := identity.Check(p.NationalID, p.BirthDate, p.Sex); len(faults) != 0 {
			t.Errorf("%+v: %v", p, faults)
		}
		if seen[p.NationalID] {
			t.Errorf("number of %s given twice", p.FullName)
		}
		seen[p.NationalID] = true
	}
	if len(people) != 120 {
		t.Fatalf("%d people", len(people))
	}
	numbers := map[string]bool{}
	for i := range 20_000 {
		head := postgres.DevelopmentHousehold(i)[0]
		if len(head.NationalID) != 12 || numbers[head.NationalID] {
			t.Fatalf("household %d: number %s", i, head.NationalID)
		}
		numbers[head.NationalID] = true
	}
}
