package worker

import (
	"context"
	"log/slog"

	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/workflows"
)

// outbox sends what transactions have put down for others.
type outbox struct {
	store   *postgres.Store
	process *workflows.Client
	log     *slog.Logger
}

func (o *outbox) dispatch(ctx context.Context) {
	for {
		sent, err := o.store.Dispatch(ctx, 50, func(ctx context.Context, m postgres.Message) error {
			return o.process.Signal(ctx, m.WorkflowID, m.Name)
		})
		if err != nil && ctx.Err() == nil {
			o.log.Warn("outbox", "error", err.Error())
		}
		if sent < 50 {
			return
		}
	}
}
