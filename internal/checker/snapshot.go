package checker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "github.com/lib/pq" // the driver
)

// role is the PostgreSQL role that reads and does nothing else. See migration
// 00037.
const role = "aidflow_check"

type database struct{ *sql.DB }

func open(url string) (*database, error) {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return nil, errors.New("the database's URL is not one of PostgreSQL")
	}
	db.SetMaxOpenConns(1)
	return &database{db}, nil
}

// snapshot is one instant of the database, read only.
type snapshot struct{ tx *sql.Tx }

// snapshot runs fn on one instant of the database. The role is taken for the
// transaction: whatever the login may do, this cannot write.
func (db *database) snapshot(ctx context.Context, fn func(*snapshot) error) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("PostgreSQL does not answer: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, `SET LOCAL ROLE `+role); err != nil {
		return fmt.Errorf("the login may not become %s (GRANT %s TO login): %w", role, role, err)
	}
	return fn(&snapshot{tx})
}

func (s *snapshot) one(ctx context.Context, query string, into any, args ...any) error {
	return s.tx.QueryRowContext(ctx, query, args...).Scan(into)
}

// each calls fn for every row; scan reads its columns.
func (s *snapshot) each(ctx context.Context, query string, fn func(scan func(...any) error) error, args ...any) error {
	rows, err := s.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// laws looks at every law that PostgreSQL alone can answer.
func (s *snapshot) laws(ctx context.Context, grace time.Duration, out *Report) error {
	for _, law := range Laws() {
		if law.sql == "" {
			continue
		}
		var args []any
		if strings.Contains(law.sql, "$1") { // the law speaks of what is stuck
			args = append(args, grace.Seconds())
		}
		err := s.each(ctx, law.sql, func(scan func(...any) error) error {
			f := Finding{Law: law.Code}
			if err := scan(&f.Subject, &f.Detail); err != nil {
				return err
			}
			out.Findings = append(out.Findings, f)
			return nil
		}, args...)
		if err != nil {
			return fmt.Errorf("%s: %w", law.Code, err)
		}
	}
	return nil
}
