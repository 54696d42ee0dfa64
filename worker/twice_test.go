package worker_test

import (
	"context"
	"encoding/json"
	"reflect"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/aid"
)

// repeater runs every activity twice, as Temporal may: a machine that dies
// after its work and before its answer leaves it to be done again, and one
// that was thought dead may still be at it.
type repeater struct {
	interceptor.WorkerInterceptorBase
	t      *testing.T
	doing  *activities.Activities
	atOnce bool

	mu    sync.Mutex
	times map[string]int
}

func (r *repeater) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &repeating{interceptor.ActivityInboundInterceptorBase{Next: next}, r}
}

type repeating struct {
	interceptor.ActivityInboundInterceptorBase
	r *repeater
}

func (i *repeating) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	name := activity.GetInfo(ctx).ActivityType.Name
	i.r.mu.Lock()
	i.r.times[name]++
	i.r.mu.Unlock()
	var results [2]any
	var faults [2]error
	var both sync.WaitGroup
	again := func() { results[1], faults[1] = i.r.directly(ctx, name, in.Args) }
	if i.r.atOnce {
		both.Go(again)
	}
	results[0], faults[0] = i.Next.ExecuteActivity(ctx, in)
	if !i.r.atOnce {
		again()
	}
	both.Wait()
	if name == "Pay" { // the second time more may be known
		if faults[1] == nil {
			return results[1], nil
		}
		return results[0], faults[0]
	}
	first, second := i.r.text(results[0]), i.r.text(results[1])
	if first != second || (faults[0] == nil) != (faults[1] == nil) {
		i.r.t.Errorf("%s answers\n%s %v\nand then\n%s %v", name, first, faults[0], second, faults[1])
	}
	return results[0], faults[0]
}

// now is the hour of an answer, which is later when it is given again.
var now = regexp.MustCompile(`"now":"[^"]*",?`)

// directly runs an activity past the test environment, which bears one at a
// time.
func (r *repeater) directly(ctx context.Context, name string, args []any) (any, error) {
	in := []reflect.Value{reflect.ValueOf(ctx)}
	for _, arg := range args {
		in = append(in, reflect.ValueOf(arg))
	}
	out := reflect.ValueOf(r.doing).MethodByName(name).Call(in)
	fault, _ := out[len(out)-1].Interface().(error)
	if len(out) == 1 {
		return nil, fault
	}
	return out[0].Interface(), fault
}

// text gives an answer in a form that can be compared; the test environment
// encodes some itself.
func (r *repeater) text(answer any) string {
	raw, err := json.Marshal(answer)
	if encoded, ok := answer.(*commonpb.Payloads); ok && encoded != nil {
		raw, err = encoded.Payloads[0].Data, nil
	}
	if err != nil {
		r.t.Errorf("an answer that cannot be written down: %v", err)
	}
	return now.ReplaceAllString(string(raw), "")
}

// Every step that is done twice, one after the other or both at once, has one
// effect and one answer.
func TestEveryStepTwice(t *testing.T) {
	ways := []struct {
		name   string
		play   func(*testing.T, *town)
		events map[string]int // how often each of these happened, in all cases
	}{
		{"housing, returned and withdrawn after a payment", func(t *testing.T, tn *town) {
			c := tn.submit(example(t, "housing_new"))
			tn.once("withdraw", func() bool { return tn.events(c, "payment.settled") == 1 && tn.open(c, aid.ConfirmMilestone)() }, func() { tn.withdraw(c) })
			tn.live(people(willing).first(aid.VerifyDocuments, returning("verifier1")).at("province", returningToVerifier("approver4")).
				after(aid.ConfirmMilestone, 100*24*3600e9).first(aid.DecideStalled, notYet("manager1")))
			require.Equal(t, spentOn(22_800_000), tn.fund())
		}, map[string]int{"case.returned": 2, "case.resubmitted": 1, "case.approved": 1, "case.not_started": 1, "payment.instructed": 1, "payment.settled": 1, "case.withdrawn": 1}},
		{"schooling, to its end", func(t *testing.T, tn *town) {
			tn.submit(example(t, "schooling"))
			tn.live(willing)
			require.Equal(t, spentOn(4_000_000), tn.fund())
		}, map[string]int{"case.submitted": 1, "case.verified": 1, "case.approved": 1, "payment.due": 2, "payment.instructed": 2, "payment.settled": 2, "follow_up.due": 1, "follow_up.completed": 1, "case.closed": 1}},
		{"medical, late, paid at the second try", func(t *testing.T, tn *town) {
			c := tn.submit(payable(t, "990010"))
			tn.once("retry", func() bool { return tn.events(c, "payment.failed") == 1 && tn.open(c, aid.PreparePayment)() }, func() { tn.retry(c) })
			tn.live(late(aid.Approve))
			require.Equal(t, spentOn(6_000_000), tn.fund())
		}, map[string]int{"task.reminded": 1, "task.escalated": 1, "payment.failed": 1, "payment.settled": 1, "case.closed": 1}},
		{"medical, resolved by persons", func(t *testing.T, tn *town) {
			tn.patient.asks = 0
			c := tn.submit(payable(t, "990009"))
			tn.once("the end", func() bool { return tn.events(c, "payment.failed") == 1 && tn.open(c, aid.PreparePayment)() }, func() { tn.withdraw(c) })
			tn.live(people(willing).first(aid.ResolvePayment, outcome("treasurer2", "failed"), outcome("manager1", "failed")))
			require.Equal(t, untouched(), tn.fund())
		}, map[string]int{"payment.unknown": 1, "payment.failed": 1, "case.withdrawn": 1}},
		{"medical, waits for money", func(t *testing.T, tn *town) {
			tn.poorFund(5_999_999)
			c := tn.submit(example(t, "medical"))
			tn.once("money", tn.is(c, aid.WaitingFunds), func() { tn.give(1) })
			tn.live(willing)
			require.Equal(t, 6_000_000, tn.fund().spent)
		}, map[string]int{"case.waiting_funds": 1, "case.approved": 1, "payment.settled": 1, "case.closed": 1}},
		{"medical, rejected", func(t *testing.T, tn *town) {
			tn.submit(example(t, "medical"))
			tn.live(people(willing).at("commune", rejecting("approver1")))
			require.Equal(t, untouched(), tn.fund())
		}, map[string]int{"case.rejected": 1}},
	}
	for _, way := range ways {
		for name, atOnce := range map[string]bool{"one after the other": false, "both at once": true} {
			t.Run(way.name+", "+name, func(t *testing.T) {
				t.Parallel()
				tn := newTown(t)
				twice := &repeater{t: t, doing: tn.doing, atOnce: atOnce, times: map[string]int{}}
				tn.prepare = func(env *testsuite.TestWorkflowEnvironment) {
					env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{twice}})
				}
				way.play(t, tn)
				require.NotZero(t, twice.times["OpenVerification"], "nothing was done twice")
				for kind, n := range way.events {
					require.Equal(t, n, tn.number(`SELECT count(*) FROM events WHERE kind = $1`, kind), kind)
				}
				tn.check()
			})
		}
	}
}
