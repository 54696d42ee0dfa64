package workflows_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/workflows"
)

// recorded is one run of a workflow, recorded on the real engine by
// TestRecordHistories of e2e.
type recorded struct {
	name string // tale/workflow
	kind string // name of the workflow function
	of   *historypb.History
}

func recordings(t *testing.T) []recorded {
	t.Helper()
	files, err := filepath.Glob("testdata/histories/*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files, "no recorded histories: nothing is proved")
	var all []recorded
	for _, name := range files {
		file, err := os.Open(name)
		require.NoError(t, err)
		history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
		require.NoError(t, err, name)
		require.NoError(t, file.Close())
		short := strings.TrimSuffix(strings.TrimPrefix(name, "testdata/histories/"), ".json")
		all = append(all, recorded{short, history.Events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowType.Name, history})
	}
	return all
}

// replay runs the workflows of today against a history.
func replay(t *testing.T, h *historypb.History, interceptors ...interceptor.WorkerInterceptor) error {
	t.Helper()
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Interceptors: interceptors})
	require.NoError(t, err)
	r.RegisterWorkflow(workflows.SupportRequest)
	r.RegisterWorkflow(workflows.Disbursement)
	r.RegisterWorkflow(workflows.FollowUp)
	r.RegisterWorkflow(workflows.Recovery)
	return r.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))), h)
}

// Workers of this version can take over every case that runs: each recorded
// history makes today's workflows do what was done then.
func TestReplay(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(t, r.of))
		})
	}
}

// The recordings are worth something only when they go every way: each
// workflow, each programme, and every step that a workflow can ask for.
func TestReplayKnowsEveryWay(t *testing.T) {
	all := recordings(t)
	steps, kinds := map[string]bool{}, map[string]bool{}
	for _, r := range all {
		kinds[r.kind] = true
		for _, name := range stepsOf(t, r.of) {
			steps[name] = true
		}
		last := r.of.Events[len(r.of.Events)-1].EventType
		require.Contains(t, []enumspb.EventType{enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW}, last, r.name)
	}
	require.Equal(t, map[string]bool{"SupportRequest": true, "Disbursement": true, "FollowUp": true, "Recovery": true}, kinds)
	for _, name := range asked(t) {
		require.True(t, steps[name], "no recording has the step %s", name)
	}
	for _, programme := range []string{"housing", "medical", "schooling"} {
		for _, file := range []string{"case", "disbursement", "followup-1"} {
			require.True(t, slices.ContainsFunc(all, func(r recorded) bool { return r.name == programme+"/"+file }), "%s/%s", programme, file)
		}
	}
}

// stepsOf gives the names of the activities that a history has.
func stepsOf(t *testing.T, h *historypb.History) []string {
	t.Helper()
	var names []string
	for _, e := range h.Events {
		if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
			names = append(names, a.ActivityType.Name)
		}
		for _, p := range e.GetMarkerRecordedEventAttributes().GetDetails()["data"].GetPayloads() {
			_, rest, found := strings.Cut(string(p.Data), `"ActivityType":"`)
			if name, _, ok := strings.Cut(rest, `"`); found && ok {
				names = append(names, name)
			}
		}
	}
	require.NotEmpty(t, names)
	return names
}

// mutant changes what workflows do, as a careless change of their code would.
type mutant struct {
	interceptor.WorkerInterceptorBase
	begin func(workflow.Context)   // before anything else; may be nil
	step  func(name string) string // the activity in place of one; "" leaves it out; may be nil
	quiet bool                     // no timer is set
}

func (m *mutant) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &mutantInbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, *m}
}

type mutantInbound struct {
	interceptor.WorkflowInboundInterceptorBase
	mutant
}

func (i *mutantInbound) Init(out interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&mutantOutbound{interceptor.WorkflowOutboundInterceptorBase{Next: out}, i.mutant})
}

func (i *mutantInbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	if i.begin != nil {
		i.begin(ctx)
	}
	return i.Next.ExecuteWorkflow(ctx, in)
}

type mutantOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	mutant
}

func (o *mutantOutbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	if o.step != nil {
		name = o.step(name)
	}
	if name == "" {
		done, settable := workflow.NewFuture(ctx)
		settable.Set(nil, nil)
		return done
	}
	return o.Next.ExecuteLocalActivity(ctx, name, args...)
}

func (o *mutantOutbound) NewTimerWithOptions(ctx workflow.Context, d time.Duration, options workflow.TimerOptions) workflow.Future {
	if o.quiet {
		never, _ := workflow.NewFuture(ctx)
		return never
	}
	return o.Next.NewTimerWithOptions(ctx, d, options)
}

// swapped gives the steps with two of them in each other's place.
func swapped(one, other string) func(string) string {
	return func(name string) string {
		switch name {
		case one:
			return other
		case other:
			return one
		}
		return name
	}
}

// The control: a change that running cases would not survive fails the replay,
// so that a replay which passes says something.
func TestReplayFailsForChangedWorkflows(t *testing.T) {
	tests := []struct {
		name string
		mutant
		histories string // folder of those that it must break, all of the kind when more than one
		file      string
	}{
		{"one more activity", mutant{begin: func(ctx workflow.Context) {
			ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
			_ = workflow.ExecuteActivity(ctx, "Greet").Get(ctx, nil)
		}}, "*", "*"},
		{"one more timer", mutant{begin: func(ctx workflow.Context) { _ = workflow.Sleep(ctx, time.Hour) }}, "*", "*"},
		{"another step at the start", mutant{step: swapped("OpenVerification", "OpenDisbursement")}, "*", "case"},
		{"approval and verification in another order", mutant{step: swapped("DecideVerification", "DecideApproval")}, "housing", "case"},
		{"no hand-over to the disbursement", mutant{step: swapped("HandOver", "")}, "housing", "case"},
		{"the next tranche before the payment's end", mutant{step: swapped("AfterPayment", "ConfirmMilestone")}, "housing", "disbursement"},
		{"visits without their date", mutant{quiet: true}, "*", "followup-*"},
		{"no deadlines", mutant{quiet: true}, "medical_late", "case"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			for _, r := range recordings(t) { // a replay writes into its history
				if ok, err := filepath.Match(tt.histories+"/"+tt.file, r.name); err != nil || !ok {
					continue
				}
				n++
				require.Error(t, replay(t, r.of, &tt.mutant), r.name)
			}
			require.NotZero(t, n, "no history to try it on")
		})
	}
}
