// Package worker is the engine room: it runs the workflows and activities of
// cases, sends what the outbox holds, and sweeps up what a machine that died
// has left half handed over.
package worker

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/means"
	"github.com/aidflow/aidflow/internal/archive"
	"github.com/aidflow/aidflow/internal/imports"
	"github.com/aidflow/aidflow/internal/notify"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/registers"
	"github.com/aidflow/aidflow/workflows"
)

// Config is what a worker needs.
type Config struct {
	Store     *postgres.Store
	Temporal  client.Client
	Namespace string
	Rails     map[string]rails.Rail
	Registers map[string]registers.Register // external ones, by the name that programmes use
	Rules     *means.Rules                  // by which imported households are judged; nil runs no imports
	Files     *archive.Archive              // uploaded files; nil looks after none
	Notifier  *notify.Notifier              // tells people; nil tells nobody
	Log       *slog.Logger
	Ready     func() error  // called once it works; may be nil
	Every     time.Duration // between two looks of outbox and sweep; 0 means one second
	CrashAt   string        // folder of moments at which the process ends itself, for tests; "": none
}

// Run works until the context ends, then lets running activities finish for
// at most 25 seconds.
func Run(ctx context.Context, c Config) error {
	if c.Every == 0 {
		c.Every = time.Second
	}
	dies := crashes{c.CrashAt}
	c.Rails = dies.rails(c.Rails)
	process := workflows.NewClient(c.Temporal, c.Namespace, 0)
	w := worker.New(c.Temporal, workflows.Queue, worker.Options{WorkerStopTimeout: 25 * time.Second, Interceptors: dies.interceptors()})
	Register(w, c, process)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	if c.Ready != nil {
		if err := c.Ready(); err != nil {
			return err
		}
	}
	var rooms errgroup.Group
	rooms.Go(func() error { every(ctx, c.Every, (&outbox{c.Store, process, c.Log}).dispatch); return nil })
	rooms.Go(func() error {
		every(ctx, c.Every, (&sweep{store: c.Store, process: process, log: c.Log}).once)
		return nil
	})
	batches := NewBatches(c.Store, func(ctx context.Context, workflow string, d aid.Decision) error {
		_, err := process.Decide(ctx, workflow, d)
		return err
	}, c.Log, batchPause)
	for range batchesAtOnce {
		rooms.Go(func() error { every(ctx, c.Every, batches.Once); return nil })
	}
	if c.Files != nil { // apart from the sweep: an image takes seconds
		rooms.Go(func() error {
			every(ctx, max(c.Every, 5*time.Second), func(ctx context.Context) {
				if err := c.Files.Sweep(ctx); err != nil && ctx.Err() == nil {
					c.Log.Warn("sweep", "part", "files", "error", err.Error())
				}
			})
			return nil
		})
	}
	rooms.Go(func() error { every(ctx, c.Every, (&statements{store: c.Store, log: c.Log}).once); return nil })
	if c.Notifier != nil {
		rooms.Go(func() error { every(ctx, c.Every, (&teller{notifier: c.Notifier, log: c.Log}).once); return nil })
	}
	if c.Rules != nil {
		runner := &imports.Runner{Store: c.Store, Rules: c.Rules, Log: c.Log}
		rooms.Go(func() error { every(ctx, c.Every, (&importer{runner: runner, log: c.Log}).once); return nil })
	}
	return rooms.Wait()
}

// patience is how long one try of a payment waits for what its rail has just
// accepted. A hint of the rail that comes meanwhile wakes nobody.
const patience = postgres.HintAfter - 500*time.Millisecond

// Register tells a Temporal worker what it can do.
func Register(w worker.Registry, c Config, process *workflows.Client) {
	w.RegisterWorkflow(workflows.SupportRequest)
	w.RegisterWorkflow(workflows.Disbursement)
	w.RegisterWorkflow(workflows.FollowUp)
	w.RegisterWorkflow(workflows.Recovery)
	w.RegisterActivity(&activities.Activities{Store: c.Store, Rails: c.Rails, Registers: c.Registers, Patience: patience,
		Start: func(ctx context.Context, wf postgres.Workflow) error {
			return process.Start(ctx, wf.ID, wf.Kind, wf.Input)
		}})
}

// every calls fn now and then until the context ends.
func every(ctx context.Context, pause time.Duration, fn func(context.Context)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		fn(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
