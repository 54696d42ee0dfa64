package worker

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"

	"github.com/aidflow/aidflow/rails"
)

// crashes ends the process, as a machine that dies does, at moments that have
// a name: "<activity>.before" and ".after" (its transaction is committed, and
// Temporal does not know), "rail.submit.before" and ".after", "rail.ask.before"
// and ".after". The folder holds one file "<moment>~<any>" for each time that
// the process is to die there; a file is taken away before, so that the next
// process lives on. Test deployments only.
type crashes struct{ folder string }

// at is the moment of this name. It may pass unharmed even where a file waits,
// so that the same moment of different cases is met.
func (c crashes) at(moment string) {
	waiting, _ := filepath.Glob(filepath.Join(c.folder, moment+"~*"))
	if len(waiting) == 0 || rand.IntN(3) > 0 || os.Remove(waiting[0]) != nil { //nolint:gosec // no secret hangs on it
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // nothing runs after it
}

// options gives the interceptors of a worker that dies on demand, nil of one
// that does not.
func (c crashes) interceptors() []interceptor.WorkerInterceptor {
	if c.folder == "" {
		return nil
	}
	return []interceptor.WorkerInterceptor{&crashingWorker{crashes: c}}
}

// rails gives the rails, of which each dies on demand.
func (c crashes) rails(byName map[string]rails.Rail) map[string]rails.Rail {
	if c.folder == "" {
		return byName
	}
	out := map[string]rails.Rail{}
	for name, r := range byName {
		out[name] = crashingRail{r, c}
	}
	return out
}

type crashingWorker struct {
	interceptor.WorkerInterceptorBase
	crashes crashes
}

func (w *crashingWorker) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &crashingActivity{interceptor.ActivityInboundInterceptorBase{Next: next}, w.crashes}
}

type crashingActivity struct {
	interceptor.ActivityInboundInterceptorBase
	crashes crashes
}

func (a *crashingActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	name := activity.GetInfo(ctx).ActivityType.Name
	name = name[strings.LastIndexByte(name, '.')+1:]
	a.crashes.at(name + ".before")
	out, err := a.Next.ExecuteActivity(ctx, in)
	a.crashes.at(name + ".after")
	return out, err
}

type crashingRail struct {
	rails.Rail
	crashes crashes
}

func (r crashingRail) Submit(ctx context.Context, in rails.Instruction) (rails.Status, error) {
	r.crashes.at("rail.submit.before")
	status, err := r.Rail.Submit(ctx, in)
	r.crashes.at("rail.submit.after")
	return status, err
}

func (r crashingRail) Ask(ctx context.Context, key string) (rails.Status, error) {
	r.crashes.at("rail.ask.before")
	status, err := r.Rail.Ask(ctx, key)
	r.crashes.at("rail.ask.after")
	return status, err
}
