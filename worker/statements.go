package worker

import (
	"context"
	"log/slog"

	"github.com/aidflow/aidflow/internal/postgres"
)

// statements applies what banks have said in files, line by line.
type statements struct {
	store *postgres.Store
	log   *slog.Logger
}

// linesAtOnce is how many lines are read together; each is applied on its own.
const linesAtOnce = 500

// once applies everything that waits.
func (s *statements) once(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := s.store.ApplyStatements(ctx, linesAtOnce)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("sweep", "part", "statements", "error", err.Error())
		}
		if err != nil || n < linesAtOnce {
			return
		}
	}
}
