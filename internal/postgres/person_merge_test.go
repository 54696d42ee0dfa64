package postgres_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// who decides about persons of a test, with fresh ids of decisions.
type who struct {
	t  testing.TB
	db *pgtest.DB
	*postgres.Caller
}

func (w who) merge(person, into string) (*postgres.PersonDecision, error) {
	return w.db.MergePersons(context.Background(), w.Caller, postgres.NewID(aid.DecisionID), person, into, "papers_seen")
}

func (w who) split(person string, cases ...string) (*postgres.PersonDecision, error) {
	return w.db.SplitPerson(context.Background(), w.Caller, postgres.NewID(aid.DecisionID), person, cases, "merged_by_mistake")
}

func (w who) differ(person, other string) (*postgres.PersonDecision, error) {
	return w.db.DifferPersons(context.Background(), w.Caller, postgres.NewID(aid.DecisionID), person, other, "person_visited")
}

func (w who) person(id string) *postgres.PersonRow {
	w.t.Helper()
	return must(w.db.Person(context.Background(), w.Caller, id))(w.t)
}

// twins makes two cases of people who are alike and state no number, of two
// partners.
func twins(t testing.TB, db *pgtest.DB) (a, b *postgres.CreatedCase) {
	t.Helper()
	one := func(in *postgres.CaseContent) {
		in.Area = "51003"
		in.Applicant = postgres.Applicant{FullName: "Nguyễn Thị Hồng", BirthDate: "1984-03-02"}
	}
	a = submit(t, db, "portal1", stranger(10, one))
	handOver(t, db, a.ID)
	return a, submit(t, db, "portal1", stranger(21, one))
}

func TestMergeAndSplit(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.SQL(t)
	verifier := who{t, db, db.Staff(t, "verifier1")}
	medical := rulesOf(t, db, "medical", allBlock)
	a, b := twins(t, db)
	wants := func(what, hits string) {
		t.Helper()
		for _, id := range []string{a.ID, b.ID} {
			if got := short(hitsOf(t, db, id, medical)); got != hits {
				t.Fatalf("%s: %q, want %q", what, got, hits)
			}
		}
	}
	wants("alike", "similar_name:block:applicant(name_birth_date)")

	must(verifier.differ(*a.Reference, b.ID))(t)
	wants("found different", "")
	if p := verifier.person(a.ID); !slices.Equal(p.Different, []string{b.PersonID}) || len(p.History) != 1 || p.History[0].Kind != "different" {
		t.Fatalf("%+v", p)
	}
	must(verifier.differ(b.PersonID, a.PersonID))(t) // once more changes nothing

	merged := must(verifier.merge(b.PersonID, a.PersonID))(t)
	wants("merged", "same_person:block:applicant(merged_person)")
	p := verifier.person(b.PersonID)
	if merged.Other != a.PersonID || p.ID != a.PersonID || len(p.People) != 2 || len(p.Cases) != 2 || len(p.Different) != 0 || p.Numbers != 0 {
		t.Fatalf("%+v", p)
	}
	_, err := verifier.merge(a.ID, b.ID)
	wantCode(t, err, "one_person")

	split := must(verifier.split(a.ID, b.ID))(t)
	wants("split", "")
	if split.Person != a.PersonID || split.Other != b.PersonID || !slices.Equal(split.Cases, []string{b.ID}) {
		t.Fatalf("%+v", split)
	}
	if p := verifier.person(b.ID); p.ID != b.PersonID || len(p.Cases) != 1 || !slices.Equal(p.Different, []string{a.PersonID}) {
		t.Fatalf("%+v", p)
	}
	if n := count(t, db, `SELECT count(*) FROM audit WHERE action IN ('person_merge', 'person_split', 'person_different') AND actor = 'verifier1'`); n != 4 {
		t.Fatalf("%d in the audit", n)
	}
}

// Two people stated one number: a typing error. The split knows them apart
// from then on, and the number itself stays with one of them.
func TestSplitOfOneNumber(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.SQL(t)
	manager := who{t, db, db.Staff(t, "manager1")}
	medical := rulesOf(t, db, "medical", allBlock)
	a := submit(t, db, "portal1", stranger(10))
	handOver(t, db, a.ID)
	b := submit(t, db, "portal1", stranger(10, func(in *postgres.CaseContent) {
		in.Applicant.FullName, in.Payee.AccountNumber = "Trần Đình Canary", "9999999"
	}))
	if got := short(hitsOf(t, db, b.ID, medical)); got != "id_other_name:block:applicant(same_number)" || a.PersonID != b.PersonID {
		t.Fatal(got)
	}
	split := must(manager.split(a.PersonID, b.ID))(t)
	if got := short(hitsOf(t, db, b.ID, medical)); got != "" || split.Other == a.PersonID {
		t.Fatalf("%q %+v", got, split)
	}
	if p, q := manager.person(a.ID), manager.person(b.ID); p.ID == q.ID || p.Numbers != 1 || q.Numbers != 0 || len(q.Cases) != 1 {
		t.Fatalf("%+v %+v", p, q)
	}
	// What the other one was given counts no longer for the first.
	c := submit(t, db, "portal1", stranger(10, func(in *postgres.CaseContent) { in.Payee.AccountNumber, in.ExternalID = "7777777", "third" }))
	got := hitsOf(t, db, c.ID, medical)
	if len(got) != 1 || got[0].About != a.ID || got[0].Kind != programme.HitSamePerson {
		t.Fatalf("%+v", got)
	}
}

