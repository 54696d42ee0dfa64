package workflows

import (
	"context"
	"errors"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/aidflow/aidflow/aid"
)

// Clock asks a workflow for its clock: what time it is for its case, and when
// it will act by itself.
//
// Errors: Conflict workflow_gone; Unknown when Temporal is away.
func (c *Client) Clock(ctx context.Context, workflow string) (Clock, error) {
	var clock Clock
	value, err := c.temporal.QueryWorkflow(ctx, workflow, "", QueryClock)
	if err == nil {
		err = value.Get(&clock)
	}
	return clock, refuse(err)
}

// FastForward lets a duration pass for one workflow, at once. Only servers
// that were started for development and tests can.
//
// Errors: Conflict not_supported, workflow_gone; Unavailable busy when work of
// the workflow did not come to rest in time.
func (c *Client) FastForward(ctx context.Context, workflow, id string, d time.Duration) error {
	execution := &commonpb.WorkflowExecution{WorkflowId: workflow}
	service := c.temporal.WorkflowService()
	_, err := service.UpdateWorkflowExecutionOptions(ctx, &workflowservice.UpdateWorkflowExecutionOptionsRequest{
		Namespace: c.namespace, WorkflowExecution: execution,
		WorkflowExecutionOptions: &workflowpb.WorkflowExecutionOptions{TimeSkippingConfig: &commonpb.TimeSkippingConfig{
			Enabled:           true,
			FastForwardConfig: &commonpb.FastForwardConfig{Id: id, Duration: durationpb.New(d)},
		}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"time_skipping_config"}},
	})
	if err != nil {
		return notSupported(err)
	}
	return c.arrived(ctx, execution, id)
}

// arrived waits until the workflow has come to the time it was sent to.
func (c *Client) arrived(ctx context.Context, execution *commonpb.WorkflowExecution, id string) error {
	for ctx.Err() == nil {
		res, err := c.temporal.WorkflowService().PollWorkflowExecutionTimeSkipping(ctx, &workflowservice.PollWorkflowExecutionTimeSkippingRequest{
			Namespace: c.namespace, WorkflowExecution: execution, FastForwardId: id})
		var gone *serviceerror.NotFound
		switch {
		case errors.As(err, &gone):
			return nil // it ended on the way
		case err != nil:
			return notSupported(err)
		case res.GetFastForwardPollingResult() == enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED:
			return nil
		case res.GetFastForwardPollingResult() == enumspb.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_FAILED:
			return nil // the workflow ended before the time was reached
		}
	}
	return aid.Refuse(aid.Unavailable, "busy")
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
