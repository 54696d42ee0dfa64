package programme_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid/programme"
)

func TestPapersOfAProgramme(t *testing.T) {
	letter := `{vi: "Xin báo", en: "{applicant} of {area}", id: "{{ x }}"}`
	tests := []struct {
		name, papers string
		want         []string
	}{
		{"all of it", "{kind: decision_letter, titles: " + letter + ", body: " + letter + ", appeal: " + letter + ", law: " + letter + "}", nil},
		{"nothing but its kind", "{kind: letterhead}", nil},
		{"unknown kind", "{kind: diploma}", []string{"/papers/0/kind paper_unknown"}},
		{"twice", "{kind: letterhead}, {kind: letterhead}", []string{"/papers/1/kind repeated"}},
		{"a language is missing", "{kind: letterhead, body: {vi: a, en: b}}", []string{"/papers/0/body/id required"}},
		{"unknown placeholder", `{kind: letterhead, law: {vi: "{tên}", en: "{applicant}", id: "{"}}`,
			[]string{"/papers/0/law/id placeholder_unknown", "/papers/0/law/vi placeholder_unknown"}},
		{"appeal against a voucher", `{kind: payment_voucher, appeal: {vi: a, en: b, id: c}}`, []string{"/papers/0/appeal not_in_this_paper"}},
		{"unknown field", `{kind: letterhead, colour: red}`, []string{"/papers/0/colour unknown_field"}},
		{"too long", `{kind: letterhead, body: {vi: a, en: b, id: ` + strings.Repeat("ạ", 4001) + `}}`, []string{"/papers/0/body/id too_long"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, fault := range faults(t, small(t)+"\npapers: ["+tt.papers+"]\n") {
				_, place, _ := strings.Cut(fault, " ") // the line is that of small.yaml's end
				got = append(got, place)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("faults %q, want %q", got, tt.want)
			}
		})
	}
	d := parse(t, small(t)+"\npapers: [{kind: letterhead, body: {vi: a, en: b, id: c}}]\n")
	if p, ok := d.Paper("letterhead"); !ok || p.Body.In("vi") != "a" {
		t.Errorf("Paper = %v %v", p, ok)
	}
	if _, ok := d.Paper("decision_letter"); ok {
		t.Error("a paper that nobody has worded")
	}
}

func TestFillPaper(t *testing.T) {
	value := func(name string) (string, bool) { return "<{" + name + "}>", name == "applicant" || name == "area" }
	for text, want := range map[string]string{
		"":                          "",
		"{applicant}, {area}.":      "<{applicant}>, <{area}>.", // what a value says is not filled again
		"{{applicant}} }}{area}{{":  "{applicant} }<{area}>{",
		"{reason} and {applicant":   "{reason} and {applicant",
		"one } and {} and {applica": "one } and {} and {applica",
	} {
		if got := programme.FillPaper(text, value); got != want {
			t.Errorf("FillPaper(%q) = %q, want %q", text, got, want)
		}
	}
}

// Whatever a text says: filling it asks for known names exactly when nothing
// in the text is unknown.
func TestOnlyUnknownPlaceholdersStay(t *testing.T) {
	pieces := append(programme.PaperPlaceholders(), "{", "}", "{{", "}}", "x", " ", "ạ", "{applicant}", "{unknown}")
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "text"), "")
		strange := false
		programme.FillPaper(text, func(name string) (string, bool) {
			known := slices.Contains(programme.PaperPlaceholders(), name)
			strange = strange || !known
			return "", known
		})
		if unknown := programme.UnknownPlaceholders(text); strange != (len(unknown) > 0) {
			t.Fatalf("%q: unknown %q", text, unknown)
		}
	})
}
