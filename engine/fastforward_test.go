package main

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const day = 24 * time.Hour

// visits waits three times ten days and gives the workflow's time of each; an
// update tells the workflow's time at once.
func visits(ctx workflow.Context) ([]time.Time, error) {
	err := workflow.SetUpdateHandler(ctx, "now", func(ctx workflow.Context) (time.Time, error) {
		return workflow.Now(ctx), nil
	})
	if err != nil {
		return nil, err
	}
	var times []time.Time
	for range 3 {
		if err := workflow.Sleep(ctx, 10*day); err != nil {
			return nil, err
		}
		times = append(times, workflow.Now(ctx))
	}
	return times, nil
}

// startVisits starts a worker and one workflow of visits.
func startVisits(t *testing.T, e *process, id string) (client.Client, client.WorkflowRun) {
	t.Helper()
	c, err := client.Dial(client.Options{
		HostPort: e.ready.Address, Namespace: e.ready.Namespace,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, "visits", worker.Options{})
	w.RegisterWorkflow(visits)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	run, err := c.ExecuteWorkflow(testContext(t), client.StartWorkflowOptions{ID: id, TaskQueue: "visits"}, visits)
	require.NoError(t, err)
	return c, run
}

// forward moves a workflow's clock and returns how that ended.
func forward(ctx context.Context, c client.Client, id, forwardID string, by time.Duration) (enumspb.FastForwardPollingResult, error) {
	svc := c.WorkflowService()
	execution := &commonpb.WorkflowExecution{WorkflowId: id}
	_, err := svc.UpdateWorkflowExecutionOptions(ctx, &workflowservice.UpdateWorkflowExecutionOptionsRequest{
		Namespace: "aidflow", WorkflowExecution: execution,
		WorkflowExecutionOptions: &workflowpb.WorkflowExecutionOptions{TimeSkippingConfig: &commonpb.TimeSkippingConfig{
			Enabled: true, DisablePropagation: true,
			FastForwardConfig: &commonpb.FastForwardConfig{Id: forwardID, Duration: durationpb.New(by)},
		}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"time_skipping_config"}},
	})
	if err != nil {
		return 0, err
	}
	for {
		r, err := svc.PollWorkflowExecutionTimeSkipping(ctx, &workflowservice.PollWorkflowExecutionTimeSkippingRequest{
			Namespace: "aidflow", WorkflowExecution: execution, FastForwardId: forwardID,
		})
		if err != nil || r.FastForwardPollingResult != enumspb.FAST_FORWARD_POLLING_RESULT_POLL_TIMEOUT {
			return r.GetFastForwardPollingResult(), err
		}
	}
}

func TestFastForward(t *testing.T) {
	e := startEngine(t, newDatabase(t).url(), "--time-skipping")
	c, run := startVisits(t, e, "case")
	ctx, started := testContext(t), time.Now()
	now := func() time.Time {
		h, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: "case", UpdateName: "now", WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		require.NoError(t, err)
		var at time.Time
		require.NoError(t, h.Get(ctx, &at))
		return at
	}
	require.WithinDuration(t, started, now(), time.Hour)

	// In steps of a day with an update between them, as a person would decide.
	for i := range 25 {
		result, err := forward(ctx, c, "case", strconv.Itoa(i), day)
		require.NoError(t, err)
		require.Equal(t, enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED, result)
		require.WithinDuration(t, started.Add(time.Duration(i+1)*day), now(), time.Hour)
	}
	// In one leap over the end of the workflow.
	result, err := forward(ctx, c, "case", "last", 25*day)
	require.NoError(t, err)
	require.Equal(t, enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_FAILED, result, "it ended on the way")
	var times []time.Time
	require.NoError(t, run.Get(ctx, &times))
	require.Len(t, times, 3)
	for i, at := range times {
		require.WithinDuration(t, started.Add(time.Duration(i+1)*10*day), at, time.Hour)
	}
	var closed *serviceerror.NotFound
	_, err = forward(ctx, c, "case", "closed", day)
	require.ErrorAs(t, err, &closed)
	e.stop()
}

// Without --time-skipping nobody moves a clock.
func TestFastForwardRefused(t *testing.T) {
	e := startEngine(t, newDatabase(t).url())
	c, _ := startVisits(t, e, "case")
	_, err := forward(testContext(t), c, "case", "one", day)
	var unknown *serviceerror.Unimplemented
	require.ErrorAs(t, err, &unknown)
	e.stop()
}
