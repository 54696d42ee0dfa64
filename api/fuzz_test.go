package api

import (
	"encoding/json"
	"net/url"
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
	if media.Example != nil {
		return media.Example
	}
	for _, e := range media.Examples {
		return e.Value.Value
	}
	return map[string]any{}
}

// Whatever is sent to whatever operation: no answer is a fault of ours, none
// is outside the document.
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
		path := op.Path
		for strings.Contains(path, "{") {
			i, j := strings.Index(path, "{"), strings.Index(path, "}")
			path = path[:i] + url.PathEscape(rapid.SampledFrom(known).Draw(rt, "id")) + path[j+1:]
		}
		query := url.Values{}
		headers := []string{}
		for _, p := range op.spec.Parameters {
			if rapid.Bool().Draw(rt, p.Value.Name) {
				continue
			}
			value, _ := json.Marshal(rapid.SampledFrom(odd).Draw(rt, "parameter"))
			text := strings.Trim(string(value), `"`)
			switch p.Value.In {
			case "query":
				query.Set(p.Value.Name, text)
			case "header":
				headers = append(headers, p.Value.Name, rapid.SampledFrom([]string{`"1"`, `"2"`, "*", "k", ""}).Draw(rt, "header"))
			}
		}
		if len(query) > 0 {
			path += "?" + query.Encode()
		}
		var body any
		if op.HasBody {
			body = spoil(rt, exampleOf(op), 0)
		}
		a := d.call(rapid.SampledFrom(users).Draw(rt, "who"), op.Method, path, body, headers...)
		if a.Status >= 500 {
			rt.Fatalf("%s %s: %d %s\n%s", op.Method, path, a.Status, a.Raw, d.logged()[max(0, len(d.logged())-2000):])
		}
	})
}
