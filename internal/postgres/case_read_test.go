package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func ids(rows []postgres.CaseRow) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.ID)
	}
	return out
}

func TestWhoSeesACase(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	c := submit(t, db, "portal1", request(0))
	for who, sees := range map[string]bool{"verifier1": true, "approver1": true, "treasurer1": true, "releaser1": true, "manager1": true,
		"auditor1": true, "intake1": true, "admin1": false, "verifier3": false} {
		caller := db.Staff(t, who)
		_, err := db.CaseByID(ctx, caller, *c.Reference)
		if (err == nil) != sees {
			t.Errorf("%s: %v, want seen %v", who, err, sees)
		}
		if rows := must(db.Cases(ctx, caller, postgres.CaseFilter{}, postgres.Page{}))(t); (len(rows) == 1) != sees {
			t.Errorf("%s lists %d", who, len(rows))
		}
		found := must(db.SearchCases(ctx, caller, postgres.CaseSearch{NationalID: request(0).Applicant.NationalID}, postgres.Page{}))(t)
		if (len(found) == 1) != sees {
			t.Errorf("%s finds %d", who, len(found))
		}
	}
	_, err := db.CaseByID(ctx, db.Partner(t, "portal2"), c.ID)
	wantCode(t, err, "case_not_found")
	if rows := must(db.Cases(ctx, db.Partner(t, "portal1"), postgres.CaseFilter{}, postgres.Page{}))(t); len(rows) != 1 {
		t.Fatalf("its partner lists %d", len(rows))
	}
}

func TestCaseFilters(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	a, b := submit(t, db, "portal1", request(0)), submit(t, db, "portal1", request(1))
	due := db.Clock.Now().Add(time.Hour)
	openTask(t, db, b.ID, postgres.NewTask{Kind: aid.VerifyDocuments, Due: &due, Alarms: []time.Time{due}})
	yes, no := true, false
	early, late := a.CreatedAt.Add(-time.Hour), a.CreatedAt.Add(time.Hour)
	manager := db.Staff(t, "manager1")
	for name, tc := range map[string]struct {
		filter postgres.CaseFilter
		want   []string
	}{
		"none":        {postgres.CaseFilter{}, []string{b.ID, a.ID}},
		"status":      {postgres.CaseFilter{Status: "submitted"}, []string{a.ID}},
		"stage":       {postgres.CaseFilter{Stage: "verification"}, []string{b.ID}},
		"programme":   {postgres.CaseFilter{Programme: "housing_new"}, nil},
		"commune":     {postgres.CaseFilter{Area: a.Area}, []string{a.ID}},
		"province":    {postgres.CaseFilter{Area: "51"}, []string{b.ID, a.ID}},
		"other":       {postgres.CaseFilter{Area: "48"}, nil},
		"external id": {postgres.CaseFilter{ExternalID: a.ExternalID}, []string{a.ID}},
		"unassigned":  {postgres.CaseFilter{Assignee: "none"}, []string{b.ID}},
		"mine":        {postgres.CaseFilter{Assignee: "me"}, nil},
		"on time":     {postgres.CaseFilter{SLA: "on_time"}, []string{b.ID}},
		"breached":    {postgres.CaseFilter{SLA: "breached"}, nil},
		"no deadline": {postgres.CaseFilter{SLA: "none"}, []string{a.ID}},
		"parked":      {postgres.CaseFilter{Parked: &yes}, nil},
		"not parked":  {postgres.CaseFilter{Parked: &no}, []string{b.ID, a.ID}},
		"after":       {postgres.CaseFilter{CreatedAfter: &early}, []string{b.ID, a.ID}},
		"before":      {postgres.CaseFilter{CreatedBefore: &early}, nil},
		"later":       {postgres.CaseFilter{CreatedAfter: &late}, nil},
	} {
		rows, err := db.Cases(ctx, manager, tc.filter, postgres.Page{})
		if err != nil || !slices.Equal(ids(rows), tc.want) {
			t.Errorf("%s: %v %v, want %v", name, ids(rows), err, tc.want)
		}
	}
	db.Clock.Advance(2 * time.Hour)
	if rows := must(db.Cases(ctx, manager, postgres.CaseFilter{SLA: "breached"}, postgres.Page{}))(t); !slices.Equal(ids(rows), []string{b.ID}) {
		t.Errorf("two hours later %v are late", ids(rows))
	}
	next := must(db.CaseByID(ctx, manager, b.ID))(t).NextAction()
	if next.Who != aid.OwnerOffice || next.What != "verify_documents" || next.Role != aid.RoleVerifier || next.By == nil {
		t.Errorf("next %+v", next)
	}
}

