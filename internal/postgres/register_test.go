package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/means"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

type checkFunc func(*postgres.Tx, *postgres.Case) (postgres.Finding, error)

func find(t testing.TB, db *pgtest.DB, caseID string, check checkFunc) (found postgres.Finding) {
	t.Helper()
	change(t, db, caseID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		if found, err = check(tx, c); err == nil {
			err = tx.SaveCheck(c, "register", found)
		}
		return err
	})
	return found
}

// registered is the row of a household's head in the list of a year.
func registered(code string, year int, class means.Classification) postgres.RegisterRow {
	return postgres.RegisterRow{Household: code, Area: "51001", Year: year, Head: true, Member: postgres.ListedMember{FullName: "Canary " + code},
		Review: &postgres.Review{Class: class, Declared: class, By: "declared"}}
}

func saveRegister(t testing.TB, db *pgtest.DB, rows ...postgres.RegisterRow) (applied int) {
	t.Helper()
	err := db.Write(context.Background(), func(tx *postgres.Tx) (err error) {
		applied, err = tx.SaveRegister(nil, rows)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

func TestCheckRegister(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	saveRegister(t, db, registered("RICH", 2026, means.Other), registered("FORMER", 2024, means.Poor), registered("LATER", 2027, means.Poor))
	i := 0
	for name, tc := range map[string]struct {
		change func(*postgres.CaseContent)
		want   []string
	}{
		"registered":        {func(*postgres.CaseContent) {}, nil},
		"no household":      {func(c *postgres.CaseContent) { c.Household.Code = "" }, []string{"household_unknown"}},
		"new household":     {func(c *postgres.CaseContent) { c.Household.Code = "NEW" }, []string{"household_not_registered"}},
		"another's":         {func(c *postgres.CaseContent) { c.Household.Code = request(30).Household.Code }, []string{"person_not_in_household"}},
		"no number":         {func(c *postgres.CaseContent) { c.Applicant.NationalID = "" }, []string{"no_id_number"}},
		"reviewed long ago": {func(c *postgres.CaseContent) { c.Household.Code = "FORMER" }, []string{"household_review_outdated", "person_not_in_household"}},
		"reviewed later":    {func(c *postgres.CaseContent) { c.Household.Code = "LATER" }, []string{"household_not_poor", "person_not_in_household"}},
		"not poor, not its": {func(c *postgres.CaseContent) { c.Household.Code = "RICH" }, []string{"household_not_poor", "person_not_in_household"}},
	} {
		content := request(i) // each its own household
		i++
		tc.change(&content)
		c := submit(t, db, "portal1", content)
		got := find(t, db, c.ID, (*postgres.Tx).CheckRegister)
		if !slices.Equal(got.Codes, tc.want) || got.Passed != (len(tc.want) == 0) {
			t.Errorf("%s: %+v, want %v", name, got, tc.want)
		}
	}
}

// A review counts for the programmes that name the test which has judged it,
// and one that only declares its class counts for all.
func TestAReviewOfAnotherMeansTestDoesNotCount(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	for rules, want := range map[string]string{"vn/2022-01-01": "poor", "": "poor", "elsewhere/2020-01-01": "unknown"} {
		exec(t, db, `UPDATE household_reviews SET rules = $1, classification = 'poor'`, rules)
		var facts postgres.RegisterFacts
		change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
			facts, err = tx.RegisterFacts(c)
			return err
		})
		if facts.Classification != want {
			t.Errorf("judged by %q: %s, want %s", rules, facts.Classification, want)
		}
	}
}

// What a check found is the office's.
func TestAPartnerSeesNoCheck(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a := submit(t, db, "portal1", request(0))
	change(t, db, a.ID, func(tx *postgres.Tx, c *postgres.Case) error {
		return errors.Join(tx.SaveCheck(c, "duplicate", postgres.Finding{Codes: []string{"same_person"}}),
			tx.SaveFindings(c, []string{"duplicate"}, []postgres.Found{{Check: "duplicate", Code: "same_person", Effect: programme.EffectBlock, About: "case_x"}}))
	})
	if checks := must(db.Checks(t.Context(), db.Staff(t, "verifier1"), a.ID))(t); len(checks) != 1 || !slices.Equal(checks[0].Codes, []string{"same_person"}) {
		t.Fatalf("%+v", checks)
	}
	if found := must(db.Findings(t.Context(), db.Staff(t, "verifier1"), a.ID))(t); len(found) != 1 || !found[0].Blocks() {
		t.Fatalf("%+v", found)
	}
	portal := db.Partner(t, "portal1")
	if checks, found := must(db.Checks(t.Context(), portal, a.ID))(t), must(db.Findings(t.Context(), portal, a.ID))(t); len(checks)+len(found) != 0 {
		t.Fatalf("a partner sees %+v %+v", checks, found)
	}
}

// Hints name a partner's own cases and nothing of another's.
func TestDuplicateHints(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	a := submit(t, db, "portal1", request(0))
	number, household := request(0).Applicant.NationalID, request(0).Household.Code
	if got := must(db.DuplicateHints(ctx, db.Partner(t, "portal1"), number, ""))(t); len(got) != 1 || got[0].CaseID != a.ID || got[0].Code != "same_person_open_case" {
		t.Fatalf("%+v", got)
	}
	if got := must(db.DuplicateHints(ctx, db.Partner(t, "portal1"), "", household))(t); len(got) != 1 || got[0].Code != "same_household_open_case" {
		t.Fatalf("%+v", got)
	}
	if got := must(db.DuplicateHints(ctx, db.Partner(t, "portal2"), number, household))(t); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	if got := must(db.DuplicateHints(ctx, db.Partner(t, "portal1"), "", ""))(t); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
}

func TestCheckIdentityAndDocuments(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	fine := submit(t, db, "portal1", request(0))
	if got := find(t, db, fine.ID, (*postgres.Tx).CheckIdentity); !got.Passed || len(got.Codes) != 0 {
		t.Fatalf("%+v", got)
	}
	wrong := request(1)
	wrong.Applicant.BirthDate = "1901-01-01"
	if got := find(t, db, submit(t, db, "portal1", wrong).ID, (*postgres.Tx).CheckIdentity); got.Passed || len(got.Codes) == 0 {
		t.Fatalf("%+v", got)
	}
	none := request(2)
	none.Applicant.NationalID = ""
	if got := find(t, db, submit(t, db, "portal1", none).ID, (*postgres.Tx).CheckIdentity); !got.Passed || got.Codes[0] != "no_id_number" {
		t.Fatalf("%+v", got)
	}
	got := find(t, db, fine.ID, (*postgres.Tx).CheckDocuments)
	if missing, _ := got.Detail["missing"].([]string); got.Passed || !slices.Equal(missing, []string{"cost_statement"}) {
		t.Fatalf("%+v", got)
	}
}

func TestInformation(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	c := submit(t, db, "portal1", request(0))
	before := must(db.CaseByID(ctx, portal, c.ID))(t)
	give := func(data string) {
		t.Helper()
		task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.ProvideInformation, Owner: aid.OwnerPartner, Subject: postgres.NewID(aid.RequestID)})
		decide(t, db, task, portal, aid.ActionComplete, data)
	}
	give(`{"documents":[{"kind":"cost_statement","dated":"2026-03-01"},{"kind":"request_form","location":"New cupboard"}]}`)
	states := map[string]string{}
	for _, row := range must(db.Checklist(ctx, portal, c.ID))(t) {
		states[row.Kind] = row.State
	}
	if states["cost_statement"] != "listed" || states["request_form"] != "listed" || states["admission_paper"] != "listed" || states["household_certificate"] != "missing" || len(states) != 4 {
		t.Fatalf("%v", states)
	}
	p := must(db.CasePersonal(ctx, portal, c.ID))(t)
	if len(p.Documents) != 3 || string(p.Answers) != string(request(0).Answers) || p.Applicant != request(0).Applicant {
		t.Fatalf("%+v", p)
	}
	row := must(db.CaseByID(ctx, portal, c.ID))(t)
	if *row.PayeeAccountID != *before.PayeeAccountID || row.RequestedAmount != before.RequestedAmount {
		t.Fatal("what was not given has changed")
	}
	same := *request(0).Payee
	same.AccountName = "canary  account"
	give(`{"payee":{"kind":"household","method":"bank","bank_bin":"970416","account_number":"` + same.AccountNumber + `","account_name":"` + same.AccountName + `"}}`)
	if row := must(db.CaseByID(ctx, portal, c.ID))(t); *row.PayeeAccountID != *before.PayeeAccountID {
		t.Fatal("the same account in other spelling is another account")
	}
	answers := `{"cost":1,"insured":false,"facility":"Hospital 2","treatment":"surgery","admitted_on":"2026-02-02"}`
	give(`{"payee":{"kind":"hospital","method":"bank","bank_bin":"970416","account_number":"1","account_name":"H"},"requested":{"amount":5000000,"currency":"VND"},"answers":` + answers + `}`)
	row = must(db.CaseByID(ctx, portal, c.ID))(t)
	p = must(db.CasePersonal(ctx, portal, c.ID))(t)
	if *row.PayeeAccountID == *before.PayeeAccountID || row.RequestedAmount != 5_000_000 || string(p.Answers) != answers || p.Payee.Kind != "hospital" || p.Applicant != request(0).Applicant {
		t.Fatalf("%+v %+v", row, p)
	}
}
