package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/match"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// rulesOf gives a shipped programme, changed for a test.
func rulesOf(t testing.TB, db *pgtest.DB, code string, change func(*programme.Definition)) *programme.Definition {
	t.Helper()
	def := *must(db.Programme(context.Background(), code))(t).Definition
	if change != nil {
		change(&def)
	}
	return &def
}

// hitsOf searches for duplicates of a case.
func hitsOf(t testing.TB, db *pgtest.DB, id string, def *programme.Definition) []postgres.Hit {
	t.Helper()
	var hits []postgres.Hit
	change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		hits, err = tx.Hits(c, def)
		return err
	})
	return hits
}

// short writes hits as "kind:effect:who(because)", for comparing.
func short(hits []postgres.Hit) string {
	var out []string
	for _, h := range hits {
		out = append(out, fmt.Sprintf("%s:%s:%s(%s)", h.Kind, h.Effect, h.Who, strings.Join(h.Because, " ")))
	}
	return strings.Join(out, " ")
}

// stranger is a request that shares nothing with request(i) of another i.
func stranger(i int, changes ...func(*postgres.CaseContent)) postgres.CaseContent {
	in := request(i)
	in.Household = postgres.Household{}
	in.Applicant.Address, in.Applicant.Phone = "", ""
	for _, change := range changes {
		change(&in)
	}
	return in
}

