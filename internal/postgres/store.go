// Package postgres is the memory: the only SQL of the program. One file per
// noun; every write runs in an explicit transaction through Write or Step,
// because lib/pq can execute an autocommit statement twice when a connection
// breaks. Errors leave this room as aid.Error.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid/worktime"
	"github.com/aidflow/aidflow/internal/vault"
)

// Store is the door to PostgreSQL. It is safe for concurrent use.
type Store struct {
	db      *sqlx.DB
	vault   *vault.Vault
	clock   func() time.Time
	rules   sync.Map // code/version -> *programme.Definition; published versions never change
	phone   string   // region of telephone numbers without a country code
	weeks   sync.Map // text of a calendar -> *worktime.Calendar
	counts  keptCounts
	below   coverage // what lies below areas
	grounds grounds  // what follows from areas and calendars
	known   sync.Map // statement of a transaction -> *sqlx.Stmt, nil while it is being prepared

	asked atomic.Int64 // statements of transactions so far

	claimFor time.Duration // working time after which a claim lapses; 0 for never

	fileRails []string // names of the rails whose payments travel in files
}

// Open connects to the database and checks that it answers. The clock gives
// the wall time; a case's own clock is the wall time plus its offset.
//
// Errors: Unavailable database_away.
func Open(ctx context.Context, url string, v *vault.Vault, clock func() time.Time) (*Store, error) {
	db, err := connect(ctx, url)
	if err != nil {
		return nil, translate(err)
	}
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute) // a statement prepared before a migration does not live for ever
	return &Store{db: db, vault: v, clock: clock, phone: defaultPhoneRegion, claimFor: claimFor}, nil
}

// connect opens the pool. Statements are not compiled to machine code: of
// one with many branches that takes a second, and running it a few
// milliseconds.
func connect(ctx context.Context, url string) (*sqlx.DB, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, err
	}
	if config.Runtime == nil {
		config.Runtime = map[string]string{}
	}
	if _, said := config.Runtime["jit"]; !said {
		config.Runtime["jit"] = "off"
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	db := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// SetFileRails names the rails that cannot be told of one payment: theirs wait
// for a pay run. It is called before the store is used.
func (s *Store) SetFileRails(names ...string) { s.fileRails = names }

// Statements gives how many statements the transactions of this store have
// made so far, BEGIN and COMMIT not counted: each is an exchange with the
// server.
func (s *Store) Statements() int64 { return s.asked.Load() }

// Close gives the connections back.
func (s *Store) Close() error { return s.db.Close() }

// Ping tells whether the database answers.
//
// Errors: Unavailable database_away.
func (s *Store) Ping(ctx context.Context) error { return translate(s.db.PingContext(ctx)) }

// Now gives the store's wall clock, in UTC and to the microsecond, which is
// what PostgreSQL keeps.
func (s *Store) Now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// Tx is one transaction. It carries the instant at which everything in it
// happens: the wall clock, or the clock of the case that the transaction has
// locked.
type Tx struct {
	*sqlx.Tx
	ctx   context.Context
	store *Store
	vault *vault.Vault
	Wall  time.Time // the wall clock
	Now   time.Time // the case's clock once LockCase was called; else Wall

	locked    *Case                        // by the last LockCase
	calendars map[place]*worktime.Calendar // those that were asked for
	grounds   int64                        // the state of areas and calendars, in a decision; else 0
	task      *Task                        // locked with its case, for the decision that causes the step
	votes     *cast                        // on the task that was decided in it
	acting    Standing                     // who decides in it, once known: every record of that person's acts names the principal, too
}

// Write runs fn in one transaction at READ COMMITTED and commits it. It is run
// again, at most five times, when PostgreSQL reports a serialization failure or
// a deadlock: fn may run twice and must not keep anything from the first run.
// Nesting is impossible: a Tx has no Write.
//
// Errors: what fn returns, translated; Unknown commit_unknown when the COMMIT
// itself failed, so that nobody knows whether it happened.
func (s *Store) Write(ctx context.Context, fn func(*Tx) error) error {
	var err error
	for attempt := range 5 {
		err = s.writeOnce(ctx, fn)
		if !retryable(err) {
			return translate(err)
		}
		pause(ctx, time.Duration(attempt+1)*10*time.Millisecond)
	}
	return translate(err)
}

func (s *Store) writeOnce(ctx context.Context, fn func(*Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	now := s.Now()
	// After the COMMIT it does nothing. Also a panic must not leave the
	// transaction open, with the case's lock in it.
	defer func() { _ = tx.Rollback() }()
	if err := fn(&Tx{Tx: tx, ctx: ctx, store: s, vault: s.vault, Wall: now, Now: now}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return commitFailed(err)
	}
	return nil
}

// read gives a transaction-less reader with the same helpers as Tx.
func (s *Store) get(ctx context.Context, dest any, query string, args ...any) error {
	return translate(s.db.GetContext(ctx, dest, query, args...))
}

func (s *Store) list(ctx context.Context, dest any, query string, args ...any) error {
	return translate(s.db.SelectContext(ctx, dest, query, args...))
}

func (tx *Tx) get(dest any, query string, args ...any) error {
	if stmt := tx.prepared(query); stmt != nil { //nolint:sqlclosecheck // ends with the transaction; its connection keeps it
		return stmt.GetContext(tx.ctx, dest, args...)
	}
	return tx.GetContext(tx.ctx, dest, query, args...)
}

func (tx *Tx) list(dest any, query string, args ...any) error {
	if stmt := tx.prepared(query); stmt != nil { //nolint:sqlclosecheck // as in get
		return stmt.SelectContext(tx.ctx, dest, args...)
	}
	return tx.SelectContext(tx.ctx, dest, query, args...)
}

func (tx *Tx) run(query string, args ...any) (sql.Result, error) {
	if stmt := tx.prepared(query); stmt != nil {
		return stmt.ExecContext(tx.ctx, args...)
	}
	return tx.ExecContext(tx.ctx, query, args...)
}

// exec runs a statement and gives the number of rows that it changed.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	res, err := tx.run(query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one runs a statement that must change exactly one row.
func (tx *Tx) one(query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err == nil && n != 1 {
		return sql.ErrNoRows
	}
	return err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
