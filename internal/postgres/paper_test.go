package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	printing "github.com/aidflow/aidflow/papers"
)

// kinds lists "kind why" of the papers that a person may print.
func kinds(t *testing.T, db *pgtest.DB, who, id string) []string {
	t.Helper()
	var out []string
	for _, r := range must(db.Papers(context.Background(), callerNamed(t, db, who), id))(t) {
		out = append(out, strings.TrimSpace(string(r.Kind)+" "+r.Why))
	}
	return out
}

func callerNamed(t *testing.T, db *pgtest.DB, who string) *postgres.Caller {
	t.Helper()
	if strings.HasPrefix(who, "portal") {
		return db.Partner(t, who)
	}
	return db.Staff(t, who)
}

func TestWhoPrintsWhichPaper(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	c := submit(t, db, "portal1", request(0))
	for who, want := range map[string][]string{
		"portal1":    {"request_form", "decision_letter paper_before_decision"},
		"intake1":    {"request_form", "decision_letter paper_before_decision"},
		"verifier1":  {"request_form", "visit_minutes paper_before_visit", "committee_minutes paper_before_committee", "decision_letter paper_before_decision"},
		"treasurer1": {"request_form", "decision_letter paper_before_decision", "payment_voucher paper_before_payment"},
		"releaser1":  {"payment_voucher paper_before_payment"},
		"manager1":   nil,
	} {
		if got := kinds(t, db, who, c.ID); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", who, got, want)
		}
	}
	for who, code := range map[string]string{"portal2": "case_not_found", "verifier3": "case_not_found", "admin1": "case_not_found", "manager1": "wrong_role", "releaser1": "wrong_role"} {
		_, _, err := db.PaperFacts(ctx, callerNamed(t, db, who), c.ID, printing.RequestForm, "")
		wantCode(t, err, code)
	}
	_, _, err := db.PaperFacts(ctx, db.Partner(t, "portal1"), c.ID, printing.VisitMinutes, "")
	wantCode(t, err, "wrong_role")
	_, _, err = db.PaperFacts(ctx, db.Staff(t, "treasurer1"), c.ID, printing.PaymentVoucher, "pay_none")
	wantCode(t, err, "payment_not_found")
}

func audited(t *testing.T, db *pgtest.DB, object string) []string {
	t.Helper()
	rows, err := db.SQL(t).Query(`SELECT actor || ' ' || action || ' ' || code FROM audit WHERE object = $1 AND action LIKE 'print%' ORDER BY id`, object)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFactsOfARequestForm(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	want := request(0)
	c := submit(t, db, "portal1", want)
	f, row, err := db.PaperFacts(ctx, db.Staff(t, "verifier1"), *c.Reference, printing.RequestForm, "")
	if err != nil || row.ID != c.ID {
		t.Fatal(err)
	}
	if f.Applicant.FullName != want.Applicant.FullName || f.Payee.AccountNumber != want.Payee.AccountNumber || len(f.Members) != 1 || len(f.Documents) != 2 ||
		f.Province != "Quảng Ngãi" || f.Area == "" || f.Fund == "" || f.Partner == "" || f.Masked || f.Requested != 6_000_000 || f.SubmittedAt.IsZero() {
		t.Errorf("%+v", f)
	}
	masked, _, err := db.PaperFacts(ctx, db.Staff(t, "auditor1"), c.ID, printing.RequestForm, "")
	if err != nil || !masked.Masked || masked.Applicant.FullName != "" || masked.Payee.AccountNumber != "" || masked.Answers != nil ||
		masked.Members[0].FullName != "" || masked.Documents[0].Location != "" {
		t.Errorf("%v %+v", err, masked)
	}
	if got := audited(t, db, c.ID); !slices.Equal(got, []string{"verifier1 print_paper request_form", "auditor1 print_masked request_form"}) {
		t.Errorf("%q", got)
	}
}

// A draft is printed to be signed: it has no number and no day yet.
func TestADraftIsPrinted(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	c := must(db.CreateCase(ctx, db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), postgres.CaseContent{Programme: "medical", Area: "51001"}, true))(t)
	f, _, err := db.PaperFacts(ctx, db.Partner(t, "portal1"), c.ID, printing.RequestForm, "")
	if err != nil || f.Reference != "" || !f.SubmittedAt.IsZero() || f.Payee != (printing.Payee{}) {
		t.Errorf("%v %+v", err, f)
	}
}

