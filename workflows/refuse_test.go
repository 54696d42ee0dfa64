package workflows_test

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/workflows"
)

// refuser is a connection to Temporal whose updates end with an error.
type refuser struct {
	client.Client
	err error
}

func (r refuser) UpdateWorkflow(context.Context, client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	return nil, r.err
}

// A refusal of a workflow keeps its kind and code; what the SDK itself refuses
// (a follow-up knows no withdrawal and no retry) is a state that does not
// allow it, never a fault of ours.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		kind aid.Kind
		code string
	}{
		"of a workflow":         {temporal.NewNonRetryableApplicationError("stale", "stale", nil), aid.Stale, "stale"},
		"of the SDK":            {temporal.NewApplicationError("unknown update withdraw. KnownUpdates=[decide]", ""), aid.Conflict, "wrong_state"},
		"of the SDK, with type": {temporal.NewApplicationError("unknown update", "BadUpdate"), aid.Conflict, "wrong_state"},
		"no answer":             {errors.New("away"), aid.Unknown, "decision_pending"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := workflows.NewClient(refuser{err: tt.err}, "test", 0).Withdraw(context.Background(), "followup/1/1", aid.Withdrawal{ID: "withdraw/1/1"})
			if aid.KindOf(err) != tt.kind || aid.CodeOf(err) != tt.code {
				t.Errorf("%v", err)
			}
		})
	}
}
