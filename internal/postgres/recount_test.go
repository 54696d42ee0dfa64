package postgres_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

var recountTasks = flag.Int("recount", 1000, "open tasks of BenchmarkRecount, each of its own case")

// BenchmarkRecount edits a calendar while many tasks are open and lets their
// deadlines follow, in batches of 200 cases: go test ./internal/postgres -run -
// -bench Recount -benchtime 1x -recount 200000.
func BenchmarkRecount(b *testing.B) {
	db := pgtest.New(b)
	ctx, admin := context.Background(), db.Staff(b, "admin1")
	id := submit(b, db, "portal1", request(1)).ID
	change(b, db, id, func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		_, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Rule: map[string]any{}})
		return err
	})
	manyMore(b, db, id, *recountTasks-1)
	var longest time.Duration
	day := 0
	for b.Loop() {
		now := must(db.CalendarByCode(ctx, "vn-office"))(b)
		rules := now.Rules
		day++
		rules.Holidays = append(rules.Holidays, worktime.Holiday{Date: db.Now().AddDate(0, 0, day).Format(time.DateOnly), Name: "x"})
		must(db.EditCalendar(ctx, admin, "vn-office", now.Version, rules, nil))(b)
		for n := 1; n > 0; {
			began := time.Now()
			n = must(db.Recount(ctx, 200))(b)
			longest = max(longest, time.Since(began))
		}
	}
	b.ReportMetric(float64(longest.Milliseconds()), "ms/longest-batch")
	var left int
	if err := db.SQL(b).QueryRow(`SELECT count(*) FROM recounts WHERE done_at IS NULL OR cases <> $1`, *recountTasks).Scan(&left); err != nil || left > 0 {
		b.Fatalf("%d changes did not reach every case (%v)", left, err)
	}
}

// A change reaches every case once: also when a worker dies in a batch, two
// work at once, and people go on with what is being counted.
func TestRecountGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx := t.Context()
	const cases = 5
	var tasks []string
	for i := range cases {
		change(t, db, submit(t, db, "portal1", request(i+1)).ID, func(tx *postgres.Tx, c *postgres.Case) error {
			if err := tx.MoveCase(c, aid.EventOpen); err != nil {
				return err
			}
			task, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Rule: map[string]any{}})
			tasks = append(tasks, task)
			return err
		})
	}
	exec(t, db, `CREATE TABLE was AS SELECT id, due_at FROM tasks`)
	now := must(db.CalendarByCode(ctx, "vn-office"))(t)
	rules := now.Rules
	for day := range 3 {
		rules.Holidays = append(rules.Holidays, worktime.Holiday{Date: db.Now().AddDate(0, 0, day).Format(time.DateOnly), Name: "x"})
	}
	must(db.EditCalendar(ctx, db.Staff(t, "admin1"), "vn-office", now.Version, rules, nil))(t)
	moved := func() int {
		return len(rows(t, db, `SELECT t.id FROM tasks t JOIN was w ON w.id = t.id WHERE t.due_at > w.due_at`))
	}

	must(db.Recount(ctx, 1))(t)
	exec(t, db, `CREATE FUNCTION dies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'dies'; END $$;
		CREATE TRIGGER dies BEFORE UPDATE ON recounts FOR EACH ROW EXECUTE FUNCTION dies()`)
	if _, err := db.Recount(ctx, 2); err == nil || moved() != 1 {
		t.Fatalf("a batch that failed at its end left %d cases counted (%v)", moved(), err)
	}
	exec(t, db, `DROP TRIGGER dies ON recounts`)
	must(db.ClaimTask(ctx, db.Staff(t, "verifier1"), tasks[cases-1], 0))(t)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for range 3 * cases {
				if _, err := db.Recount(ctx, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	if got := rows(t, db, `SELECT cases || ' ' || (done_at IS NOT NULL) FROM recounts`); moved() != cases || len(got) != 1 || got[0] != "5 true" {
		t.Errorf("%d of %d cases were counted: %q", moved(), cases, got)
	}
}

// manyMore copies a case with its task and its clocks n times.
func manyMore(b *testing.B, db *pgtest.DB, id string, n int) {
	b.Helper()
	conn, err := db.SQL(b).Conn(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for _, statement := range []string{`SET session_replication_role = replica`, `DROP INDEX cases_one_open`,
		copied(b, conn, "cases", `c.id = $1`, `'id', $1 || '_' || g, 'external_id', 'copy ' || g, 'reference', 'copy ' || g, 'tracking_hash', '\x' || md5(g::text)`),
		copied(b, conn, "tasks", `c.case_id = $1`, `'id', c.id || '_' || g, 'case_id', $1 || '_' || g`),
		copied(b, conn, "clocks", `c.case_id = $1`, `'case_id', $1 || '_' || g`), `ANALYZE`} {
		var args []any
		if statement[0] == 'I' {
			args = []any{id, n}
		}
		if _, err := conn.ExecContext(context.Background(), statement, args...); err != nil {
			b.Fatal(statement, err)
		}
	}
}

func copied(b *testing.B, conn *sql.Conn, table, where, changes string) string {
	b.Helper()
	var columns, values string
	err := conn.QueryRowContext(context.Background(), `SELECT string_agg(column_name, ', '), string_agg('r.' || column_name, ', ') FROM information_schema.columns
		WHERE table_name = $1 AND table_schema = 'public' AND is_generated = 'NEVER'`, table).Scan(&columns, &values)
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf(`INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM %[1]s c CROSS JOIN generate_series(1, $2::int) g
		CROSS JOIN LATERAL jsonb_populate_record(c, jsonb_build_object(%[5]s)) r WHERE %[4]s`, table, columns, values, where, changes)
}
