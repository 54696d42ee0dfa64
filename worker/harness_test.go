package worker_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/programmes"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/simulator"
	"github.com/aidflow/aidflow/workflows"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// process runs the real workflows and the real activities against a real
// database and the real simulator; only Temporal's clock is the test's.
type process struct {
	t       *testing.T
	db      *pgtest.DB
	doing   *activities.Activities
	started []postgres.Workflow // hand-overs, in their order
	now     time.Time
}

func newProcess(t *testing.T) *process {
	t.Helper()
	p := &process{t: t, db: pgtest.New(t)}
	p.now = p.db.Clock.Now()
	bank, err := simulator.Open(simulator.Config{Address: "127.0.0.1:0", Books: filepath.Join(t.TempDir(), "books"), Secret: "0123456789abcdef0123456789abcdef"})
	require.NoError(t, err)
	bank.Start()
	server := httptest.NewServer(bank.Handler())
	t.Cleanup(func() { server.Close(); _ = bank.Close() })
	client, err := simulator.NewClient(simulator.ClientConfig{URL: server.URL, Secret: "0123456789abcdef0123456789abcdef"})
	require.NoError(t, err)
	p.doing = &activities.Activities{Store: p.db.Store, Rails: map[string]rails.Rail{simulator.RailName: client},
		Start: func(_ context.Context, w postgres.Workflow) error { p.started = append(p.started, w); return nil }}
	return p
}

// example gives the complete example request of a programme, in an area.
func example(t *testing.T, code string) postgres.CaseContent {
	t.Helper()
	defs, err := programmes.All()
	require.NoError(t, err)
	for _, def := range defs {
		if def.Code != code {
			continue
		}
		var content postgres.CaseContent
		require.NoError(t, json.Unmarshal(def.ExampleRequest, &content))
		var asked struct {
			Requested struct {
				Amount   int64
				Currency string
			}
		}
		require.NoError(t, json.Unmarshal(def.ExampleRequest, &asked))
		content.RequestedAmount, content.Currency = asked.Requested.Amount, asked.Requested.Currency
		content.Area, content.ExternalID, content.Programme = "51001", "X-"+t.Name(), code
		return content
	}
	t.Fatalf("no programme %s", code)
	return postgres.CaseContent{}
}

func (p *process) submit(content postgres.CaseContent) *postgres.CreatedCase {
	p.t.Helper()
	created, err := p.db.CreateCase(context.Background(), p.db.Partner(p.t, "portal1"), postgres.NewID(aid.CaseID), content, false)
	require.NoError(p.t, err)
	w, err := p.db.Workflow(context.Background(), created.WorkflowID)
	require.NoError(p.t, err)
	p.started = append(p.started, w)
	return created
}

// move is what a person does on a task.
type move struct {
	actor  string
	action aid.Action
	reason string
	note   string
	amount int64
	data   string
}

// people answers, for an open task and the hours since it was opened, who does
// what; nil leaves the task alone for now.
type people func(t postgres.TaskRow, waited time.Duration) *move

// run runs the workflow that was started last until it ends or continues as
// new, while people look at their tasks every hour.
func (p *process) run(who people) error {
	p.t.Helper()
	w := p.started[len(p.started)-1]
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartWorkflowOptions(startOptions(w.ID))
	env.SetStartTime(p.now)
	env.SetTestTimeout(time.Minute)
	env.RegisterActivity(p.doing)
	sync := func() { p.db.Clock.Set(env.Now()) }
	env.SetOnLocalActivityStartedListener(func(*activityInfo, context.Context, []any) { sync() })
	var tick func()
	tick = func() {
		sync()
		p.look(env, w, who)
		env.RegisterDelayedCallback(tick, time.Hour)
	}
	env.RegisterDelayedCallback(tick, time.Hour)
	p.execute(env, w)
	p.now = env.Now()
	require.True(p.t, env.IsWorkflowCompleted(), "workflow %s did not end", w.ID)
	return env.GetWorkflowError()
}

func (p *process) execute(env *testsuite.TestWorkflowEnvironment, w postgres.Workflow) {
	switch w.Kind {
	case postgres.CaseWorkflow:
		var in aid.CaseInput
		require.NoError(p.t, json.Unmarshal(w.Input, &in))
		env.ExecuteWorkflow(workflows.SupportRequest, in)
	case postgres.DisbursementWorkflow:
		var in aid.DisbursementInput
		require.NoError(p.t, json.Unmarshal(w.Input, &in))
		env.ExecuteWorkflow(workflows.Disbursement, in)
	case postgres.FollowUpWorkflow:
		var in aid.FollowUpInput
		require.NoError(p.t, json.Unmarshal(w.Input, &in))
		env.ExecuteWorkflow(workflows.FollowUp, in)
	}
}

// look lets people decide the open tasks of the case, each through the same
// door as the API: an intent, then the update.
func (p *process) look(env *testsuite.TestWorkflowEnvironment, w postgres.Workflow, who people) {
	ctx := context.Background()
	tasks, err := p.db.Tasks(ctx, p.db.Staff(p.t, "manager1"), postgres.TaskFilter{Case: w.CaseID}, postgres.Page{Limit: 50})
	require.NoError(p.t, err)
	for _, t := range tasks {
		m := who(t, p.db.Now().Sub(t.OpenedAt))
		if m == nil {
			continue
		}
		in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: t.ID, Actor: m.actor, Partner: t.Kind == aid.ProvideInformation,
			TaskVersion: t.Version, Action: m.action, Reason: m.reason, Note: m.note, Data: json.RawMessage(m.data)}
		if in.Partner {
			in.Actor = t.PartnerID
		}
		if m.amount > 0 {
			in.Amount = &m.amount
		}
		recorded, err := p.db.RecordIntent(ctx, in)
		require.NoError(p.t, err, "%s by %s", t.Kind, m.actor)
		if recorded.SQLOnly {
			require.NoError(p.t, p.db.ApplyIntent(ctx, recorded.Decision))
			continue
		}
		env.UpdateWorkflow(workflows.UpdateDecide, recorded.Decision.ID, &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { p.t.Errorf("%s by %s refused: %v", t.Kind, m.actor, err) },
			OnComplete: func(_ any, err error) {
				if err != nil {
					p.t.Errorf("%s by %s: %v", t.Kind, m.actor, err)
				}
			},
		}, recorded.Decision)
		return // one decision at a look; the others see the new state
	}
}

// status gives where the case stands, read as the partner would.
func (p *process) status(id string) aid.Status {
	p.t.Helper()
	row, err := p.db.CaseByID(context.Background(), p.db.Partner(p.t, "portal1"), id)
	require.NoError(p.t, err)
	return row.Status
}

func inputOf(t *testing.T, again *workflow.ContinueAsNewError) json.RawMessage {
	t.Helper()
	var in aid.FollowUpInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	raw, err := json.Marshal(in)
	require.NoError(t, err)
	return raw
}
