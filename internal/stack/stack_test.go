package stack

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// safeBuffer collects what a stack prints.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func exec1(t *testing.T, dsn, q string) (string, error) {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var v sql.NullString
	if err := db.QueryRow(q).Scan(&v); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	return v.String, nil
}

func mustExec1(t *testing.T, dsn, q string) string {
	t.Helper()
	v, err := exec1(t, dsn, q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return v
}

func TestTheStackFromStartToStart(t *testing.T) {
	o := optionsFor(stateDir(t))
	out := &safeBuffer{}
	o.Out = out
	s, stop := run(t, o)

	t.Run("the ready file is the contract's", func(t *testing.T) {
		ready := readJSON(t, o.ReadyFile)
		for _, name := range []string{"api", "ui", "temporal", "database", "keys", "issuer", "simulator", "mail"} {
			if ready[name] == nil || ready[name] == "" {
				t.Errorf("%s is missing", name)
			}
		}
		for _, name := range []string{"pids", "environment", "app_database"} {
			if ready[name] != nil {
				t.Errorf("%s does not belong there", name)
			}
		}
		if keys, ok := ready["keys"].(map[string]any); !ok || keys["portal1"] != "aid_test_1" {
			t.Errorf("keys: %v", ready["keys"])
		}
	})
	t.Run("secrets are private", func(t *testing.T) {
		for _, name := range []string{stateFile, pidFile, issuerKeyFile} {
			if st, err := os.Stat(filepath.Join(o.Dir, name)); err != nil || st.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("the program's role is not the owner", func(t *testing.T) {
		mustExec1(t, s.Database, "CREATE TABLE kept AS SELECT 42 AS n")
		if got := mustExec1(t, s.AppDatabase, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user"); got != "false" {
			t.Error("a superuser")
		}
		if _, err := exec1(t, s.AppDatabase, "SELECT n FROM kept"); err == nil {
			t.Error("reads what nobody granted")
		}
	})
	t.Run("a second start says so in one line", func(t *testing.T) {
		err := Run(context.Background(), o)
		var running *RunningError
		if !errors.As(err, &running) || running.API != s.API || running.PID != os.Getpid() || strings.Contains(err.Error(), "\n") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("each part comes back after a kill", func(t *testing.T) {
		for name, pid := range s.PIDs {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			await(t, name+" is back", func() (bool, bool) {
				now, err := ReadState(o.Dir)
				said := name
				if name == "postgres" {
					said = "PostgreSQL"
				}
				return true, err == nil && now.PIDs[name] != pid && strings.Contains(out.String(), said+" is back")
			})
		}
		if got := mustExec1(t, s.Database, "SELECT n FROM kept"); got != "42" {
			t.Fatalf("got %q", got)
		}
	})

	now, err := ReadState(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	awaitDead(t, now.PIDs)
	if _, err := os.Stat(o.ReadyFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the ready file stays: %v", err)
	}
	if _, err := ReadState(o.Dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("the state says that it runs: %v", err)
	}

	again, _ := run(t, o)
	if again.Issuer != s.Issuer {
		t.Errorf("issuer %s was %s", again.Issuer, s.Issuer)
	}
	if got := mustExec1(t, again.Database, "SELECT n FROM kept"); got != "42" {
		t.Errorf("data lost: %q", got)
	}
}

func TestKilledSupervisorIsFollowedByAnother(t *testing.T) {
	o := optionsFor(stateDir(t))
	supervisor := exec.Command(os.Args[0], "supervisor", o.Dir)
	if err := supervisor.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = supervisor.Process.Kill() })
	first := await(t, "the first stack is ready", func() (State, bool) {
		s, err := ReadState(o.Dir)
		return s, err == nil
	})
	mustExec1(t, first.Database, "CREATE TABLE kept AS SELECT 7 AS n")
	if err := supervisor.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = supervisor.Wait()
	second, _ := run(t, o)
	awaitDead(t, first.PIDs)
	if got := mustExec1(t, second.Database, "SELECT n FROM kept"); got != "7" {
		t.Fatalf("got %q", got)
	}
}

func TestBusyPortsAreReplacedAndAFixedOneIsNot(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := busy.Addr().(*net.TCPAddr).Port
	stack := &Stack{list: &checklist{out: io.Discard}}
	defer stack.letGo()
	if got, err := stack.reserve(port); err != nil || got == busy.Addr().String() {
		t.Fatalf("%s %v", got, err)
	}
	o := optionsFor(stateDir(t))
	o.Addr = busy.Addr().String()
	if err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "AIDFLOW_ADDR") {
		t.Fatalf("got %v", err)
	}
}

func TestAPartThatCannotStart(t *testing.T) {
	dir := stateDir(t) // one cluster for all: making it takes longest
	for _, part := range []string{"simulator", "worker", "api"} {
		t.Run(part, func(t *testing.T) {
			o := optionsFor(dir)
			o.Environ = append(o.Environ, "TEST_FAILS="+part)
			err := Run(context.Background(), o)
			if err == nil || !strings.HasPrefix(err.Error(), part+": aidflow: "+part+" cannot do that (log: ") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v", err)
			}
			if _, err := os.Stat(o.ReadyFile); !errors.Is(err, fs.ErrNotExist) {
				t.Fatal("it says that it is ready")
			}
			if locked(o.Dir) {
				t.Fatal("still locked")
			}
		})
	}
}

func TestMissingEngine(t *testing.T) {
	o := optionsFor(stateDir(t))
	o.Engine = filepath.Join(o.Dir, "nothing")
	if err := Run(context.Background(), o); err == nil || !strings.HasSuffix(err.Error(), ": make build") {
		t.Fatalf("got %v", err)
	}
}

func TestADatabaseOfAnother(t *testing.T) {
	c, err := cluster.Temporary(t.Context(), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	o := optionsFor(stateDir(t))
	o.DatabaseURL = c.URL("other")
	s, _ := run(t, o)
	if s.PIDs["postgres"] != 0 || s.Database != o.DatabaseURL || s.AppDatabase != o.DatabaseURL {
		t.Fatalf("%+v", s)
	}
	if got := mustExec1(t, s.Database, "SELECT current_database()"); got != "other" {
		t.Fatalf("got %s", got)
	}
}

func TestAForeignTemporalThatIsNotThere(t *testing.T) {
	o := optionsFor(stateDir(t))
	o.TemporalAddress = "127.0.0.1:1"
	o.Environ = append(o.Environ, "TEMPORAL_ADDRESS=127.0.0.1:1")
	if err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "no Temporal answers at TEMPORAL_ADDRESS=127.0.0.1:1") {
		t.Fatalf("got %v", err)
	}
}

func TestFindDir(t *testing.T) {
	clone := t.TempDir()
	sub := filepath.Join(clone, "a", "b")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := FindDir(sub); got != filepath.Join(sub, ".aidflow") {
		t.Fatalf("outside of a clone: %s", got)
	}
	if err := os.WriteFile(filepath.Join(clone, "go.mod"), []byte("module github.com/aidflow/aidflow\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := FindDir(sub); got != filepath.Join(clone, ".aidflow") {
		t.Fatalf("inside: %s", got)
	}
}
