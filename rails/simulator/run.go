package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Ready is the line that Run prints when the simulator answers.
type Ready struct {
	Ready   bool   `json:"ready"`
	Address string `json:"address"` // host:port, with the port that was chosen
}

// stopTimeout is how long calls in flight may take at the end.
const stopTimeout = 3 * time.Second

// Run is the process: it opens the books, listens, prints one line of JSON
// (Ready) to stdout and serves until ctx ends. A fault at the start is an
// error; the end of ctx is not.
func Run(ctx context.Context, cfg Config, stdout io.Writer) error {
	s, err := Open(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	l, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return fmt.Errorf("simulator: listen: %w", err)
	}
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	s.Start()
	if err := json.NewEncoder(stdout).Encode(Ready{Ready: true, Address: l.Addr().String()}); err != nil {
		return fmt.Errorf("simulator: print the ready line: %w", err)
	}
	select {
	case err := <-served:
		return fmt.Errorf("simulator: serve: %w", err)
	case <-ctx.Done():
	}
	return stop(ctx, srv, s)
}

// stop lets calls in flight finish, ends those that a fault holds, and closes
// the books.
func stop(ctx context.Context, srv *http.Server, s *Server) error {
	s.cancel() // frees the held calls
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	return errors.Join(err, s.Close())
}
