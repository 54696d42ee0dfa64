package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestSubmit(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	c := submit(t, db, "portal1", request(0))
	if c.Reference == nil || *c.Reference != "HS-2026-000001" || c.Status != aid.Submitted || c.Stage != aid.Intake || c.SubmittedAt == nil {
		t.Fatalf("%+v", c.Case)
	}
	if next := c.NextAction(); next.Who != aid.OwnerSystem || next.What != "open_case" {
		t.Fatalf("next %+v", next)
	}
	w := must(db.Workflow(ctx, c.WorkflowID))(t)
	if w.Kind != postgres.CaseWorkflow || !strings.Contains(string(w.Input), c.ID) || w.StartedAt != nil {
		t.Fatalf("workflow %+v", w)
	}
	events := must(db.Timeline(ctx, portal, c.ID, postgres.Page{}))(t)
	if len(events) != 1 || events[0].Kind != "case.submitted" || events[0].RuleVersion != 1 || events[0].ActorKind != "partner" {
		t.Fatalf("events %+v", events)
	}
	waits := must(db.Waits(ctx, portal, *c.Reference))(t)
	if len(waits) != 1 || waits[0].Owner != aid.OwnerSystem || waits[0].Stage != aid.Intake {
		t.Fatalf("waits %+v", waits)
	}
	again, err := db.CreateCase(ctx, portal, c.ID, request(0), false)
	if err != nil || again.ID != c.ID || again.TrackingToken != c.TrackingToken || again.Version != c.Version {
		t.Fatalf("the same id again: %+v %v", again, err)
	}
}

func TestSubmitRefusals(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	first := submit(t, db, "portal1", request(0))
	try := func(caller *postgres.Caller, change func(*postgres.CaseContent)) error {
		content := request(1)
		change(&content)
		_, err := db.CreateCase(ctx, caller, postgres.NewID(aid.CaseID), content, false)
		return err
	}
	wantFault(t, try(portal, func(c *postgres.CaseContent) { c.Area = "48001" }), "/area", "unknown_area")
	wantFault(t, try(portal, func(c *postgres.CaseContent) { c.Area = "nowhere" }), "/area", "unknown_area")
	wantFault(t, try(portal, func(c *postgres.CaseContent) { c.Programme = "boats" }), "/programme", "unknown_programme")
	wantCode(t, try(portal, func(c *postgres.CaseContent) { c.ProgrammeVersion = 99 }), "programme_version_changed")
	wantFault(t, try(portal, func(c *postgres.CaseContent) { c.Payee = nil }), "/payee", "required")
	wantFault(t, try(portal, func(c *postgres.CaseContent) { c.RequestedAmount = 0 }), "/requested/amount", "amount_not_positive")
	wantCode(t, try(db.Staff(t, "intake1"), func(*postgres.CaseContent) {}), "wrong_role")
	for code, change := range map[string]func(*postgres.CaseContent){
		"duplicate_external_id": func(c *postgres.CaseContent) { c.ExternalID = first.ExternalID },
		"open_case_exists":      func(c *postgres.CaseContent) { c.Applicant = request(0).Applicant },
	} {
		err := try(portal, change)
		wantCode(t, err, code)
		if e := err.(*aid.Error); e.Kind != aid.Conflict || e.Params["case"] != first.ID {
			t.Fatalf("%s names %q", code, e.Params["case"])
		}
	}
	if n := count(t, db, `SELECT count(*) FROM cases`); n != 1 {
		t.Fatalf("refusals left %d cases", n)
	}
	if n := count(t, db, `SELECT count(*) FROM persons`); n != 1 {
		t.Fatalf("refusals left %d persons", n)
	}
	// Another programme, another partner: both are accepted.
	other := request(0)
	other.Programme, other.ExternalID = "schooling", ""
	submit(t, db, "portal1", other)
	abroad := request(0)
	abroad.Area = "48001"
	submit(t, db, "portal2", abroad)
	if n := count(t, db, `SELECT count(*) FROM persons`); n != 1 {
		t.Fatalf("one person became %d", n)
	}
}

