package programme_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Texts for papers that would never be printed are hints with their place.
func TestHintsOfAForm(t *testing.T) {
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const full = `x-titles: {vi: A, en: A, id: A}, enum: [a, b], x-values: {a: {vi: A, en: A, id: A}}`
	for field, want := range map[string]string{
		full: "",
		`type: array, items: {enum: [a]}, x-values: {a: {vi: A, en: A, id: A}}`: "",
		`type: integer, x-unit: money`:                                          "",
		`type: integer, x-unit: dong`:                                           "/x-unit form_word_unknown",
		strings.Replace(full, "id: A", "idd: A", 1):                             "/x-titles/id required,/x-titles/idd language_unknown",
		strings.Replace(full, "x-values: {a", "x-values: {c", 1):                "/x-values/c form_value_unknown",
		strings.Replace(full, "x-titles", "x-title", 1):                         "/x-title form_word_unknown",
		`type: string, x-titles: A`:                                             " wrong_type",
	} {
		text := strings.Replace(string(small), "properties: {size", "properties: {odd: {"+field+"}, size", 1)
		if text == string(small) {
			t.Fatal("no properties")
		}
		d, err := programme.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: refused: %v", field, err)
			continue
		}
		if got := places(d.Hints()); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}

func places(hints []aid.Fault) string {
	var out []string
	for _, h := range hints {
		if place, ok := strings.CutPrefix(h.Pointer, "/form/properties/odd"); ok {
			out = append(out, place+" "+h.Code)
		}
	}
	return strings.Join(out, ",")
}

// Messages name what is near, what is missing and what there is.
func TestFaultsNameWhatThereIs(t *testing.T) {
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ before, after, code, param, want string }{
		{"max_returns", "max_return", "unknown_field", "near", "max_returns"},
		{"max_returns: 3", "max_returns: 3\nparty: 1", "unknown_field", "near", ""},
		{"payees: [household]", "payees: [household, dog]", "payee_unknown", "known", "household, guardian, heir, hospital, school, supplier"},
		{"kind: request, dated", "kind: other, dated", "documents_missing", "missing", "request"},
		{"decide: P30D", "decide: P5D", "not_ascending", "reminders", "2"},
	} {
		_, err := programme.Parse([]byte(strings.Replace(string(small), c.before, c.after, 1)))
		refusal, ok := err.(*aid.Error) //nolint:errorlint // Parse wraps nothing
		if !ok {
			t.Errorf("%s: %v", c.after, err)
			continue
		}
		found := false
		for _, f := range refusal.Faults {
			found = found || f.Code == c.code && f.Params[c.param] == c.want
		}
		if !found {
			t.Errorf("%s: %+v", c.after, refusal.Faults)
		}
	}
}