// A person merged twice over is split where the cases say.
func TestSplitOfMany(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.SQL(t)
	verifier := who{t, db, db.Staff(t, "verifier1")}
	var cases []*postgres.CreatedCase
	for i := range 4 {
		cases = append(cases, submit(t, db, "portal1", stranger(10+i)))
	}
	for i := range 3 {
		must(verifier.merge(cases[i].ID, cases[i+1].ID))(t)
	}
	if p := verifier.person(cases[0].ID); len(p.People) != 4 || p.Numbers != 4 || p.ID != cases[3].PersonID {
		t.Fatalf("%+v", p)
	}
	// The root goes with another one; the other two stay together.
	must(verifier.split(cases[0].ID, cases[3].ID, *cases[1].Reference))(t)
	group := func(i int) []string { return verifier.person(cases[i].ID).People }
	if !slices.Equal(group(0), group(2)) || !slices.Equal(group(1), group(3)) || len(group(0)) != 2 || slices.Equal(group(0), group(1)) {
		t.Fatalf("%v %v %v %v", group(0), group(1), group(2), group(3))
	}
	if n := count(t, db, `SELECT count(*) FROM persons p JOIN persons r ON r.id = p.same_as WHERE r.same_as IS NOT NULL`); n != 0 {
		t.Fatal("somebody points at one who points on")
	}
	_, err := verifier.split(cases[0].ID, cases[0].ID, cases[2].ID)
	wantFault(t, err, "/cases", "all_cases")
	_, err = verifier.split(cases[0].ID, cases[0].ID, cases[1].ID)
	wantFault(t, err, "/cases/1", "unknown_case")
}

// Only who sees a case of both decides about them, and the same request again
// is one decision.
func TestWhoDecidesAboutPersons(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	db.SQL(t)
	a, b := twins(t, db)
	elsewhere := submit(t, db, "portal1", stranger(30))
	exec(t, db, `UPDATE cases SET area = '48001' WHERE id = $1`, elsewhere.ID)
	exec(t, db, `UPDATE staff_roles SET role = 'approver', level = 'province' WHERE subject = 'auditor1'`)
	for subject, code := range map[string]string{"verifier1": "person_not_found", "verifier3": "person_not_found", "manager1": "person_not_found"} {
		w := who{t, db, db.Staff(t, subject)}
		_, err := w.merge(a.ID, elsewhere.ID)
		wantCode(t, err, code)
		_, err = w.differ(elsewhere.ID, a.PersonID)
		wantCode(t, err, code)
	}
	for _, subject := range []string{"approver1", "treasurer1", "admin1", "intake1"} {
		w := who{t, db, db.Staff(t, subject)}
		_, err := w.split(a.ID, a.ID)
		wantCode(t, err, "person_not_found")
	}
	if _, err := db.Person(ctx, db.Staff(t, "approver1"), a.ID); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"admin1", "intake1", "verifier3"} {
		_, err := db.Person(ctx, db.Staff(t, subject), a.ID)
		wantCode(t, err, "person_not_found")
	}
	// A manager of one province sees that there is more, and not what.
	exec(t, db, `UPDATE persons SET same_as = $2 WHERE id = $1`, elsewhere.PersonID, a.PersonID)
	if p := (who{t, db, db.Staff(t, "manager1")}).person(a.ID); len(p.Cases) != 1 || p.Elsewhere != 1 {
		t.Fatalf("%+v", p)
	}
	verifier := db.Staff(t, "verifier1")
	for range 2 {
		if d := must(db.MergePersons(ctx, verifier, "dec_1", a.ID, b.ID, "papers_seen"))(t); d.ID != "dec_1" || d.Other != b.PersonID {
			t.Fatalf("%+v", d)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM person_decisions`); n != 1 {
		t.Fatalf("%d decisions", n)
	}
}

// Two who merge crosswise at once end with one person, not with a circle.
func TestMergedCrosswise(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.SQL(t)
	a, b := twins(t, db)
	verifier := who{t, db, db.Staff(t, "verifier1")}
	done := 0
	for _, err := range crowd(6, func(i int) error {
		one, other := a.ID, b.ID
		if i%2 == 1 {
			one, other = other, one
		}
		_, err := verifier.merge(one, other)
		return err
	}) {
		if err == nil {
			done++
		} else if aid.CodeOf(err) != "one_person" && aid.KindOf(err) != aid.Unavailable {
			t.Error(err)
		}
	}
	if p := verifier.person(a.ID); done != 1 || len(p.People) != 2 || len(p.History) != 1 {
		t.Fatalf("%d merges, %+v", done, p)
	}
}
