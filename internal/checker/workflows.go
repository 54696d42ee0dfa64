package checker

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

var workflowLaws = []Law{
	{Code: "case_without_workflow", Says: "The workflow that has an open case runs."},
	{Code: "workflow_without_case", Says: "A workflow that runs was wanted, and has something left to do."},
}

// lookAtWorkflows compares what runs in Temporal with the open cases. The list
// of what runs lags a little behind: what differs is asked about one by one,
// and looked up again in a new snapshot.
func lookAtWorkflows(ctx context.Context, cfg Config, db *database, st *state, out *Report) error {
	if cfg.Temporal == nil {
		out.NotLooked = append(out.NotLooked, "workflows")
		return nil
	}
	running, err := listRunning(ctx, cfg.Temporal)
	if err != nil {
		return fmt.Errorf("Temporal does not answer: %w", err) //nolint:staticcheck // a name
	}
	out.Looked["workflows"] = len(running)
	for workflow, of := range st.workflows {
		if running[workflow] {
			continue
		}
		runs, err := runs(ctx, cfg.Temporal, workflow)
		if err != nil {
			return err
		}
		if still, err := db.tells(ctx, openWorkflows+` AND w.id = $1`, workflow); err != nil {
			return err
		} else if !runs && still {
			out.found("case_without_workflow", of, workflow)
		}
	}
	for workflow := range running {
		if _, ok := st.workflows[workflow]; ok {
			continue
		}
		if err := stray(ctx, cfg, db, workflow, out); err != nil {
			return err
		}
	}
	return nil
}

// listRunning gives the ids of the workflows that run, by Temporal's list.
func listRunning(ctx context.Context, c client.Client) (map[string]bool, error) {
	running := map[string]bool{}
	var page []byte
	for {
		answer, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: `ExecutionStatus = 'Running'`, PageSize: 1000, NextPageToken: page})
		if err != nil {
			return nil, err
		}
		for _, e := range answer.Executions {
			running[e.Execution.WorkflowId] = true
		}
		if page = answer.NextPageToken; len(page) == 0 {
			return running, nil
		}
	}
}

func runs(ctx context.Context, c client.Client, workflow string) (bool, error) {
	d, err := c.DescribeWorkflowExecution(ctx, workflow, "")
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return d.WorkflowExecutionInfo.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

// stray looks at a workflow that runs and has no open case. It may end work
// that is left when a case has ended, and one that was just handed its case is
// not yet in the snapshot.
func stray(ctx context.Context, cfg Config, db *database, workflow string, out *Report) error {
	wanted, err := db.tells(ctx, `SELECT 1 FROM workflows w JOIN cases c ON c.id = w.case_id WHERE w.id = $1
		AND (w.ended_at > now() - make_interval(secs => $2) OR c.updated_at > now() - make_interval(secs => $2)
			OR c.workflow_id = w.id AND c.status NOT IN ('rejected', 'closed', 'withdrawn')
			OR EXISTS (SELECT 1 FROM tasks t WHERE t.workflow_id = w.id AND t.closed_at IS NULL))`, workflow, cfg.Grace.Seconds())
	if err != nil || wanted {
		return err
	}
	runs, err := runs(ctx, cfg.Temporal, workflow)
	if err == nil && runs {
		out.found("workflow_without_case", workflow)
	}
	return err
}

// tells whether a query gives any row in a new snapshot.
func (db *database) tells(ctx context.Context, query string, args ...any) (yes bool, err error) {
	err = db.snapshot(ctx, func(s *snapshot) error {
		return s.one(ctx, `SELECT EXISTS (`+query+`)`, &yes, args...)
	})
	return yes, err
}
