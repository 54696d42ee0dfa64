package worker

import (
	"context"
	"log/slog"

	"github.com/aidflow/aidflow/internal/notify"
)

// teller tells people, beside the work on cases: a mail server that is slow
// keeps no case waiting.
type teller struct {
	notifier *notify.Notifier
	log      *slog.Logger
}

func (t *teller) once(ctx context.Context) {
	if err := t.notifier.Once(ctx); err != nil && ctx.Err() == nil {
		t.log.Warn("notifications", "error", err.Error())
	}
}
