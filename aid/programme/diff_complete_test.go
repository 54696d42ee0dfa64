package programme

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// places lists every place of a JSON value, itself included.
func places(v any, path []any, visit func(path []any)) {
	visit(path)
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sortedKeys(v) {
			places(v[name], append(path[:len(path):len(path)], name), visit)
		}
	case []any:
		for i := range v {
			places(v[i], append(path[:len(path):len(path)], i), visit)
		}
	}
}

// changedAt gives a copy with another value at a place; drop takes the place
// out.
func changedAt(v any, path []any, to any, drop bool) any {
	if len(path) == 0 {
		return to
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, field := range v {
			if name == path[0] {
				if drop && len(path) == 1 {
					continue
				}
				field = changedAt(field, path[1:], to, drop)
			}
			out[name] = field
		}
		return out
	case []any:
		var out []any
		for i, item := range v {
			if i == path[0] {
				if drop && len(path) == 1 {
					continue
				}
				item = changedAt(item, path[1:], to, drop)
			}
			out = append(out, item)
		}
		return out
	}
	return v
}

// TestDiffIsComplete: whatever is changed in a definition, wherever, the diff
// has a line for it, in each language, with words in it.
func TestDiffIsComplete(t *testing.T) {
	for _, file := range []string{"housing_repair", "housing_new"} {
		data, err := os.ReadFile("../../programmes/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(data), "\npayees:", "\neffective_to: 2030-01-01\n"+
			"papers: [{kind: letterhead, titles: {vi: Quỹ, en: Fund, id: Dana}}]\npayees:", 1)
		d, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		whole := tree(d)
		var all [][]any
		places(whole, nil, func(path []any) {
			if len(path) > 0 {
				all = append(all, path)
			}
		})
		rapid.Check(t, func(t *rapid.T) {
			path := rapid.SampledFrom(all).Draw(t, "place")
			to := rapid.SampledFrom([]any{"something else", json.Number("424242"), true, false, []any{"x"}, map[string]any{"x": "y"}, nil}).Draw(t, "value")
			drop := rapid.Bool().Draw(t, "drop")
			changed := pruned(copied(changedAt(whole, path, to, drop)))
			same := written(changed) == written(whole)
			for _, lang := range languages {
				d := &differ{lang: lang, currency: "VND"}
				d.compare("", nil, subjects, whole, changed)
				if same != (len(d.changes) == 0) {
					t.Fatalf("%v -> %v (drop %v): %v", path, to, drop, d.changes)
				}
				for _, change := range d.changes {
					if change.Text == "" || strings.Contains(change.Text, "%!") {
						t.Fatalf("%v: %q", path, change.Text)
					}
				}
			}
		})
	}
}

func copied(v any) any {
	data, _ := json.Marshal(v)
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var out any
	_ = decoder.Decode(&out)
	return out
}
