package simulator

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Config is everything that the process needs to know.
type Config struct {
	Address     string           // host:port to listen on; port 0 picks a free one. Used by Run
	Books       string           // file of the durable books; made when it is not there
	CallbackURL string           // where callbacks go; empty means none
	Secret      string           // bearer of requests and key of the callbacks' signatures
	SettleAfter time.Duration    // from acceptance to settlement
	Log         *slog.Logger     // nil means silence; keys, codes and states only
	Now         func() time.Time // nil means the system's clock
}

func (c *Config) complete() error {
	if c.Books == "" {
		return errors.New("simulator: the file of the books is not named")
	}
	if c.Secret == "" {
		return errors.New("simulator: the secret is empty")
	}
	if c.SettleAfter < 0 {
		return errors.New("simulator: settle-after is negative")
	}
	if c.CallbackURL != "" {
		u, err := url.Parse(c.CallbackURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return errors.New("simulator: the callback URL must be http(s)://host/path")
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// Server is the simulated bank: durable books, a settlement clock and a sender
// of callbacks. Make it with Open, run it with Start, end it with Close.
type Server struct {
	cfg       Config
	books     *books
	bearer    [sha256.Size]byte
	handler   http.Handler
	http      *http.Client
	settling  chan struct{} // something new may be due
	callbacks chan struct{}
	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	running   sync.WaitGroup
	closing   sync.Once
	closed    error
}

// Open opens the books and makes a server that does not yet settle anything.
// The books are held until Close; a second process is refused.
func Open(cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	b, err := openBooks(cfg.Books)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg, books: b, bearer: sha256.Sum256([]byte("Bearer " + cfg.Secret)),
		http:     httpClient(nil),
		settling: make(chan struct{}, 1), callbacks: make(chan struct{}, 1),
		ctx: ctx, cancel: cancel,
	}
	s.handler = s.routes()
	return s, nil
}

// Handler serves the simulator's API.
func (s *Server) Handler() http.Handler { return s.handler }

// Start begins to settle and to send callbacks, with whatever was left when
// the last process ended.
func (s *Server) Start() {
	s.running.Go(func() { s.loop(s.settling, s.settleRound) })
	if s.cfg.CallbackURL != "" {
		s.running.Go(func() { s.loop(s.callbacks, s.callbackRound) })
	}
}

// Close stops the clock and the sender, ends calls that are held by a fault,
// and closes the books. It may be called twice.
func (s *Server) Close() error {
	s.closing.Do(func() {
		s.cancel()
		s.running.Wait()
		s.closed = s.books.close()
	})
	return s.closed
}

// loop runs a round whenever it is woken or something is due. A failed round
// (a full disk) is tried again a second later.
func (s *Server) loop(wake <-chan struct{}, round func() (time.Time, error)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
		next, err := round()
		switch {
		case err != nil:
			s.cfg.Log.Error("a round failed", "error", err)
			timer.Reset(time.Second)
		case next.IsZero():
			timer.Stop()
		default:
			timer.Reset(max(0, next.Sub(s.now())))
		}
	}
}

// settleRound brings one batch of outcomes and wakes the sender.
func (s *Server) settleRound() (time.Time, error) {
	n, next, err := s.books.settleDue(s.plan())
	if n > 0 {
		nudge(s.callbacks)
	}
	return next, err
}

func (s *Server) plan() plan {
	return plan{now: s.now(), settleAfter: s.cfg.SettleAfter, callbacks: s.cfg.CallbackURL != ""}
}

// now is the bank's clock, in UTC and without the monotonic part, as it is
// stored.
func (s *Server) now() time.Time { return s.cfg.Now().UTC().Round(0) }

func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
