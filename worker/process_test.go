package worker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

type activityInfo = activity.Info

func startOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: "aidflow"}
}

// willing people do at once what their role is for.
func willing(t postgres.TaskRow, _ time.Duration) *move {
	switch t.Kind {
	case aid.VerifyDocuments, aid.FieldVisit:
		return &move{actor: "verifier1", action: aid.ActionComplete}
	case aid.Approve:
		return &move{actor: approver(t), action: aid.ActionApprove}
	case aid.ConfirmMilestone:
		return &move{actor: "verifier1", action: aid.ActionConfirm}
	case aid.PreparePayment:
		return &move{actor: "treasurer1", action: aid.ActionConfirm}
	case aid.ReleasePayment:
		return &move{actor: "releaser1", action: aid.ActionApprove}
	case aid.FollowUpVisit:
		return &move{actor: "verifier2", action: aid.ActionComplete}
	}
	return nil
}

func approver(t postgres.TaskRow) string {
	if t.Level == "commune" {
		return "approver1"
	}
	if t.Version == 1 {
		return "approver2"
	}
	return "approver4"
}

// runAll runs every workflow of a case, one after the other.
func (p *process) runAll(who people) {
	p.t.Helper()
	for done := 0; done < len(p.started); {
		done = len(p.started)
		err := p.run(who)
		var again *workflow.ContinueAsNewError
		for errors.As(err, &again) {
			p.started[len(p.started)-1].Input = inputOf(p.t, again)
			err = p.run(who)
		}
		require.NoError(p.t, err)
	}
}

func TestEveryProgrammeToClosedDoor(t *testing.T) {
	for _, code := range []string{"housing_new", "medical", "schooling"} {
		t.Run(code, func(t *testing.T) {
			p := newProcess(t)
			c := p.submit(example(t, code))
			p.runAll(willing)
			require.Equal(t, aid.Closed, p.status(c.ID))
		})
	}
}
