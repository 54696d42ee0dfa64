package api

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// odd are values that have broken other people's programs.
var odd = []any{nil, "", "x", "\u0000", "\u202e", "😀", "' OR 1=1 --", "{{.}}", "%s", "../../etc", -1, 0, 1e308, 9007199254740993.0, 1.5, true, []any{}, map[string]any{},
	[]any{nil, map[string]any{"a": []any{1}}}, "2026-02-30", "P", "HS-2026-000001", strings.Repeat("ạ", 5000)}

// spoil replaces, removes or adds members somewhere in a body.
func spoil(t *rapid.T, v any, depth int) any {
	m, ok := v.(map[string]any)
	if !ok || depth > 3 || rapid.IntRange(0, 9).Draw(t, "here") == 0 {
		return rapid.SampledFrom(odd).Draw(t, "value")
	}
	out := map[string]any{}
	for k, member := range m {
		out[k] = member
	}
	names := []string{"unknown"}
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	name := rapid.SampledFrom(names).Draw(t, "member")
	if rapid.IntRange(0, 4).Draw(t, "remove") == 0 {
		delete(out, name)
	} else {
		out[name] = spoil(t, m[name], depth+1)
	}
	return out
}

func exampleOf(op *Operation) any {
	media := op.spec.RequestBody.Value.Content.Get("application/json")
	if media == nil {
		return "" // a file, or a form with one
	}
	if media.Example != nil {
		return media.Example
	}
	for _, e := range media.Examples {
		return e.Value.Value
	}
	return map[string]any{}
}

// Whatever is sent to whatever operation: no answer is a fault of ours, none
// is outside the document (door.checked holds each of them to it), none tells
// what is inside.
//
// A fault is reported with the whole request, and not to rapid: what happens
// depends on what was sent before, because all checks share one database, so
// that rapid could neither shrink nor repeat it. For the same reason each
// request has an Idempotency-Key of its own.
func TestAnythingGetsADocumentedAnswer(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	id := d.submitted("medical")
	task := d.underReview(id)
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	known := []string{id, task, fund, "medical", "simulator", postgres.NewID(aid.PaymentID), "x", "HS-2026-000001"}
	users := []string{"portal1", "portal2", "verifier1", "approver1", "treasurer1", "manager1", "auditor1", "admin1", ""}
	var ops []*Operation
	for _, op := range d.doc.Operations() {
		if op.Tag != "meta" {
			ops = append(ops, op)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		op := rapid.SampledFrom(ops).Draw(rt, "operation")
		path, headers := drawParameters(rt, op, known)
		var body any
		if op.HasBody {
			body = spoil(rt, exampleOf(op), 0)
		}
		who := rapid.SampledFrom(users).Draw(rt, "who")
		before := len(d.logged())
		a := d.call(who, op.Method, path, body, headers...)
		if inside := insideOnly.FindString(a.Raw); a.Status >= 500 || inside != "" {
			sent, _ := json.Marshal(body)
			t.Errorf("%s: %s %s %q %s\n%d %s %q\n%s", who, op.Method, path, headers, sent, a.Status, a.Raw, inside, d.logged()[before:])
		}
	})
}

// insideOnly is what only a careless answer would hold.
var insideOnly = regexp.MustCompile(`(?i)goroutine|\.go:|pq:|sqlstate|postgres|runtime error|temporal|openapi3`)

// drawParameters gives an address of an operation and its headers.
func drawParameters(t *rapid.T, op *Operation, ids []string) (path string, headers []string) {
	path = op.Path
	for strings.Contains(path, "{") {
		i, j := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:i] + url.PathEscape(rapid.SampledFrom(ids).Draw(t, "id")) + path[j+1:]
	}
	query := url.Values{}
	for _, p := range op.spec.Parameters {
		if rapid.Bool().Draw(t, p.Value.Name) {
			continue
		}
		value, _ := json.Marshal(rapid.SampledFrom(odd).Draw(t, "parameter"))
		switch {
		case p.Value.In == "query":
			query.Set(p.Value.Name, strings.Trim(string(value), `"`))
		case p.Value.Name == headerKey:
			headers = append(headers, headerKey, postgres.NewID(aid.RequestID))
		case p.Value.In == "header":
			headers = append(headers, p.Value.Name, rapid.SampledFrom([]string{`"1"`, `"2"`, "*", "k", ""}).Draw(t, "header"))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path, headers
}
