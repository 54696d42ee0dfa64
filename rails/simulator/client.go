package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// RailName is the stable name of this rail and the last part of the path of
// its callbacks.
const RailName = "simulator"

// defaultTimeout bounds one call when the configuration does not.
const defaultTimeout = 10 * time.Second

// maxBooks is the most that the client reads of the books.
const maxBooks = 256 << 20

// ClientConfig says how to reach the simulator's process.
type ClientConfig struct {
	URL     string        // http://host:port
	Secret  string        // bearer of every request
	Timeout time.Duration // of one call; 0 means ten seconds
	HTTP    *http.Client  // nil means an own one, without proxies
}

// Client is the rail "simulator". It keeps nothing and may be used from many
// goroutines.
type Client struct {
	base    string
	secret  string
	timeout time.Duration
	http    *http.Client
}

var _ rails.Rail = (*Client)(nil)

// NewClient makes a client. It does not connect; an URL that cannot be used or
// a missing secret is an error.
func NewClient(c ClientConfig) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("simulator: the URL must be http(s)://host:port")
	}
	if c.Secret == "" {
		return nil, errors.New("simulator: the secret is empty")
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	return &Client{
		base: strings.TrimRight(c.URL, "/"), secret: c.Secret, timeout: c.Timeout, http: httpClient(c.HTTP),
	}, nil
}

// httpClient never follows a redirect, so that the secret and a payee go only
// where they were meant to, and uses no proxy of the environment.
func httpClient(given *http.Client) *http.Client {
	h := http.Client{}
	if given != nil {
		h = *given
	}
	if h.Transport == nil {
		h.Transport = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 32,
			IdleConnTimeout:     30 * time.Second,
		}
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

// Name gives RailName.
func (*Client) Name() string { return RailName }

// Capabilities gives what the simulator can do.
func (*Client) Capabilities() rails.Capabilities {
	return rails.Capabilities{
		Instant: true, CanAsk: true, Callbacks: true, Idempotent: true,
		MaxAmount: maxAmount, Currencies: []string{currencyVND}, Methods: []string{rails.MethodBank},
	}
}

// Submit hands over one instruction; see rails.Rail.
func (c *Client) Submit(ctx context.Context, in rails.Instruction) (rails.Status, error) {
	if err := in.Validate(); err != nil {
		return rails.Status{}, err
	}
	code, body, err := c.call(ctx, http.MethodPost, "/v1/payments", requestOf(in), maxBody)
	if err != nil {
		return rails.Status{}, err
	}
	s, err := statusOf(code, body, http.StatusOK, http.StatusCreated)
	if err != nil {
		return rails.Status{}, err
	}
	if s.State == rails.NotFound {
		return rails.Status{}, &rails.Error{Certainty: rails.Unknown, Code: rails.CodeMismatch, Field: "state"}
	}
	if err := s.Confirm(in.Key, in.Amount, in.Currency); err != nil {
		return rails.Status{}, err
	}
	return s, nil
}

// Ask gives what the simulator knows of a key; see rails.Rail.
func (c *Client) Ask(ctx context.Context, key string) (rails.Status, error) {
	if !rails.ValidKey(key) {
		return rails.Status{}, &rails.Error{Certainty: rails.Never, Code: rails.CodeInvalidInstruction, Field: "key"}
	}
	code, body, err := c.call(ctx, http.MethodGet, "/v1/payments/"+key, nil, maxBody)
	if err != nil {
		return rails.Status{}, err
	}
	s, err := statusOf(code, body, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return rails.Status{}, err
	}
	if (code == http.StatusNotFound) != (s.State == rails.NotFound) {
		return rails.Status{}, malformedAnswer()
	}
	if err := s.Confirm(key, s.Amount, s.Currency); err != nil {
		return rails.Status{}, err
	}
	return s, nil
}

// Books gives every settled movement with its sums, for comparison with the
// ledger.
func (c *Client) Books(ctx context.Context) (Books, error) {
	var b Books
	err := c.control(ctx, http.MethodGet, "/v1/books", nil, &b)
	return b, err
}

// AddFaults adds the rules of a script behind those that are there.
func (c *Client) AddFaults(ctx context.Context, s Script) error {
	return c.control(ctx, http.MethodPost, "/v1/faults", s, nil)
}

// ClearFaults removes every rule.
func (c *Client) ClearFaults(ctx context.Context) error {
	return c.control(ctx, http.MethodDelete, "/v1/faults", nil, nil)
}

func (c *Client) control(ctx context.Context, method, path string, in, out any) error {
	code, body, err := c.call(ctx, method, path, in, maxBooks)
	if err != nil {
		return err
	}
	if code/100 != 2 {
		_, err := statusOf(code, body)
		return err
	}
	if out != nil && decodeStrict(body, out) != nil {
		return malformedAnswer()
	}
	return nil
}

// call makes one request and reads the whole answer. Its errors say whether
// anything can have reached the rail: without a connection nothing has.
func (c *Client) call(ctx context.Context, method, path string, in any, limit int64) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return 0, nil, &rails.Error{Certainty: rails.NotExecuted, Code: rails.CodeUnreachable, Cause: err}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, callError(err, connected.Load())
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return 0, nil, callError(err, true)
	}
	if int64(len(body)) > limit {
		return 0, nil, malformedAnswer()
	}
	if err := refusal(res, body); err != nil {
		return 0, nil, err
	}
	return res.StatusCode, body, nil
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.secret)
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
