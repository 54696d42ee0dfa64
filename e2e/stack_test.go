package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	dev "github.com/aidflow/aidflow/internal/stack"
)

// startLimit and stopLimit bound a stack's start and its orderly end.
const (
	startLimit = 3 * time.Minute
	stopLimit  = 30 * time.Second
)

// stack is one "aidflow dev" with its children.
type stack struct {
	dev.State
	dir   string // state folder
	cmd   *exec.Cmd
	out   *output
	ended chan struct{} // closed when the supervisor has ended
	err   error         // how it ended, once it has

	told   atomic.Bool // the logs are printed already
	mu     sync.Mutex
	tokens map[string]string
}

type stackOptions struct {
	dir     string               // state folder
	program string               // "": the one that TestMain built
	wd      string               // where it is called; "": here
	env     []string             // on top of ours
	attr    *syscall.SysProcAttr // as whom it runs
	args    []string             // in place of --data-dir
}

// launch starts the program and does not wait for anything.
func launch(t *testing.T, o stackOptions) *stack {
	t.Helper()
	if o.program == "" {
		o.program = built.aidflow
	}
	s := &stack{dir: o.dir, out: &output{}, ended: make(chan struct{}), tokens: map[string]string{}}
	if o.args == nil {
		o.args = []string{"--data-dir", o.dir}
	}
	s.cmd = exec.Command(o.program, append([]string{"dev", "--ready-file", s.readyFile()}, o.args...)...)
	s.cmd.Dir = o.wd
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.Env = append(cleanEnv(), o.env...)
	s.cmd.SysProcAttr = o.attr
	if s.cmd.SysProcAttr == nil {
		s.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	s.cmd.SysProcAttr.Setpgid = true // Ctrl-C of the test run is not for it
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	return s
}

func (s *stack) readyFile() string { return s.dir + ".ready" }

// startStack starts a stack and waits until everything answers.
func startStack(t *testing.T, o stackOptions) *stack {
	t.Helper()
	s := launch(t, o)
	s.awaitReady(t)
	return s
}

func (s *stack) awaitReady(t *testing.T) {
	t.Helper()
	s.await(t, startLimit, "ready file", func() bool {
		_, err := os.Stat(s.readyFile())
		_, running := dev.ReadState(s.dir) // the file may be of one that was killed
		return err == nil && running == nil
	})
	s.reload(t)
}

// killAll ends everything at once, as when the machine loses its power: the
// supervisor is held meanwhile, so that it ends nothing in order.
func (s *stack) killAll(t *testing.T) {
	t.Helper()
	state, err := dev.ReadState(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGSTOP)
	for part, pid := range state.PIDs {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatalf("%s: %v", part, err)
		}
	}
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// reload reads again what the stack says about itself.
func (s *stack) reload(t *testing.T) {
	t.Helper()
	state, err := dev.ReadState(s.dir)
	if err != nil {
		t.Fatalf("state of the stack: %v\n%s", err, s.out)
	}
	s.mu.Lock()
	s.State = state
	s.mu.Unlock()
}

// await polls until cond holds; it gives up when the supervisor ends.
func (s *stack) await(t *testing.T, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; {
		if cond() {
			return
		}
		select {
		case <-s.ended:
			t.Fatalf("%s: the stack ended (%v)\n%s", what, s.err, s.tail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s\n%s", what, limit, s.tail())
		}
	}
}

// tail gives what the supervisor said, and the last lines of every log, once.
func (s *stack) tail() string {
	if s.told.Swap(true) {
		return ""
	}
	var b strings.Builder
	b.WriteString(s.out.String())
	logs, _ := filepath.Glob(filepath.Join(s.dir, "log", "*.log"))
	for _, name := range logs {
		raw, _ := os.ReadFile(name)
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		b.WriteString("--- " + filepath.Base(name) + "\n")
		for _, line := range lines[max(0, len(lines)-12):] {
			b.WriteString(line[:min(len(line), 300)] + "\n")
		}
	}
	return b.String()
}

// pid gives the process of a part of the moment; 0 when it does not run.
func (s *stack) pid(part string) int {
	state, err := dev.ReadState(s.dir)
	if err != nil {
		return 0
	}
	return state.PIDs[part]
}

// kill ends a part with SIGKILL and returns its process number. A part that is
// just being started again is waited for.
func (s *stack) kill(t *testing.T, part string) int {
	t.Helper()
	var pid int
	s.await(t, time.Minute, "a running "+part, func() bool {
		pid = s.pid(part)
		return pid > 1 && syscall.Kill(pid, syscall.SIGKILL) == nil
	})
	return pid
}

// awaitBack waits until a part runs again after a kill, and the API answers.
func (s *stack) awaitBack(t *testing.T, part string, killed int) {
	t.Helper()
	s.await(t, time.Minute, part+" is back", func() bool {
		pid := s.pid(part)
		return pid != killed && alive(pid) && s.ready()
	})
}

// signal sends a signal to the supervisor.
func (s *stack) signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// stop asks the stack to end, and kills it when it does not.
func (s *stack) stop() error {
	s.signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		return s.err
	case <-time.After(stopLimit):
		_ = s.cmd.Process.Kill()
		<-s.ended
		return errors.New("the stack did not end within " + stopLimit.String())
	}
}

// stopAtEnd stops a test's own stack when the test is over.
func (s *stack) stopAtEnd(t *testing.T) *stack {
	t.Helper()
	t.Cleanup(func() { _ = s.stop() })
	return s
}

// alive tells whether a process exists and is not a zombie.
func alive(pid int) bool {
	if pid <= 1 || syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + itoa(pid) + "/stat")
	if err != nil {
		return true // no /proc here: the signal has to do
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return len(rest) == 0 || rest[0] != 'Z'
}

// cleanEnv is our environment without what would lead a stack elsewhere.
func cleanEnv() []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if name == "DATABASE_URL" || strings.HasPrefix(name, "AIDFLOW_") || strings.HasPrefix(name, "TEMPORAL_") {
			continue
		}
		env = append(env, pair)
	}
	return env
}

// output collects what a program prints; it is read while the program runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
