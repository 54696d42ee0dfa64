package postgres

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema of the database at url to the newest version. The
// url's role owns the tables; it may create roles, or the role aidflow_app
// exists. Two that migrate at once wait for each other; migrating an
// up-to-date database does nothing.
//
// Errors: Unavailable database_away; else the failing migration.
func Migrate(ctx context.Context, url string) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return translate(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.PingContext(ctx); err != nil {
		return translate(err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// SchemaVersion gives the version of the newest migration that the database
// has.
func (s *Store) SchemaVersion(ctx context.Context) (int64, error) {
	var version int64
	err := s.get(ctx, &version, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`)
	return version, err
}

// NewestSchema gives the version to which Migrate goes.
func NewestSchema() int64 {
	entries, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0
	}
	var newest int64
	for _, name := range entries {
		if v, err := goose.NumericComponent(name); err == nil {
			newest = max(newest, v)
		}
	}
	return newest
}
