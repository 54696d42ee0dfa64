package postgres_test

import (
	"errors"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// relate records, as an administrator, that somebody of the staff is related
// to the person with an id number, and gives the relation's id.
func relate(t testing.TB, db *pgtest.DB, subject, kind, number string) string {
	t.Helper()
	id := postgres.NewID(aid.RelationID)
	admin := "admin1"
	if subject == admin {
		admin = "admin2"
	}
	must(db.AddRelation(t.Context(), db.Staff(t, admin), subject, postgres.NewRelation{ID: id, Kind: kind, FullName: "Canary Relative", NationalID: number}))(t)
	return id
}

func conflictsFound(t testing.TB, db *pgtest.DB, caseID string) int {
	t.Helper()
	return count(t, db, `SELECT count(*) FROM events WHERE case_id = $1 AND kind = 'case.conflict_found'`, caseID)
}

// Whoever is related sees the task blocked and is told no more, claims it not,
// decides it not, and is not counted among those who could.
func TestARelativeDoesNothingInTheCase(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	must(db.ClaimTask(t.Context(), db.Staff(t, "verifier1"), task, 0))(t)
	relate(t, db, "verifier1", "child", request(0).Applicant.NationalID)
	one := db.Staff(t, "verifier1")
	row := must(db.Task(t.Context(), one, task))(t)
	if row.Blocked != "conflict_of_interest" || len(row.AllowedActions) != 0 || row.Assignee != nil {
		t.Fatalf("blocked %q, %v, held by %v", row.Blocked, row.AllowedActions, row.Assignee)
	}
	_, err := db.ClaimTask(t.Context(), one, task, 0)
	wantCode(t, err, "conflict_of_interest")
	_, err = db.RecordIntent(t.Context(), asks(t, db, task, "verifier1", aid.ActionComplete))
	wantCode(t, err, "conflict_of_interest")
	if flag, _ := parked(t, db, c.ID); flag {
		t.Fatal("verifier2 is left")
	}
	if err := db.Recuse(t.Context(), db.Staff(t, "verifier2"), c.ID, postgres.NewRecusal{ID: postgres.NewID(aid.RecusalID), Reason: "friendship"}); err != nil {
		t.Fatal(err)
	}
	if flag, because := parked(t, db, c.ID); !flag || because != "nobody_can_decide" {
		t.Fatalf("nobody is left: %v %q", flag, because)
	}
	err = db.Recuse(t.Context(), db.Staff(t, "verifier2"), c.ID, postgres.NewRecusal{ID: postgres.NewID(aid.RecusalID), Reason: "friendship"})
	wantCode(t, err, "recusal_exists")
	if n := conflictsFound(t, db, c.ID); n != 0 {
		t.Fatalf("%d conflicts, and nobody had decided", n)
	}
	rows := must(db.Conflicts(t.Context(), db.Staff(t, "manager1"), c.ID))(t)
	if len(rows) != 2 || rows[0].Declared || !rows[1].Declared {
		t.Fatalf("%+v", rows)
	}
}

// A relation that becomes known after the decision undoes nothing, is told
// once, and holds the money back until a manager without another part in the
// case has looked.
func TestARelationThatBecomesKnownLater(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c, payment := reserved(t, db, 0)
	verified(t, db, c.ID, "verifier1")
	approved(t, db, c.ID, "approver1")
	relation := relate(t, db, "approver1", "sibling", request(0).Applicant.NationalID)
	relate(t, db, "approver1", "other", request(1).Applicant.NationalID)
	if n := conflictsFound(t, db, c.ID); n != 1 {
		t.Fatalf("told %d times", n)
	}
	prepare := taskOf(t, db, c.ID, aid.PreparePayment)
	asked := asks(t, db, prepare, "treasurer1", aid.ActionConfirm)
	_, err := db.RecordIntent(t.Context(), asked)
	wantCode(t, err, "conflict_unreviewed")
	release := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.ReleasePayment, Subject: payment})
	if err := db.Write(t.Context(), func(tx *postgres.Tx) error {
		return errors.Join(vote(tx, prepare, "treasurer1", false), vote(tx, release, "releaser1", false))
	}); err != nil {
		t.Fatal(err)
	}
	goes := []string{`UPDATE payments SET state = 'queued'`, `UPDATE payments SET state = 'instructed'`}
	breaks(t, db, "payments_without_conflict", goes...)

	review := postgres.NewReview{ID: postgres.NewID(aid.ReviewID), Reason: "checked_again", Note: "Canary look"}
	if err := db.SQL(t).QueryRow(`SELECT id FROM decisions WHERE case_id = $1 AND action = 'approve' AND actor = 'approver1'`, c.ID).Scan(&review.Decision); err != nil {
		t.Fatal(err)
	}
	wantCode(t, db.ReviewConflict(t.Context(), db.Staff(t, "treasurer1"), review), "wrong_role")
	owner(t, db, `INSERT INTO staff_roles (subject, role, area) VALUES ('treasurer1', 'manager', '51'), ('approver1', 'manager', '51')`)
	wantCode(t, db.ReviewConflict(t.Context(), db.Staff(t, "treasurer1"), review), "four_eyes")
	wantCode(t, db.ReviewConflict(t.Context(), db.Staff(t, "approver1"), review), "conflict_of_interest")
	if err := db.ReviewConflict(t.Context(), db.Staff(t, "manager1"), review); err != nil {
		t.Fatal(err)
	}
	wantCode(t, db.ReviewConflict(t.Context(), db.Staff(t, "manager1"), review), "nothing_to_review")
	if err := raw(t, db, goes...); err != nil {
		t.Fatalf("reviewed: %v", err)
	}
	wantCode(t, db.EndRelation(t.Context(), db.Staff(t, "approver1"), "approver1", relation), "relation_of_oneself")
	_, err = db.Relations(t.Context(), db.Staff(t, "manager1"), "approver1", postgres.Page{})
	wantCode(t, err, "staff_not_found")
	if err := db.EndRelation(t.Context(), db.Staff(t, "admin1"), "approver1", relation); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT count(*) FROM conflicts WHERE case_id = $1`, c.ID); n != 0 {
		t.Fatalf("%d conflicts are left", n)
	}
	breaks(t, db, "relations_end_by_others", `UPDATE staff_relations SET ended_by = subject, ended_at = now() WHERE ended_at IS NULL`)
}

// Two persons turn out to be one: whoever is related to either may not act in
// the cases of both. What is in hand goes back, what was decided is told and
// holds the money; a split frees again.
func TestAMergeFindsConflicts(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	manager := who{t, db, db.Staff(t, "manager1")}
	mine, other := submit(t, db, "portal1", request(0)), submit(t, db, "portal1", request(1))
	verified(t, db, mine.ID, "verifier1")
	owner(t, db, `UPDATE tasks SET state = 'done', outcome = 'completed', closed_at = now() WHERE case_id = $1`, mine.ID)
	held := openTask(t, db, mine.ID, postgres.NewTask{Kind: aid.FieldVisit})
	must(db.ClaimTask(t.Context(), db.Staff(t, "verifier1"), held, 0))(t)
	relate(t, db, "verifier1", "sibling", request(1).Applicant.NationalID)
	if n := conflictsFound(t, db, mine.ID); n != 0 || holder(t, db, held) != "verifier1/" {
		t.Fatalf("nobody has merged them: %d, %s", n, holder(t, db, held))
	}
	must(manager.merge(other.PersonID, mine.PersonID))(t)
	if n := conflictsFound(t, db, mine.ID); n != 1 || holder(t, db, held) != "/" {
		t.Fatalf("told %d times, in the hands of %s", n, holder(t, db, held))
	}
	_, err := db.ClaimTask(t.Context(), db.Staff(t, "verifier1"), held, 0)
	wantCode(t, err, "conflict_of_interest")
	if n := count(t, db, `SELECT count(*) FROM outbox WHERE workflow_id = $1 AND name = 'look'`, mine.WorkflowID); n == 0 {
		t.Error("the workflow is not told to look")
	}
	must(db.ClaimTask(t.Context(), db.Staff(t, "verifier2"), held, 0))(t)

	if err := db.Recuse(t.Context(), db.Staff(t, "verifier2"), mine.ID, postgres.NewRecusal{ID: postgres.NewID(aid.RecusalID), Reason: "family"}); err != nil {
		t.Fatal(err)
	}
	if flag, because := parked(t, db, mine.ID); !flag || because != "nobody_can_decide" {
		t.Fatalf("nobody is left: %v %q", flag, because)
	}
	must(manager.split(mine.PersonID, other.ID))(t)
	if flag, _ := parked(t, db, mine.ID); flag {
		t.Error("verifier1 is no relative any more, and the case is still parked")
	}
	must(db.ClaimTask(t.Context(), db.Staff(t, "verifier1"), held, 0))(t)
	if n := count(t, db, `SELECT count(*) FROM conflicted_decisions WHERE case_id = $1`, mine.ID); n != 0 {
		t.Errorf("%d decisions still hold the money", n)
	}
}
