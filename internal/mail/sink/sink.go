// Package sink is a real SMTP server that delivers nothing: it keeps every
// mail as a file. The development stack runs it as a process of its own; tests
// run it with TLS, a login and faults.
package sink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Config says where to listen and what to keep. The zero value of the last
// three has no TLS, asks for no login and has no faults.
type Config struct {
	Address string // 127.0.0.1:0 picks a free port
	Dir     string // one file for each mail; made when it is missing

	TLS      *tls.Config
	AtOnce   bool // TLS from the first byte in place of STARTTLS
	User     string
	Password string
	// Fault is asked at the steps "connect", "from", "to" and, after the mail
	// was kept, "data". ErrCut ends the connection without an answer, another
	// error is the answer.
	Fault func(step string) error
}

// ErrCut ends a connection without an answer.
var ErrCut = errors.New("cut")

// Answer makes the answer of a server that refuses.
func Answer(code int, text string) error { return &smtp.SMTPError{Code: code, Message: text} }

const maxMail = 1 << 20

// Server is a running sink.
type Server struct {
	Address string
	cfg     Config
	server  *smtp.Server
	done    chan error
	kept    atomic.Int64
}

// Open listens.
func Open(cfg Config) (*Server, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, err
	}
	s := &Server{Address: listener.Addr().String(), cfg: cfg, done: make(chan error, 1)}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		if err := s.fault(c, "connect"); err != nil {
			return nil, err
		}
		return &session{server: s, conn: c, known: cfg.User == ""}, nil
	}))
	s.server.Domain, s.server.MaxMessageBytes, s.server.MaxRecipients = "localhost", maxMail, 10
	s.server.ReadTimeout, s.server.WriteTimeout = time.Minute, time.Minute
	s.server.TLSConfig, s.server.ErrorLog = cfg.TLS, log.New(io.Discard, "", 0)
	if cfg.TLS != nil && cfg.AtOnce {
		listener = tls.NewListener(listener, cfg.TLS)
	}
	go func() { s.done <- s.server.Serve(listener) }()
	return s, nil
}

// Close ends the server and every connection.
func (s *Server) Close() error { return s.server.Close() }

// Mails gives the files of the mails that were kept, oldest first.
func (s *Server) Mails() ([]string, error) { return filepath.Glob(filepath.Join(s.cfg.Dir, "*.eml")) }

// Run is the sink as a process: it says its address in a line of JSON once it
// listens, and ends with the context.
func Run(ctx context.Context, cfg Config, out io.Writer) error {
	s, err := Open(cfg)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(map[string]any{"ready": true, "address": s.Address}); err != nil {
		return errors.Join(err, s.Close())
	}
	select {
	case <-ctx.Done():
		return s.Close()
	case err := <-s.done:
		return err
	}
}

func (s *Server) fault(c *smtp.Conn, step string) error {
	if s.cfg.Fault == nil {
		return nil
	}
	err := s.cfg.Fault(step)
	if errors.Is(err, ErrCut) {
		_ = c.Conn().Close() // what it means to cut
	}
	return err
}

// keep writes a mail as a file, whole or not at all, with its envelope.
func (s *Server) keep(from string, to []string, r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	name := filepath.Join(s.cfg.Dir, fmt.Sprintf("%s-%04d.eml", time.Now().UTC().Format("20060102-150405.000"), s.kept.Add(1)))
	envelope := fmt.Sprintf("X-Envelope-From: %s\r\nX-Envelope-To: %v\r\n", from, to)
	if err := os.WriteFile(name+".part", append([]byte(envelope), raw...), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

// session is one conversation.
type session struct {
	server *Server
	conn   *smtp.Conn
	known  bool // logged in, or nobody asks
	from   string
	to     []string
}

// AuthMechanisms offers a login where one is asked for, under TLS only.
func (s *session) AuthMechanisms() []string {
	if s.server.cfg.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth checks a login.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.known = user == s.server.cfg.User && password == s.server.cfg.Password; !s.known {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return s.server.fault(s.conn, "from")
}

// Rcpt adds a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return s.server.fault(s.conn, "to")
}

// Data keeps the mail.
func (s *session) Data(r io.Reader) error {
	if err := s.server.keep(s.from, s.to, r); err != nil {
		return err
	}
	return s.server.fault(s.conn, "data")
}

// Reset forgets the mail that was begun.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout ends the conversation.
func (s *session) Logout() error { return nil }
