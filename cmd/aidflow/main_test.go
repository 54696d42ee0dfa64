package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// aidflow runs the program with arguments and gives what it printed.
func aidflow(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	return out.String(), err
}

func TestConfigPrint(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://app:hunter2@127.0.0.1/aidflow")
	out, err := aidflow(t, "config", "print", "--addr", "127.0.0.1:1")
	if err != nil || strings.Contains(out, "hunter2") || !strings.Contains(out, "flag --addr") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("AIDFLOW_MODE", "prod")
	if _, err := aidflow(t, "config", "print"); err == nil || err.Error() != "AIDFLOW_MODE: must be test or live" {
		t.Fatalf("got %v", err)
	}
}

func TestTokenOfAStackThatNeverRan(t *testing.T) {
	out, err := aidflow(t, "token", "verifier1", "--data-dir", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "make run") || out != "" {
		t.Fatalf("%v %q", err, out)
	}
}

func TestDoctorNamesWhatMends(t *testing.T) {
	t.Setenv("AIDFLOW_LOG_LEVEL", "loud")
	out, err := aidflow(t, "doctor", "--data-dir", t.TempDir())
	if err == nil {
		t.Fatal("nothing found") // no engine stands beside a test binary
	}
	for _, want := range []string{"✗ Temporal: the program aidflow-engine is missing: make build", "✗ configuration: AIDFLOW_LOG_LEVEL: ", "development stack: does not run"} {
		if !strings.Contains(out, want) {
			t.Errorf("not said: %s\n%s", want, out)
		}
	}
}

func TestUnknownCommand(t *testing.T) {
	if _, err := aidflow(t, "fly"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatalf("got %v", err)
	}
}

// A script must not take the help of a group for success.
func TestAGroupNeedsASubcommand(t *testing.T) {
	for want, args := range map[string][]string{
		`aidflow rules: unknown subcommand "simulat"; there are diff, `: {"rules", "simulat", "my.yaml"},
		"aidflow rules: a subcommand is missing; there are diff, ":      {"rules"},
		"aidflow config: a subcommand is missing; there are print":      {"config"},
		`aidflow import: unknown subcommand "people"; there are `:       {"import", "people"},
	} {
		if out, err := aidflow(t, args...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if out, err := aidflow(t, "rules", "--help"); err != nil || !strings.Contains(out, "simulate") {
		t.Errorf("help: %v\n%s", err, out)
	}
}
