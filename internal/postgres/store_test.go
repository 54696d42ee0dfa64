package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// note writes one row that is easy to count.
func note(tx *postgres.Tx, object string) error {
	return tx.AddAudit("tester", "note", object, "done", "")
}

func notes(t testing.TB, db *pgtest.DB, object string) int {
	t.Helper()
	return count(t, db, `SELECT count(*) FROM audit WHERE action = 'note' AND object = $1`, object)
}

// raise has PostgreSQL itself report an error of a class.
func raise(tx *postgres.Tx, code string) error {
	_, err := tx.ExecContext(context.Background(), fmt.Sprintf(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '%s'; END $$`, code))
	return err
}

func TestWriteRunsAgainWhatPostgreSQLCouldNotOrder(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	for name, tc := range map[string]struct {
		code   string
		faults int // of the first runs
		runs   int
		want   string
	}{
		"serialization":   {"40001", 2, 3, ""},
		"deadlock":        {"40P01", 4, 5, ""},
		"for ever":        {"40001", 9, 5, "database_busy"},
		"something else":  {"22012", 9, 1, ""},
		"a refusal of it": {"", 9, 1, "task_closed"},
	} {
		runs := 0
		err := db.Write(context.Background(), func(tx *postgres.Tx) error {
			runs++
			if err := note(tx, name); err != nil {
				return err
			}
			switch {
			case runs > tc.faults:
				return nil
			case tc.code == "":
				return aid.Refuse(aid.Conflict, "task_closed")
			}
			return raise(tx, tc.code)
		})
		want := 0
		if runs > tc.faults {
			want = 1
		}
		if runs != tc.runs || aid.CodeOf(err) != tc.want || (want == 1) != (err == nil) || notes(t, db, name) != want {
			t.Errorf("%s: %d runs, %v, %d rows", name, runs, err, notes(t, db, name))
		}
	}
}

// Two writers that lock in opposite order: PostgreSQL ends one, and Write runs
// it again.
func TestWriteOutlivesADeadlock(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	var both sync.WaitGroup
	var first [2]sync.Once
	both.Add(2)
	lock := func(tx *postgres.Tx, n int) error {
		_, err := tx.ExecContext(t.Context(), `SELECT pg_advisory_xact_lock($1)`, n)
		return err
	}
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			err := db.Write(t.Context(), func(tx *postgres.Tx) error {
				if err := lock(tx, i); err != nil {
					return err
				}
				first[i].Do(func() { both.Done(); both.Wait() })
				return errors.Join(lock(tx, 1-i), note(tx, "deadlock"))
			})
			if err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if n := notes(t, db, "deadlock"); n != 2 {
		t.Fatalf("%d rows, want 2", n)
	}
}

// A panic inside leaves neither a row nor a lock behind.
func TestWriteRollsBackAPanic(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.Write(t.Context(), func(tx *postgres.Tx) error {
			if err := note(tx, "panic"); err != nil {
				return err
			}
			panic("a defect")
		})
	}()
	if n := count(t, db, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`); n != 0 {
		t.Errorf("%d transactions were left open", n)
	}
	if notes(t, db, "panic") != 0 {
		t.Error("the row of a panic is there")
	}
}

func TestWriteTellsACancelledCaller(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Write(ctx, func(tx *postgres.Tx) error {
		err := note(tx, "cancelled")
		cancel()
		return err
	})
	if err == nil || notes(t, db, "cancelled") != 0 {
		t.Fatalf("%v, %d rows", err, notes(t, db, "cancelled"))
	}
}

var (
	writes  = regexp.MustCompile(`(?i)\b(INSERT INTO|DELETE FROM|TRUNCATE|UPDATE\s+[a-z_]+\s+SET)\b`)
	readers = regexp.MustCompile(`^(Get|Select|Ping|BeginTx|Query|QueryRow)`)
)

// Outside a transaction of Write nothing is written: lib/pq can execute an
// autocommit statement twice.
func TestNothingIsWrittenOutsideWrite(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				checkCall(t, name, string(text), call)
			}
			return true
		})
	}
}

// checkCall looks at calls on the pool, and on the readers that use it.
func checkCall(t *testing.T, name, text string, call *ast.CallExpr) {
	t.Helper()
	fn := text[call.Fun.Pos()-1 : call.Fun.End()-1]
	onPool := strings.HasPrefix(fn, "s.db.") || strings.HasPrefix(fn, "db.")
	if !onPool && fn != "s.get" && fn != "s.list" {
		return
	}
	method := fn[strings.LastIndex(fn, ".")+1:]
	if onPool && strings.Contains(method, "Exec") && name != "migrate.go" {
		t.Errorf("%s: %s writes without a transaction", name, fn)
	}
	if onPool && readers.MatchString(method) || !onPool {
		if all := text[call.Pos()-1 : call.End()-1]; writes.MatchString(all) {
			t.Errorf("%s: %s writes without a transaction", name, fn)
		}
	}
}

// Whoever waits for a case acts after whom it waited for, also by the clock:
// what a case waited for would not add up to its time otherwise.
func TestWhoWaitsForACaseActsLater(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	var first, second time.Time
	err := db.Write(t.Context(), func(tx *postgres.Tx) error { // begins first, and has the case second
		db.Clock.Advance(time.Second)
		change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
			first = tx.Now
			return tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerPartner})
		})
		locked, err := tx.LockCase(c.ID)
		if err != nil {
			return err
		}
		second = tx.Now
		return tx.BeginWait(locked.ID, postgres.Wait{Stage: locked.Stage, Owner: aid.OwnerSystem})
	})
	if err != nil || second.Before(first) {
		t.Fatalf("%v is before %v (%v)", second, first, err)
	}
}
