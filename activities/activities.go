// Package activities is the doing: what a workflow wants done in the world.
// Each activity is idempotent and short; one transition is one SQL
// transaction, recorded under its workflow and its cause, so that running it
// twice, or twice at once, has one effect and one answer. Others retry.
package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/registers"
)

// Starter starts a workflow whose row PostgreSQL holds, by its id; it is no
// error when the workflow has been started before.
type Starter func(ctx context.Context, workflow postgres.Workflow) error

// Activities holds what the doing needs: the memory, the rails by name, the
// way to start the next workflow, and for how long one try of a payment waits
// for the end of what its rail has just accepted: many rails settle within a
// second. Zero means not at all.
type Activities struct {
	Store     *postgres.Store
	Rails     map[string]rails.Rail
	Registers map[string]registers.Register // external ones, by the name that programmes use
	Start     Starter
	Patience  time.Duration
}

// step makes one transition and translates its error for Temporal: a fault of
// the moment is retried, a refusal has already become an outcome, and anything
// else is a defect that retrying would not mend at once but a repaired worker
// will: it is retried too, by policy, and never given up.
func (a *Activities) step(ctx context.Context, s aid.Step, name string, fn func(*postgres.Tx, *postgres.Case) (aid.Outcome, error)) (aid.Outcome, error) {
	out, err := a.Store.Step(ctx, s, name, fn)
	return out, retryDecision(err)
}

// retryDecision is the one door from aid.Error to Temporal: refusals are not
// retried, everything else is. The message carries kind and code only.
func retryDecision(err error) error {
	var e *aid.Error
	if !errors.As(err, &e) {
		if err != nil {
			return temporal.NewApplicationError("fault", "fault")
		}
		return nil
	}
	switch e.Kind {
	case aid.Unavailable, aid.Unknown:
		return temporal.NewApplicationError(e.Code, string(e.Kind))
	default:
		return temporal.NewNonRetryableApplicationError(e.Code, string(e.Kind), nil)
	}
}
