package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/aidflow/aidflow/internal/telemetry"
)

func TestLoggerCarriesItsPart(t *testing.T) {
	var b bytes.Buffer
	log := telemetry.NewLogger(&b, "warn", "api").With("k", 1)
	log.Info("too quiet")
	log.Warn("said")
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, b.String())
	}
	if line["part"] != "api" || line["msg"] != "said" || line["k"] != 1.0 {
		t.Fatalf("%v", line)
	}
}

func TestLoggerOfAnUnknownLevel(t *testing.T) {
	var b bytes.Buffer
	log := telemetry.NewLogger(&b, "nonsense", "worker")
	log.Debug("hidden")
	log.Info("shown")
	if !bytes.Contains(b.Bytes(), []byte("shown")) || bytes.Contains(b.Bytes(), []byte("hidden")) {
		t.Fatal(b.String())
	}
	if !log.Enabled(context.Background(), slog.LevelInfo) {
		t.Fatal("an unknown level must mean info")
	}
}

func TestRegistry(t *testing.T) {
	families, err := telemetry.NewRegistry().Gather()
	if err != nil || len(families) < 10 {
		t.Fatalf("%d families, %v", len(families), err)
	}
}
