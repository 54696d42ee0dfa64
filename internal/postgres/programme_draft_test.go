package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// revised gives the next version of a programme with other fields, as an
// administrator would send it: with a comment.
func revised(t testing.TB, db *pgtest.DB, code string, fields map[string]any) *programme.Definition {
	t.Helper()
	versions := must(db.ProgrammeVersions(context.Background(), code))(t)
	raw, err := json.Marshal(versions[0].Definition)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	all["version"] = versions[0].Version + 1
	for name, value := range fields {
		all[name] = value
	}
	if raw, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	return must(programme.Parse(append([]byte("# why: the province decided so\n"), raw...)))(t)
}

// propose stores a definition as a draft of admin1 and gives its id.
func propose(t testing.TB, db *pgtest.DB, def *programme.Definition) string {
	t.Helper()
	id := postgres.NewID(aid.DraftID)
	if err := db.Propose(context.Background(), db.Staff(t, "admin1"), id, def); err != nil {
		t.Fatal(err)
	}
	return id
}

// published makes the next version of a programme with other fields.
func published(t testing.TB, db *pgtest.DB, code string, fields map[string]any) int {
	t.Helper()
	def := revised(t, db, code, fields)
	if err := db.PublishDraft(context.Background(), db.Staff(t, "admin2"), code, def.Version, propose(t, db, def)); err != nil {
		t.Fatal(err)
	}
	return def.Version
}

// states gives "version state" of every version of a programme.
func states(t testing.TB, db *pgtest.DB, code string) []string {
	t.Helper()
	var out []string
	for _, v := range must(db.ProgrammeVersions(context.Background(), code))(t) {
		out = append(out, fmt.Sprintf("%d %s", v.Version, v.State))
	}
	return out
}

