package main

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	toolsql "go.temporal.io/server/tools/sql"
)

// updateSchema sets up the schema of an empty database or brings an older one
// up to date, from the files that the server's module embeds. Every version is
// recorded when it is done, so that a killed update goes on at the next start.
func updateSchema(c *config.SQL, name string) error {
	conn, err := toolsql.NewConnection(c, log.NewNoopLogger())
	if err != nil {
		return fmt.Errorf("cannot open database %s: %w", c.DatabaseName, err)
	}
	defer conn.Close()
	if err := bringUp(conn, name, ""); err != nil {
		return fmt.Errorf("cannot update database %s: %w", c.DatabaseName, err)
	}
	return nil
}

// bringUp brings a schema to a version, "" for the newest. The tasks behind
// Temporal's schema tool are used, not its command line: that one ends the
// process on a fault.
func bringUp(db schema.DB, name, version string) error {
	quiet := log.NewNoopLogger()
	_, err := db.ReadSchemaVersion()
	if isCode(err, "42P01") || errors.Is(err, sql.ErrNoRows) { // nothing there, or killed before the first version
		err = schema.NewSetupSchemaTask(db, &schema.SetupConfig{InitialVersion: "0.0"}, quiet).Run()
	}
	if err != nil {
		return err
	}
	update := &schema.UpdateConfig{SchemaName: name, TargetVersion: version}
	return schema.NewUpdateSchemaTask(repeatable{db}, update, quiet).Run()
}

// repeatable is a database in which a version's statements may be run again
// after a kill between two of them. The task lets pass that a table, index or
// column exists already; this lets pass also that one to drop is gone and that
// a row to insert is there. (One transaction for a version would be simpler, but
// some indexes are made CONCURRENTLY, which no transaction takes.)
type repeatable struct{ schema.DB }

var dropsPattern = regexp.MustCompile(`(?is)^(DROP|ALTER\s+TABLE\s+\S+\s+DROP)\s`)
var insertsPattern = regexp.MustCompile(`(?is)^INSERT\s`)

// Exec runs one statement.
func (r repeatable) Exec(statement string, args ...any) error {
	err := r.DB.Exec(statement, args...)
	const noTable, noColumn, noIndex, duplicate = "42P01", "42703", "42704", "23505"
	if dropsPattern.MatchString(statement) && (isCode(err, noTable) || isCode(err, noColumn) || isCode(err, noIndex)) {
		return nil
	}
	if insertsPattern.MatchString(statement) && isCode(err, duplicate) {
		return nil
	}
	return err
}
