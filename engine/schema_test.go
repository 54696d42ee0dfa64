package main

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	toolsql "go.temporal.io/server/tools/sql"
)

var errKilled = errors.New("killed")

// mortal is a database whose user is killed after some statements.
type mortal struct {
	schema.DB
	left int
}

func (m *mortal) Exec(statement string, args ...any) error {
	if m.left == 0 {
		return errKilled
	}
	m.left--
	return m.DB.Exec(statement, args...)
}

func (m *mortal) UpdateSchemaVersion(version, compatible string) error {
	if m.left == 0 {
		return errKilled
	}
	return m.DB.UpdateSchemaVersion(version, compatible)
}

// openDatabase makes a database and connects to it as updateSchema does.
func openDatabase(t *testing.T, d *database, name string) *toolsql.Connection {
	t.Helper()
	base, err := pgx.ParseConfig(d.url())
	require.NoError(t, err)
	require.NoError(t, createDatabases(testContext(t), base, name))
	conn, err := toolsql.NewConnection(sqlConfig(base, name, 1), log.NewNoopLogger())
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

func versionOf(t *testing.T, db schema.DB) string {
	t.Helper()
	version, err := db.ReadSchemaVersion()
	require.NoError(t, err)
	return version
}

// A kill after any statement of the set-up, and again after any statement of the
// next attempt, leaves a store that the next start completes.
func TestSchemaAfterKills(t *testing.T) {
	d := newDatabase(t)
	for _, name := range []string{"temporal", "visibility"} {
		files := "postgresql/v12/" + name
		whole := openDatabase(t, d, "whole_"+name)
		require.NoError(t, bringUp(whole, files, ""))
		conn := openDatabase(t, d, "killed_"+name)
		kills, version := 0, ""
		for statements := 0; ; {
			err := bringUp(&mortal{conn, statements}, files, "")
			if err == nil {
				break
			}
			require.ErrorContains(t, err, errKilled.Error()) // not always wrapped
			kills++
			statements++
			if now, _ := conn.ReadSchemaVersion(); now != version { // "" until the first is written
				version, statements = now, 0
			}
		}
		require.Greater(t, kills, 30)
		require.Equal(t, versionOf(t, whole), versionOf(t, conn))
		require.Equal(t, shape(t, d, "whole_"+name), shape(t, d, "killed_"+name))
	}
}

// shape lists the tables, columns, indexes and functions of a database.
func shape(t *testing.T, d *database, name string) []string {
	t.Helper()
	base, err := pgx.ParseConfig(d.url())
	require.NoError(t, err)
	conn, err := pgx.ConnectConfig(testContext(t), withDatabase(base, name))
	require.NoError(t, err)
	defer func() { _ = conn.Close(testContext(t)) }()
	rows, _ := conn.Query(testContext(t), `
		SELECT concat_ws(' ', table_name, column_name, data_type, column_default, is_nullable)
		FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		ORDER BY 1`)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, lines)
	return lines
}

// What is let pass when it is repeated, and nothing else.
func TestRepeatable(t *testing.T) {
	d := newDatabase(t)
	r := repeatable{openDatabase(t, d, "some")}
	require.NoError(t, r.Exec("CREATE TABLE a (id int PRIMARY KEY, gone int)"))
	require.NoError(t, r.Exec("CREATE INDEX by_gone ON a (gone)"))
	for range 2 {
		for _, statement := range []string{
			"INSERT INTO a (id) VALUES (1)", "DROP INDEX by_gone", "ALTER TABLE a DROP COLUMN gone",
		} {
			require.NoError(t, r.Exec(statement), statement)
		}
	}
	require.Error(t, r.Exec("INSERT INTO b (id) VALUES (1)"))
	require.Error(t, r.Exec("ALTER TABLE b ADD COLUMN c int"))
	require.Error(t, r.Exec("CREATE UNIQUE INDEX i ON a (missing)"))
	require.NoError(t, r.Exec("DROP TABLE a"))
	require.NoError(t, r.Exec("DROP TABLE a"))
}

// A fault that is not an empty database must not start the set-up: that one
// would write version 0.0 over a good store.
func TestSchemaFaultIsNoEmptyDatabase(t *testing.T) {
	d := newDatabase(t)
	conn := openDatabase(t, d, "temporal")
	require.NoError(t, bringUp(conn, "postgresql/v12/temporal", "1.9"))
	require.Equal(t, "1.9", versionOf(t, conn))
	d.stop()
	require.Error(t, bringUp(conn, "postgresql/v12/temporal", ""))
	d.start()
	require.Eventually(t, func() bool { // the pool may hold a connection that has ended
		version, err := conn.ReadSchemaVersion()
		return err == nil && version == "1.9"
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, bringUp(conn, "postgresql/v12/temporal", ""))
	require.NotEqual(t, "1.9", versionOf(t, conn))
}