func same(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestASecondAdministratorPublishes(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	one, two := db.Staff(t, "admin1"), db.Staff(t, "admin2")
	running := submit(t, db, "portal1", request(0))
	def := revised(t, db, "medical", map[string]any{"ceiling": 21_000_000})
	id := propose(t, db, def)
	if err := db.Propose(ctx, one, id, def); err != nil { // a copy of the request
		t.Fatal(err)
	}
	wantCode(t, db.Propose(ctx, two, postgres.NewID(aid.DraftID), def), "programme_draft_exists")
	wantCode(t, db.Propose(ctx, db.Staff(t, "manager1"), postgres.NewID(aid.DraftID), def), "wrong_role")
	wantCode(t, db.PublishDraft(ctx, one, "medical", 2, id), "second_administrator")
	wantCode(t, db.PublishDraft(ctx, db.Staff(t, "manager1"), "medical", 2, id), "wrong_role")
	wantCode(t, db.PublishDraft(ctx, two, "medical", 3, id), "draft_not_found")
	same(t, states(t, db, "medical"), "2 proposed", "1 in_force")
	if c := submit(t, db, "portal1", request(1)); c.ProgrammeVersion != 1 {
		t.Fatalf("a proposal is pinned: version %d", c.ProgrammeVersion)
	}
	for range 2 {
		if err := db.PublishDraft(ctx, two, "medical", 2, id); err != nil {
			t.Fatal(err)
		}
	}
	same(t, states(t, db, "medical"), "2 in_force", "1 superseded")
	v := must(db.ProgrammeVersion(ctx, "medical", 2))(t)
	if v.ProposedBy != "admin1" || v.PublishedBy != "admin2" || !strings.HasPrefix(v.Source, "# why: the province decided so\n") || v.Definition.Ceiling != 21_000_000 {
		t.Fatalf("%+v", v)
	}
	if c := submit(t, db, "portal1", request(2)); c.ProgrammeVersion != 2 {
		t.Fatalf("a new case has version %d", c.ProgrammeVersion)
	}
	if row := must(db.CaseByID(ctx, db.Partner(t, "portal1"), running.ID))(t); row.ProgrammeVersion != 1 {
		t.Fatalf("the running case has version %d", row.ProgrammeVersion)
	}
	if n := count(t, db, `SELECT count(*) FROM audit WHERE object = 'medical/2' AND outcome = 'done' AND action IN ('propose_programme', 'publish_programme')`); n != 2 {
		t.Fatalf("%d acts in the audit", n)
	}
	wantCode(t, db.WithdrawProposal(ctx, one, "medical", 2, id), "version_published")
	_, err := db.ProgrammeVersion(ctx, "medical", 9)
	wantCode(t, err, "version_not_found")
	_, err = db.ProgrammeVersions(ctx, "boats")
	wantCode(t, err, "programme_not_found")
}

// The database holds it alone, for whoever writes its rows by hand.
func TestTheDatabaseAloneNeedsTwoAdministrators(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	id := propose(t, db, revised(t, db, "medical", nil))
	publish := func(who string) string {
		return `UPDATE programme_drafts SET state = 'published', decided_by = '` + who + `', decided_at = now() WHERE id = '` + id + `'`
	}
	insert := func(change string) string {
		return `INSERT INTO programmes (code, version, definition, source, published_at, draft_id)
			SELECT code, version, definition, source, now(), ` + change + ` FROM programme_drafts WHERE id = '` + id + `'`
	}
	breaks(t, db, "programmes_second_admin", publish("admin1"))
	breaks(t, db, "programme_drafts_decided", publish("manager1"))
	breaks(t, db, "programmes_second_admin", insert(`id`))
	breaks(t, db, "programmes_second_admin", insert(`NULL`))
	breaks(t, db, "programmes_second_admin", publish("admin2"), strings.Replace(insert(`id`), "SELECT code, version, definition,", "SELECT code, version, replace(definition, '20000000', '90000000'),", 1))
	breaks(t, db, "programme_drafts_decided", publish("admin2"), `UPDATE programme_drafts SET state = 'withdrawn'`)
	breaks(t, db, "programme_drafts_decided", `INSERT INTO programme_drafts (id, code, version, source, definition, proposed_by, proposed_at)
		VALUES ('x', 'boats', 1, '', '', 'manager1', now())`)
	breaks(t, db, "programmes_never_change", `UPDATE programmes SET closed_at = now() WHERE code = 'medical'`)
	breaks(t, db, "programme_drafts_decided", `INSERT INTO programme_recalls VALUES ('medical', 1, 'manager1', 'because I say so', now())`)
	recall := `INSERT INTO programme_recalls VALUES ('medical', 1, 'admin1', 'because I say so', now())`
	breaks(t, db, "programmes_never_change", recall, `UPDATE programmes SET closed_at = now() WHERE code = 'medical'`)
	breaks(t, db, "programme_recalls_pkey", recall, recall)
	if err := raw(t, db, publish("admin2"), insert(`id`)); err != nil {
		t.Fatalf("with two administrators: %v", err)
	}
	for _, column := range []string{"code", "version", "definition", "source", "published_at", "draft_id"} {
		refusesRole(t, db, `UPDATE programmes SET `+column+` = `+column)
	}
	for _, statement := range []string{`UPDATE programmes SET definition = '{}' WHERE version = 2`, `UPDATE programmes SET source = '' WHERE version = 2`,
		`UPDATE programmes SET version = 9 WHERE version = 2`, `DELETE FROM programmes WHERE version = 2`} {
		if _, err := db.SQL(t).Exec(statement); err == nil || !strings.Contains(err.Error(), "never changes") {
			t.Errorf("the owner: %s: %v", statement, err)
		}
	}
}

func TestTwoAdministratorsPublishAtOnce(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	owner(t, db, `INSERT INTO staff (subject, name, created_at) VALUES ('admin3', 'x', now())`)
	owner(t, db, `INSERT INTO staff_roles (subject, role, area) VALUES ('admin3', 'admin', '51')`)
	id := propose(t, db, revised(t, db, "medical", nil))
	admins := []*postgres.Caller{db.Staff(t, "admin2"), db.Staff(t, "admin3")}
	for _, err := range crowd(8, func(i int) error { return db.PublishDraft(ctx, admins[i%2], "medical", 2, id) }) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM audit WHERE action = 'publish_programme'`); n != 1 {
		t.Fatalf("published %d times", n)
	}
	same(t, states(t, db, "medical"), "2 in_force", "1 superseded")
}

func TestAWithdrawnProposal(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	first := propose(t, db, revised(t, db, "medical", nil))
	for range 2 {
		if err := db.WithdrawProposal(ctx, db.Staff(t, "admin1"), "medical", 2, first); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, db.PublishDraft(ctx, db.Staff(t, "admin2"), "medical", 2, first), "draft_withdrawn")
	wantCode(t, db.WithdrawProposal(ctx, db.Staff(t, "auditor1"), "medical", 2, first), "wrong_role")
	def := must(programme.Parse([]byte(strings.Replace(revised(t, db, "schooling", nil).Text(), `"ceiling":`, `"ceiling":1`, 1))))(t)
	second := propose(t, db, def)
	same(t, states(t, db, "medical"), "2 withdrawn", "1 in_force")
	wantCode(t, db.PublishDraft(ctx, db.Staff(t, "admin2"), "medical", 2, second), "draft_not_found")
	if n := count(t, db, `SELECT count(*) FROM programmes WHERE draft_id IS NOT NULL`); n != 0 {
		t.Fatal("something was published")
	}
}

// Midnight of the first day, in the programme's own zone, is what decides.
func TestTheFirstDayDecides(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	published(t, db, "medical", map[string]any{"effective_from": "2026-03-05", "ceiling": 21_000_000})
	same(t, states(t, db, "medical"), "2 scheduled", "1 in_force")
	midnight := time.Date(2026, 3, 4, 17, 0, 0, 0, time.UTC) // in Ho Chi Minh City
	db.Clock.Set(midnight.Add(-time.Hour))
	draft := must(db.CreateCase(ctx, db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), request(0), true))(t)
	if c := submit(t, db, "portal1", request(1)); c.ProgrammeVersion != 1 || draft.ProgrammeVersion != 1 {
		t.Fatalf("the evening before: version %d", c.ProgrammeVersion)
	}
	if row := must(db.Programme(ctx, "medical"))(t); row.Version != 1 || !row.Open {
		t.Fatalf("%+v", row)
	}
	db.Clock.Set(midnight)
	if c := submit(t, db, "portal1", request(2)); c.ProgrammeVersion != 2 {
		t.Fatalf("at midnight: version %d", c.ProgrammeVersion)
	}
	_, err := db.SubmitCase(ctx, db.Partner(t, "portal1"), draft.ID, 0, "", 1)
	wantCode(t, err, "programme_version_changed")
	if row := must(db.SubmitCase(ctx, db.Partner(t, "portal1"), draft.ID, 0, "", 2))(t); row.ProgrammeVersion != 2 {
		t.Fatalf("a draft of the day before is submitted under version %d", row.ProgrammeVersion)
	}
	if row := must(db.Programme(ctx, "medical"))(t); row.Version != 2 || row.Definition.Ceiling != 21_000_000 {
		t.Fatalf("%+v", row)
	}
	same(t, states(t, db, "medical"), "2 in_force", "1 superseded")
}

func TestNoVersionInForce(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	var example map[string]any
	if err := json.Unmarshal(must(db.Programme(ctx, "medical"))(t).Definition.ExampleRequest, &example); err != nil {
		t.Fatal(err)
	}
	example["programme"] = "boats"
	boats := revised(t, db, "medical", map[string]any{"code": "boats", "version": 1, "effective_from": "2026-04-01", "effective_to": "2026-05-01",
		"example_request": example})
	if err := db.PublishDraft(ctx, db.Staff(t, "admin2"), "boats", 1, propose(t, db, boats)); err != nil {
		t.Fatal(err)
	}
	content := request(0)
	content.Programme = "boats"
	create := func() error {
		_, err := db.CreateCase(ctx, db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), content, false)
		return err
	}
	for day, want := range map[string]string{"2026-03-31": "programme_not_in_force", "2026-04-30": "", "2026-05-01": "programme_not_in_force"} {
		db.Clock.Set(must(time.Parse(time.RFC3339, day+"T12:00:00+07:00"))(t))
		if err := create(); aid.CodeOf(err) != want {
			t.Errorf("%s: %v", day, err)
		}
		if row := must(db.Programme(ctx, "boats"))(t); row.Open != (want == "") || row.Why != want || row.Version != 1 {
			t.Errorf("%s: %+v", day, row)
		}
	}
}

// Two administrators recall a version: new cases are refused, running ones go
// on, and the version before does not come back.
func TestRecall(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	running := submit(t, db, "portal1", request(0))
	recall := func(who string, version int) bool {
		t.Helper()
		return must(db.Recall(ctx, db.Staff(t, who), "medical", version, "the norm was misread"))(t)
	}
	_, err := db.Recall(ctx, db.Staff(t, "manager1"), "medical", 1, "the norm was misread")
	wantCode(t, err, "wrong_role")
	_, err = db.Recall(ctx, db.Staff(t, "admin1"), "medical", 7, "the norm was misread")
	wantCode(t, err, "version_not_found")
	for range 2 {
		if recall("admin1", 1) {
			t.Fatal("one administrator alone recalls")
		}
	}
	same(t, states(t, db, "medical"), "1 in_force")
	for range 2 {
		if !recall("admin2", 1) {
			t.Fatal("two do not")
		}
	}
	same(t, states(t, db, "medical"), "1 recalled")
	v := must(db.ProgrammeVersion(ctx, "medical", 1))(t)
	if len(v.Recalls) != 2 || v.Recalls[0].Actor != "admin1" || v.Recalls[1].Reason != "the norm was misread" || v.RecalledAt == nil {
		t.Fatalf("%+v", v)
	}
	_, err = db.CreateCase(ctx, db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), request(1), false)
	wantCode(t, err, "programme_closed")
	decide(t, db, openTask(t, db, running.ID, postgres.NewTask{Kind: aid.VerifyDocuments}), db.Staff(t, "verifier1"), aid.ActionComplete, "")
	published(t, db, "medical", nil)
	if c := submit(t, db, "portal1", request(1)); c.ProgrammeVersion != 2 {
		t.Fatalf("%+v", c)
	}
	same(t, states(t, db, "medical"), "2 in_force", "1 recalled")
}

// What a definition wants and the organisation of today does not have.
func TestProposalFaults(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	owner(t, db, `INSERT INTO funds SELECT (jsonb_populate_record(f, '{"id": "fund_1", "code": "roofs"}')).* FROM funds f`)
	owner(t, db, `INSERT INTO funds SELECT (jsonb_populate_record(f, '{"id": "fund_2", "code": "dollars", "currency": "USD"}')).* FROM funds f LIMIT 1`)
	level := func(name string, more map[string]any) []any {
		l := map[string]any{"name": name, "mode": "any"}
		for k, v := range more {
			l[k] = v
		}
		return []any{map[string]any{"up_to": nil, "levels": []any{l}}}
	}
	for _, tt := range []struct {
		name   string
		fields map[string]any
		want   string // faults, then warnings after a bar
	}{
		{"fine", nil, "| /effective_from effective_in_past"},
		{"from tomorrow", map[string]any{"effective_from": "2026-03-03"}, "|"},
		{"not the next", map[string]any{"effective_from": "2027-01-01", "version": 4}, "/version version_not_next |"},
		{"again the first", map[string]any{"effective_from": "2027-01-01", "version": 1}, "/version version_not_next |"},
		{"calendar", map[string]any{"effective_from": "2027-01-01", "calendar": "none"}, "/calendar unknown_calendar |"},
		{"funds", map[string]any{"effective_from": "2027-01-01", "funds": []string{"roofs", "none"}}, "/funds/1 unknown_fund |"},
		{"a fund of other money", map[string]any{"effective_from": "2027-01-01", "funds": []string{"dollars"}}, "/funds/0 fund_currency |"},
		{"a level of no area", map[string]any{"effective_from": "2027-01-01", "matrix": level("district", nil)}, "/matrix/0/levels/0/name no_area_of_level |"},
		{"two of one", map[string]any{"effective_from": "2027-01-01", "matrix": level("commune", map[string]any{"mode": "n_of_m", "n": 2})}, "/matrix/0/levels/0 level_without_staff |"},
		{"a quorum that is never there", map[string]any{"effective_from": "2027-01-01", "matrix": level("province", map[string]any{"mode": "committee", "quorum": 4})},
			"/matrix/0/levels/0 level_without_staff |"},
	} {
		def := revised(t, db, "medical", tt.fields)
		faults, warnings, err := db.ProposalFaults(ctx, def)
		if got := places(faults) + "|" + strings.TrimSuffix(" "+places(warnings), " "); err != nil || got != tt.want {
			t.Errorf("%s: %q, want %q (%v)", tt.name, got, tt.want, err)
		}
		if len(faults) > 0 && aid.KindOf(db.Propose(ctx, db.Staff(t, "admin1"), postgres.NewID(aid.DraftID), def)) != aid.Invalid {
			t.Errorf("%s is proposed", tt.name)
		}
	}
}

func places(faults []aid.Fault) string {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "%s %s ", f.Pointer, f.Code)
	}
	return b.String()
}

// The staff of today is looked at area by area, with four eyes.
func TestProposalsAndStaff(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	def := revised(t, db, "medical", map[string]any{"effective_from": "2027-01-01"})
	look := func() string {
		t.Helper()
		faults, warnings, err := db.ProposalFaults(ctx, def)
		if err != nil {
			t.Fatal(err)
		}
		return places(faults) + "| " + places(warnings)
	}
	owner(t, db, `UPDATE staff_roles SET area = '51001' WHERE subject = 'approver1'`)
	if got := look(); got != "| /matrix/0/levels/0 level_without_staff /matrix/1/levels/0 level_without_staff " {
		t.Errorf("one commune of five has an approver: %s", got)
	}
	_, warnings, _ := db.ProposalFaults(ctx, def)
	if p := warnings[0].Params; p["areas"] != "4" || p["of"] != "5" || p["area"] != "51002" {
		t.Errorf("%v", p)
	}
	owner(t, db, `UPDATE staff_roles SET area = '51' WHERE subject = 'approver1'`)
	owner(t, db, `DELETE FROM staff_roles WHERE subject LIKE 'approver_' AND subject <> 'approver1'`)
	owner(t, db, `INSERT INTO staff_roles (subject, role, area, level) VALUES ('approver1', 'approver', '51', 'province')`)
	if got := look(); got != "/matrix/1 duties_without_staff | " {
		t.Errorf("one approver for two levels: %s", got)
	}
	owner(t, db, `UPDATE staff SET disabled_at = now() WHERE subject = 'releaser1'`)
	if got := look(); got != "| no_releaser " && got != "|  no_releaser " {
		t.Errorf("no releaser: %q", got)
	}
	id := propose(t, db, def) // people who are missing everywhere for what is no approval are found before the first payment
	owner(t, db, `DELETE FROM staff_roles WHERE subject = 'approver1'`)
	err := db.PublishDraft(ctx, db.Staff(t, "admin2"), "medical", 2, id)
	if aid.KindOf(err) != aid.Invalid || !strings.Contains(err.Error(), "level_without_staff") {
		t.Errorf("published with nobody to approve: %v", err)
	}
}

// What a deployment brings does not come over what administrators decided.
func TestADeploymentLeavesProgrammesToTheirAdministrators(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	first := must(db.Programme(ctx, "medical"))(t).Definition
	published(t, db, "medical", map[string]any{"ceiling": 21_000_000})
	for _, ceiling := range []int64{30_000_000, 31_000_000} {
		if err := db.Owner(t).PublishProgrammes(ctx, []*programme.Definition{newer(t, first, ceiling)}); err != nil {
			t.Fatal(err)
		}
	}
	if row := must(db.Programme(ctx, "medical"))(t); row.Version != 2 || row.Definition.Ceiling != 21_000_000 {
		t.Fatalf("%+v", row)
	}
}
