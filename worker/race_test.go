package worker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// hasty is a treasurer who asks for a new payment in the very moment in which
// the failure of the old one is known, before the workflow has heard of it.
type hasty struct {
	interceptor.WorkerInterceptorBase
	tn    *town
	times int
}

func (h *hasty) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &hastily{interceptor.ActivityInboundInterceptorBase{Next: next}, h}
}

type hastily struct {
	interceptor.ActivityInboundInterceptorBase
	h *hasty
}

func (i *hastily) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	out, err := i.Next.ExecuteActivity(ctx, in)
	if info.ActivityType.Name != "Pay" {
		return out, err
	}
	for _, failed := range i.h.tn.texts(`SELECT p.id || ' ' || p.case_id FROM payments p JOIN tranches t ON t.id = p.tranche_id WHERE p.state = 'failed'
		AND t.state = 'due' AND NOT EXISTS (SELECT 1 FROM payments n WHERE n.retry_of = p.id)`) {
		payment, caseID, _ := strings.Cut(failed, " ")
		i.h.times++
		id := postgres.NewID(aid.DecisionID)
		told, err := i.h.tn.doing.RetryPayment(ctx, aid.RetryRequest{Step: aid.Step{Workflow: info.WorkflowExecution.ID, Cause: id, Seq: 1000 + i.h.times, Case: caseID},
			Retry: aid.Retry{ID: id, Payment: payment, Actor: "treasurer1"}})
		if err != nil || told.Refused != "" {
			i.h.tn.t.Errorf("the retry: %v %s", err, told.Refused)
		}
	}
	return out, err
}

// A payment that is tried again at once is paid like any other: the tranche is
// not taken for paid, and the next one waits for its turn.
func TestRetryBeforeTheWorkflowHasHeard(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	treasurer := &hasty{tn: tn}
	tn.prepare = func(env *testsuite.TestWorkflowEnvironment) {
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{treasurer}})
	}
	request := example(t, "housing_new")
	request.Payee.AccountNumber = "0051990010" // the first payment of each tranche is refused
	c := tn.submit(request)
	tn.live(willing)
	require.Equal(t, 3, treasurer.times)
	require.Equal(t, []string{"1 failed", "1 settled", "2 failed", "2 settled", "3 failed", "3 settled"}, tn.texts(`SELECT t.n || ' ' || p.state
		FROM payments p JOIN tranches t ON t.id = p.tranche_id ORDER BY p.created_at, p.n`), "one tranche after the other")
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, spentOn(57_000_000), tn.fund())
	tn.check()
}
