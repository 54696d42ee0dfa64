package main

import (
	"go.temporal.io/server/common/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logger writes the server's log to stderr as JSON. While services come up and
// go down they warn about each other's absence and about features that this
// engine does not use; at level warn those lines are left out, errors never.
type logger struct {
	log.Logger
	level  zap.AtomicLevel
	wanted zapcore.Level
}

// newLogger takes a checked --log-level.
func newLogger(level string) (*logger, error) {
	l := &logger{level: zap.NewAtomicLevel()}
	if err := l.wanted.Set(level); err != nil {
		return nil, err
	}
	z, err := zap.Config{
		Level:            l.level,
		Encoding:         "json",
		EncoderConfig:    log.DefaultZapEncoderConfig,
		OutputPaths:      []string{"stderr"},
		ErrorOutputPaths: []string{"stderr"},
		DisableCaller:    true, // the server writes its own
	}.Build()
	if err != nil {
		return nil, err
	}
	l.Logger = log.NewZapLogger(z)
	l.changing()
	return l, nil
}

// changing is for the time of starting and stopping.
func (l *logger) changing() {
	if l.wanted == zapcore.WarnLevel {
		l.level.SetLevel(zapcore.ErrorLevel)
		return
	}
	l.level.SetLevel(l.wanted)
}

// steady is for the time in between.
func (l *logger) steady() { l.level.SetLevel(l.wanted) }
