package worker_test

import (
	"context"
	"errors"
	"sync"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// What goes wrong with an activity.
const (
	nothingWrong = iota
	doneAgain    // after its COMMIT its machine dies: it is run again
	answerLost   // PostgreSQL commits, and the answer never comes
	commitLost   // PostgreSQL never hears of the COMMIT
	commitsLost  // first the one, then the other
	waysToCrash  = iota
)

// crasher breaks activities. What they do is done once all the same, and what
// they answer is the same each time.
type crasher struct {
	interceptor.WorkerInterceptorBase
	wire  *pgtest.Cutter
	again repeater
	mu    sync.Mutex
	way   int
}

func (c *crasher) set(way int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.way = way
}

func (c *crasher) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &crashing{interceptor.ActivityInboundInterceptorBase{Next: next}, c}
}

type crashing struct {
	interceptor.ActivityInboundInterceptorBase
	c *crasher
}

func (i *crashing) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	i.c.mu.Lock()
	way := i.c.way
	i.c.mu.Unlock()
	if way == nothingWrong {
		return i.Next.ExecuteActivity(ctx, in)
	}
	name := activity.GetInfo(ctx).ActivityType.Name
	i.c.wire.Arm(map[int][]int{answerLost: {pgtest.CutAnswer}, commitLost: {pgtest.CutCommit}, commitsLost: {pgtest.CutCommit, pgtest.CutAnswer}}[way]...)
	before, err := i.c.again.directly(ctx, name, in.Args)
	var refused *temporal.ApplicationError
	for err != nil && (!errors.As(err, &refused) || !refused.NonRetryable()) {
		before, err = i.c.again.directly(ctx, name, in.Args) // as Temporal does
	}
	i.c.wire.Disarm()
	after, fault := i.Next.ExecuteActivity(ctx, in)
	if one, other := i.c.again.text(before), i.c.again.text(after); one != other || (err == nil) != (fault == nil) {
		i.c.again.t.Errorf("%s answers\n%s %v\nand then\n%s %v", name, one, err, other, fault)
	}
	return after, fault
}
