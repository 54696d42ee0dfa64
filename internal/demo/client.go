package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// client speaks the public HTTP API and nothing else.
type client struct {
	base string // URL of the API, without a slash at its end
	lang string // what problems are told in
	http *http.Client
}

// caller is somebody who calls the API: a partner's portal with its key, or a
// member of the staff with a token.
type caller struct {
	*client
	id     string // as the timeline names it: a partner's id, or the user
	name   string // portal1, verifier1 ...
	title  string // for people
	bearer string
}

// request is one call of the API.
type request struct {
	method  string
	path    string
	query   url.Values
	body    any
	form    *upload // sent in place of a body
	ifMatch string
}

// answer is what comes with the body.
type answer struct {
	status   int
	etag     string
	location string
}

// fault is one thing that is wrong with a request.
type fault struct {
	Pointer   string `json:"pointer"`
	Parameter string `json:"parameter"`
	Code      string `json:"code"`
	Message   string `json:"message"`
}

// problem is a refusal of the API (RFC 9457) with the call that met it.
type problem struct {
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Code      string  `json:"code"`
	RequestID string  `json:"request_id"`
	Case      string  `json:"case"`
	Errors    []fault `json:"errors"`

	call string
}

// Error gives the whole problem in one line.
func (p *problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d %s", p.call, p.Status, p.Title)
	if p.Detail != "" && p.Detail != p.Title {
		fmt.Fprintf(&b, ": %s", p.Detail)
	}
	if p.Code != "" {
		fmt.Fprintf(&b, " [%s]", p.Code)
	}
	for _, f := range p.Errors {
		fmt.Fprintf(&b, "; %s%s: %s [%s]", f.Pointer, f.Parameter, f.Message, f.Code)
	}
	if p.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", p.RequestID)
	}
	return b.String()
}

// Limits of a call: how often it is sent again when the API asks for patience,
// and for how long it waits in between at most.
const (
	callTries   = 6
	callTimeout = 30 * time.Second
	maxPause    = 2 * time.Second
	maxAnswer   = 8 << 20
)

func newClient(base, lang string) *client {
	return &client{base: strings.TrimSuffix(base, "/"), lang: lang, http: &http.Client{Timeout: callTimeout}}
}

// get reads a resource into out.
func (c *caller) get(ctx context.Context, path string, query url.Values, out any) (answer, error) {
	return c.call(ctx, request{method: http.MethodGet, path: path, query: query}, out)
}

// post sends a body and reads the answer into out.
func (c *caller) post(ctx context.Context, path string, body, out any) (answer, error) {
	return c.call(ctx, request{method: http.MethodPost, path: path, body: body}, out)
}

// call makes one call. When the API says that it is busy, the same request is
// sent again under the same Idempotency-Key: it is then carried out once.
//
// Errors: *problem for every refusal of the API.
func (c *caller) call(ctx context.Context, r request, out any) (answer, error) {
	key := uuid.NewString()
	var err error
	for range callTries {
		var a answer
		var pause time.Duration
		if a, pause, err = c.once(ctx, r, key, out); err == nil || pause == 0 {
			return a, err
		}
		select {
		case <-ctx.Done():
			return answer{}, errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
	}
	return answer{}, err
}

// once sends the request. A pause above zero means that it may be sent again.
func (c *caller) once(ctx context.Context, r request, key string, out any) (a answer, pause time.Duration, err error) {
	req, err := c.build(ctx, r, key)
	if err != nil {
		return answer{}, 0, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, 200 * time.Millisecond, fmt.Errorf("%s: %w", c.describe(r), err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, 200 * time.Millisecond, fmt.Errorf("%s: %w", c.describe(r), err)
	}
	a = answer{status: resp.StatusCode, etag: resp.Header.Get("ETag"), location: resp.Header.Get("Location")}
	if resp.StatusCode >= http.StatusBadRequest {
		return a, retryAfter(resp), c.problem(r, resp, raw)
	}
	if out != nil && len(raw) > 0 {
		if err := json.Unmarshal(raw, out); err != nil {
			return a, 0, fmt.Errorf("%s: the answer cannot be read: %w", c.describe(r), err)
		}
	}
	return a, 0, nil
}

func (c *caller) build(ctx context.Context, r request, key string) (*http.Request, error) {
	var body io.Reader
	kind := "application/json"
	if r.form != nil {
		var err error
		if body, kind, err = r.form.encode(); err != nil {
			return nil, err
		}
	} else if r.body != nil {
		raw, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.bearer)
	req.Header.Set("Accept-Language", c.lang)
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if r.method == http.MethodPost {
		req.Header.Set("Idempotency-Key", key)
	}
	if r.ifMatch != "" {
		req.Header.Set("If-Match", r.ifMatch)
	}
	return req, nil
}

// retryAfter gives how long to wait before the request is sent again; 0 when
// that is no use. A conflict is temporary only when the API says so.
func retryAfter(resp *http.Response) time.Duration {
	switch resp.StatusCode {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusConflict:
	default:
		return 0
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil {
		return 0
	}
	return min(max(time.Duration(seconds)*time.Second, 100*time.Millisecond), maxPause)
}

func (c *caller) problem(r request, resp *http.Response, raw []byte) error {
	p := &problem{call: c.describe(r)}
	if json.Unmarshal(raw, p) != nil || p.Title == "" {
		p.Title = http.StatusText(resp.StatusCode)
	}
	p.Status = resp.StatusCode
	return p
}

func (c *caller) describe(r request) string {
	return fmt.Sprintf("%s %s as %s", r.method, r.path, c.name)
}

// list reads all pages of a list.
func list[T any](ctx context.Context, c *caller, path string, query url.Values) ([]T, error) {
	q := url.Values{"limit": {"200"}}
	for name, values := range query {
		q[name] = values
	}
	var all []T
	for {
		var page struct {
			Data       []T    `json:"data"`
			HasMore    bool   `json:"has_more"`
			NextCursor string `json:"next_cursor"`
		}
		if _, err := c.get(ctx, path, q, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if !page.HasMore || page.NextCursor == "" {
			return all, nil
		}
		q.Set("cursor", page.NextCursor)
	}
}
