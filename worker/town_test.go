package worker_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/checker"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/simulator"
	"github.com/aidflow/aidflow/workflows"
)

func TestMain(m *testing.M) {
	if encoded := os.Getenv(registerVariable); encoded != "" {
		os.Exit(beRegister(encoded))
	}
	os.Exit(pgtest.Main(m))
}

// town is a small world: a real database, the real simulated bank, the real
// workflows and activities, and people who look at their tasks. Only Temporal
// is its test environment: every workflow has its own, and all live on one
// clock, hour by hour and one at a time, so that a run is the same every time.
type town struct {
	t       *testing.T
	db      *pgtest.DB
	bank    *simulator.Client
	books   *checker.Rail // the bank's own books, as the second opinion reads them
	patient *patientRail
	doing   *activities.Activities
	log     io.Writer                                // what the workflows' environment logs; nil: nothing
	hears   func(any)                                // what goes to activities and into updates; may be nil
	prepare func(*testsuite.TestWorkflowEnvironment) // of every workflow that starts; may be nil
	now     time.Time
	manager *postgres.Caller
	conn    *sql.DB // with the owner's role, for looking

	mu      sync.Mutex          // of the two below
	wanted  []postgres.Workflow // to be started in the next hour
	began   map[string]bool     // ids of workflows that were ever wanted
	running []*resident
	hooks   []*hook
	later   []func() // at the end of the present look
	cases   []string
	fundAt  string // code of the fund that pays
	answers []*answer
	idle    int // hours without a decision
}

func newTown(t *testing.T) *town {
	t.Helper()
	tn := &town{t: t, db: pgtest.New(t), fundAt: postgres.DevelopmentFund, began: map[string]bool{}}
	tn.now, tn.manager, tn.conn = tn.db.Clock.Now(), tn.db.Staff(t, "manager1"), tn.db.SQL(t)
	const secret = "0123456789abcdef0123456789abcdef"
	bank, err := simulator.Open(simulator.Config{Books: filepath.Join(t.TempDir(), "books"), Secret: secret, SettleAfter: time.Millisecond})
	require.NoError(t, err)
	bank.Start()
	server := httptest.NewServer(bank.Handler())
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); _ = bank.Close() })
	tn.books = &checker.Rail{Name: simulator.RailName, URL: server.URL + "/v1/books", Secret: secret}
	tn.bank, err = simulator.NewClient(simulator.ClientConfig{URL: server.URL, Secret: secret, Timeout: 500 * time.Millisecond})
	require.NoError(t, err)
	tn.patient = &patientRail{Rail: tn.bank, asks: 100}
	tn.doing = &activities.Activities{Store: tn.db.Store, Rails: map[string]rails.Rail{simulator.RailName: tn.patient},
		Start: tn.want}
	t.Cleanup(tn.close)
	return tn
}

// want starts a workflow in the next hour. Like Temporal it knows an id that has
// been started before.
func (tn *town) want(_ context.Context, w postgres.Workflow) error {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	if !tn.began[w.ID] {
		tn.began[w.ID] = true
		tn.wanted = append(tn.wanted, w)
	}
	return nil
}

// patientRail asks the bank again for a moment while a payment is on its way.
// The bank settles in real time, and a test environment tries an activity ten
// times only.
type patientRail struct {
	rails.Rail
	asks int
	hold func() bool // the bank's answer is kept back while this holds; may be nil
}

func (p *patientRail) Ask(ctx context.Context, key string) (rails.Status, error) {
	for p.hold != nil && p.hold() {
		time.Sleep(2 * time.Millisecond)
	}
	status, err := p.Rail.Ask(ctx, key)
	for range p.asks {
		if err != nil || status.State != rails.Accepted {
			break
		}
		time.Sleep(2 * time.Millisecond)
		status, err = p.Rail.Ask(ctx, key)
	}
	return status, err
}

// resident is one running workflow.
type resident struct {
	row   postgres.Workflow
	env   *testsuite.TestWorkflowEnvironment
	until chan time.Time // how far it may live
	rests chan struct{}  // it has come there, or has ended
	over  bool
	err   error
}

// hook is something that a test does once its time has come.
type hook struct {
	name string
	try  func() bool
	done bool
}

// once calls do in the first hour in which ready holds. It is a fault when
// that never happens.
func (tn *town) once(name string, ready func() bool, do func()) {
	tn.hooks = append(tn.hooks, &hook{name: name, try: func() bool {
		if !ready() {
			return false
		}
		do()
		return true
	}})
}

// live lets time pass until every workflow has ended.
func (tn *town) live(who people) {
	tn.t.Helper()
	tn.liveUntil(who, func() bool { return len(tn.running) == 0 && len(tn.wanted) == 0 })
	for _, h := range tn.hooks {
		require.True(tn.t, h.done, "it never came to: %s", h.name)
	}
}

