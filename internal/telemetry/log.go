// Package telemetry makes the logger and the metrics registry that the parts
// of the program share. Only ids, codes and amounts may be logged.
package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger writes JSON lines of at least level ("debug", "info", "warn",
// "error"; anything else means info) to w. Every line names the part of the
// program.
func NewLogger(w io.Writer, level, part string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})).With("part", part)
}
