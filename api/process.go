package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/workflows"
)

// Process is the way to the workflows, as workflows.Client has it: the calls
// that the door makes. Tests stand in for it where the engine's answers
// matter.
type Process interface {
	Start(ctx context.Context, id, kind string, input json.RawMessage) error
	Decide(ctx context.Context, workflow string, d aid.Decision) (workflows.Result, error)
	Withdraw(ctx context.Context, workflow string, w aid.Withdrawal) (workflows.Result, error)
	Retry(ctx context.Context, workflow string, r aid.Retry) (workflows.Result, error)
	MoveVersion(ctx context.Context, workflow string, m aid.VersionMove) (workflows.Result, error)
	Hint(ctx context.Context, workflow string) error
	Advance(ctx context.Context, workflows []string, now time.Time, d time.Duration, raise func(context.Context, time.Duration) error) error
	Health(ctx context.Context) error
}
