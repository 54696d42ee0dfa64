package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// checked holds every answer of every test to the document: status, headers
// and body.
func (d *door) checked(r *http.Request, w *httptest.ResponseRecorder) answer {
	d.t.Helper()
	out := answer{Status: w.Code, Header: w.Header(), Raw: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(w.Body.Bytes(), &out.Body); err != nil {
			d.t.Fatalf("%s %s: %v: %s", r.Method, r.URL.Path, err, w.Body)
		}
	}
	if err := d.doc.breaks(r, w); err != nil {
		d.t.Errorf("%s %s: the answer %d breaks the document: %v\n%s", r.Method, r.URL.Path, w.Code, err, w.Body)
	}
	return out
}

// breaks tells how an answer differs from the document; nil when it does not,
// or when the request is of no operation.
func (d *Document) breaks(r *http.Request, w *httptest.ResponseRecorder) error {
	op := d.find(r)
	if op == nil {
		return nil
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: d.routeOf(op)},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true, ExcludeResponseBody: !op.answersJSON(w.Code)},
	}
	if err := openapi3filter.ValidateResponse(context.Background(), in); err != nil {
		return err
	}
	if op.answersJSON(w.Code) && !strings.Contains(w.Header().Get("Content-Type"), "json") {
		return errors.New("no JSON")
	}
	for _, name := range []string{"ETag", "Location"} {
		if op.spec.Responses.Value(strconv.Itoa(w.Code)).Value.Headers[name] != nil && w.Header().Get(name) == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	if w.Code == http.StatusServiceUnavailable && op.Tag != "meta" && w.Header().Get("Retry-After") == "" {
		return errors.New("the header Retry-After is missing")
	}
	return nil
}

func (o *Operation) answersJSON(status int) bool {
	promised := o.spec.Responses.Value(strconv.Itoa(status))
	return promised != nil && slices.ContainsFunc(slices.Collect(maps.Keys(promised.Value.Content)), func(media string) bool { return strings.Contains(media, "json") })
}

func (d *Document) routeOf(op *Operation) *routers.Route {
	return &routers.Route{Spec: d.spec, Path: op.Path, PathItem: op.item, Method: op.Method, Operation: op.spec}
}

// requestBreaks tells how a request differs from what the document asks for.
func (d *Document) requestBreaks(r *http.Request, body []byte) error {
	op := d.find(r)
	if op == nil {
		return errors.New("no such operation")
	}
	params := map[string]string{}
	parts := strings.Split(r.URL.Path, "/")
	for i, p := range strings.Split(op.Path, "/") {
		if strings.HasPrefix(p, "{") {
			params[strings.Trim(p, "{}")] = parts[i]
		}
	}
	sent := r.Clone(context.Background())
	sent.Body = http.NoBody
	if body != nil {
		sent.Body = io.NopCloser(bytes.NewReader(body))
	}
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{Request: sent, PathParams: params, Route: d.routeOf(op),
		Options: &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}})
}

// find matches a request with an operation, fixed paths before patterns.
func (d *Document) find(r *http.Request) *Operation {
	var found *Operation
	for _, op := range d.Operations() {
		if op.Method != r.Method || !fits(op.Path, r.URL.Path) {
			continue
		}
		if found == nil || !strings.Contains(op.Path, "{") {
			found = op
		}
	}
	return found
}

func fits(pattern, path string) bool {
	p, q := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] && !strings.HasPrefix(p[i], "{") {
			return false
		}
	}
	return true
}
