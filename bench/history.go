package main

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/proto"
)

// history prints the events and bytes of one case of each path, over all its
// workflows and runs.
func (r *rig) history(ctx context.Context) error {
	fmt.Println("## history of one case")
	for _, code := range []string{"medical", "housing_new"} {
		id, err := r.wholeCase(ctx, code, r.people)
		if err != nil {
			return err
		}
		r.people++
		ids, err := r.workflowsOf(ctx, id)
		if err != nil {
			return err
		}
		events, bytes := 0, 0
		for _, workflow := range ids {
			e, b, err := r.size(ctx, workflow)
			if err != nil {
				return err
			}
			events, bytes = events+e, bytes+b
		}
		fmt.Printf("%-12s %4d events  %7d bytes\n", code, events, bytes)
	}
	fmt.Println()
	return nil
}

func (r *rig) workflowsOf(ctx context.Context, caseID string) ([]string, error) {
	var ids []string
	return ids, r.plain.SelectContext(ctx, &ids, `SELECT id FROM workflows WHERE case_id = $1 ORDER BY wanted_at`, caseID)
}

// size sums up a workflow's runs, following continue-as-new backwards from the
// last one; events that only a test's skipping of time writes are left out.
func (r *rig) size(ctx context.Context, workflow string) (events, bytes int, err error) {
	for run := ""; ; {
		iter := r.temporal.GetWorkflowHistory(ctx, workflow, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		previous := ""
		for iter.HasNext() {
			e, err := iter.Next()
			if err != nil {
				return 0, 0, err
			}
			if started := e.GetWorkflowExecutionStartedEventAttributes(); started != nil {
				previous = started.ContinuedExecutionRunId
			}
			events, bytes = events+1, bytes+proto.Size(e)
		}
		if previous == "" {
			return events, bytes, nil
		}
		run = previous
	}
}
