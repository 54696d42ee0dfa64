package postgres_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// rows gives a query of one text column.
func rows(t testing.TB, db *pgtest.DB, query string, args ...any) []string {
	t.Helper()
	all, err := db.SQL(t).Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	out := []string{}
	for all.Next() {
		var one string
		if err := all.Scan(&one); err != nil {
			t.Fatal(err)
		}
		out = append(out, one)
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

const allNotices = `SELECT kind || ' ' || coalesce(task_id, '-') || ' ' || actor || ' ' || named::text FROM notices ORDER BY id`

// What tells people is put down in the transaction of the fact, once, and goes
// with it when that is rolled back.
func TestAFactTellsInItsTransaction(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	if again := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments}); again != task {
		t.Fatalf("%s is not %s", again, task)
	}
	tell := func(tx *postgres.Tx, c *postgres.Case) error {
		for _, e := range []postgres.Event{
			{Kind: "task.reminded", Actor: postgres.System, Task: task},
			{Kind: "task.question", Actor: "verifier1", Task: task, Data: map[string]any{"to": "verifier2"}},
			{Kind: "task.decided", Actor: "verifier1", Task: task, Data: map[string]any{"to": "verifier2"}},
		} {
			if err := tx.AddEvent(c, e); err != nil {
				return err
			}
		}
		return tx.Tell(postgres.Notice{Kind: "batch.done", Subject: "bat_1", Actor: "manager1", To: nil})
	}
	change(t, db, c.ID, tell)
	broken := errors.New("broken")
	err := db.Write(t.Context(), func(tx *postgres.Tx) error {
		row, err := tx.LockCase(c.ID)
		if err == nil {
			err = tell(tx, row)
		}
		if err == nil {
			err = broken
		}
		return err
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	want := []string{"task.opened " + task + " system {}", "task.reminded " + task + " system {}", "task.question " + task + " verifier1 {verifier2}", "batch.done - manager1 {}"}
	if got := rows(t, db, allNotices); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	want = []string{"task.reminded", "task.question", "task.decided"}
	if got := rows(t, db, `SELECT kind FROM events WHERE kind LIKE 'task.%' ORDER BY n`); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
}

// The program can put notices down and take them away, and cannot change one.
func TestNoticesDoNotChange(t *testing.T) {
	t.Parallel()
	conn := pgtest.New(t).SQL(t)
	for right, want := range map[string]bool{"INSERT": true, "DELETE": true, "UPDATE": false, "TRUNCATE": false} {
		var may bool
		if err := conn.QueryRow(`SELECT has_table_privilege('aidflow_app', 'notices', $1)`, right).Scan(&may); err != nil || may != want {
			t.Errorf("%s: %v %v", right, may, err)
		}
	}
}
