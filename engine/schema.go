package main

import (
	"fmt"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	toolsql "go.temporal.io/server/tools/sql"
)

// updateSchema sets up the schema of an empty database or brings an older one
// up to date, from the files that the server's module embeds. Every version is
// recorded when it is done, so that a killed update goes on at the next start.
//
// The tasks behind Temporal's schema tool are used, not its command line: that
// one ends the process on a fault.
func updateSchema(c *config.SQL, name string) error {
	conn, err := toolsql.NewConnection(c, log.NewNoopLogger())
	if err != nil {
		return fmt.Errorf("cannot open database %s: %w", c.DatabaseName, err)
	}
	defer conn.Close()
	if _, err := conn.ReadSchemaVersion(); err != nil {
		setup := &schema.SetupConfig{InitialVersion: "0.0"}
		if err := schema.NewSetupSchemaTask(conn, setup, log.NewNoopLogger()).Run(); err != nil {
			return fmt.Errorf("cannot set up database %s: %w", c.DatabaseName, err)
		}
	}
	update := &schema.UpdateConfig{SchemaName: name}
	if err := schema.NewUpdateSchemaTask(conn, update, log.NewNoopLogger()).Run(); err != nil {
		return fmt.Errorf("cannot update database %s: %w", c.DatabaseName, err)
	}
	return nil
}