func TestHits(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.SQL(t) // belongs to the whole test
	medical := rulesOf(t, db, "medical", allBlock)
	someone := func(in *postgres.CaseContent) {
		in.Area = "51003"
		in.Applicant = postgres.Applicant{FullName: "Nguyễn Thị Hồng", NationalID: "051184000913", BirthDate: "1984-03-02", Sex: "female",
			Address: "Số nhà 12, thôn 3"}
	}
	applicant := func(change func(*postgres.Applicant)) func(*postgres.CaseContent) {
		return func(in *postgres.CaseContent) { change(&in.Applicant) }
	}
	member := func(m postgres.Member) func(*postgres.CaseContent) {
		return func(in *postgres.CaseContent) { in.Household.Members = append(in.Household.Members, m) }
	}
	elsewhere := applicant(func(a *postgres.Applicant) { a.Address = "" })
	noNumber := applicant(func(a *postgres.Applicant) { a.NationalID, a.Address = "", "" })
	for _, tt := range []struct {
		name       string
		there, new []func(*postgres.CaseContent)
		want       string
	}{
		{"nothing in common", nil, nil, ""},
		{"the same person", []func(*postgres.CaseContent){someone}, []func(*postgres.CaseContent){someone, func(in *postgres.CaseContent) { in.Area = "51001" }},
			"same_person:block:applicant(same_number)"},
		{"the same person, another programme", []func(*postgres.CaseContent){someone, func(in *postgres.CaseContent) { in.Programme = "schooling" }},
			[]func(*postgres.CaseContent){someone}, "other_programme:block:applicant(same_number)"},
		{"the number under another name", []func(*postgres.CaseContent){someone},
			[]func(*postgres.CaseContent){someone, applicant(func(a *postgres.Applicant) { a.FullName = "Trần Văn Bình" }), elsewhere},
			"id_other_name:block:applicant(same_number)"},
		{"without accents, in another order, no number", []func(*postgres.CaseContent){someone},
			[]func(*postgres.CaseContent){someone, noNumber, applicant(func(a *postgres.Applicant) { a.FullName = "HONG NGUYEN THI" })},
			"similar_name:block:applicant(name_birth_date)"},
		{"a typing error and the day exchanged with the month", []func(*postgres.CaseContent){someone},
			[]func(*postgres.CaseContent){someone, noNumber, applicant(func(a *postgres.Applicant) { a.FullName, a.BirthDate = "Nguyen Thi Hogn", "1984-02-03" })},
			"similar_name:block:applicant(name_birth_year)"},
		{"a year beside", []func(*postgres.CaseContent){someone},
			[]func(*postgres.CaseContent){someone, noNumber, applicant(func(a *postgres.Applicant) { a.BirthDate = "1985-03-02" })},
			"similar_name:block:applicant(name_birth_year)"},
		{"another commune, the same name and day", []func(*postgres.CaseContent){someone},
			[]func(*postgres.CaseContent){someone, noNumber, func(in *postgres.CaseContent) { in.Area = "51005" }},
			"similar_name:block:applicant(name_birth_date)"},
		{"a namesake of another year", []func(*postgres.CaseContent){someone},
			[]func(*postgres.CaseContent){someone, noNumber, applicant(func(a *postgres.Applicant) { a.BirthDate = "1961-07-09" })}, ""},
		{"one telephone and a name that fits", []func(*postgres.CaseContent){someone, applicant(func(a *postgres.Applicant) { a.Phone = "0905 000 913" })},
			[]func(*postgres.CaseContent){someone, noNumber, applicant(func(a *postgres.Applicant) { a.Phone, a.BirthDate = "+84905000913", "1984-07-09" }), func(in *postgres.CaseContent) { in.Area = "51005" }},
			"similar_name:block:applicant(same_phone)"},
		{"one telephone only", []func(*postgres.CaseContent){applicant(func(a *postgres.Applicant) { a.Phone = "0905000913" })},
			[]func(*postgres.CaseContent){applicant(func(a *postgres.Applicant) { a.Phone = "0905000913" })}, ""},
		{"the house", []func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Area = "51003"; in.Applicant.Address = "so 12, Thon 3" }},
			[]func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Area = "51003"; in.Applicant.Address = "Th. 3, số nhà 12" }},
			"same_address:block:household(same_address)"},
		{"the same house number in another commune", []func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Area = "51004"; in.Applicant.Address = "so 12, Thon 3" }},
			[]func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Area = "51003"; in.Applicant.Address = "Th. 3, số nhà 12" }}, ""},
		{"the bank account of another person", []func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Payee.AccountNumber = "0051 0777" }},
			[]func(*postgres.CaseContent){func(in *postgres.CaseContent) {
				in.Payee.AccountNumber, in.Payee.AccountName = "00510777", "ANOTHER NAME"
			}},
			"same_account:block:payee(same_account)"},
		{"the account of a hospital", []func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Payee.AccountNumber, in.Payee.Kind = "00510777", "hospital" }},
			[]func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Payee.AccountNumber, in.Payee.Kind = "00510777", "hospital" }}, ""},
		{"a member is an applicant", []func(*postgres.CaseContent){someone}, []func(*postgres.CaseContent){member(postgres.Member{FullName: "Nguyễn Thị Hồng", NationalID: "051184000913"})},
			"household_member:block:applicant(stated_member)"},
		{"the applicant is a member", []func(*postgres.CaseContent){member(postgres.Member{FullName: "Nguyen Hong", NationalID: "051184000913"})}, []func(*postgres.CaseContent){someone},
			"household_member:block:member(stated_member)"},
		{"a member is a member", []func(*postgres.CaseContent){member(postgres.Member{FullName: "Lê An", NationalID: "051215000913"})},
			[]func(*postgres.CaseContent){member(postgres.Member{FullName: "Lê An", NationalID: "051215000913"})}, "household_member:block:member(stated_member)"},
		{"a child without a number", []func(*postgres.CaseContent){member(postgres.Member{FullName: "Lê Thị Bảo An", BirthDate: "2024-05-06"}), func(in *postgres.CaseContent) { in.Area = "51003" }},
			[]func(*postgres.CaseContent){member(postgres.Member{FullName: "LE THI BAO AN", BirthDate: "2024-05-06"}), func(in *postgres.CaseContent) { in.Area = "51003" }},
			"similar_name:block:member(name_birth_date)"},
		{"the same household of the register", []func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Household.Code = "HN-51-0039" }},
			[]func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Household.Code = "HN-51-0039" }},
			"household_member:block:household(same_household)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			retire(t, db)
			there := submit(t, db, "portal1", stranger(10, tt.there...))
			handOver(t, db, there.ID)
			fresh := submit(t, db, "portal1", stranger(21, append([]func(*postgres.CaseContent){func(in *postgres.CaseContent) { in.Payee.AccountName = "X" }}, tt.new...)...))
			got := hitsOf(t, db, fresh.ID, medical)
			if short(got) != tt.want {
				t.Errorf("got %q, want %q", short(got), tt.want)
			}
			for _, h := range got {
				if h.About != there.ID || h.Reference != *there.Reference || h.Person != there.PersonID || h.Status != "submitted" || h.At.IsZero() {
					t.Errorf("%+v", h)
				}
			}
			if back := hitsOf(t, db, there.ID, medical); len(back) != len(got) {
				t.Errorf("the other case sees %q, this one %q", short(back), short(got))
			}
		})
	}
}

