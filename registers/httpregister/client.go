// Package httpregister asks a register over HTTPS with JSON: one question, one
// answer, as docs/registers.md writes them down. A register that speaks
// otherwise gets an adapter of its own, beside this one.
package httpregister

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aidflow/aidflow/registers"
)

// defaultTimeout bounds one question when the configuration does not.
const defaultTimeout = 10 * time.Second

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 64 << 10

// Config says how to reach a register.
type Config struct {
	URL     string        // questions go to URL + /v1/persons/lookup
	Token   string        // bearer of every question; "" sends none
	Timeout time.Duration // of one question; 0 means ten seconds
}

// Client is the adapter. It keeps nothing and may be used from many
// goroutines.
type Client struct {
	url     string
	token   string
	timeout time.Duration
	http    *http.Client
}

var _ registers.Register = (*Client)(nil)

// New makes a client. It does not connect; an URL that cannot be used is an
// error.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("register: the URL must be http(s)://host/path")
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	// No redirect is followed and no proxy of the environment is used: a
	// person goes only where the configuration says.
	h := &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Client{url: strings.TrimRight(c.URL, "/") + "/v1/persons/lookup", token: c.Token, timeout: c.Timeout, http: h}, nil
}

// Look asks; see registers.Register.
func (c *Client) Look(ctx context.Context, asked registers.Person) (registers.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.request(ctx, asked)
	if err != nil {
		return registers.Entry{}, &registers.Error{Code: registers.CodeUnreachable}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return registers.Entry{}, fault(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return registers.Entry{}, &registers.Error{Code: registers.CodeNoAnswer}
	}
	if code := refusal(res.StatusCode); code != "" {
		return registers.Entry{}, &registers.Error{Code: code}
	}
	return read(body)
}

func (c *Client) request(ctx context.Context, asked registers.Person) (*http.Request, error) {
	body, err := json.Marshal(person(asked))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// fault tells a register that was not reached from one that did not answer.
// The error itself is dropped: it may quote.
func fault(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &registers.Error{Code: registers.CodeUnreachable}
	}
	return &registers.Error{Code: registers.CodeNoAnswer}
}

// refusal gives the code of an answer that is none, "" for one. Also a 404 is
// none: it may be the wrong path. Who is not known is told with 200.
func refusal(status int) string {
	switch status {
	case http.StatusOK:
		return ""
	case http.StatusUnauthorized, http.StatusForbidden:
		return registers.CodeUnauthorized
	case http.StatusTooManyRequests:
		return registers.CodeRateLimited
	}
	return registers.CodeRegisterFault
}
