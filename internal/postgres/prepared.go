package postgres

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"
)

// A step is a dozen small statements, and lib/pq asks the server twice for
// each of them, to parse and to execute. A prepared statement is asked once,
// and PostgreSQL plans it once per connection. database/sql keeps the copies of
// each connection.

// prepared counts and gives a statement of this transaction; nil while it is not
// prepared yet: then the query is sent as it is.
func (tx *Tx) prepared(query string) *sqlx.Stmt {
	tx.store.asked.Add(1)
	known, seen := tx.store.known.LoadOrStore(query, (*sqlx.Stmt)(nil))
	stmt, _ := known.(*sqlx.Stmt)
	switch {
	case !seen:
		go tx.store.prepare(query)
		return nil
	case stmt == nil:
		return nil
	}
	return tx.StmtxContext(tx.ctx, stmt)
}

// prepare makes the statement ready for the transactions that come. It runs on
// its own: a transaction that waited here for a second connection, while it
// holds one, could wait for ever.
func (s *Store) prepare(query string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stmt, err := s.db.PreparexContext(ctx, query)
	if err != nil {
		s.known.Delete(query) // the next transaction tries again
		return
	}
	s.known.Store(query, stmt)
}