func TestFactsOfARejection(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	for reason, note := range map[string]string{"other": "Canary note", "not_eligible": ""} {
		c := submit(t, db, "portal1", request(map[string]int{"other": 0, "not_eligible": 1}[reason]))
		task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
		version := must(db.Task(ctx, db.Staff(t, "verifier1"), task))(t).Version
		recorded, err := db.RecordIntent(ctx, postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: "verifier1", TaskVersion: version,
			Action: aid.ActionReject, Reason: reason, Note: "Canary note"})
		if err != nil {
			t.Fatal(err)
		}
		change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
			if _, _, err := tx.ApplyDecision(c, recorded.Decision); err != nil {
				return err
			}
			c.ReasonCode = reason
			return tx.MoveCase(c, aid.EventReject)
		})
		f, _, err := db.PaperFacts(ctx, db.Staff(t, "verifier1"), c.ID, printing.DecisionLetter, "")
		if err != nil || f.Decision == nil || f.Decision.Result != "rejected" || f.Decision.Reason != reason || f.Decision.By == "" || f.Decision.Note != note {
			t.Errorf("%v %+v", err, f.Decision)
		}
		theirs, _, err := db.PaperFacts(ctx, db.Partner(t, "portal1"), c.ID, printing.DecisionLetter, "")
		if err != nil || theirs.Decision.By != "" {
			t.Errorf("the partner learns who decided: %v %+v", err, theirs.Decision)
		}
	}
}

func TestFactsOfAReceipt(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	fund := must(db.Fund(ctx, db.Staff(t, "treasurer1"), postgres.DevelopmentFund))(t)
	made := must(db.Contribute(ctx, postgres.Contribution{ID: postgres.NewID(aid.ContributionID), FundID: fund.ID, ExternalID: "BIDV 7", Amount: 1000,
		Currency: "VND", ReceivedOn: db.Clock.Now(), CreatedBy: "treasurer1"}, "Canary donor"))(t)
	for who, donor := range map[string]string{"treasurer1": "Canary donor", "manager1": "Canary donor", "auditor1": ""} {
		r, err := db.ReceiptFacts(ctx, db.Staff(t, who), fund.ID, made.ID)
		if err != nil || r.Donor != donor || r.Masked != (donor == "") || r.Amount != 1000 || r.ExternalID != "BIDV 7" || r.Fund != fund.Name || r.RecordedBy == "" {
			t.Errorf("%s: %v %+v", who, err, r)
		}
	}
	if got := audited(t, db, made.ID); len(got) != 3 {
		t.Errorf("%q", got)
	}
	_, err := db.ReceiptFacts(ctx, db.Staff(t, "treasurer1"), fund.ID, "con_none")
	wantCode(t, err, "contribution_not_found")
	_, err = db.ReceiptFacts(ctx, db.Staff(t, "verifier1"), fund.ID, made.ID)
	wantCode(t, err, "fund_not_found")
}

func TestFactsOfAPosting(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	verifier := db.Staff(t, "verifier1")
	if list := must(db.PostingFacts(ctx, verifier, "51001", ""))(t); len(list.Rows) != 0 || list.Province != "Quảng Ngãi" || list.Fund == "" {
		t.Errorf("%+v", list)
	}
	c := submit(t, db, "portal1", request(0))
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
		fund, err := tx.FundFor(c.Area, c.Currency)
		if err != nil {
			return err
		}
		c.FundID, c.DecidedAt = &fund, &tx.Now
		for _, event := range []string{aid.EventOpen, aid.EventVerify, aid.EventAward} {
			if err := tx.MoveCase(c, event); err != nil {
				return err
			}
		}
		award, err := tx.ProposeAward(c)
		if err != nil {
			return err
		}
		_, err = tx.Reserve(c, award, "approver1")
		return err
	})
	for _, area := range []string{c.Area, "51"} {
		list := must(db.PostingFacts(ctx, verifier, area, "medical"))(t)
		if len(list.Rows) != 1 || list.Rows[0] != (printing.PostingRow{Name: request(0).Applicant.FullName, Programme: "medical", Amount: 6_000_000, Currency: "VND"}) {
			t.Errorf("%s: %+v", area, list)
		}
	}
	if list := must(db.PostingFacts(ctx, verifier, c.Area, "schooling"))(t); len(list.Rows) != 0 {
		t.Errorf("of another programme: %+v", list)
	}
	if list := must(db.PostingFacts(ctx, db.Staff(t, "auditor1"), c.Area, ""))(t); !list.Masked || list.Rows[0].Name != "" {
		t.Errorf("%+v", list)
	}
	for who, code := range map[string]string{"verifier3": "area_not_found", "treasurer1": "area_not_found"} {
		_, err := db.PostingFacts(ctx, db.Staff(t, who), c.Area, "")
		wantCode(t, err, code)
	}
	_, err := db.PostingFacts(ctx, verifier, "nowhere", "")
	wantCode(t, err, "area_not_found")
	_, err = db.PostingFacts(ctx, verifier, c.Area, "diploma")
	wantCode(t, err, "programme_not_found")
}
