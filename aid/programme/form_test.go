package programme_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid/programme"
	"pgregory.net/rapid"
)

// rich has a form with every kind of keyword that forms use.
func rich(t testing.TB) *programme.Definition {
	t.Helper()
	form := `{
  type: object, additionalProperties: false, required: [size],
  properties: {
    size: {type: integer, minimum: 1, maximum: 9},
    name: {type: string, minLength: 2, maxLength: 5, pattern: "^[a-z]*$"},
    born: {type: string, format: date},
    kind: {enum: [a, b]},
    sure: {const: true},
    list: {type: array, minItems: 1, maxItems: 2, uniqueItems: true, items: {type: integer}},
    deep: {type: object, additionalProperties: false, required: [x], properties: {x: {type: number, exclusiveMinimum: 0}, "a/b": {type: string}}},
    either: {anyOf: [{type: string}, {type: integer, minimum: 10}]},
    never: {not: {}}},
  allOf: [{properties: {size: {multipleOf: 3}}}],
  dependentRequired: {name: [born]},
  if: {properties: {kind: {const: b}}, required: [kind]}, then: {required: [sure]},
  examples: [{size: 3}]}
`
	text := small(t)
	start, end := strings.Index(text, "form: "), strings.Index(text, "example_request:")
	text = text[:start] + "form: " + form + text[end:]
	return parse(t, strings.Replace(text, "answers: {size: 2}", "answers: {size: 3}", 1))
}

func TestCheckAnswers(t *testing.T) {
	d := rich(t)
	tests := []struct {
		answers string
		want    []string
	}{
		{`{"size": 3}`, nil},
		{``, []string{" required"}},
		{`{`, []string{" malformed_json"}},
		{`{"size": 3} {}`, []string{" malformed_json"}},
		{`[]`, []string{" type"}},
		{`null`, []string{" type"}},
		{`{}`, []string{"/size required"}},
		{`{"size": "3"}`, []string{"/size type"}},
		{`{"size": 12}`, []string{"/size maximum"}},
		{`{"size": 0}`, []string{"/size minimum"}},
		{`{"size": 4}`, []string{"/size multiple_of"}},
		{`{"size": 1e999}`, []string{"/size number_too_long"}},
		{`{"size": 3e0}`, nil},
		{`{"size": 3, "deep": {"x": 1e9999999999}, "list": [1E-999999999]}`, []string{"/deep/x number_too_long", "/list/0 number_too_long"}},
		{`{"size": 3, "deep": {"x": 0.00000000000000000000000000000000000000000001}}`, []string{"/deep/x number_too_long"}},
		{`{"size": 3, "name": "x", "born": "2026-02-30"}`, []string{"/born format", "/name min_length"}},
		{`{"size": 3, "name": "TOO LONG", "born": "2026-02-20"}`, []string{"/name max_length", "/name pattern"}},
		{`{"size": 3, "name": "abc"}`, []string{"/born required"}},
		{`{"size": 3, "kind": "c"}`, []string{"/kind enum"}},
		{`{"size": 3, "kind": "b"}`, []string{"/sure required"}},
		{`{"size": 3, "sure": false}`, []string{"/sure const"}},
		{`{"size": 3, "list": [1, 1]}`, []string{"/list unique_items"}},
		{`{"size": 3, "list": ["a", 1, 2]}`, []string{"/list max_items", "/list/0 type"}},
		{`{"size": 3, "deep": {"a/b": 1, "x": 0}}`, []string{"/deep type", "/deep/x exclusive_minimum"}},
		{`{"size": 3, "deep": {"y": 1}}`, []string{"/deep/x required", "/deep/y unknown_field"}},
		{`{"size": 3, "either": 5}`, []string{"/either any_of"}},
		{`{"size": 3, "never": 5}`, []string{"/never not_allowed"}},
		{`{"size": 3, "colour": 1, "Nguyễn Thị Sương": 2}`, []string{" unknown_field", "/colour unknown_field"}},
	}
	for _, tt := range tests {
		t.Run(tt.answers, func(t *testing.T) {
			got := list(d.CheckAnswers(json.RawMessage(tt.answers)))
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("faults %q, want %q", got, tt.want)
			}
		})
	}
}

// TestFaultsNeverRepeatTheAnswer fills the form with one canary in every place
// that an answer can have.
func TestFaultsNeverRepeatTheAnswer(t *testing.T) {
	const canary = "canary 051084000913"
	d := rich(t)
	rapid.Check(t, func(t *rapid.T) {
		answers := map[string]any{}
		for _, name := range []string{"size", "name", "born", "kind", "sure", "list", "deep", "either", "never", canary} {
			if rapid.Bool().Draw(t, name) {
				answers[name] = rapid.SampledFrom([]any{canary, []any{canary, canary}, map[string]any{canary: canary},
					[]any{map[string]any{canary: 1}}, map[string]any{"x": canary}}).Draw(t, "value")
			}
		}
		data, err := json.Marshal(answers)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(d.CheckAnswers(data)); strings.Contains(text, "canary") || strings.Contains(text, "0510") {
			t.Fatalf("%s gives %s", data, text)
		}
	})
}

func TestLimitsComeFromTheForm(t *testing.T) {
	d := rich(t)
	for answers, want := range map[string]string{
		`{"size": 12}`:                   "9",
		`{"size": 0}`:                    "1",
		`{"size": "x"}`:                  "integer",
		`{"size": 3, "list": []}`:        "1",
		`{"size": 3, "list": [1, 2, 3]}`: "2",
		`{"size": 3, "name": "x", "born": "2026-01-01"}`:        "2",
		`{"size": 3, "name": "abcdefgh", "born": "2026-01-01"}`: "5",
		`{"size": 3, "deep": {"x": 0}}`:                         "0",
		`{"size": 3, "born": "yesterday"}`:                      "date",
	} {
		faults := d.CheckAnswers(json.RawMessage(answers))
		if len(faults) != 1 || faults[0].Params["want"] != want {
			t.Errorf("%s: %v, want the limit %s", answers, faults, want)
		}
	}
}
