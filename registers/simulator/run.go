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

// Run is the process: it reads the people, listens, prints one line of JSON
// (Ready) to stdout and serves until ctx ends. A fault at the start is an
// error; the end of ctx is not.
func Run(ctx context.Context, c Config, stdout io.Writer) error {
	s, err := Open(c)
	if err != nil {
		return err
	}
	defer s.Close()
	l, err := net.Listen("tcp", c.Address)
	if err != nil {
		return fmt.Errorf("register simulator: listen: %w", err)
	}
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	if err := json.NewEncoder(stdout).Encode(Ready{Ready: true, Address: l.Addr().String()}); err != nil {
		return fmt.Errorf("register simulator: print the ready line: %w", err)
	}
	select {
	case err := <-served:
		return fmt.Errorf("register simulator: serve: %w", err)
	case <-ctx.Done():
	}
	s.Close() // frees the held calls
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err = srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	return err
}
