// Package mail hands mails to an SMTP server: with TLS, with a login where the
// server asks for one, and telling apart what certainly did not arrive, what
// was refused for good, and what nobody knows.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Config says how to reach the server and who writes.
type Config struct {
	URL     string // smtp://USER:PASSWORD@HOST:PORT (STARTTLS, required), smtps:// (TLS at once), smtp://...?tls=off
	From    string // address of the sender
	ReplyTo string // who answers, and ends mails for people; "": From
	CAFile  string // PEM of the authority that signed the server's certificate; "": those of the machine
}

// patience is how long one step of a conversation with the server may last.
const patience = 30 * time.Second

// Mail is one mail. Nothing in it may be personal but To.
type Mail struct {
	ID      string // the part of the Message-ID before the @; the same for every attempt
	To      string
	Subject string
	Text    string
	HTML    string
	Date    time.Time

	Unsubscribe string // address at which whoever has the mail ends mails of its kind; "": by writing only
}

// Result says what became of a mail that was not sent for certain.
type Result string

// The results of a failed attempt.
const (
	Again   Result = "again"   // it certainly did not arrive: later perhaps
	Refused Result = "refused" // for good
	Unknown Result = "unknown" // the server was given the mail and its answer was lost
)

// Failure is why a mail was not sent. Its code says the kind of fault and is
// never the server's text, which may quote the address.
type Failure struct {
	Result Result
	Code   string
}

// Error gives result and code.
func (f *Failure) Error() string { return "mail " + string(f.Result) + ": " + f.Code }

// Sender sends mails, each over a connection of its own. It may be used by
// several goroutines.
type Sender struct {
	host    string
	from    string
	replyTo string
	options []gomail.Option
}

// New makes a sender; it does not connect yet.
//
// Errors: a URL that is none, a file of authorities that cannot be read. They
// do not repeat the URL, which may hold a password.
func New(c Config) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errors.New("the SMTP URL must be smtp://host:port or smtps://host:port")
	}
	s := &Sender{host: u.Hostname(), from: c.From, replyTo: c.ReplyTo}
	if s.replyTo == "" {
		s.replyTo = c.From
	}
	trust := &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		if trust.RootCAs, err = authorities(c.CAFile); err != nil {
			return nil, err
		}
	}
	s.options = append(s.options, gomail.WithTimeout(patience), gomail.WithTLSConfig(trust), gomail.WithoutRset())
	port := 587
	switch {
	case u.Scheme == "smtps":
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	case u.Query().Get("tls") == "off":
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, errors.New("the port of the SMTP URL is no number")
		}
	}
	s.options = append(s.options, gomail.WithPort(port))
	if password, ok := u.User.Password(); ok {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

func authorities(file string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.New("the file of SMTP authorities cannot be read")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, errors.New("the file of SMTP authorities has no certificate")
	}
	return pool, nil
}

// Send hands over one mail. Once connected and logged in it calls before, and
// gives the server nothing when that fails.
//
// Errors: *Failure; what before returns.
func (s *Sender) Send(ctx context.Context, m Mail, before func() error) error {
	letter, err := s.letter(m)
	if err != nil {
		return &Failure{Refused, "not_a_mail"}
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail: %T", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	if err := client.DialWithContext(ctx); err != nil {
		return &Failure{Again, dialCode(err)}
	}
	defer func() { _ = client.Close() }() // the answer that counts was given before
	if err := before(); err != nil {
		return err
	}
	err = client.Send(letter)
	if err == nil || letter.IsDelivered() {
		return nil
	}
	return judge(err)
}

// dialCode tells a server that does not answer from one that refuses the
// login or has no trustworthy TLS.
func dialCode(err error) string {
	var certificate *tls.CertificateVerificationError
	switch text := err.Error(); {
	case errors.As(err, &certificate), strings.Contains(text, "tls:"), strings.Contains(text, "STARTTLS"):
		return "tls"
	case strings.Contains(text, "AUTH"), strings.Contains(text, "535"):
		return "login"
	}
	return "connection"
}

// judge tells what became of a mail from the step at which its sending failed.
func judge(err error) error {
	var failed *gomail.SendError
	if !errors.As(err, &failed) {
		return &Failure{Unknown, "answer_lost"}
	}
	code := failed.ErrorCode()
	switch {
	case code >= 500:
		return &Failure{Refused, "smtp_" + strconv.Itoa(code)}
	case code >= 400:
		return &Failure{Again, "smtp_" + strconv.Itoa(code)}
	case failed.Reason == gomail.ErrSMTPDataClose, failed.Reason == gomail.ErrWriteContent:
		return &Failure{Unknown, "answer_lost"}
	}
	return &Failure{Again, "connection"}
}

// unsubscribe says how to be told no more: with one click where the address is
// of HTTPS (RFC 8058), and by writing.
func (s *Sender) unsubscribe(out *gomail.Msg, address string) {
	write := "<mailto:" + s.replyTo + "?subject=unsubscribe>"
	if address == "" {
		out.SetGenHeader(gomail.HeaderListUnsubscribe, write)
		return
	}
	out.SetGenHeader(gomail.HeaderListUnsubscribe, "<"+address+">", write)
	if strings.HasPrefix(address, "https://") {
		out.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
}

// letter writes the mail: plain text, and the same as simple HTML.
func (s *Sender) letter(m Mail) (*gomail.Msg, error) {
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := out.FromFormat("Aidflow", s.from); err != nil {
		return nil, err
	}
	if err := out.To(m.To); err != nil {
		return nil, err
	}
	if err := out.ReplyTo(s.replyTo); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(s.from, "@")
	out.SetMessageIDWithValue(m.ID + "@" + domain)
	out.SetDateWithValue(m.Date)
	out.Subject(m.Subject)
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	out.SetGenHeader("X-Auto-Response-Suppress", "All")
	s.unsubscribe(out, m.Unsubscribe)
	out.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		out.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return out, nil
}
