package mail_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ours "github.com/aidflow/aidflow/internal/mail"
	"github.com/aidflow/aidflow/internal/mail/sink"
)

// certificate makes a certificate for this machine, and the file of its
// authority.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sink"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

func open(t *testing.T, c sink.Config) *sink.Server {
	t.Helper()
	c.Address, c.Dir = "127.0.0.1:0", t.TempDir()
	s, err := sink.Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func letter() ours.Mail {
	return ours.Mail{ID: "msg_1", To: "verifier1@aidflow.test", Subject: "Việc mới: HS-2026-000001", Text: "Hạn: 17:00\n", HTML: "<p>Hạn: 17:00</p>",
		Date: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)}
}

// send sends one mail and gives what became of it.
func send(t *testing.T, c ours.Config) (given bool, result ours.Result, code string) {
	t.Helper()
	c.From = "aidflow@fund.example"
	sender, err := ours.New(c)
	require.NoError(t, err)
	err = sender.Send(t.Context(), letter(), func() error { given = true; return nil })
	var failed *ours.Failure
	if err != nil {
		require.ErrorAs(t, err, &failed)
		return given, failed.Result, failed.Code
	}
	return given, "", ""
}

// Every way to reach a server, and what refuses to be reached less safely.
func TestTransports(t *testing.T) {
	t.Parallel()
	trust, ca := certificate(t)
	plain, starttls := open(t, sink.Config{}), open(t, sink.Config{TLS: trust, User: "fund", Password: "s3cret"})
	atOnce := open(t, sink.Config{TLS: trust, AtOnce: true})
	for name, tc := range map[string]struct {
		url, ca string
		given   bool
		result  ours.Result
		code    string
	}{
		"plain, when so said":       {url: "smtp://" + plain.Address + "?tls=off", given: true},
		"starttls and login":        {url: "smtp://fund:s3cret@" + starttls.Address, ca: ca, given: true},
		"tls at once":               {url: "smtps://" + atOnce.Address, ca: ca, given: true},
		"starttls is not offered":   {url: "smtp://" + plain.Address, result: ours.Again, code: "tls"},
		"an unknown authority":      {url: "smtp://fund:s3cret@" + starttls.Address, result: ours.Again, code: "tls"},
		"the wrong password":        {url: "smtp://fund:wrong@" + starttls.Address, ca: ca, result: ours.Again, code: "login"},
		"no login where one is due": {url: "smtp://" + starttls.Address, ca: ca, given: true, result: ours.Refused, code: "smtp_502"},
		"nobody there":              {url: "smtp://127.0.0.1:1?tls=off", result: ours.Again, code: "connection"},
	} {
		given, result, code := send(t, ours.Config{URL: tc.url, CAFile: tc.ca})
		require.Equal(t, []any{tc.given, tc.result, tc.code}, []any{given, result, code}, name)
	}
}

// What an answer, or none, says about the mail.
func TestWhatBecameOfAMail(t *testing.T) {
	t.Parallel()
	for step, tc := range map[string]struct {
		fault  error
		result ours.Result
		code   string
		kept   int
	}{
		"connect": {sink.Answer(421, "busy"), ours.Again, "connection", 0},
		"from":    {sink.Answer(451, "later"), ours.Again, "smtp_451", 0},
		"to":      {sink.Answer(550, "no such user verifier1@aidflow.test"), ours.Refused, "smtp_550", 0},
		"data":    {sink.ErrCut, ours.Unknown, "answer_lost", 1},
		"none":    {nil, "", "", 1},
	} {
		s := open(t, sink.Config{Fault: func(at string) error {
			if at == step {
				return tc.fault
			}
			return nil
		}})
		_, result, code := send(t, ours.Config{URL: "smtp://" + s.Address + "?tls=off"})
		mails, err := s.Mails()
		require.NoError(t, err)
		require.Equal(t, []any{tc.result, tc.code, tc.kept}, []any{result, code, len(mails)}, step)
	}
}

// The server gets nothing when the store says that the mail is another's.
func TestNothingIsGivenWithoutLeave(t *testing.T) {
	t.Parallel()
	s := open(t, sink.Config{})
	sender, err := ours.New(ours.Config{URL: "smtp://" + s.Address + "?tls=off", From: "aidflow@fund.example"})
	require.NoError(t, err)
	no := errors.New("no")
	require.ErrorIs(t, sender.Send(t.Context(), letter(), func() error { return no }), no)
	mails, err := s.Mails()
	require.NoError(t, err)
	require.Empty(t, mails)
}

// The headers by which mail programs and other people's robots know it.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := open(t, sink.Config{})
	send(t, ours.Config{URL: "smtp://" + s.Address + "?tls=off", ReplyTo: "office@fund.example"})
	mails, err := s.Mails()
	require.NoError(t, err)
	require.Len(t, mails, 1)
	file, err := os.Open(mails[0])
	require.NoError(t, err)
	defer file.Close()
	m, err := mail.ReadMessage(file)
	require.NoError(t, err)
	for name, want := range map[string]string{"Message-Id": "<msg_1@fund.example>", "Auto-Submitted": "auto-generated", "Reply-To": "<office@fund.example>",
		"List-Unsubscribe": "<mailto:office@fund.example?subject=unsubscribe>", "X-Envelope-To": "[verifier1@aidflow.test]", "Date": "Mon, 02 Mar 2026 02:00:00 +0000"} {
		require.Equal(t, want, m.Header.Get(name), name)
	}
	require.True(t, strings.HasPrefix(m.Header.Get("Content-Type"), "multipart/alternative"), m.Header.Get("Content-Type"))
}

// A mail that says where it can be ended with one click says so as RFC 8058
// wants: by HTTPS only, beside the address to which people write.
func TestOneClickIsOfferedOverHTTPSOnly(t *testing.T) {
	t.Parallel()
	for address, click := range map[string]string{"https://aid.example/unsubscribe/msg_1.00?lang=vi": "List-Unsubscribe=One-Click", "http://127.0.0.1:8080/unsubscribe/msg_1.00?lang=vi": ""} {
		s := open(t, sink.Config{})
		sender, err := ours.New(ours.Config{URL: "smtp://" + s.Address + "?tls=off", From: "aidflow@fund.example"})
		require.NoError(t, err)
		require.NoError(t, sender.Send(t.Context(), ours.Mail{ID: "msg_1", To: "verifier1@aidflow.test", Subject: "x", Text: "x", HTML: "x", Unsubscribe: address},
			func() error { return nil }))
		files, err := s.Mails()
		require.NoError(t, err)
		raw, err := os.ReadFile(files[0])
		require.NoError(t, err)
		m, err := mail.ReadMessage(strings.NewReader(string(raw)))
		require.NoError(t, err)
		require.Equal(t, "<"+address+">, <mailto:aidflow@fund.example?subject=unsubscribe>", m.Header.Get("List-Unsubscribe"))
		require.Equal(t, click, m.Header.Get("List-Unsubscribe-Post"))
	}
}

// A setting that is wrong is told without its password.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []ours.Config{{URL: "http://fund:s3cret@host"}, {URL: "smtp://"}, {URL: "smtp://fund:s3cret@host:x"}, {URL: "smtp://fund:s3cret@host", CAFile: "/nowhere"}} {
		_, err := ours.New(c)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cret")
	}
}
