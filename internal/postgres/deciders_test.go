package postgres_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// crowded is a database with tasks of several kinds, levels, amounts and
// states, and people who may decide some of them for many reasons.
func crowded(t *testing.T) *pgtest.DB {
	t.Helper()
	db := pgtest.New(t)
	modes := []aid.Level{{Name: "commune", Mode: aid.ModeAny}, {Name: "province", Mode: aid.ModeCommittee, Quorum: 2}, {Name: "province", Mode: aid.ModeAny}}
	for i := range 9 {
		c := submit(t, db, "portal1", request(i))
		level := modes[i%3]
		openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: level.Name, Rule: level})
		openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
		openTask(t, db, c.ID, postgres.NewTask{Kind: aid.RepairConfiguration, Subject: "x"})
	}
	exec(t, db, `INSERT INTO staff (subject, name, created_at) VALUES ('helper', 'H', now()), ('cousin', 'C', now()), ('gone', 'G', now())`)
	exec(t, db, `INSERT INTO staff_roles (subject, role, area, level, programmes) VALUES ('helper', 'approver', '48', 'province', '{}'),
		('cousin', 'approver', '51', 'commune', '{}'), ('cousin', 'verifier', '51', '', '{medical}'), ('cousin', 'admin', '51', '', '{}'),
		('gone', 'approver', '51', 'commune', '{}')`)
	exec(t, db, `UPDATE staff SET disabled_at = now() WHERE subject = 'gone'`)
	exec(t, db, `INSERT INTO delegations (id, principal, delegate, programmes, ceiling, from_at, until_at, reason_code, created_by, created_at)
		VALUES ('del_1', 'approver1', 'helper', '{}', 6000000, $1, $2, 'leave', 'approver1', $1),
		       ('del_2', 'approver2', 'cousin', '{medical}', NULL, $1, $2, 'leave', 'approver2', $1)`, db.Now().Add(-time.Hour), db.Now().Add(time.Hour))
	cases := rows(t, db, `SELECT id FROM cases ORDER BY id`)
	exec(t, db, `UPDATE cases SET requested_amount = 7000000 WHERE id = ANY($1::text[])`, "{"+strings.Join(cases[:3], ",")+"}")
	exec(t, db, `INSERT INTO case_recusals (id, case_id, subject, reason_code, recorded_at) VALUES ('rec_1', $1, 'approver1', 'family', now()), ('rec_2', $1, 'verifier2', 'family', now())`, cases[3])
	exec(t, db, `INSERT INTO staff_relations (id, subject, kind, national_id_hash, sealed, recorded_by, recorded_at)
		SELECT 'rel_1', 'cousin', 'other', hash, '', 'admin1', now() FROM match_keys WHERE owner = $1 AND kind = 'national_id' LIMIT 1`, cases[4])
	exec(t, db, `UPDATE tasks SET state = 'claimed', assignee = 'approver1', claimed_at = opened_at WHERE case_id = $1 AND kind = 'approve'`, cases[6])
	exec(t, db, `UPDATE tasks SET state = 'claimed', assignee = 'verifier1', claimed_at = opened_at, claimed_until = opened_at WHERE case_id = $1 AND kind = 'verify_documents'`, cases[6])
	exec(t, db, `INSERT INTO decisions (id, task_id, case_id, actor, action, task_version, state, asked_at, behalf)
		SELECT 'dec_' || id, id, case_id, CASE kind WHEN 'approve' THEN 'approver2' ELSE 'verifier1' END, CASE kind WHEN 'approve' THEN 'approve' ELSE 'complete' END, version, 'intent', now(), ''
		FROM tasks WHERE case_id = $1 AND kind IN ('approve', 'verify_documents')`, cases[7])
	exec(t, db, `INSERT INTO case_duties (case_id, person, duty, task_id, at) SELECT case_id, 'approver1', 'verify', id, now() FROM tasks WHERE case_id = $1 AND kind = 'approve'`, cases[8])
	exec(t, db, `UPDATE tasks SET state = 'void', closed_at = now() WHERE case_id = $1 AND kind = 'verify_documents'`, cases[8])
	return db
}

// former makes the function of a name as the migration before said it, which
// looks at one task and at every row, under another name.
func former(t *testing.T, db *pgtest.DB, name, as string) {
	t.Helper()
	raw, err := os.ReadFile("migrations/00026_bulk.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "CREATE OR REPLACE FUNCTION "+name+"(")
	body, _, _ := strings.Cut(rest, "END $$;")
	exec(t, db, "CREATE FUNCTION "+as+"("+body+"END $$")
}

// Whoever may decide is found for many tasks at once as for each of them, and
// hears of it; who is related to nobody is told from the others as by looking.
func TestDecidersOfManyTasks(t *testing.T) {
	t.Parallel()
	db := crowded(t)
	former(t, db, "deciders", "deciders_of_one")
	former(t, db, "conflicted", "conflicted_by_looking")
	const may = `, '{approve,verify_documents,repair_configuration}'::text[], '{approver,verifier,admin}'::text[], $1`
	one := rows(t, db, `SELECT t.id || ' ' || d FROM tasks t CROSS JOIN LATERAL deciders_of_one(t.id`+may+`) d ORDER BY 1`, db.Now())
	all := rows(t, db, `SELECT task || ' ' || person FROM deciders_of(ARRAY(SELECT id FROM tasks)`+may+`) ORDER BY 1`, db.Now())
	if !slices.Equal(one, all) || len(all) == 0 {
		t.Errorf("%q, one by one %q", all, one)
	}
	kinds := rows(t, db, fmt.Sprintf(`SELECT DISTINCT t.kind || ' ' || t.level || ' ' || person FROM deciders_of(ARRAY(SELECT id FROM tasks)%s) d JOIN tasks t ON t.id = d.task ORDER BY 1`, may), db.Now())
	for _, want := range []string{"approve commune helper", "approve commune cousin", "approve province approver4", "repair_configuration  admin1", "verify_documents  verifier2"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("%q is not among %q", want, kinds)
		}
	}
	if deaf := rows(t, db, `SELECT task || ' ' || person FROM deciders_of(ARRAY(SELECT id FROM tasks)`+may+`) d JOIN tasks t ON t.id = d.task
		WHERE NOT may_hear(d.person, t.case_id, t.id, $1)`, db.Now()); len(deaf) > 0 {
		t.Errorf("may decide and not hear: %q", deaf)
	}
	if wrong := rows(t, db, `SELECT c.id || ' ' || s.subject FROM cases c CROSS JOIN staff s WHERE conflicted(c.id, s.subject) <> conflicted_by_looking(c.id, s.subject)`); len(wrong) > 0 {
		t.Errorf("related or not: %q", wrong)
	}
	if n := count(t, db, `SELECT count(*) FROM cases c CROSS JOIN staff s WHERE conflicted(c.id, s.subject)`); n < 3 {
		t.Errorf("%d conflicts, want at least three", n)
	}
}
