// Package api is the door: the HTTP surface of openapi.yaml. A request passes,
// in this order: request id and log, recovery, the caller (auth.go), the roles
// of the operation (authorise.go), required headers, the body's form
// (strict.go), the document's rules (validate.go), idempotency
// (idempotency.go), and then one handler: decode, call, render. Every refusal
// leaves through the one renderer of problem.go.
package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed openapi.yaml
var openapiYAML []byte

// Operation is one operation of the document, with what the middlewares need
// to know about it.
type Operation struct {
	ID     string
	Method string
	Path   string   // as in the document: /v1/cases/{id}
	Roles  []string // x-roles: roles of staff, partner, rail or anyone
	Scope  string   // x-scope: what a partner's key needs besides; "" for nothing
	Tag    string

	NeedsKey     bool // Idempotency-Key is required
	TakesKey     bool // Idempotency-Key is required or optional
	NeedsIfMatch bool
	HasBody      bool
	NeedsBody    bool
	Stream       bool // the body is a file, which is stored as it comes
	Upload       bool // the body is a form with a file, which is stored as it comes

	item *openapi3.PathItem
	spec *openapi3.Operation
	body *openapi3.Schema // of application/json; nil without a body
}

// Document is the OpenAPI document, loaded once: what is served, what requests
// are checked against, and what the documentation page shows.
type Document struct {
	YAML []byte
	JSON []byte

	spec    *openapi3.T
	ops     []*Operation
	byRoute map[string]*Operation
}

// LoadDocument reads the embedded document.
//
// Errors: a document that is not valid OpenAPI, or an operation without
// x-roles; both are faults of the build and are found by the tests.
func LoadDocument() (*Document, error) {
	spec, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	asJSON, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	// The document uses no keyword that only 3.1 has (a test holds it to that).
	// Read as 3.0, a request is checked by the compiled-in validator, not by one
	// that compiles the schema again for every request.
	spec.OpenAPI = "3.0.3"
	d := &Document{YAML: openapiYAML, JSON: asJSON, spec: spec, byRoute: map[string]*Operation{}}
	for _, path := range spec.Paths.InMatchingOrder() {
		item := spec.Paths.Value(path)
		for method, op := range item.Operations() {
			o, err := newOperation(path, method, item, op)
			if err != nil {
				return nil, err
			}
			d.ops = append(d.ops, o)
			d.byRoute[method+" "+ginPath(path)] = o
		}
	}
	slices.SortFunc(d.ops, func(a, b *Operation) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return d, nil
}

func newOperation(path, method string, item *openapi3.PathItem, op *openapi3.Operation) (*Operation, error) {
	o := &Operation{ID: op.OperationID, Method: method, Path: path, item: item, spec: op}
	if len(op.Tags) > 0 {
		o.Tag = op.Tags[0]
	}
	roles, _ := op.Extensions["x-roles"].([]any)
	for _, r := range roles {
		o.Roles = append(o.Roles, fmt.Sprint(r))
	}
	if len(o.Roles) == 0 {
		return nil, fmt.Errorf("openapi.yaml: %s %s has no x-roles", method, path)
	}
	o.Scope, _ = op.Extensions["x-scope"].(string)
	for _, p := range op.Parameters {
		switch p.Value.Name {
		case headerKey:
			o.TakesKey, o.NeedsKey = true, p.Value.Required
		case headerIfMatch:
			o.NeedsIfMatch = p.Value.Required
		}
	}
	if op.RequestBody != nil {
		o.HasBody, o.NeedsBody = true, op.RequestBody.Value.Required
		if mt := op.RequestBody.Value.Content.Get("application/json"); mt != nil && mt.Schema != nil {
			o.body = mt.Schema.Value
		}
		o.Stream = op.RequestBody.Value.Content.Get("application/octet-stream") != nil
		o.Upload = op.RequestBody.Value.Content.Get("multipart/form-data") != nil
	}
	return o, nil
}

// Operations gives all operations, sorted by path and method.
func (d *Document) Operations() []*Operation { return d.ops }

// operation finds the operation of a route of the router; nil for a page that
// is not part of the document.
func (d *Document) operation(method, fullPath string) *Operation {
	return d.byRoute[method+" "+fullPath]
}

// ginPath writes a path of the document as the router has it: /v1/cases/:id.
func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// limit is the longest that a request of the operation may take: files come
// and go over slow lines.
func (o *Operation) limit() time.Duration {
	switch {
	case o == nil:
	case o.Stream:
		return importLimit
	case o.Upload || o.ID == "getDocumentContent":
		return fileLimit
	}
	return requestLimit
}

// Public tells whether the operation needs no caller.
func (o *Operation) Public() bool { return slices.Contains(o.Roles, "anyone") }
