package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// readyWithin bounds how long a child may take until it says that it is ready.
const readyWithin = 90 * time.Second

var (
	errEnded     = errors.New("ended before it was ready")
	errPortTaken = errors.New("a port is taken")
)

// spec says how a child is started, each time in the same way.
type spec struct {
	name, title string
	path        string
	args        []string
	environ     []string          // inherited
	longest     time.Duration     // pause before it is started again
	env         map[string]string // on top of environ
	answers     func(context.Context) error
}

// child is a process that is kept running until stop.
type child struct {
	spec
	logPath   string
	note      func(format string, args ...any)
	onStart   func(pid int)
	mu        sync.Mutex // guards cmd and done
	cmd       *exec.Cmd
	done      <-chan struct{}
	stopping  chan struct{}
	stopOnce  sync.Once
	supervise sync.WaitGroup
}

// newChild prepares a child whose output goes to logDir/NAME.log; the log of
// the start before is kept as NAME.log.1.
func newChild(sp spec, logDir string, note func(string, ...any), onStart func(int)) *child {
	c := &child{
		spec: sp, note: note, onStart: onStart,
		logPath: filepath.Join(logDir, sp.name+".log"), stopping: make(chan struct{}),
	}
	_ = os.Rename(c.logPath, c.logPath+".1") // there may be none
	return c
}

// start runs the child, waits for its ready line, and keeps it running from
// then on. When it ends before it is ready, the error has its last words.
func (c *child) start(ctx context.Context) (map[string]any, error) {
	ready, err := c.once(ctx)
	// A port that the child chose itself may have been taken before it listened.
	for try := 1; errors.Is(err, errPortTaken) && try < 3; try++ {
		ready, err = c.once(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	c.supervise.Go(c.keep)
	return ready, nil
}

// once runs the child one time and returns when it is ready.
func (c *child) once(ctx context.Context) (map[string]any, error) {
	log, err := os.OpenFile(c.logPath, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	out := &watcher{log: log, ready: make(chan map[string]any, 1)}
	cmd := exec.Command(c.path, c.args...)
	cmd.Env = overlay(c.environ, c.env)
	cmd.Stdout, cmd.Stderr = out, log
	cmd.WaitDelay = time.Second
	// Its own group: Ctrl-C in a terminal reaches us, and we stop it in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Every part is made to survive a kill, and a kill frees its ports at once.
	done, err := cluster.StartTied(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() { <-done; _ = log.Close() }()
	c.mu.Lock()
	c.cmd, c.done = cmd, done
	c.mu.Unlock()
	c.onStart(cmd.Process.Pid)
	ready, err := c.awaitReady(ctx, out.ready, done)
	if err == nil {
		return ready, nil
	}
	if errors.Is(err, errEnded) {
		if said := lastWords(c.logPath, from); strings.Contains(said, "in use") {
			err = fmt.Errorf("%w: %s", errPortTaken, said)
		} else if said != "" {
			err = errors.New(said)
		}
	}
	kill(cmd, done, 3*time.Second)
	return nil, fmt.Errorf("%w (log: %s)", err, c.logPath)
}

// awaitReady waits for the ready line and for the answer to c.answers.
func (c *child) awaitReady(ctx context.Context, line <-chan map[string]any, done <-chan struct{}) (map[string]any, error) {
	limit := time.NewTimer(readyWithin)
	defer limit.Stop()
	select {
	case ready := <-line:
		if c.answers != nil {
			return ready, c.answers(ctx)
		}
		return ready, nil
	case <-done:
		return nil, errEnded
	case <-c.stopping:
		return nil, errors.New("stopped")
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-limit.C:
		return nil, fmt.Errorf("not ready within %s", readyWithin)
	}
}

// keep starts the child again whenever it ends, with growing pauses.
func (c *child) keep() {
	pause, begun := 500*time.Millisecond, time.Now()
	for {
		select {
		case <-c.stopping:
			return
		case <-c.done:
		}
		if time.Since(begun) > time.Minute {
			pause = 500 * time.Millisecond
		}
		c.note("%s ended (%s); starting it again in %s", c.name, c.cmd.ProcessState, pause)
		select {
		case <-c.stopping:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, c.longest)
		begun = time.Now()
		if _, err := c.once(context.Background()); err == nil {
			c.note("%s is back", c.name)
		} else if !c.stopped() {
			c.note("%s does not start: %v", c.name, err)
		}
	}
}

func (c *child) stopped() bool {
	select {
	case <-c.stopping:
		return true
	default:
		return false
	}
}

// stop asks the child to end, and kills it after wait.
func (c *child) stop(wait time.Duration) {
	c.stopOnce.Do(func() { close(c.stopping) })
	c.end(wait)
	c.supervise.Wait()
	c.end(wait) // it may have been started again in between
}

// end ends the process of the moment.
func (c *child) end(wait time.Duration) {
	c.mu.Lock()
	cmd, done := c.cmd, c.done
	c.mu.Unlock()
	if cmd != nil {
		kill(cmd, done, wait)
	}
}

// kill sends SIGTERM, and SIGKILL after wait.
func kill(cmd *exec.Cmd, done <-chan struct{}, wait time.Duration) {
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-done:
	case <-time.After(wait):
		_ = cmd.Process.Kill()
		<-done
	}
}

// overlay gives environ with the values of env in place of its own.
func overlay(environ []string, env map[string]string) []string {
	var all []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if _, ours := env[name]; !ours {
			all = append(all, pair)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, name+"="+env[name])
	}
	return all
}
