package workflows

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/aidflow/aidflow/aid"
)

// arrival is how far past a deadline a clock is moved, so that its timer, which
// was started a moment later than the deadline was computed, has rung.
const arrival = time.Second

// Advance lets a duration pass for the workflows of one case, from the instant
// now of the case's clock, going from deadline to deadline: raise moves the
// case's clock by each part, then every workflow follows. Only servers that
// were started for development and tests can.
//
// Errors: Conflict not_supported; Unavailable busy when work of a workflow,
// such as a payment on its way, does not come to rest; those of raise.
func (c *Client) Advance(ctx context.Context, workflows []string, now time.Time, d time.Duration, raise func(context.Context, time.Duration) error) error {
	for until := now.Add(d); now.Before(until); {
		step, err := c.untilDeadline(ctx, workflows, now, until.Sub(now))
		if err != nil {
			return err
		}
		if err := raise(ctx, step); err != nil {
			return err
		}
		for _, id := range workflows {
			if err := c.fastForward(ctx, id, step); err != nil {
				return err
			}
		}
		now = now.Add(step)
	}
	return nil
}

// untilDeadline gives the time to the next deadline of any of the workflows,
// at most d.
func (c *Client) untilDeadline(ctx context.Context, workflows []string, now time.Time, d time.Duration) (time.Duration, error) {
	for _, id := range workflows {
		clock, err := c.clock(ctx, id)
		if err != nil && aid.CodeOf(err) != "workflow_gone" {
			return 0, err
		}
		if clock.WakeAt != nil && clock.WakeAt.After(now) {
			d = min(d, clock.WakeAt.Sub(now)+arrival)
		}
	}
	return d, nil
}

func (c *Client) clock(ctx context.Context, workflow string) (Clock, error) {
	var clock Clock
	value, err := c.temporal.QueryWorkflow(ctx, workflow, "", QueryClock)
	if err == nil {
		err = value.Get(&clock)
	}
	return clock, refuse(err)
}

// fastForward lets a duration pass for one workflow, at once; one that has
// ended needs no time.
func (c *Client) fastForward(ctx context.Context, workflow string, d time.Duration) error {
	id := uuid.NewString() // the server does not know a repeat: each is new
	err := c.skipTime(ctx, workflow, &commonpb.TimeSkippingConfig{Enabled: true, DisablePropagation: true,
		FastForwardConfig: &commonpb.FastForwardConfig{Id: id, Duration: durationpb.New(d)}})
	if aid.CodeOf(err) == "workflow_gone" {
		return nil
	}
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := c.temporal.WorkflowService().PollWorkflowExecutionTimeSkipping(waiting, &workflowservice.PollWorkflowExecutionTimeSkippingRequest{
		Namespace: c.namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: workflow}, FastForwardId: id})
	switch {
	case aid.CodeOf(notSupported(err)) == "workflow_gone":
		return nil
	case res.GetFastForwardPollingResult() == enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED,
		res.GetFastForwardPollingResult() == enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_FAILED: // it ended on the way
		return nil
	}
	// Whatever holds it up, the workflow must not jump when that goes away.
	if err := c.skipTime(ctx, workflow, &commonpb.TimeSkippingConfig{}); err != nil {
		return err
	}
	return aid.Refuse(aid.Unavailable, "busy")
}

func (c *Client) skipTime(ctx context.Context, workflow string, config *commonpb.TimeSkippingConfig) error {
	_, err := c.temporal.WorkflowService().UpdateWorkflowExecutionOptions(ctx, &workflowservice.UpdateWorkflowExecutionOptionsRequest{
		Namespace: c.namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: workflow},
		WorkflowExecutionOptions: &workflowpb.WorkflowExecutionOptions{TimeSkippingConfig: config},
		UpdateMask:               &fieldmaskpb.FieldMask{Paths: []string{"time_skipping_config"}},
	})
	return notSupported(err)
}

func notSupported(err error) error {
	var bad *serviceerror.InvalidArgument
	var unknown *serviceerror.Unimplemented
	var refused *serviceerror.FailedPrecondition
	if errors.As(err, &bad) || errors.As(err, &unknown) || errors.As(err, &refused) {
		return aid.Refuse(aid.Conflict, "not_supported")
	}
	return refuse(err)
}

// Hint tells a disbursement that its rail has something to say: an activity
// that waits to ask again asks now. It leaves no event in the history, and
// nothing happens when no activity waits.
func (c *Client) Hint(ctx context.Context, workflow string) error {
	_, err := c.temporal.WorkflowService().ResetActivity(ctx, &workflowservice.ResetActivityRequest{
		Namespace: c.namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: workflow},
		Activity: &workflowservice.ResetActivityRequest_Type{Type: "Pay"}, Identity: "aidflow-api",
	})
	if aid.KindOf(refuse(err)) == aid.Conflict {
		return nil
	}
	return refuse(err)
}
