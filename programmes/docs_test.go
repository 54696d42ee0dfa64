package programmes_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/programmes"
	"go.yaml.in/yaml/v3"
)

// snippet is a block of YAML in the guide: its kind (after the word yaml), its
// text and the line where it begins.
type snippet struct {
	kind, text string
	line       int
}

func snippets(t *testing.T) []snippet {
	t.Helper()
	data, err := os.ReadFile("../docs/programmes.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []snippet
	var block []string
	inside, kind, begin := false, "", 0
	for i, line := range strings.Split(string(data), "\n") {
		switch {
		case inside && line == "```":
			all = append(all, snippet{kind: kind, text: strings.Join(block, "\n") + "\n", line: begin})
			inside = false
		case inside:
			block = append(block, line)
		case strings.HasPrefix(line, "```yaml"):
			inside, kind, begin, block = true, strings.TrimSpace(strings.TrimPrefix(line, "```yaml")), i+2, nil
		}
	}
	return all
}

// TestTheGuideIsRight: whatever the guide shows can be copied. A snippet
// replaces the fields that it names in the whole programme at the top.
func TestTheGuideIsRight(t *testing.T) {
	all := snippets(t)
	if len(all) < 15 {
		t.Fatalf("only %d snippets", len(all))
	}
	whole := all[0].text
	d, err := programme.Parse([]byte(whole))
	if err != nil {
		t.Fatalf("the whole programme: %v", err)
	}
	for _, s := range all[1:] {
		if s.kind == "golden" {
			decisions, failures, err := programmes.CheckGolden(d, []byte(s.text))
			if err != nil || decisions < 20 || len(failures) > 0 {
				t.Errorf("line %d: %d decisions, %q, %v", s.line, decisions, failures, err)
			}
			continue
		}
		_, err := programme.Parse(over(t, whole, s.text))
		want, isFault := strings.CutPrefix(s.kind, "fault ")
		switch {
		case !isFault && err != nil:
			t.Errorf("line %d: %v", s.line, err)
		case isFault && !onlyFault(err, want):
			t.Errorf("line %d: %v, want %s", s.line, err, want)
		}
	}
}

func onlyFault(err error, code string) bool {
	var refusal *aid.Error
	return errors.As(err, &refusal) && len(refusal.Faults) == 1 && refusal.Faults[0].Code == code
}

// over replaces the top-level fields that a snippet has.
func over(t *testing.T, whole, text string) []byte {
	t.Helper()
	var fields, changes map[string]yaml.Node
	for source, target := range map[string]*map[string]yaml.Node{whole: &fields, text: &changes} {
		if err := yaml.Unmarshal([]byte(source), target); err != nil {
			t.Fatal(err)
		}
	}
	for name, node := range changes {
		fields[name] = node
	}
	data, err := yaml.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestTheGuideNamesEverything: every field of a definition, every fact and
// every code of a rule is on the page.
func TestTheGuideNamesEverything(t *testing.T) {
	data, err := os.ReadFile("../docs/programmes.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, kind := range programme.HitKinds() {
		if !strings.Contains(page, "`"+kind+"`") {
			t.Errorf("the guide does not name %s", kind)
		}
	}
	for _, fact := range []string{"applicant.age", "applicant.sex", "applicant.has_id", "household.registered", "household.classification", "household.score_a", "household.score_b",
		"household.urban", "household.size", "household.children", "household.elderly", "requested", "urgent", "year", "area.level"} {
		if !strings.Contains(page, "`"+fact+"`") {
			t.Errorf("the guide does not name %s", fact)
		}
	}
	sources, err := programmes.Sources()
	if err != nil {
		t.Fatal(err)
	}
	for code, source := range sources {
		var fields map[string]any
		if err := yaml.Unmarshal(source, &fields); err != nil {
			t.Fatal(err)
		}
		for name := range fields {
			if !strings.Contains(page, "`"+name) && !strings.Contains(page, "\n"+name+":") {
				t.Errorf("%s has %s, which the guide does not name", code, name)
			}
		}
	}
}
