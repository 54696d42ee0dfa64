package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is where TestMain put the program, with the engine beside it as in
// bin/.
var built struct {
	dir     string
	aidflow string
	work    string // folder of all state folders of this run; its path is short, for sockets
	shared  *stack
	once    sync.Once
}

func TestMain(m *testing.M) {
	// Tests wait for other processes, more than for this one.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e: "+err.Error())
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	// The user of PostgreSQL has to pass through it.
	if err := os.Chmod(dir, 0o711); err != nil {
		return 1, err
	}
	built.work = dir
	if err := build(dir); err != nil {
		return 1, err
	}
	defer stopShared()
	return m.Run(), nil
}

// build makes the program from this clone. The engine takes minutes, so the
// one in bin/ is used; make build keeps it up to date.
func build(dir string) error {
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	built.dir = filepath.Join(dir, "bin")
	built.aidflow = filepath.Join(built.dir, "aidflow")
	cmd := exec.Command("go", "build", "-o", built.aidflow, "./cmd/aidflow")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build ./cmd/aidflow: %w", err)
	}
	engine := filepath.Join(root, "bin", "aidflow-engine")
	if err := provideEngine(root, engine); err != nil {
		return err
	}
	// A hard link or a copy, so that other users can run it too.
	beside := filepath.Join(built.dir, "aidflow-engine")
	if os.Link(engine, beside) == nil {
		return nil
	}
	return copyFile(engine, beside)
}

// provideEngine builds the engine where it is missing, but not in CI: there
// `make build` is a step of its own, and a test that hides its absence would
// hide that the step is gone.
func provideEngine(root, engine string) error {
	if _, err := os.Stat(engine); err == nil {
		return nil
	}
	if os.Getenv("CI") != "" {
		return errors.New("bin/aidflow-engine is missing: make build")
	}
	fmt.Fprintln(os.Stderr, "e2e: building the engine (some minutes the first time)")
	cmd := exec.Command("make", "bin/aidflow-engine")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make build: %w", err)
	}
	return nil
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

// theStack gives the stack that the tests share; it is started by the first
// that asks.
func theStack(t *testing.T) *stack {
	t.Helper()
	built.once.Do(func() { built.shared = startStack(t, stackOptions{dir: filepath.Join(built.work, "shared")}) })
	if built.shared == nil {
		t.Fatal("the shared stack did not start, see the first test")
	}
	return built.shared
}

func stopShared() {
	if built.shared != nil {
		_ = built.shared.stop()
	}
}
