package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aidflow/aidflow/internal/config"
)

// The ports that a newcomer's documentation names.
const (
	apiPort    = 8080
	enginePort = 7233
	uiPort     = 8233
)

// start brings the parts up, each as soon as what it needs is there.
func (s *Stack) start(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	endLeftovers(s.o.Dir)
	owner, err := s.startDatabase(ctx)
	if err != nil {
		return err
	}
	if err := s.startIssuer(); err != nil {
		return err
	}
	keyFile := filepath.Join(s.o.Dir, config.DevelopmentKeyFile)
	s.secret = randomSecret()
	s.registerStops()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.startTemporal(gctx, owner) })
	g.Go(func() error { return s.prepare(gctx, owner, keyFile) })
	g.Go(func() error { return s.startSimulator(gctx) })
	g.Go(func() error { return s.startMail(gctx) })
	if err := g.Wait(); err != nil {
		return err
	}
	s.state.Environment = s.environment(keyFile)
	g, gctx = errgroup.WithContext(ctx)
	g.Go(func() error { return s.startWorker(gctx) })
	g.Go(func() error { return s.startAPI(gctx) })
	if err := g.Wait(); err != nil {
		return err
	}
	return s.announce()
}

// check finds out what is missing, and chooses the addresses, before anything
// is started.
func (s *Stack) check() error {
	if s.o.TemporalAddress == "" {
		if st, err := os.Stat(s.o.Engine); err != nil || st.Mode()&0o111 == 0 {
			return errors.New("the program aidflow-engine is missing: make build")
		}
	}
	addr, err := s.chooseAddress()
	if err != nil {
		return err
	}
	s.state.API = "http://" + addr
	sim, err := s.reserve(0)
	if err != nil {
		return err
	}
	s.state.Simulator = "http://" + sim
	s.mail, err = s.reserve(0)
	s.state.Mail = filepath.Join(s.o.Dir, "mail")
	return err
}

func (s *Stack) chooseAddress() (string, error) {
	if s.o.Addr == "" {
		return s.wish("the API", apiPort)
	}
	address, err := s.hold(s.o.Addr)
	if err != nil {
		return "", fmt.Errorf("AIDFLOW_ADDR=%s cannot be listened on: free it, or unset AIDFLOW_ADDR for a free port", s.o.Addr)
	}
	return address, nil
}

func (s *Stack) startIssuer() error {
	begun := time.Now()
	issuer, stop, err := serveIssuer(s.o.Dir, s.o.Users)
	if err != nil {
		return err
	}
	s.onStop(stop)
	s.state.Issuer = issuer
	s.list.done("development issuer at "+issuer, begun)
	return nil
}

// prepare migrates the schema and puts the development data in.
func (s *Stack) prepare(ctx context.Context, owner, keyFile string) error {
	begun := time.Now()
	keys, err := s.o.Prepare(ctx, Targets{OwnerURL: owner, KeyFile: keyFile})
	if err != nil {
		return fmt.Errorf("schema and development data: %w", err)
	}
	s.state.Keys = keys
	s.state.AppDatabase, err = s.appURL(ctx, owner)
	if err != nil {
		return err
	}
	s.list.done("schema and development data", begun)
	return nil
}

func (s *Stack) startSimulator(ctx context.Context) error {
	u, err := url.Parse(s.state.Simulator)
	if err != nil {
		return err
	}
	_, err = s.launch(ctx, spec{name: "simulator", title: "simulator of the bank at " + s.state.Simulator, path: s.o.Executable, args: []string{
		"simulator", "--address", u.Host, "--books", filepath.Join(s.o.Dir, "simulator.db"),
		"--callback-url", s.state.API + "/v1/callbacks/simulator",
	}, env: map[string]string{"AIDFLOW_SIMULATOR_SECRET": s.secret}})
	return err
}

// startMail starts a mail server that delivers nothing and keeps every mail.
func (s *Stack) startMail(ctx context.Context) error {
	_, err := s.launch(ctx, spec{name: "mail", title: "mail server that keeps mails in " + s.state.Mail, path: s.o.Executable,
		args: []string{"mail-sink", "--address", s.mail, "--dir", s.state.Mail}})
	return err
}

func (s *Stack) startWorker(ctx context.Context) error {
	_, err := s.launch(ctx, spec{
		name: "worker", title: "worker", path: s.o.Executable, args: []string{"worker"}, env: s.state.Environment,
	})
	return err
}

func (s *Stack) startAPI(ctx context.Context) error {
	_, err := s.launch(ctx, spec{
		name: "api", title: "API and console at " + s.state.API, path: s.o.Executable, args: []string{"api"},
		env: s.state.Environment, answers: s.apiAnswers,
	})
	return err
}

// apiAnswers waits until the API says that it reaches what it needs.
func (s *Stack) apiAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.state.API+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("/readyz does not answer 200")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// announce writes down, for people's other terminals and for programs, that
// everything answers.
func (s *Stack) announce() error {
	s.list.locked(func() { s.state.Ready = true })
	s.recordPIDs()
	if s.o.ReadyFile == "" {
		return nil
	}
	return writeReadyFile(s.o.ReadyFile, s.state)
}
