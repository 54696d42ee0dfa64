package postgres_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// What bars the principal bars the delegate, and the task says so before
// anybody decides: the same word at the reading, the claim and the decision.
func TestWhatBarsThePrincipalIsToldToTheDelegate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		happened func(t *testing.T, db *pgtest.DB, task string)
		code     string
	}{
		"another duty": {func(t *testing.T, db *pgtest.DB, task string) {
			owner(t, db, `INSERT INTO case_duties (case_id, person, duty, task_id, at) SELECT case_id, 'approver2', 'verify', id, now() FROM tasks WHERE id = $1`, task)
		}, "four_eyes"},
		"voted": {func(t *testing.T, db *pgtest.DB, task string) {
			if err := tryDecide(t, db, task, "approver2", ""); err != nil {
				t.Fatal(err)
			}
		}, "already_decided"},
		"a relative": {func(t *testing.T, db *pgtest.DB, _ string) {
			relate(t, db, "approver2", "child", request(0).Applicant.NationalID)
		}, "conflict_of_interest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			lend(t, db, "approver2", "approver5") // approver5 sits in no committee
			task := provinceTask(t, db, 0)
			if row := must(db.Task(t.Context(), db.Staff(t, "approver5"), task))(t); row.Blocked != "" {
				t.Fatalf("blocked before: %s", row.Blocked)
			}
			tt.happened(t, db, task)
			delegate := db.Staff(t, "approver5")
			row := must(db.Task(t.Context(), delegate, task))(t)
			if row.Blocked != tt.code || len(row.AllowedActions) != 0 {
				t.Errorf("blocked %q, %v", row.Blocked, row.AllowedActions)
			}
			list := must(db.Tasks(t.Context(), delegate, postgres.TaskFilter{View: postgres.ViewGroup}, postgres.Page{}))(t)
			if len(list) != 1 || list[0].Blocked != tt.code {
				t.Errorf("in the inbox: %+v", list)
			}
			_, err := db.NextTask(t.Context(), delegate)
			wantCode(t, err, "no_task")
			_, err = db.ClaimTask(t.Context(), delegate, task, 0)
			wantCode(t, err, tt.code)
			wantCode(t, tryDecide(t, db, task, "approver5", "approver2"), tt.code)
		})
	}
}

// Of two principals the one who is not barred is left.
func TestAnotherPrincipalIsLeft(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	lend(t, db, "approver2", "approver5")
	lend(t, db, "approver3", "approver5")
	task := provinceTask(t, db, 0)
	relate(t, db, "approver2", "child", request(0).Applicant.NationalID)
	delegate := db.Staff(t, "approver5")
	row := must(db.Task(t.Context(), delegate, task))(t)
	if g, ok := delegate.Capacity(row); row.Blocked != "" || !ok || g.Behalf != "approver3" {
		t.Fatalf("blocked %q, for %q", row.Blocked, g.Behalf)
	}
	wantCode(t, tryDecide(t, db, task, "approver5", "approver2"), "conflict_of_interest")
	if err := tryDecide(t, db, task, "approver5", "approver3"); err != nil {
		t.Fatal(err)
	}
}

// A task that a delegate has for somebody who turns out to be related goes back
// to everybody.
func TestARelatedPrincipalsTaskLeavesTheDelegate(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	task := provinceTask(t, db, 0)
	must(db.ClaimTask(t.Context(), db.Staff(t, "approver2"), task, 0))(t)
	must(delegate(t, db, "approver2", "approver5"))(t)
	if holder(t, db, task) != "approver5/approver2" {
		t.Fatal(holder(t, db, task))
	}
	relate(t, db, "approver2", "child", request(0).Applicant.NationalID)
	if holder(t, db, task) != "/" {
		t.Fatal("still in the hands of", holder(t, db, task))
	}
}

// A question stays with whom it was put to; it is void when that person may not
// answer it any more, and nothing waits for it.
func TestAQuestionIsNotHandedOn(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, db *pgtest.DB) (advice string) {
		c := submit(t, db, "portal1", request(0))
		task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
		q := must(db.AskColleague(t.Context(), db.Staff(t, "verifier1"), task, postgres.NewID(aid.QuestionID), "approver2", "Is this genuine?"))(t)
		return q.Advice
	}
	state := func(t *testing.T, db *pgtest.DB, advice string) (s string) {
		t.Helper()
		if err := db.SQL(t).QueryRow(`SELECT state FROM tasks WHERE id = $1`, advice).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, tt := range map[string]struct {
		happens func(t *testing.T, db *pgtest.DB)
		state   string
	}{
		"a delegation": {func(t *testing.T, db *pgtest.DB) { must(delegate(t, db, "approver2", "approver3"))(t) }, "claimed"},
		"a relation": {func(t *testing.T, db *pgtest.DB) {
			relate(t, db, "approver2", "child", request(0).Applicant.NationalID)
		}, "void"},
		"leaving": {func(t *testing.T, db *pgtest.DB) {
			gone := true
			row := must(db.StaffMember(t.Context(), db.Staff(t, "admin1"), "approver2"))(t)
			must(db.ChangeStaff(t.Context(), db.Staff(t, "admin1"), "approver2", row.Version, postgres.StaffChange{Disabled: &gone}))(t)
		}, "void"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			advice := ask(t, db)
			tt.happens(t, db)
			if got := state(t, db, advice); got != tt.state {
				t.Errorf("%s, want %s", got, tt.state)
			}
			if n := count(t, db, `SELECT count(*) FROM tasks WHERE kind = 'repair_configuration'`); n != 0 {
				t.Errorf("a question parks the case: %d", n)
			}
			if got := holder(t, db, advice); tt.state == "claimed" && got != "approver2/" {
				t.Errorf("handed on: %s", got)
			}
		})
	}
}

// Who may not be asked is said at once: also who is related to whom the case
// is for.
func TestARelativeIsNotAsked(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	relate(t, db, "approver2", "child", request(0).Applicant.NationalID)
	_, err := db.AskColleague(t.Context(), db.Staff(t, "verifier1"), task, postgres.NewID(aid.QuestionID), "approver2", "Is this genuine?")
	wantFault(t, err, "/to", "colleague_related")
	if n := count(t, db, `SELECT count(*) FROM questions`); n != 0 {
		t.Errorf("%d questions", n)
	}
}
