package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	dev "github.com/aidflow/aidflow/internal/stack"
)

// callLimit bounds one request; patience is how long a request is repeated
// while a part of the stack is away.
const (
	callLimit = 70 * time.Second
	patience  = 90 * time.Second
)

// caller is a partner's portal or a member of the staff.
type caller struct {
	s      *stack
	name   string
	bearer string
}

// as gives portal1 or portal2 with their keys, and anybody else with a token.
func (s *stack) as(t *testing.T, name string) *caller {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if key, ok := s.Keys[name]; ok {
		return &caller{s, name, key}
	}
	if s.tokens[name] == "" {
		token, err := dev.Token(s.dir, name, time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		s.tokens[name] = token
	}
	return &caller{s, name, s.tokens[name]}
}

func (s *stack) partner(t *testing.T) *caller { t.Helper(); return s.as(t, "portal1") }

// reply is an answer of the API.
type reply struct {
	call    string
	status  int
	header  http.Header
	body    []byte
	problem problem // of a refusal

	called, returned time.Duration // in a race
}

// problem is what the API says when it refuses.
type problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Code      string  `json:"code"`
	RequestID string  `json:"request_id"`
	Case      string  `json:"case"`
	Decided   settled `json:"decided"`
	Held      settled `json:"held"`
	Errors    []fault `json:"errors"`
}

// settled is who was first, what that person did, and when.
type settled struct {
	By     string    `json:"by"`
	Action string    `json:"action"`
	At     time.Time `json:"at"`
}

type fault struct {
	Pointer   string `json:"pointer"`
	Parameter string `json:"parameter"`
	Code      string `json:"code"`
	Message   string `json:"message"`
}

func (r reply) String() string { return fmt.Sprintf("%s: %d %s", r.call, r.status, r.body) }

// into reads the body of an answer.
func (r reply) into(t *testing.T, out any) {
	t.Helper()
	if err := json.Unmarshal(r.body, out); err != nil {
		t.Fatalf("%s: %v", r, err)
	}
}

// header is a name and its value.
type header struct{ name, value string }

// idempotent, ifMatch: the headers of the contract.
func idempotent(key string) header { return header{"Idempotency-Key", key} }
func ifMatch(etag string) header   { return header{"If-Match", etag} }
func newKey() header               { return idempotent(rand.Text()) }

// client keeps enough connections for a hundred callers at once.
var client = &http.Client{Timeout: callLimit, Transport: &http.Transport{MaxIdleConns: 300, MaxIdleConnsPerHost: 300, IdleConnTimeout: 20 * time.Second}}

// send makes one request. A body of bytes or a string is sent as it is,
// anything else as JSON. The error is of the connection only.
func (c *caller) send(method, path string, body any, headers ...header) (reply, error) {
	r := reply{call: method + " " + path + " as " + c.name}
	req, err := http.NewRequest(method, c.s.API+path, reader(body))
	if err != nil {
		return r, err
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		req.Header.Set(h.name, h.value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		return r, err
	}
	r.status, r.header = resp.StatusCode, resp.Header
	if r.status >= http.StatusBadRequest {
		_ = json.Unmarshal(r.body, &r.problem) // what it lacks is seen by who reads it
	}
	return r, nil
}

func reader(body any) io.Reader {
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(b)
	case []byte:
		return bytes.NewReader(b)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps and structs of this package
	}
	return bytes.NewReader(raw)
}

// call makes one request, which must reach the API.
func (c *caller) call(t *testing.T, method, path string, body any, headers ...header) reply {
	t.Helper()
	r, err := c.send(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", r.call, err, c.s.tail())
	}
	return r
}

// get reads a resource; like a sensible program it tries again while the API
// or what is behind it is away.
func get[T any](t *testing.T, c *caller, path string, query ...string) T {
	t.Helper()
	out, _ := getTagged[T](t, c, path, query...)
	return out
}

// getTagged gives the resource and its ETag.
func getTagged[T any](t *testing.T, c *caller, path string, query ...string) (T, string) {
	t.Helper()
	if len(query) > 0 {
		values := url.Values{}
		for i := 0; i < len(query); i += 2 {
			values.Set(query[i], query[i+1])
		}
		path += "?" + values.Encode()
	}
	r := c.insist(t, http.MethodGet, path, nil)
	if r.status != http.StatusOK {
		t.Fatalf("%s\n%s", r, c.s.tail())
	}
	var out T
	r.into(t, &out)
	return out, r.header.Get("ETag")
}

// insist repeats a request while the answer is that something is away.
func (c *caller) insist(t *testing.T, method, path string, body any, headers ...header) reply {
	t.Helper()
	var r reply
	c.s.await(t, patience, method+" "+path, func() bool {
		var err error
		r, err = c.send(method, path, body, headers...)
		return err == nil && !passing(r)
	})
	return r
}

// passing tells whether an answer says to come again.
func passing(r reply) bool {
	return r.status == http.StatusServiceUnavailable || (r.status == http.StatusConflict && r.header.Get("Retry-After") != "")
}

// page is one page of a list.
type page[T any] struct {
	Data       []T    `json:"data"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor"`
}

// list reads all pages of a list.
func list[T any](t *testing.T, c *caller, path string, query ...string) []T {
	t.Helper()
	query = append([]string{"limit", "200"}, query...)
	var all []T
	for {
		p := get[page[T]](t, c, path, query...)
		all = append(all, p.Data...)
		if !p.HasMore {
			return all
		}
		query = append(query, "cursor", p.NextCursor)
	}
}

// ready tells whether the API reaches what it needs.
func (s *stack) ready() bool {
	r, err := (&caller{s: s, name: "nobody"}).send(http.MethodGet, "/readyz", nil)
	return err == nil && r.status == http.StatusOK
}

func itoa(n int) string { return strconv.Itoa(n) }
