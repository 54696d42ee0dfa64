package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/iancoleman/strcase"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
)

// Connections to PostgreSQL. Each of the four or five services has a pool of
// its own for each database, so the whole engine uses at most (12+3)x5.
const (
	storeConns      = 12
	visibilityConns = 3
	connectTimeout  = 5 * time.Second
	lockTimeout     = "5s" // a killed engine's lock goes as soon as PostgreSQL sees its socket closed
)

// clusterName is the name under which the server stores its own description.
const clusterName = "active"

// store is Temporal's pair of databases, made ready for the server.
type store struct {
	main, visibility *config.SQL
	lock             *pgx.Conn // its session holds the lock: one engine per store
}

// close gives the store free for another engine.
func (s *store) close() {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	_ = s.lock.Close(ctx)
}

// openStore makes both databases if they are missing, sets up or updates their
// schema and locks them for this engine. It refuses a store with another
// number of shards before it changes anything.
func openStore(ctx context.Context, o options) (*store, error) {
	base := o.postgres.Copy()
	if base.ConnectTimeout == 0 {
		base.ConnectTimeout = connectTimeout
	}
	if err := createDatabases(ctx, base, o.Database, o.visibility()); err != nil {
		return nil, err
	}
	s := &store{
		main:       sqlConfig(base, o.Database, storeConns),
		visibility: sqlConfig(base, o.visibility(), visibilityConns),
	}
	var err error
	if s.lock, err = lockStore(ctx, withDatabase(base, o.Database)); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, o); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// prepare checks the locked store and brings its schema up to date.
func (s *store) prepare(ctx context.Context, o options) error {
	if err := checkShards(ctx, s.lock, o.Shards); err != nil {
		return err
	}
	if err := updateSchema(s.main, "postgresql/v12/temporal"); err != nil {
		return err
	}
	return updateSchema(s.visibility, "postgresql/v12/visibility")
}

// createDatabases creates those of the names that do not exist. The names are
// checked by options to need no quoting.
func createDatabases(ctx context.Context, maintenance *pgx.ConnConfig, names ...string) error {
	conn, err := connect(ctx, maintenance)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, _ := conn.Query(ctx, "SELECT datname FROM pg_database")
	existing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("cannot list databases: %w", err)
	}
	for _, name := range names {
		if slices.Contains(existing, name) {
			continue
		}
		_, err := conn.Exec(ctx, `CREATE DATABASE "`+name+`"`)
		if isCode(err, "42P04") || isCode(err, "23505") { // another engine made it in this moment
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot create database %s: %w", name, err)
		}
	}
	return nil
}

// lockStore takes the lock that one engine holds for its whole life: two on one
// store would take the shards from each other without end. The lock is lost
// when PostgreSQL restarts; Temporal's own shard leases still guard the data.
func lockStore(ctx context.Context, c *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, "SET lock_timeout = '"+lockTimeout+"'; SELECT pg_advisory_lock(hashtext('aidflow-engine'))")
	if err == nil {
		return conn, nil
	}
	_ = conn.Close(context.WithoutCancel(ctx))
	if isCode(err, "55P03") {
		return nil, fmt.Errorf("another engine is running on database %s", c.Database)
	}
	return nil, fmt.Errorf("cannot lock the store: %w", err)
}

// checkShards compares with the number that the server has stored. The server
// itself would only warn and go on with the stored one.
func checkShards(ctx context.Context, conn *pgx.Conn, wanted int32) error {
	var exists bool
	err := conn.QueryRow(ctx, "SELECT to_regclass('cluster_metadata_info') IS NOT NULL").Scan(&exists)
	if err != nil {
		return fmt.Errorf("cannot read the store: %w", err)
	}
	if !exists {
		return nil
	}
	var data []byte
	err = conn.QueryRow(ctx, "SELECT data FROM cluster_metadata_info WHERE cluster_name = $1", clusterName).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the store: %w", err)
	}
	var m persistencespb.ClusterMetadata
	if err := m.Unmarshal(data); err != nil {
		return fmt.Errorf("cannot read the store's description: %w", err)
	}
	if m.HistoryShardCount != wanted {
		return fmt.Errorf("this store was made with %d shards, which can never change: start with --shards %d", m.HistoryShardCount, m.HistoryShardCount)
	}
	return nil
}

// connect opens one connection. Its fault names the place, not the URL.
func connect(ctx context.Context, c *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not let us in at %s, port %d: %w", c.Host, c.Port, lastCause(err))
	}
	return conn, nil
}

// sqlConfig describes one database to the server. The server connects through
// the function given here and not through its own URL, so that everything that
// pgx takes in a URL works: socket directories, sslmode, service files.
func sqlConfig(base *pgx.ConnConfig, database string, conns int) *config.SQL {
	c := withDatabase(base, database)
	return &config.SQL{
		PluginName:   postgresql.PluginNamePGX,
		DatabaseName: database,
		MaxConns:     conns,
		MaxIdleConns: conns,
		Connect: func(s *config.SQL) (*sqlx.DB, error) {
			db := sqlx.NewDb(sql.OpenDB(stdlib.GetConnector(*c, stdlib.OptionAfterConnect(durationsAsNumbers))), "pgx")
			db.SetMaxOpenConns(s.MaxConns)
			db.SetMaxIdleConns(s.MaxIdleConns)
			db.MapperFunc(strcase.ToSnake)
			if err := db.Ping(); err != nil {
				_ = db.Close()
				return nil, err
			}
			return db, nil
		},
	}
}

// durationsAsNumbers makes pgx write durations as bigint nanoseconds, as the
// server's own connections do.
func durationsAsNumbers(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterDefaultPgType(time.Duration(0), "int8")
	conn.TypeMap().RegisterDefaultPgType((*time.Duration)(nil), "int8")
	return nil
}

func withDatabase(c *pgx.ConnConfig, name string) *pgx.ConnConfig {
	d := c.Copy()
	d.Database = name
	return d
}

func isCode(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}

// lastCause unwraps pgx's connect error, whose own text repeats role and
// database for every address that it tried.
func lastCause(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return errors.New(e.Message)
	}
	for {
		if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			err = many.Unwrap()[0]
			continue
		}
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