// A page goes on where the last one ended, whatever was inserted meanwhile.
func TestPagesAreStable(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	var want []string
	for i := range 5 {
		want = append([]string{submit(t, db, "portal1", request(i)).ID}, want...)
	}
	portal := db.Partner(t, "portal1")
	var got []string
	page := postgres.Page{Limit: 2}
	for n := 0; ; n++ {
		rows := must(db.Cases(ctx, portal, postgres.CaseFilter{}, page))(t)
		got = append(got, ids(rows)...)
		if len(rows) < page.Limit {
			break
		}
		page.After = rows[len(rows)-1].Cursor()
		submit(t, db, "portal1", request(10+n))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for _, bad := range []postgres.Cursor{{Sort: "x", ID: "y"}, {Sort: "2026-03-02T02:00:00Z"}, {ID: "case_x"}} {
		_, err := db.Cases(ctx, portal, postgres.CaseFilter{}, postgres.Page{After: bad})
		wantCode(t, err, "invalid_cursor")
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	content := request(0)
	content.Applicant.FullName = "Đặng Thị Ánh Nguyệt"
	a := submit(t, db, "portal1", content)
	other := request(1)
	other.Applicant.FullName = "Đặng Văn Bình"
	b := submit(t, db, "portal1", other)
	for name, tc := range map[string]struct {
		search postgres.CaseSearch
		want   []string
	}{
		"no accents":      {postgres.CaseSearch{Name: "nguyet dang"}, []string{a.ID}},
		"a shared word":   {postgres.CaseSearch{Name: "ĐẶNG"}, []string{b.ID, a.ID}},
		"every word":      {postgres.CaseSearch{Name: "Đặng Ánh Bình"}, nil},
		"number":          {postgres.CaseSearch{NationalID: content.Applicant.NationalID}, []string{a.ID}},
		"phone":           {postgres.CaseSearch{Phone: content.Applicant.Phone}, []string{a.ID}},
		"household":       {postgres.CaseSearch{HouseholdCode: other.Household.Code}, []string{b.ID}},
		"reference":       {postgres.CaseSearch{Reference: *a.Reference}, []string{a.ID}},
		"all must fit":    {postgres.CaseSearch{Name: "Đặng", Reference: *b.Reference}, []string{b.ID}},
		"nothing":         {postgres.CaseSearch{}, nil},
		"punctuation":     {postgres.CaseSearch{Name: "..."}, nil},
		"unknown":         {postgres.CaseSearch{Name: "Smith"}, nil},
		"number as phone": {postgres.CaseSearch{Name: content.Applicant.NationalID}, nil},
	} {
		rows, err := db.SearchCases(ctx, db.Staff(t, "verifier1"), tc.search, postgres.Page{})
		if err != nil || !slices.Equal(ids(rows), tc.want) {
			t.Errorf("%s: %v %v, want %v", name, ids(rows), err, tc.want)
		}
	}
}

func TestStatusByToken(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	c := submit(t, db, "portal1", request(0))
	if row := must(db.CaseByToken(ctx, c.TrackingToken))(t); row.ID != c.ID || len(c.TrackingToken) != 32 {
		t.Fatalf("%+v", row)
	}
	_, err := db.CaseByToken(ctx, c.TrackingToken[1:])
	wantCode(t, err, "case_not_found")
	_, err = db.CaseByToken(ctx, "")
	wantCode(t, err, "case_not_found")
}

// The waits of a case sum to its time, whatever happened in it.
func TestWaitsSumToTheWholeTime(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	verifier := db.Staff(t, "verifier1")
	c := submit(t, db, "portal1", request(0))
	db.Clock.Advance(time.Hour)
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	db.Clock.Advance(24 * time.Hour)
	must(db.ClaimTask(ctx, verifier, task, 0))(t)
	db.Clock.Advance(time.Hour)
	must(db.ReleaseTask(ctx, verifier, task, 0))(t)
	db.Clock.Advance(48 * time.Hour)
	waits := must(db.Waits(ctx, verifier, c.ID))(t)
	if len(waits) != 4 {
		t.Fatalf("%d waits: %+v", len(waits), waits)
	}
	var sum time.Duration
	for i, w := range waits {
		sum += w.Calendar
		if i > 0 && !w.From.Equal(*waits[i-1].To) {
			t.Errorf("a gap before wait %d", w.N)
		}
	}
	row := must(db.CaseByID(ctx, verifier, c.ID))(t)
	if whole := row.Now.Sub(*row.SubmittedAt); whole-sum > time.Second || sum-whole > time.Second || !waits[2].Claimed || waits[3].Claimed {
		t.Fatalf("sum %s, whole %s: %+v", sum, whole, waits)
	}
	if waits[0].Working <= 0 || waits[0].Working > waits[0].Calendar || waits[0].Paused {
		t.Fatalf("%+v", waits[0])
	}
	staff := must(db.Timeline(ctx, verifier, c.ID, postgres.Page{}))(t)
	partner := must(db.Timeline(ctx, db.Partner(t, "portal1"), c.ID, postgres.Page{}))(t)
	last := len(staff) - 1
	if staff[last].Kind != "task.released" || staff[last].Actor != "verifier1" || staff[last].ActorName == "" || *staff[last].TaskKind != aid.VerifyDocuments {
		t.Fatalf("%+v", staff[last])
	}
	if partner[last].Actor != "" || partner[last].ActorName != "" || partner[last].ActorKind != "staff" {
		t.Fatalf("a partner learns %+v", partner[last])
	}
	if rest := must(db.Timeline(ctx, verifier, c.ID, postgres.Page{After: staff[0].Cursor()}))(t); len(rest) != last {
		t.Fatalf("%d events after the first", len(rest))
	}
}

func TestAdvance(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	c := submit(t, db, "portal1", request(0))
	if err := db.MarkStarted(ctx, c.WorkflowID); err != nil {
		t.Fatal(err)
	}
	_, err := db.AdvanceCase(ctx, portal, c.ID, 0)
	wantFault(t, err, "/duration", "duration_not_positive")
	_, err = db.AdvanceCase(ctx, db.Partner(t, "portal2"), c.ID, time.Hour)
	wantCode(t, err, "case_not_found")
	done := must(db.AdvanceCase(ctx, portal, c.ID, 36*time.Hour))(t)
	if ahead := done.Case.Now.Sub(db.Now()); ahead < 36*time.Hour-time.Second || ahead > 36*time.Hour || len(done.Workflows) != 1 {
		t.Fatalf("ahead %s, %+v", ahead, done.Workflows)
	}
}
