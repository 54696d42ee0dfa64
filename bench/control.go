package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// The control makes the same workflows, updates, timers and activities as a
// case of a programme, with empty bodies: what the engine alone costs.

const (
	controlWorker = "control-worker"
	controlQueue  = "bench-control"
)

// shape is what a case of a programme does, as the engine sees it.
type shape struct {
	Name      string
	Checks    int // local activities at the start
	Decisions int // updates of verification and approval
	Tranches  []int
	Visits    int
}

// shapes of the two paths: Tranches holds the updates before each payment
// (milestone and release, or release alone).
func shapes() map[string]shape {
	return map[string]shape{
		"housing_new": {Name: "housing_new", Checks: 4, Decisions: 5, Tranches: []int{2, 2, 2}, Visits: 3},
		"medical":     {Name: "medical", Checks: 4, Decisions: 3, Tranches: []int{1}, Visits: 1},
	}
}

// controlInput goes from one control workflow to the next.
type controlInput struct {
	Shape shape
	Visit int
	ID    string
}

// controlCase stands for SupportRequest.
func controlCase(ctx workflow.Context, in controlInput) error {
	done, err := counted(ctx, in.Shape.Decisions)
	if err != nil {
		return err
	}
	for range in.Shape.Checks + 1 {
		empty(ctx)
	}
	timer(ctx, 72*time.Hour)
	if err := workflow.Await(ctx, func() bool { return *done >= in.Shape.Decisions }); err != nil {
		return err
	}
	return start(ctx, "controlDisbursement", "d/"+in.ID, in)
}

// controlDisbursement stands for Disbursement.
func controlDisbursement(ctx workflow.Context, in controlInput) error {
	all := 0
	for _, updates := range in.Shape.Tranches {
		all += updates
	}
	done, err := counted(ctx, all)
	if err != nil {
		return err
	}
	empty(ctx)
	timer(ctx, 72*time.Hour)
	wanted := 0
	for _, updates := range in.Shape.Tranches {
		wanted += updates
		if err := workflow.Await(ctx, func() bool { return *done >= wanted }); err != nil {
			return err
		}
		remote := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		if err := workflow.ExecuteActivity(remote, "Empty").Get(ctx, nil); err != nil {
			return err
		}
		empty(ctx)
	}
	return start(ctx, "controlFollowUp", "f/"+in.ID, in)
}

// controlFollowUp stands for FollowUp.
func controlFollowUp(ctx workflow.Context, in controlInput) error {
	done, err := counted(ctx, 1)
	if err != nil {
		return err
	}
	if in.Visit == 0 {
		empty(ctx)
	}
	_ = workflow.NewTimer(ctx, time.Second).Get(ctx, nil)
	empty(ctx)
	timer(ctx, 72*time.Hour)
	if err := workflow.Await(ctx, func() bool { return *done >= 1 }); err != nil {
		return err
	}
	if in.Visit++; in.Visit < in.Shape.Visits {
		return workflow.NewContinueAsNewError(ctx, controlFollowUp, in)
	}
	return nil
}

// counted answers as many updates as the run waits for, each by one empty
// local activity; what comes later is for the next run.
func counted(ctx workflow.Context, wanted int) (*int, error) {
	done, begun := 0, 0
	return &done, workflow.SetUpdateHandlerWithOptions(ctx, "decide", func(ctx workflow.Context, _ aid.Decision) (string, error) {
		begun++
		empty(ctx)
		done++
		return "ok", nil
	}, workflow.UpdateHandlerOptions{Validator: func(aid.Decision) error {
		if begun >= wanted {
			return errors.New("later")
		}
		return nil
	}})
}

func timer(ctx workflow.Context, d time.Duration) { _ = workflow.NewTimer(ctx, d) }

func local(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{}})
}

func empty(ctx workflow.Context) {
	_ = workflow.ExecuteLocalActivity(local(ctx), "Empty").Get(ctx, nil)
}

func start(ctx workflow.Context, name, id string, in controlInput) error {
	return workflow.ExecuteLocalActivity(local(ctx), "StartControl", name, id, in).Get(ctx, nil)
}

// controlActivities are the empty bodies.
type controlActivities struct{ temporal client.Client }

// Empty does nothing.
func (controlActivities) Empty(context.Context) error { return nil }

// StartControl starts the next control workflow.
func (a controlActivities) StartControl(ctx context.Context, name, id string, in controlInput) error {
	_, err := a.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: controlQueue}, name, in)
	return err
}

// runControlWorker is the control's worker, in a process of its own as the
// real one is.
func runControlWorker(ctx context.Context) error {
	c, err := client.Dial(client.Options{HostPort: os.Args[2], Namespace: namespace, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	w := worker.New(c, controlQueue, worker.Options{})
	for name, fn := range map[string]any{"controlCase": controlCase, "controlDisbursement": controlDisbursement, "controlFollowUp": controlFollowUp} {
		w.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
	}
	w.RegisterActivity(&controlActivities{c})
	if err := w.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	w.Stop()
	return nil
}