func TestDraft(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	id := postgres.NewID(aid.CaseID)
	sketch := postgres.CaseContent{Programme: "medical", Area: "51001"}
	c := must(db.CreateCase(ctx, portal, id, sketch, true))(t)
	if c.Status != aid.Draft || c.Reference != nil || c.NextAction().What != "submit" || c.NextAction().Who != aid.OwnerPartner {
		t.Fatalf("%+v", c)
	}
	_, err := db.SubmitCase(ctx, portal, id, 0, "", 0)
	if aid.KindOf(err) != aid.Invalid {
		t.Fatalf("an incomplete draft was submitted: %v", err)
	}
	_, err = db.PatchCase(ctx, portal, id, c.Version+5, request(2))
	wantCode(t, err, "stale")
	row := must(db.PatchCase(ctx, portal, id, c.Version, request(2)))(t)
	content, _, err := db.CaseContent(ctx, portal, id)
	if err != nil || content.Applicant != request(2).Applicant || *content.Payee != *request(2).Payee || content.Household.Code != request(2).Household.Code ||
		len(content.Documents) != 2 || content.Documents[0] != request(2).Documents[0] || string(content.Answers) != string(request(2).Answers) {
		t.Fatalf("%+v %v", content, err)
	}
	done := must(db.SubmitCase(ctx, portal, id, row.Version, "officer 18", 0))(t)
	if done.Status != aid.Submitted || *done.Reference != "HS-2026-000001" || done.SubmittedBy != "officer 18" {
		t.Fatalf("%+v", done)
	}
	_, err = db.SubmitCase(ctx, portal, id, 0, "", 0)
	wantCode(t, err, "wrong_state")
	_, err = db.PatchCase(ctx, portal, id, 0, request(2))
	wantCode(t, err, "wrong_state")
	wantCode(t, db.WithdrawDraft(ctx, portal, id, postgres.Wish{}), "wrong_state")
}

func TestWithdrawDraft(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	c := must(db.CreateCase(ctx, portal, postgres.NewID(aid.CaseID), postgres.CaseContent{Programme: "medical", Area: "51001"}, true))(t)
	wantCode(t, db.WithdrawDraft(ctx, db.Partner(t, "portal2"), c.ID, postgres.Wish{}), "case_not_found")
	for range 2 {
		if err := db.WithdrawDraft(ctx, portal, c.ID, postgres.Wish{Reason: "no_longer_needed", By: "officer 19"}); err != nil {
			t.Fatal(err)
		}
	}
	row := must(db.CaseByID(ctx, portal, c.ID))(t)
	if count(t, db, `SELECT count(*) FROM withdrawals WHERE submitted_by = 'officer 19' AND answered_at IS NOT NULL`) != 1 {
		t.Error("who withdrew it is not kept")
	}
	if row.Status != aid.Withdrawn || row.NextAction() != nil || count(t, db, `SELECT count(*) FROM intervals WHERE to_at IS NULL`) != 0 {
		t.Fatalf("%+v", row)
	}
}

// Fifty copies of one request make one case; the numbers have no gap.
func TestCopiesAtOnce(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal := db.Partner(t, "portal1")
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	for i := range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, err := db.CreateCase(ctx, portal, postgres.NewID(aid.CaseID), request(i%2), false)
			mu.Lock()
			codes[aid.CodeOf(err)]++
			mu.Unlock()
		}()
	}
	wg.Wait()
	if codes[""] != 2 || codes["duplicate_external_id"]+codes["open_case_exists"] != 48 {
		t.Fatalf("%v", codes)
	}
	if n := count(t, db, `SELECT last FROM reference_counters`); n != 2 {
		t.Fatalf("the counter stands at %d after 2 cases", n)
	}
}

// The very same creation from several sides at once has one effect, and every
// side gets it as its answer.
func TestTheSameIDAtOnce(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	portal, id := db.Partner(t, "portal1"), postgres.NewID(aid.CaseID)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if c, err := db.CreateCase(ctx, portal, id, request(0), false); err != nil || c.ID != id {
				t.Errorf("%v", err)
			}
		}()
	}
	wg.Wait()
}

func count(t testing.TB, db *pgtest.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.SQL(t).QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
