package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// The test binary plays the programs that a stack runs: the real ones need
// half the project. PostgreSQL, processes, signals and ports are real.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(play(os.Args[1]))
	}
	os.Exit(m.Run())
}

func play(part string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if name, ok := os.LookupEnv("TEST_FAILS"); ok && name == part {
		fmt.Fprintln(os.Stderr, "aidflow: "+part+" cannot do that")
		return 1
	}
	switch part {
	case "supervisor":
		if err := Run(ctx, optionsFor(os.Args[2])); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	case "api":
		server := &http.Server{Addr: os.Getenv("AIDFLOW_ADDR"), Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
		go func() { fmt.Fprintln(os.Stderr, server.ListenAndServe()) }()
	case "worker", "simulator", "mail-sink", "--database":
	default:
		return 2
	}
	fmt.Println(`noise before {"ready":false}`)
	fmt.Println(`{"ready":true,"ui":"http://127.0.0.1:1"}`)
	<-ctx.Done()
	return 0
}

// optionsFor is a stack of this binary. As an engine it is called with flags
// only, so the first flag names the part.
func optionsFor(dir string) Options {
	return Options{
		Dir: dir, Executable: os.Args[0], Engine: os.Args[0], Out: io.Discard,
		Environ:   slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "AIDFLOW_") }),
		ReadyFile: filepath.Join(dir, "ready.json"),
		Prepare: func(_ context.Context, t Targets) (map[string]string, error) {
			return map[string]string{"portal1": "aid_test_1"}, os.WriteFile(t.KeyFile, []byte("{}"), 0o600)
		},
	}
}

// stateDir gives a folder that the user of PostgreSQL can enter.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "aidflow-stack-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, ".aidflow")
}

// run starts a stack in this process and gives its state and a way to stop it.
func run(t *testing.T, o Options) (State, func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	stop := func() error { cancel(); err := <-ended; ended <- err; return err }
	t.Cleanup(func() { _ = stop() })
	s := await(t, "the stack is ready", func() (State, bool) {
		select {
		case err := <-ended:
			t.Fatalf("ended: %v", err)
		default:
		}
		s, err := ReadState(o.Dir)
		return s, err == nil
	})
	return s, stop
}

// await repeats a question until the answer is yes; the test's own limit ends
// it otherwise.
func await[T any](t *testing.T, what string, ask func() (T, bool)) T {
	t.Helper()
	for range 3000 {
		if v, ok := ask(); ok {
			return v
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("waited in vain: " + what)
	panic("unreachable")
}

func awaitDead(t *testing.T, pids map[string]int) {
	t.Helper()
	for name, pid := range pids {
		await(t, name+" has ended", func() (bool, bool) { return true, !cluster.Alive(pid) })
	}
}

func readJSON(t *testing.T, path string) map[string]any {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
