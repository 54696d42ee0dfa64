package worker_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// early calls then, once, when an activity has done its work in PostgreSQL and
// before the workflow is told.
type early struct {
	interceptor.WorkerInterceptorBase
	after string
	then  func()
	once  sync.Once
}

func (h *early) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &earlyInbound{interceptor.ActivityInboundInterceptorBase{Next: next}, h}
}

type earlyInbound struct {
	interceptor.ActivityInboundInterceptorBase
	h *early
}

func (i *earlyInbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := i.Next.ExecuteActivity(ctx, in)
	if activity.GetInfo(ctx).ActivityType.Name == i.h.after {
		i.h.once.Do(i.h.then)
	}
	return out, err
}

// A person sees a task as soon as it is committed, and may decide it before
// the workflow has been told of it: the decision waits for its turn.
func TestDecisionOnATaskOfWhichNobodyHasTold(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	first := &early{after: "OpenVerification", then: func() {
		rows, err := tn.db.Tasks(t.Context(), tn.manager, postgres.TaskFilter{Case: c}, postgres.Page{Limit: 10})
		require.NoError(t, err)
		for _, row := range rows {
			if row.Kind == aid.VerifyDocuments {
				tn.decide(row, move{actor: "verifier1", action: aid.ActionComplete})
			}
		}
	}}
	tn.prepare = func(env *testsuite.TestWorkflowEnvironment) {
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{first}})
	}
	tn.live(people(willing).never(aid.VerifyDocuments)) // nobody else decides it
	require.Equal(t, aid.Closed, tn.status(c))
	tn.check()
}