// handOver makes a case one of the other partner's.
func handOver(t testing.TB, db *pgtest.DB, id string) {
	t.Helper()
	if _, err := db.SQL(t).Exec(`UPDATE cases SET partner_id = (SELECT id FROM partners WHERE code = 'portal2') WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
}

// retire makes drafts of all cases, which never count.
func retire(t testing.TB, db *pgtest.DB) {
	t.Helper()
	if _, err := db.SQL(t).Exec(`UPDATE cases SET status = 'draft', stage = 'intake', submitted_at = NULL, external_id = ''`); err != nil {
		t.Fatal(err)
	}
}

// allBlock makes every kind of hit block.
func allBlock(def *programme.Definition) {
	def.Hits, def.Repeat = map[string]programme.Effect{}, nil
	for _, kind := range programme.HitKinds() {
		def.Hits[kind] = programme.EffectBlock
	}
}

// What became of the other case decides what a hit of it is worth.
func TestHitsByStatus(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.SQL(t)
	const paid = `, paid_at = now(), closed_at = now()`
	year := programme.Period{Years: 1}
	repeat := func(who string, of ...string) []programme.RepeatRule {
		return []programme.RepeatRule{{After: year, Of: of, Who: who}}
	}
	for _, tt := range []struct {
		name, set string
		other     string // programme of the other case
		family    bool   // the other case is of the household, not of the person
		repeat    []programme.RepeatRule
		want      string
	}{
		{name: "open", set: `status = 'in_review', stage = 'verification'`, want: "same_person:block"},
		{name: "draft", set: `status = 'draft', submitted_at = NULL`},
		{name: "draft withdrawn", set: `status = 'withdrawn', stage = 'closed', submitted_at = NULL`},
		{name: "rejected", set: `status = 'rejected', stage = 'closed'`, want: "same_person:hint"},
		{name: "withdrawn", set: `status = 'withdrawn', stage = 'closed'`, want: "same_person:hint"},
		{name: "helped before", set: `status = 'closed', stage = 'closed'` + paid, want: "same_person:hint"},
		{name: "helped within the period", set: `status = 'closed', stage = 'closed'` + paid, repeat: repeat("person", "medical"), want: "same_need:block"},
		{name: "helped before the period", set: `status = 'closed', stage = 'closed', paid_at = timestamptz '2025-03-01'`, repeat: repeat("person", "medical"), want: "same_person:hint"},
		{name: "helped on the period's last day", set: `status = 'closed', stage = 'closed', paid_at = timestamptz '2025-03-03'`, repeat: repeat("person", "medical"), want: "same_need:block"},
		{name: "granted and not paid yet", set: `status = 'approved', stage = 'disbursement'`, repeat: repeat("person", "medical"), want: "same_need:block"},
		{name: "another programme, helped", set: `status = 'closed', stage = 'closed'` + paid, other: "schooling", want: "other_programme:hint"},
		{name: "another programme, open", set: `status = 'in_review', stage = 'approval'`, other: "schooling", want: "other_programme:block"},
		{name: "another programme, rejected", set: `status = 'rejected', stage = 'closed'`, other: "schooling"},
		{name: "another programme of the rule", set: `status = 'closed', stage = 'closed'` + paid, other: "schooling", repeat: repeat("person", "medical", "schooling"), want: "same_need:block"},
		{name: "household helped, rule of the household", set: `status = 'closed', stage = 'closed'` + paid, family: true, repeat: repeat("household", "medical"), want: "same_need:block"},
		{name: "household helped, rule of the person", set: `status = 'closed', stage = 'closed'` + paid, family: true, repeat: repeat("person", "medical"), want: "household_member:hint"},
		{name: "household, another programme", set: `status = 'paid', stage = 'disbursement', paid_at = now()`, family: true, other: "schooling", want: "other_programme:block"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			retire(t, db)
			there, fresh := stranger(10), stranger(10)
			there.Household.Code, fresh.Household.Code = "HN-51-0011", "HN-51-0011"
			if tt.family {
				there = stranger(21)
				there.Household.Code = "HN-51-0011"
			}
			if tt.other != "" {
				there.Programme = tt.other
			}
			a := submit(t, db, "portal1", there)
			handOver(t, db, a.ID)
			if _, err := db.SQL(t).Exec(`UPDATE cases SET `+tt.set+` WHERE id = $1`, a.ID); err != nil {
				t.Fatal(err)
			}
			fresh.ExternalID = "P1-new"
			b := submit(t, db, "portal1", fresh)
			got := hitsOf(t, db, b.ID, rulesOf(t, db, "medical", func(def *programme.Definition) { allBlock(def); def.Repeat = tt.repeat }))
			line := ""
			for _, h := range got {
				line += fmt.Sprintf("%s:%s", h.Kind, h.Effect)
			}
			if line != tt.want {
				t.Errorf("got %q, want %q", short(got), tt.want)
			}
		})
	}
}

func TestIgnoredHitsAreLeftOut(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	submit(t, db, "portal1", stranger(10, func(in *postgres.CaseContent) { in.Programme = "schooling" }))
	fresh := submit(t, db, "portal1", stranger(10, func(in *postgres.CaseContent) { in.ExternalID = "P1-new" }))
	got := hitsOf(t, db, fresh.ID, rulesOf(t, db, "medical", func(def *programme.Definition) {
		def.Hits = map[string]programme.Effect{"other_programme": programme.EffectIgnore, "similar_name": programme.EffectIgnore, "same_account": programme.EffectIgnore}
	}))
	if len(got) != 0 {
		t.Errorf("%q", short(got))
	}
}

// The keys follow the content: of a draft that is rewritten, and of a payee
// that is changed.
func TestKeysFollowTheContent(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	count := func(owner string) (n int) {
		if err := db.SQL(t).QueryRow(`SELECT count(*) FROM match_keys WHERE owner = $1`, owner).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	draft := must(db.CreateCase(ctx, portal, "case_draft", stranger(10), true))(t)
	if n := count(draft.ID); n != 4 { // number, name, block, account
		t.Fatalf("%d keys", n)
	}
	less := stranger(10)
	less.Applicant.NationalID, less.Payee.Kind = "", "hospital"
	must(db.PatchCase(ctx, portal, draft.ID, 0, less))(t)
	if n := count(draft.ID); n != 2 {
		t.Fatalf("%d keys after the change", n)
	}
	medical := rulesOf(t, db, "medical", allBlock)
	a, b := submit(t, db, "portal1", stranger(11)), submit(t, db, "portal1", stranger(22))
	if got := hitsOf(t, db, b.ID, medical); len(got) != 0 {
		t.Fatalf("%q", short(got))
	}
	task := openTask(t, db, b.ID, postgres.NewTask{Kind: "provide_information", Owner: "partner", Subject: "req_1"})
	decide(t, db, task, portal, "complete", `{"payee":{"kind":"guardian","method":"bank","bank_bin":"970416","account_number":"`+stranger(11).Payee.AccountNumber+`","account_name":"G"}}`)
	if got := hitsOf(t, db, b.ID, medical); short(got) != "same_account:block:payee(same_account)" || got[0].About != a.ID {
		t.Fatalf("%q", short(got))
	}
	// A case from before there were keys gets its own when it is looked at.
	if _, err := db.SQL(t).Exec(`DELETE FROM match_people WHERE owner = $1`, a.ID); err != nil {
		t.Fatal(err)
	}
	if got := hitsOf(t, db, a.ID, medical); len(got) != 1 || count(a.ID) != 4 {
		t.Fatalf("%q, %d keys", short(got), count(a.ID))
	}
}

// Aid that a partner gave itself counts for the person and the household that
// it names, and by name where there is no number.
func TestPartnerAidIsAHit(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.SQL(t)
	head := request(10).Applicant
	give := func(t *testing.T, on string, in postgres.KeySource) string {
		t.Helper()
		id := postgres.NewID(aid.PartnerAidID)
		exec(t, db, `DELETE FROM match_people WHERE partner_aid_id IS NOT NULL`)
		exec(t, db, `INSERT INTO partner_aid (id, source, reference, programme, area, given_on, amount, currency, valuation, sealed, content, created_by, created_at)
			VALUES ($1, 'Red Cross', $1, 'medical', '51001', $2, 1, 'VND', 'cash', '', '', 'x', now())`, id, on)
		err := db.Write(context.Background(), func(tx *postgres.Tx) error { return tx.SaveKeys(postgres.KeyOwner{PartnerAid: id}, in) })
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	plain := postgres.Applicant{FullName: match.Plain(head.FullName), BirthDate: head.BirthDate}
	for _, tt := range []struct {
		name, on string
		in       postgres.KeySource
		repeat   []programme.RepeatRule
		want     string
	}{
		{"the person", "2025-06-01", postgres.KeySource{Applicant: head}, nil, "partner_aid:block:applicant(same_number)"},
		{"the household", "2025-06-01", postgres.KeySource{HouseholdCode: "HN-51-0011"}, nil, "partner_aid:block:household(same_household)"},
		{"by name", "2025-06-01", postgres.KeySource{Area: "51001", Applicant: plain}, nil, "partner_aid:block:applicant(name_birth_date)"},
		{"within the rule", "2025-06-01", postgres.KeySource{Applicant: head}, []programme.RepeatRule{{After: programme.Period{Years: 1}, Of: []string{"medical"}, Who: "person"}},
			"partner_aid:block:applicant(same_number aid_in_period)"},
		{"before the rule", "2024-06-01", postgres.KeySource{Applicant: head}, []programme.RepeatRule{{After: programme.Period{Years: 1}, Of: []string{"medical"}, Who: "person"}},
			"partner_aid:hint:applicant(same_number aid_before)"},
		{"somebody else", "2025-06-01", postgres.KeySource{Area: "51001", Applicant: request(11).Applicant}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			retire(t, db)
			id := give(t, tt.on, tt.in)
			fresh := submit(t, db, "portal1", stranger(10, func(in *postgres.CaseContent) { in.Household.Code = "HN-51-0011" }))
			got := hitsOf(t, db, fresh.ID, rulesOf(t, db, "medical", func(def *programme.Definition) { allBlock(def); def.Repeat = tt.repeat }))
			if short(got) != tt.want || len(got) > 0 && (got[0].About != id || got[0].Person != "" || got[0].Status != "" || got[0].At.Year() < 2024) {
				t.Errorf("got %q %+v, want %q", short(got), got, tt.want)
			}
		})
	}
}

// People of a commune that was merged into another are found from there, and
// the other way round.
func TestHitsAcrossAMerger(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.SQL(t)
	a, b := twins(t, db)
	medical := rulesOf(t, db, "medical", allBlock)
	exec(t, db, `UPDATE cases SET area = '51004' WHERE id = $1`, b.ID)
	change(t, db, b.ID, func(tx *postgres.Tx, _ *postgres.Case) error {
		return tx.SaveKeys(postgres.KeyOwner{Case: b.ID}, postgres.KeySource{Area: "51004", Applicant: postgres.Applicant{FullName: "NGUYEN THI HONG", BirthDate: "1984-01-01"}})
	})
	if got := short(hitsOf(t, db, b.ID, medical)); got != "" {
		t.Fatal(got)
	}
	exec(t, db, `INSERT INTO area_predecessors (area, predecessor, at, kind, takes) SELECT '51004', '51003', valid_from, 'merged', true FROM area_periods WHERE area = '51004'`)
	for _, id := range []string{a.ID, b.ID} {
		if got := short(hitsOf(t, db, id, medical)); got != "similar_name:block:applicant(name_birth_year)" {
			t.Fatal(got)
		}
	}
}

// Neither table shows anything of a person to whom reads the database.
func TestKeysSayNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in := stranger(10, func(in *postgres.CaseContent) {
		in.Applicant.Address, in.Applicant.Phone = "Số 12 Canary, thôn 3", "0905000913"
	})
	c := submit(t, db, "portal1", in)
	var all string
	if err := db.SQL(t).QueryRow(`SELECT (SELECT string_agg(k::text, ' ') FROM match_keys k WHERE owner = $1) || (SELECT string_agg(encode(sealed, 'escape'), ' ') FROM match_people WHERE owner = $1)`, c.ID).Scan(&all); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{in.Applicant.FullName, in.Applicant.NationalID, "0905000913", "Canary", in.Payee.AccountNumber, in.Applicant.BirthDate} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is legible", secret)
		}
	}
	kinds := map[string]bool{}
	for _, row := range strings.Split(all, "(")[1:] {
		kind, _, _ := strings.Cut(row, ",")
		kinds[kind] = true
	}
	if want := []string{"national_id", "name", "block", "address", "account", "phone"}; slices.ContainsFunc(want, func(k string) bool { return !kinds[k] }) {
		t.Errorf("kinds %v", kinds)
	}
}
