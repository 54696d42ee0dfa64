package stack

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/lib/pq"
)

// appLogin is the role that worker and api connect as in a private cluster.
const appLogin = "aidflow_development"

// ensureDatabase makes the database of a URL when it is missing, and gives the
// server's version. A server older than 14 is refused.
func ensureDatabase(ctx context.Context, dsn string) (version string, err error) {
	var number int
	version, number, err = serverVersion(ctx, dsn)
	var refused *pq.Error
	if errors.As(err, &refused) && refused.Code == "3D000" { // no such database
		if err := createDatabase(ctx, dsn); err != nil {
			return "", err
		}
		version, number, err = serverVersion(ctx, dsn)
	}
	if err != nil {
		return "", fmt.Errorf("cannot connect: %w", oneLine(err))
	}
	if number < 140000 {
		return "", fmt.Errorf("PostgreSQL %s is too old: 14 or newer is needed", version)
	}
	return version, nil
}

func serverVersion(ctx context.Context, dsn string) (version string, number int, err error) {
	err = withDatabase(ctx, dsn, func(ctx context.Context, db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT current_setting('server_version'), current_setting('server_version_num')::int`).
			Scan(&version, &number)
	})
	version, _, _ = strings.Cut(version, " ")
	return version, number, err
}

// createDatabase makes the database of dsn through the maintenance database.
func createDatabase(ctx context.Context, dsn string) error {
	u, err := url.Parse(dsn)
	if err != nil {
		return errors.New("is not a URL")
	}
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	err = withDatabase(ctx, u.String(), func(ctx context.Context, db *sql.DB) error {
		// CREATE DATABASE cannot run in a transaction; run twice it fails the
		// second time, which is harmless.
		_, err := db.ExecContext(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(name)+" TEMPLATE template0 ENCODING 'UTF8'") //nolint:forbidigo // see above
		return err
	})
	var refused *pq.Error
	if errors.As(err, &refused) && refused.Code == "42P04" { // exists by now
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot make the database %s: %w", name, oneLine(err))
	}
	return nil
}

// appURL gives the connection of worker and api. In the private cluster it is
// a role of its own with no more rights than the program has in production; its
// password is new at every start.
func (s *Stack) appURL(ctx context.Context, owner string) (string, error) {
	if s.o.DatabaseURL != "" {
		return s.o.DatabaseURL, nil
	}
	password := randomSecret()
	err := withDatabase(ctx, owner, func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		for _, q := range []string{
			`DO $$ BEGIN
				IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '` + appLogin + `') THEN CREATE ROLE ` + appLogin + ` LOGIN; END IF;
				IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'aidflow_app') THEN GRANT aidflow_app TO ` + appLogin + `; END IF;
			END $$`,
			`ALTER ROLE ` + appLogin + ` LOGIN INHERIT PASSWORD ` + pq.QuoteLiteral(password),
		} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
	if err != nil {
		return "", fmt.Errorf("the program's role: %w", err)
	}
	u, err := url.Parse(owner)
	if err != nil {
		return "", err
	}
	u.User = url.UserPassword(appLogin, password)
	return u.String(), nil
}

// engineDatabase names Temporal's database beside the app's: "temporal", or,
// for an app's database with another name, one that belongs to it.
func engineDatabase(owner string) string {
	u, err := url.Parse(owner)
	if err != nil || u.Path == "/aidflow" {
		return "temporal"
	}
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(strings.TrimPrefix(u.Path, "/")))
	return "temporal_" + plain[:min(len(plain), 40)]
}

func withDatabase(ctx context.Context, dsn string, f func(context.Context, *sql.DB) error) error {
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	return f(ctx, db)
}

// oneLine keeps an error to one line; lib/pq's errors hold no password.
func oneLine(err error) error {
	return errors.New(strings.ReplaceAll(err.Error(), "\n", " "))
}
