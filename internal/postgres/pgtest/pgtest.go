// Package pgtest gives every test its own PostgreSQL database: a clone of a
// template that is migrated, and seeded with the development data, once per
// test process. Tests run in parallel.
//
// The server is a private one of the test process, from the binaries of the
// machine, or the one of AIDFLOW_TEST_DATABASE_URL, whose role may create
// databases and roles. Where there is none a test is skipped; in CI (CI is
// set) it fails, because a skipped test proves nothing.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/stack/cluster"
	"github.com/aidflow/aidflow/internal/vault"
	"github.com/aidflow/aidflow/programmes"
)

// DB is the database of one test. Its Store works with the program's own role,
// which cannot rewrite history.
type DB struct {
	*postgres.Store
	URL      string // with the program's role
	OwnerURL string // with the role that owns the tables
	Vault    *vault.Vault
	Keys     map[string]string // keys of portal1 and portal2
	Clock    *Clock            // the wall clock of Store

	once sync.Once
	conn *sql.DB
}

// New gives a database with the development data.
func New(t testing.TB) *DB {
	t.Helper()
	return clone(t, templateOf(t).seeded)
}

// Empty gives a database that is migrated and holds nothing.
func Empty(t testing.TB) *DB {
	t.Helper()
	return clone(t, templateOf(t).empty)
}

// Main runs the tests and then ends the private server; without it the server
// ends with the process and its files are removed by the next run. Use:
// func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.made != nil {
		shared.made.close()
	}
	return code
}

// Owner gives a store with the role that owns the tables.
func (db *DB) Owner(t testing.TB) *postgres.Store {
	t.Helper()
	return open(t, db.OwnerURL, db.Vault, db.Clock)
}

// Partner gives the caller of a partner of the development data.
func (db *DB) Partner(t testing.TB, code string) *postgres.Caller {
	t.Helper()
	caller, err := db.PartnerByKey(context.Background(), db.Keys[code])
	if err != nil {
		t.Fatalf("partner %s: %v", code, err)
	}
	return caller
}

// Staff gives the caller of a member of the development staff.
func (db *DB) Staff(t testing.TB, subject string) *postgres.Caller {
	t.Helper()
	caller, err := db.StaffBySubject(context.Background(), subject)
	if err != nil {
		t.Fatalf("staff %s: %v", subject, err)
	}
	return caller
}

// SQL gives plain connections with the owner's role, for looking at rows and
// for breaking things.
func (db *DB) SQL(t testing.TB) *sql.DB {
	t.Helper()
	db.once.Do(func() {
		conn, err := sql.Open("postgres", db.OwnerURL)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetMaxOpenConns(4)
		t.Cleanup(func() { _ = conn.Close() })
		db.conn = conn
	})
	return db.conn
}

// Clock is a wall clock that starts on a Monday at 09:00 in Vietnam, runs, and
// can be moved.
type Clock struct {
	mu      sync.Mutex
	base    time.Time
	started time.Time
}

func newClock() *Clock {
	return &Clock{base: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC), started: time.Now()}
}

// Now gives the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(time.Since(c.started))
}

// Set moves the clock to an instant, from which it runs on.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.started = at, time.Now()
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = c.base.Add(d)
}

// template is a server with the databases that tests are cloned from.
type template struct {
	server string // URL of the maintenance database
	empty  string
	seeded string
	vault  *vault.Vault
	keys   map[string]string
	stop   func()
	next   atomic.Int64
}

// errNoServer says that this machine runs no PostgreSQL for tests.
var errNoServer = errors.New("no server")

var shared struct {
	once sync.Once
	made *template
	err  error
}

func templateOf(t testing.TB) *template {
	t.Helper()
	shared.once.Do(func() { shared.made, shared.err = makeTemplate(context.Background()) })
	if shared.err != nil {
		// A schema that cannot be made is a fault, and no reason to skip: only
		// where there is no server at all may a test be left out, and not in CI.
		if os.Getenv("CI") != "" || !errors.Is(shared.err, errNoServer) {
			t.Fatalf("no database for tests: %v", shared.err)
		}
		t.Skipf("no PostgreSQL for tests: %v", shared.err)
	}
	return shared.made
}

func makeTemplate(ctx context.Context) (*template, error) {
	server, stop, err := startServer(ctx)
	if err != nil {
		return nil, errors.Join(errNoServer, err)
	}
	v, err := vault.Ephemeral()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("aidflow_test_%d_%d", os.Getpid(), time.Now().UnixNano()%1_000_000)
	made := &template{server: server, empty: name + "_empty", seeded: name + "_seeded", vault: v, stop: stop}
	if err := made.exec(`CREATE DATABASE ` + made.empty); err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, withDatabase(server, made.empty)); err != nil {
		return nil, err
	}
	if err := made.exec(`CREATE DATABASE ` + made.seeded + ` TEMPLATE ` + made.empty); err != nil {
		return nil, err
	}
	return made, made.seed(ctx)
}

func startServer(ctx context.Context) (server string, stop func(), err error) {
	if given := os.Getenv("AIDFLOW_TEST_DATABASE_URL"); given != "" {
		return given, func() {}, nil
	}
	c, err := cluster.Temporary(ctx, cluster.Options{})
	if err != nil {
		return "", nil, err
	}
	return c.URL("postgres"), func() { _ = c.Stop() }, nil
}

func (m *template) seed(ctx context.Context) error {
	definitions, err := programmes.All()
	if err != nil {
		return err
	}
	calendars, err := programmes.Calendars()
	if err != nil {
		return err
	}
	// What is seeded lies before anything that a test does: the clocks of tests
	// all start at the same instant.
	seeding := newClock()
	seeding.Advance(-24 * time.Hour)
	store, err := postgres.Open(ctx, withDatabase(m.server, m.seeded), m.vault, seeding.Now)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if m.keys, err = store.SeedDevelopment(ctx, definitions, calendars); err != nil {
		return err
	}
	rules, err := programmes.Means()
	if err != nil {
		return err
	}
	return store.SeedRegister(ctx, definitions, rules[programmes.MeansVN])
}

func (m *template) close() {
	_ = m.exec(`DROP DATABASE IF EXISTS ` + m.seeded + ` WITH (FORCE)`)
	_ = m.exec(`DROP DATABASE IF EXISTS ` + m.empty + ` WITH (FORCE)`)
	m.stop()
}

func (m *template) exec(statement string) error {
	db, err := sql.Open("postgres", m.server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.Exec(statement)
	return err
}

func clone(t testing.TB, from string) *DB {
	t.Helper()
	m := shared.made
	name := fmt.Sprintf("%s_%d", from, m.next.Add(1))
	if err := m.exec(`CREATE DATABASE ` + name + ` TEMPLATE ` + from); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.exec(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`) })
	owner := withDatabase(m.server, name)
	db := &DB{OwnerURL: owner, URL: asApp(owner), Vault: m.vault, Keys: m.keys, Clock: newClock()}
	db.Store = open(t, db.URL, m.vault, db.Clock)
	return db
}

func open(t testing.TB, at string, v *vault.Vault, clock *Clock) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(context.Background(), at, v, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + name
	return u.String()
}

// asApp gives the URL with which the same login works as the program's role.
func asApp(owner string) string {
	u, err := url.Parse(owner)
	if err != nil {
		return owner
	}
	q := u.Query()
	q.Set("options", "-c role=aidflow_app")
	u.RawQuery = q.Encode()
	return u.String()
}
