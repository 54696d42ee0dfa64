package postgres_test

import (
	"fmt"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// duties are one task for each duty of a case, and two for the verifier's.
func duties(t *testing.T, db *pgtest.DB, caseID string) map[string]string {
	t.Helper()
	tasks := map[string]string{}
	for name, n := range map[string]postgres.NewTask{
		"documents": {Kind: aid.VerifyDocuments}, "visit": {Kind: aid.FieldVisit}, "commune": {Kind: aid.Approve, Level: "commune"},
		"province": {Kind: aid.Approve, Level: "province"}, "prepare": {Kind: aid.PreparePayment}, "release": {Kind: aid.ReleasePayment},
		"follow up": {Kind: aid.FollowUpVisit}, "stalled": {Kind: aid.DecideStalled},
	} {
		tasks[name] = openTask(t, db, caseID, n)
	}
	return tasks
}

// vote writes a decision with nobody asking who may: at once, or as an intent
// that is applied afterwards.
func vote(tx *postgres.Tx, task, actor string, viaIntent bool) error {
	id, state := postgres.NewID(aid.DecisionID), "applied"
	if viaIntent {
		state = "intent"
	}
	_, err := tx.Exec(`INSERT INTO decisions (id, task_id, case_id, actor, action, task_version, state, asked_at, decided_at)
		SELECT $1, id, case_id, $3, CASE kind WHEN 'release_payment' THEN 'approve' ELSE 'confirm' END, version, $4, $5, CASE WHEN $4 = 'applied' THEN $5::timestamptz END FROM tasks WHERE id = $2`,
		id, task, actor, state, tx.Now)
	if err == nil && viaIntent {
		_, err = tx.Exec(`UPDATE decisions SET state = 'applied', decided_at = $2 WHERE id = $1`, id, tx.Now)
	}
	return err
}

// Every pair of duties of one person in one case, written past every check of
// the program: the database itself says what the words say.
func TestTheDatabaseAloneKeepsFourEyes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	tasks := duties(t, db, submit(t, db, "portal1", request(0)).ID)
	dutyOf := map[string]string{}
	for name, id := range tasks {
		dutyOf[name] = dutyOfTask(t, db, id)
	}
	refused := 0
	for first, one := range tasks {
		for second, other := range tasks {
			if first == second {
				continue // the same person decides a task once: decisions_once
			}
			for _, viaIntent := range []bool{false, true} {
				actor := fmt.Sprintf("%s, then %s, %v", first, second, viaIntent)
				err := db.Write(t.Context(), func(tx *postgres.Tx) error { return vote(tx, one, actor, viaIntent) })
				if err != nil {
					t.Fatalf("%s: %v", actor, err)
				}
				held := dutyOf[first]
				if held == "follow_up" {
					held = "" // looking in afterwards is no duty that excludes
				}
				err = db.Write(t.Context(), func(tx *postgres.Tx) error { return vote(tx, other, actor, viaIntent) })
				if aid.MayHold(held, dutyOf[second]) {
					if err != nil {
						t.Errorf("%s: %v", actor, err)
					}
					continue
				}
				refused++
				if aid.CodeOf(err) != "four_eyes" || aid.KindOf(err) != aid.Forbidden {
					t.Errorf("%s: %v", actor, err)
				}
			}
		}
	}
	if refused < 40 {
		t.Fatalf("only %d pairs were refused", refused)
	}
}

func dutyOfTask(t testing.TB, db *pgtest.DB, task string) (duty string) {
	t.Helper()
	if err := db.SQL(t).QueryRow(`SELECT duty FROM tasks WHERE id = $1`, task).Scan(&duty); err != nil {
		t.Fatal(err)
	}
	return duty
}

// One person takes two duties in two transactions at the same moment.
func TestTwoDutiesAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	tasks := duties(t, db, submit(t, db, "portal1", request(0)).ID)
	for round := range 20 {
		actor, both := fmt.Sprintf("person %d", round), []string{tasks["prepare"], tasks["release"]}
		errs := crowd(2, func(i int) error {
			return db.Write(t.Context(), func(tx *postgres.Tx) error { return vote(tx, both[i], actor, round%2 == 0) })
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v", round, errs)
		}
		for _, err := range errs {
			if err != nil {
				wantCode(t, err, "four_eyes")
			}
		}
		if n := count(t, db, `SELECT count(*) FROM decisions WHERE actor = $1`, actor); n != 1 {
			t.Fatalf("round %d: %d decisions", round, n)
		}
	}
}

// The program's role cannot make room for a second duty.
func TestDutiesStay(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	task := duties(t, db, c.ID)["prepare"]
	if err := db.Write(t.Context(), func(tx *postgres.Tx) error { return vote(tx, task, "somebody", false) }); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`DELETE FROM case_duties`, `UPDATE case_duties SET person = 'x'`, `TRUNCATE case_duties`, `ALTER TABLE decisions DISABLE TRIGGER ALL`,
		`SET session_replication_role = replica`, `UPDATE decisions SET actor = 'x'`, `UPDATE decisions SET task_id = 'x'`, `DELETE FROM decisions`,
		`UPDATE tasks SET duty = ''`, `UPDATE tasks SET kind = 'decide_stalled'`, `UPDATE tasks SET case_id = 'x'`,
	} {
		refusesRole(t, db, statement)
	}
	if n := count(t, db, `SELECT count(*) FROM case_duties WHERE person = 'somebody' AND duty = 'pay'`); n != 1 {
		t.Fatalf("%d duties", n)
	}
}

// Two people of one name are two, and a person whose name changes stays one:
// who did what is told by the subject, names are for reading.
func TestNamesAreNotPersons(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if _, err := db.SQL(t).Exec(`INSERT INTO staff (subject, name, created_at) SELECT s, 'Nguyễn Văn Nam', now() FROM unnest(ARRAY['nam1', 'nam2']) s;
		INSERT INTO staff_roles (subject, role, area, level) SELECT s, role, '51', level FROM unnest(ARRAY['nam1', 'nam2']) s,
			(VALUES ('verifier', ''), ('approver', 'commune')) AS r (role, level)`); err != nil {
		t.Fatal(err)
	}
	tasks := duties(t, db, submit(t, db, "portal1", request(0)).ID)
	decide(t, db, tasks["documents"], db.Staff(t, "nam1"), aid.ActionComplete, `{}`)
	if _, err := db.SQL(t).Exec(`UPDATE staff SET name = 'Trần Thị Hoa' WHERE subject = 'nam1'`); err != nil {
		t.Fatal(err)
	}
	row := must(db.Task(t.Context(), db.Staff(t, "nam2"), tasks["commune"]))(t)
	intent := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: row.ID, TaskVersion: row.Version, Action: aid.ActionApprove}
	intent.Actor = "nam1"
	_, err := db.RecordIntent(t.Context(), intent)
	wantCode(t, err, "four_eyes")
	intent.Actor = "nam2"
	must(db.RecordIntent(t.Context(), intent))(t)
}
