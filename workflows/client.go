package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/aidflow/aidflow/aid"
)

// Queue is the task queue of all workflows and activities of cases.
const Queue = "aidflow"

// Client is the way into the process: it starts workflows and brings people's
// decisions to them. It never authorises anything; that is PostgreSQL's.
type Client struct {
	temporal  client.Client
	namespace string
	wait      time.Duration // how long a caller waits for an update
}

// NewClient makes the way in over a connection to Temporal and its namespace.
// A caller waits at most wait for a decision to be committed; zero means five
// seconds.
func NewClient(c client.Client, namespace string, wait time.Duration) *Client {
	if wait == 0 {
		wait = 5 * time.Second
	}
	return &Client{temporal: c, namespace: namespace, wait: wait}
}

// Start starts the workflow of an id. A workflow that runs, or has run and
// ended, is left alone: a closed id never starts again.
//
// Errors: Unavailable process_away; Invalid unknown_workflow_kind.
func (c *Client) Start(ctx context.Context, id, kind string, input json.RawMessage) error {
	fn, in, err := decode(kind, input)
	if err != nil {
		return err
	}
	_, err = c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: Queue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, fn, in)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if err == nil || errors.As(err, &started) {
		return nil
	}
	return refuse(err)
}

// decode gives the workflow of a kind and its input.
func decode(kind string, raw json.RawMessage) (fn, in any, err error) {
	switch kind {
	case "case":
		in, err = decodeAs[aid.CaseInput](raw)
		return SupportRequest, in, err
	case "disbursement":
		in, err = decodeAs[aid.DisbursementInput](raw)
		return Disbursement, in, err
	case "followup":
		in, err = decodeAs[aid.FollowUpInput](raw)
		return FollowUp, in, err
	case "recovery":
		in, err = decodeAs[aid.RecoveryInput](raw)
		return Recovery, in, err
	}
	return nil, nil, aid.Refuse(aid.Invalid, "unknown_workflow_kind")
}

func decodeAs[T any](raw json.RawMessage) (T, error) {
	var in T
	if json.Unmarshal(raw, &in) != nil {
		return in, aid.Refuse(aid.Invalid, "unknown_workflow_input")
	}
	return in, nil
}

// Decide brings a decision to its workflow and waits until it is committed.
// The update carries the decision's id, so that it may be sent again.
//
// Errors: the refusal, by kind and code; Conflict workflow_gone when the
// workflow has ended or has not begun; Unavailable too_many_in_flight; Unknown
// decision_pending when the answer did not come in time or Temporal is away:
// the intent stands and will be applied.
func (c *Client) Decide(ctx context.Context, workflow string, d aid.Decision) (Result, error) {
	return c.update(ctx, workflow, UpdateDecide, d.ID, d)
}

// Withdraw brings a partner's withdrawal to the case's workflow. Errors as
// Decide.
func (c *Client) Withdraw(ctx context.Context, workflow string, w aid.Withdrawal) (Result, error) {
	return c.update(ctx, workflow, UpdateWithdraw, w.ID, w)
}

// Retry brings a treasurer's wish to pay a failed payment anew. Errors as
// Decide.
func (c *Client) Retry(ctx context.Context, workflow string, r aid.Retry) (Result, error) {
	return c.update(ctx, workflow, UpdateRetry, r.ID, r)
}

// MoveVersion brings a manager's wish to move a returned case to another
// version of its programme to the case's workflow. Errors as Decide.
func (c *Client) MoveVersion(ctx context.Context, workflow string, m aid.VersionMove) (Result, error) {
	return c.update(ctx, workflow, UpdateVersion, m.ID, m)
}

func (c *Client) update(ctx context.Context, workflow, name, id string, in any) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	var out Result
	handle, err := c.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: workflow, UpdateID: id, UpdateName: name,
		Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted})
	if err == nil {
		err = handle.Get(ctx, &out)
	}
	return out, refuse(err)
}

// refuse translates what Temporal says into the words of the house.
func refuse(err error) error {
	var said *temporal.ApplicationError
	var gone *serviceerror.NotFound
	var full *serviceerror.ResourceExhausted
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said) && ours(said):
		return aid.Refuse(aid.Kind(said.Type()), said.Message())
	case said != nil: // the SDK's own: this workflow knows no such update
		return aid.Refuse(aid.Conflict, "wrong_state")
	case errors.As(err, &gone):
		return aid.Refuse(aid.Conflict, "workflow_gone")
	case errors.As(err, &full):
		return aid.Refuse(aid.Unavailable, "too_many_in_flight")
	}
	e := aid.Refuse(aid.Unknown, "decision_pending")
	e.Cause = err
	return e
}

// ours tells a refusal of a workflow of ours from one of the SDK, which names
// no kind of the house.
func ours(e *temporal.ApplicationError) bool {
	switch aid.Kind(e.Type()) {
	case aid.Invalid, aid.NotFound, aid.Forbidden, aid.Conflict, aid.Stale, aid.Unavailable, aid.Unknown, aid.Unauthorized:
		return true
	}
	return false
}

// Signal brings a machine's message to a workflow; one that has ended needs it
// no more.
//
// Errors: Unknown when Temporal is away: send it again.
func (c *Client) Signal(ctx context.Context, workflow, name string) error {
	err := c.temporal.SignalWorkflow(ctx, workflow, "", name, nil)
	if aid.CodeOf(refuse(err)) == "workflow_gone" {
		return nil
	}
	return refuse(err)
}

// Health tells whether Temporal answers.
//
// Errors: Unavailable process_away.
func (c *Client) Health(ctx context.Context) error {
	if _, err := c.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return aid.Refuse(aid.Unavailable, "process_away")
	}
	return nil
}
