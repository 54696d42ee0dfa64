package activities_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/programmes"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/simulator"
	"github.com/aidflow/aidflow/registers"
	"github.com/aidflow/aidflow/registers/httpregister"
	registersim "github.com/aidflow/aidflow/registers/simulator"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// world is a real database and a real simulated bank in which one case is
// taken along by calling the activities themselves. Its clock stands still
// unless a story moves it, so that two worlds with the same story are equal to
// the microsecond.
type world struct {
	t     *testing.T
	db    *pgtest.DB
	conn  *sql.DB         // with the owner's role, for looking
	store *postgres.Store // straight to the database: what people do
	doing *activities.Activities
	bank  *simulator.Client
	wire  *pgtest.Cutter // between the activities and the database
	clock *stillClock
	run   runner
	trace *trace     // nil when nothing is to be compared
	mu    sync.Mutex // of a crowd's answers

	seeded  map[string]bool // rows that were there in the beginning
	partner *postgres.Caller
	caseID  string
	last    aid.Outcome
	levels  []aid.Level
	seq     map[string]int
	cases   int // so far
}

// stillClock is a wall clock that only stories move.
type stillClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *stillClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *stillClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newWorld(t *testing.T, run runner, told *trace) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), run: run, trace: told, seq: map[string]int{},
		clock: &stillClock{at: time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)}}
	w.conn, w.partner = w.db.SQL(t), w.db.Partner(t, "portal1")
	w.store = w.open(w.db.URL)
	w.wire = pgtest.NewCutter(t, w.db.URL)
	w.bank = newBank(t)
	w.doing = &activities.Activities{Store: w.open(w.wire.URL), Rails: map[string]rails.Rail{simulator.RailName: w.bank},
		Registers: map[string]registers.Register{"population": newRegister(t)},
		Start:     func(context.Context, postgres.Workflow) error { return nil }}
	seeded := map[string]bool{}
	for _, row := range w.rows() {
		seeded[row] = true
	}
	w.seeded = seeded
	return w
}

func (w *world) open(url string) *postgres.Store {
	w.t.Helper()
	store, err := postgres.Open(context.Background(), url, w.db.Vault, w.clock.now)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = store.Close() })
	return store
}

func newBank(t *testing.T) *simulator.Client {
	t.Helper()
	const secret = "0123456789abcdef0123456789abcdef"
	bank, err := simulator.Open(simulator.Config{Books: filepath.Join(t.TempDir(), "books"), Secret: secret, SettleAfter: time.Millisecond})
	require.NoError(t, err)
	bank.Start()
	server := httptest.NewServer(bank.Handler())
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); _ = bank.Close() })
	client, err := simulator.NewClient(simulator.ClientConfig{URL: server.URL, Secret: secret, Timeout: 500 * time.Millisecond})
	require.NoError(t, err)
	return client
}

// newRegister gives a register of others that knows the first household.
func newRegister(t *testing.T) registers.Register {
	t.Helper()
	p := postgres.DevelopmentHousehold(0)[0]
	raw, err := json.Marshal(map[string]string{"national_id": p.NationalID, "full_name": p.FullName, "birth_date": p.BirthDate})
	require.NoError(t, err)
	people := filepath.Join(t.TempDir(), "people")
	require.NoError(t, os.WriteFile(people, raw, 0o600))
	register, err := registersim.Open(registersim.Config{People: people})
	require.NoError(t, err)
	server := httptest.NewServer(register.Handler())
	t.Cleanup(func() { register.Close(); server.CloseClientConnections(); server.Close() })
	client, err := httpregister.New(httpregister.Config{URL: server.URL})
	require.NoError(t, err)
	return client
}

// submit brings in the example request of a programme, for the next household
// of the register, paid to an account.
func (w *world) submit(programme, account string) {
	w.t.Helper()
	defs, err := programmes.All()
	require.NoError(w.t, err)
	var content postgres.CaseContent
	var asked struct {
		Requested struct {
			Amount   int64  `json:"amount"`
			Currency string `json:"currency"`
		} `json:"requested"`
	}
	for _, def := range defs {
		if def.Code == programme {
			require.NoError(w.t, json.Unmarshal(def.ExampleRequest, &content))
			require.NoError(w.t, json.Unmarshal(def.ExampleRequest, &asked))
		}
	}
	content.Area, content.RequestedAmount, content.Currency = "51001", asked.Requested.Amount, asked.Requested.Currency
	content.Payee.AccountNumber = account
	p := postgres.DevelopmentHousehold(w.cases)[0]
	content.Applicant = postgres.Applicant{FullName: p.FullName, NationalID: p.NationalID, BirthDate: p.BirthDate, Sex: p.Sex}
	content.Household = postgres.Household{Code: p.HouseholdCode}
	w.cases++
	c, err := w.store.CreateCase(context.Background(), w.partner, postgres.NewID(aid.CaseID), content, false)
	require.NoError(w.t, err)
	w.caseID = c.ID
}

// text and number look into the database.
func (w *world) text(query string, args ...any) string {
	w.t.Helper()
	var out string
	require.NoError(w.t, w.conn.QueryRow(query, args...).Scan(&out))
	return out
}