// liveUntil lets time pass until done holds.
func (tn *town) liveUntil(who people, done func() bool) {
	tn.t.Helper()
	end := tn.now.AddDate(3, 0, 0)
	for tn.pass(tn.pace()); !done(); tn.pass(tn.pace()) {
		require.True(tn.t, tn.now.Before(end), "three years have passed")
		tn.look(who)
	}
}

// pace is how long to the next look: an hour while people work, longer when
// nothing is to be done.
func (tn *town) pace() time.Duration {
	switch {
	case len(tn.wanted) > 0:
		return 0
	case tn.openTasks() == 0 && tn.idle > 1:
		return 24 * time.Hour
	case tn.idle > 30:
		return 6 * time.Hour
	}
	return time.Hour
}

func (tn *town) openTasks() int {
	return tn.number(`SELECT count(*) FROM tasks WHERE closed_at IS NULL`)
}

// pass lets everybody live for d, one after the other.
func (tn *town) pass(d time.Duration) {
	tn.now = tn.now.Add(d)
	for i := 0; i < len(tn.running); i++ {
		if r := tn.running[i]; !r.over { // one may have ended as soon as it began
			r.until <- tn.now
			<-r.rests
		}
	}
	tn.bury()
	for len(tn.wanted) > 0 {
		next := tn.wanted[0]
		tn.wanted = tn.wanted[1:]
		tn.start(next)
	}
	tn.db.Clock.Set(tn.now)
	tn.idle++
	tn.judge()
}

// bury removes the workflows that have ended and goes on with those that
// continue as new.
func (tn *town) bury() {
	var left []*resident
	for _, r := range tn.running {
		if !r.over {
			left = append(left, r)
			continue
		}
		var again *workflow.ContinueAsNewError
		if errors.As(r.err, &again) {
			r.row.Input = inputOf(tn.t, again)
			tn.wanted = append(tn.wanted, r.row)
			continue
		}
		require.NoError(tn.t, r.err, r.row.ID)
	}
	tn.running = left
}

func (tn *town) start(row postgres.Workflow) {
	var suite testsuite.WorkflowTestSuite
	out := tn.log
	if out == nil {
		out = io.Discard
	}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewJSONHandler(out, nil))))
	r := &resident{row: row, env: suite.NewTestWorkflowEnvironment(), until: make(chan time.Time), rests: make(chan struct{})}
	r.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: row.ID, TaskQueue: workflows.Queue})
	r.env.SetStartTime(tn.now)
	r.env.SetTestTimeout(5 * time.Minute)
	r.env.RegisterActivity(tn.doing)
	sync := func() { tn.db.Clock.Set(r.env.Now()) }
	r.env.SetOnLocalActivityStartedListener(func(_ *activity.Info, _ context.Context, args []any) { sync(); tn.overhear(args) })
	r.env.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) { sync() })
	r.env.RegisterDelayedCallback(r.rest, time.Minute)
	if tn.prepare != nil {
		tn.prepare(r.env)
	}
	tn.running = append(tn.running, r)
	go r.run()
	<-r.rests
}

func (tn *town) overhear(said any) {
	if tn.hears != nil {
		tn.hears(said)
	}
}

func (r *resident) run() {
	defer func() { r.over = true; close(r.rests) }()
	var in any
	fn := any(workflows.SupportRequest)
	switch r.row.Kind {
	case postgres.CaseWorkflow:
		in = new(aid.CaseInput)
	case postgres.DisbursementWorkflow:
		fn, in = workflows.Disbursement, new(aid.DisbursementInput)
	case postgres.FollowUpWorkflow:
		fn, in = workflows.FollowUp, new(aid.FollowUpInput)
	case postgres.RecoveryWorkflow:
		fn, in = workflows.Recovery, new(aid.RecoveryInput)
	}
	if r.err = json.Unmarshal(r.row.Input, in); r.err == nil {
		r.env.ExecuteWorkflow(fn, reflect.ValueOf(in).Elem().Interface())
		r.err = r.env.GetWorkflowError()
	}
}

// rest stops the workflow's clock until everybody else has come as far.
func (r *resident) rest() {
	r.rests <- struct{}{}
	until, more := <-r.until
	if !more {
		runtime.Goexit()
	}
	r.env.RegisterDelayedCallback(r.rest, max(until.Sub(r.env.Now()), time.Millisecond))
}

func (tn *town) close() {
	for _, r := range tn.running {
		if !r.over {
			close(r.until)
		}
	}
}

// workflow gives the running workflow of an id, or nil.
func (tn *town) workflow(id string) *resident {
	for _, r := range tn.running {
		if r.row.ID == id && !r.over {
			return r
		}
	}
	return nil
}

func inputOf(t *testing.T, again *workflow.ContinueAsNewError) json.RawMessage {
	t.Helper()
	var in aid.FollowUpInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	raw, err := json.Marshal(in)
	require.NoError(t, err)
	return raw
}
