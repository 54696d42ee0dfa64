// Package stack runs the whole system on one machine for development: a
// private PostgreSQL, Temporal, the simulator, a mail server, worker and API as children of
// one supervisor, which also signs the staff's development tokens.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Options say how the stack runs. Dir, Executable, Out and
// Prepare are required.
type Options struct {
	Dir             string   // state folder, such as CLONE/.aidflow; made when missing
	Executable      string   // the aidflow binary: api, worker, simulator and mail-sink are its subcommands
	Engine          string   // the aidflow-engine binary
	Environ         []string // as os.Environ gives it; children inherit it
	Addr            string   // fixes the API's address; "": 127.0.0.1:8080, or a free port
	DatabaseURL     string   // use this database in place of a private cluster
	MigrateURL      string   // the owner's connection to it; "": DatabaseURL
	TemporalAddress string   // use this Temporal in place of our own
	Namespace       string   // of Temporal; "": aidflow
	ReadyFile       string   // written when everything answers, removed at the end
	Out             io.Writer
	LongestPause    time.Duration // before a part that ends again and again is started again; 0: 30 s

	// Prepare brings the schema up to date and puts development data in; it
	// runs at every start and must be repeatable. It returns the keys of the
	// development partners, by name.
	Prepare func(context.Context, Targets) (keys map[string]string, err error)
	// Demo is run as a subcommand once the stack is up, for example
	// {"demo"}; none when empty.
	Demo []string
	// Users are whom the development issuer lets a browser sign in as.
	Users []string
}

// Targets is what Prepare works on.
type Targets struct {
	OwnerURL string // connection that may change the schema
	KeyFile  string // keys that seal personal data; to be made when missing
}

// Stack is a running development stack.
type Stack struct {
	o        Options
	list     *checklist
	state    State
	children map[string]*child
	stops    []func() // in the order of starting; run backwards
	fatal    chan error
	held     []net.PacketConn // ports, see reserve
	secret   string           // shared by simulator, worker and api
	mail     string           // address of the mail server
}

// Run starts the stack, prints what it does, and keeps it until ctx ends; then
// it stops everything in order, within 30 s. It returns nil after an orderly
// end. Errors are one line: *RunningError when the stack of this folder runs
// already, *cluster.MissingError when something is not installed.
func Run(ctx context.Context, o Options) error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	if err := makeFolders(dir); err != nil {
		return err
	}
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	forget(o) // what a killed stack said about itself
	s := &Stack{o: o, list: &checklist{out: o.Out}, children: map[string]*child{}, fatal: make(chan error, 8)}
	s.state = State{PID: os.Getpid(), PIDs: map[string]int{}, DataDir: dir}
	begun := time.Now()
	defer s.stop()
	if err := s.start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped while it was starting
		}
		return err
	}
	s.list.summary(s.state, time.Since(begun))
	return s.keep(ctx)
}

// keep waits for the end, and runs the demonstration meanwhile.
func (s *Stack) keep(ctx context.Context) error {
	demo := make(chan error, 1)
	if len(s.o.Demo) > 0 {
		go func() { demo <- s.demonstrate(ctx) }()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.fatal:
			return err
		case err := <-demo:
			if err != nil && ctx.Err() == nil {
				s.list.note("the demonstration failed (%v); the stack stays up", err)
			}
			demo = nil
			if ctx.Err() == nil {
				s.list.locked(func() { fmt.Fprintf(s.o.Out, "\nThe stack is up at %s. Ctrl-C stops it.\n", s.state.API) })
			}
		}
	}
}

// demonstrate runs the demo as its own program, with our terminal.
func (s *Stack) demonstrate(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.o.Executable, append(s.o.Demo, "--data-dir", s.o.Dir)...)
	cmd.Stdout, cmd.Stderr, cmd.Env = s.o.Out, s.o.Out, s.o.Environ
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd.Run()
}

// stop ends everything, the last started first.
func (s *Stack) stop() {
	forget(s.o)
	begun := time.Now()
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
	s.letGo()
	_ = os.Remove(filepath.Join(s.o.Dir, pidFile))
	if s.state.Ready {
		s.list.done("everything stopped", begun)
	}
}

// forget removes the files that say that a stack is ready.
func forget(o Options) {
	_ = os.Remove(filepath.Join(o.Dir, stateFile))
	if o.ReadyFile != "" {
		_ = os.Remove(o.ReadyFile)
	}
}

// onStop registers what stop has to do for what was just started.
func (s *Stack) onStop(f func()) { s.stops = append(s.stops, f) }

// makeFolders makes the state folder and what is in it. Others may pass
// through it (the user of PostgreSQL has to) and read nothing.
func makeFolders(dir string) error {
	err := os.MkdirAll(dir, 0o711)
	for _, sub := range []string{"run", "log"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(dir, sub), 0o700))
	}
	if err != nil {
		return fmt.Errorf("the state folder cannot be made: %w", err)
	}
	return nil
}
