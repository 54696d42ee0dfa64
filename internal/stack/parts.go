package stack

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// startDatabase gives the owner's connection to the app's database: of a
// private cluster, or the one that was named. The app's database is made when
// it is missing.
func (s *Stack) startDatabase(ctx context.Context) (owner string, err error) {
	begun := time.Now()
	if s.o.DatabaseURL != "" {
		owner = s.o.MigrateURL
		if owner == "" {
			owner = s.o.DatabaseURL
		}
		version, err := ensureDatabase(ctx, owner)
		if err != nil {
			return "", fmt.Errorf("DATABASE_URL: %w", err)
		}
		s.list.done("PostgreSQL "+version+" of DATABASE_URL", begun)
		s.state.Database = owner
		return owner, nil
	}
	home, err := cluster.Home(s.o.Dir)
	if err != nil {
		return "", err
	}
	c, err := cluster.Open(ctx, cluster.Options{Dir: home})
	if err != nil {
		return "", err
	}
	guard := &databaseGuard{stack: s, c: c, closing: make(chan struct{})}
	s.onStop(guard.stop)
	go guard.watch()
	s.recordPID("postgres", c.PID())
	owner = c.URL("aidflow")
	if _, err := ensureDatabase(ctx, owner); err != nil {
		return "", err
	}
	s.list.done("PostgreSQL "+c.Version, begun)
	s.state.Database = owner
	return owner, nil
}

// databaseGuard starts the private PostgreSQL again when it ends unasked.
type databaseGuard struct {
	stack   *Stack
	mu      sync.Mutex
	c       *cluster.Cluster
	closing chan struct{}
}

func (g *databaseGuard) watch() {
	for {
		select {
		case <-g.closing:
			return
		case <-g.c.Done():
		}
		g.mu.Lock()
		select {
		case <-g.closing:
			g.mu.Unlock()
			return
		default:
		}
		g.stack.list.note("PostgreSQL ended; starting it again")
		port := g.c.Port
		c, err := cluster.Open(context.Background(), cluster.Options{Dir: g.c.Dir})
		if err == nil && c.Port != port {
			err = fmt.Errorf("its port %d is taken: start the stack again", port)
		}
		if c != nil {
			g.c = c
		}
		g.mu.Unlock()
		if err != nil {
			g.stack.fatal <- fmt.Errorf("PostgreSQL: %w", err)
			return
		}
		g.stack.recordPID("postgres", c.PID())
		g.stack.list.note("PostgreSQL is back")
	}
}

func (g *databaseGuard) stop() {
	close(g.closing)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.c.Stop(); err != nil {
		g.stack.list.note("%v", err)
	}
}

// startTemporal starts the engine on the same PostgreSQL, or looks whether the
// Temporal that was named answers.
func (s *Stack) startTemporal(ctx context.Context, owner string) error {
	if s.o.TemporalAddress != "" {
		begun := time.Now()
		if err := temporalAnswers(ctx, s.o.Environ, s.namespace()); err != nil {
			return err
		}
		s.state.Temporal = s.o.TemporalAddress
		s.list.done("Temporal of TEMPORAL_ADDRESS", begun)
		return nil
	}
	address, err := s.wish("Temporal", enginePort)
	if err != nil {
		return err
	}
	ui, err := s.wish("Temporal's UI", uiPort)
	if err != nil {
		return err
	}
	ready, err := s.launch(ctx, spec{name: "engine", title: "Temporal at " + address, path: s.o.Engine, args: []string{
		"--database", engineDatabase(owner), "--address", address, "--ui-address", ui,
		"--namespace", s.namespace(), "--time-skipping",
	}, env: map[string]string{"AIDFLOW_ENGINE_DATABASE_URL": owner}}) // a password does not belong in the list of processes
	s.state.Temporal = address
	s.state.UI, _ = ready["ui"].(string) // "" when the engine was built without it
	return err
}

func (s *Stack) namespace() string {
	if s.o.Namespace != "" {
		return s.o.Namespace
	}
	return "aidflow"
}

// launch starts a child and waits until it is ready.
func (s *Stack) launch(ctx context.Context, sp spec) (map[string]any, error) {
	begun := time.Now()
	sp.environ, sp.longest = s.o.Environ, s.o.LongestPause
	if sp.longest == 0 {
		sp.longest = 30 * time.Second
	}
	c := newChild(sp, filepath.Join(s.o.Dir, "log"), s.list.note, func(pid int) { s.recordPID(sp.name, pid) })
	s.list.locked(func() { s.children[sp.name] = c })
	ready, err := c.start(ctx)
	if err != nil {
		return nil, err
	}
	s.list.done(sp.title, begun)
	return ready, nil
}

// registerStops has the children end in an order in which none misses another:
// first those who take work, then those who do it for them. Together with
// PostgreSQL that stays within 30 s.
func (s *Stack) registerStops() {
	s.onStop(func() { s.stopChildren(5*time.Second, "simulator", "mail", "engine") })
	s.onStop(func() { s.stopChildren(8*time.Second, "api", "worker") })
}

func (s *Stack) stopChildren(wait time.Duration, names ...string) {
	var all sync.WaitGroup
	for _, name := range names {
		var c *child
		s.list.locked(func() { c = s.children[name] })
		if c != nil {
			all.Go(func() { c.stop(wait) })
		}
	}
	all.Wait()
}
