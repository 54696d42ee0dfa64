package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestEveryTableAndColumnIsExplained(t *testing.T) {
	t.Parallel()
	rows, err := pgtest.Empty(t).SQL(t).Query(`
		SELECT c.relname || coalesce('.' || a.attname, '')
		FROM pg_class c
		CROSS JOIN LATERAL (SELECT 0 AS attnum, NULL AS attname
			UNION ALL SELECT attnum, attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm') AND c.relname <> 'goose_db_version'
		  AND col_description(c.oid, nullif(a.attnum, 0)) IS NULL AND (a.attnum > 0 OR obj_description(c.oid, 'pg_class') IS NULL)
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s has no COMMENT ON in migrations", name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestMigrateIsRepeatable(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	for range 2 {
		if err := postgres.Migrate(context.Background(), db.OwnerURL); err != nil {
			t.Fatal(err)
		}
	}
	version, err := db.SchemaVersion(context.Background())
	if err != nil || version != postgres.NewestSchema() || version < 5 {
		t.Fatalf("version %d, newest %d, %v", version, postgres.NewestSchema(), err)
	}
}

// The program's role writes facts and cannot rewrite history.
func TestHistoryIsInsertOnly(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.SQL(t)
	for _, table := range []string{"events", "ledger_transactions", "ledger_entries", "transitions", "contributions", "audit", "case_duties", "callbacks"} {
		for _, right := range []string{"UPDATE", "DELETE", "TRUNCATE"} {
			var may bool
			if err := conn.QueryRow(`SELECT has_table_privilege('aidflow_app', $1, $2)`, table, right).Scan(&may); err != nil || may {
				t.Errorf("aidflow_app may %s %s (%v)", right, table, err)
			}
		}
	}
}

func TestOnlyTheOwnerPublishes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	definitions, err := db.Programmes(context.Background())
	if err != nil || len(definitions) < 3 {
		t.Fatalf("%d programmes, %v", len(definitions), err)
	}
	changed := *definitions[0].Definition
	changed.Version++
	if err := db.PublishProgrammes(context.Background(), []*programme.Definition{&changed}); err == nil {
		t.Fatal("the program published a programme")
	}
}
