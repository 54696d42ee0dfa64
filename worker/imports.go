package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/aidflow/aidflow/internal/imports"
)

// importer runs the files that wait, beside the work on cases: a large one
// keeps nobody waiting but the next file.
type importer struct {
	runner *imports.Runner
	log    *slog.Logger
	swept  time.Time
}

func (i *importer) once(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = i.runner.Once(ctx); err != nil && ctx.Err() == nil {
			i.log.Warn("import", "error", err.Error())
			more = false
		}
	}
	if now := i.runner.Store.Now(); now.Sub(i.swept) > forgetEvery && ctx.Err() == nil {
		i.swept = now
		if err := i.runner.Sweep(ctx); err != nil {
			i.log.Warn("import", "error", err.Error())
		}
	}
}
