package programmes_test

import (
	"slices"
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/programmes"
)

// TestGoldenDecisions: what the shipped programmes decide, as people wrote it.
func TestGoldenDecisions(t *testing.T) {
	definitions, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := programmes.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, d := range definitions {
		codes = append(codes, d.Code)
		decisions, failures, err := programmes.CheckGolden(d, tables[d.Code])
		if err != nil || decisions < 40 {
			t.Errorf("%s: %d decisions, %v", d.Code, decisions, err)
		}
		for _, failure := range failures {
			t.Errorf("%s: %s", d.Code, failure)
		}
	}
	if want := []string{"housing_new", "housing_repair", "medical", "other", "production", "schooling"}; !slices.Equal(codes, want) {
		t.Errorf("programmes %v, want %v", codes, want)
	}
	if len(tables) != len(codes) {
		t.Errorf("%d tables for %d programmes", len(tables), len(codes))
	}
}

// TestEveryRuleHasItsDecision: each eligibility rule fails in a golden row.
func TestEveryRuleHasItsDecision(t *testing.T) {
	tables, err := programmes.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	definitions, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range definitions {
		for _, rule := range d.Eligibility {
			if !strings.Contains(string(tables[d.Code]), rule.Code+" "+string(rule.Effect)) {
				t.Errorf("%s: no golden row in which %s fails", d.Code, rule.Code)
			}
		}
	}
}

// TestGoldenTellsWhatIsNotAsWritten breaks the programme and the table.
func TestGoldenTellsWhatIsNotAsWritten(t *testing.T) {
	sources, err := programmes.Sources()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := programmes.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(`== "shared" ? 50_000_000`, `== "shared" ? 51_000_000`, "same_need: block", "same_need: hint", "  - {after: P6M}\n", "").Replace(string(sources["housing_new"]))
	d, err := programme.Parse([]byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	_, failures, err := programmes.CheckGolden(d, tables["housing_new"])
	if err != nil {
		t.Fatal(err)
	}
	told := strings.Join(failures, "\n")
	for _, want := range []string{"a shared house, proposed: is 51000000, the golden file says 50000000", "hit same_need: is hint, the golden file says block", "visits after a payment"} {
		if !strings.Contains(told, want) {
			t.Errorf("not told: %s\n%s", want, told)
		}
	}
	tests := map[string]string{
		"deadlines: {field_vist: 3}":                                           "deadlines: there is no field_vist; there are default, verify_documents",
		"payees: {dog: false}":                                                 "payees: there is no dog; there are household",
		"hits: {same_nose: hint}":                                              "hits: there is no same_nose; there are same_person",
		"rules: [{name: odd, facts: {colour: red}, proposed: 1}]":              "odd: json: unknown field",
		"rules: [{name: odd, facts: {answers: {people: many}}, proposed: 1}]":  "odd: the answers are not valid: [/people type]",
		"rules: [{facts: {household: {classification: other}}, proposed: 57}]": "rules row 1, failed: is [not_poor block], the golden file says []",
	}
	for table, want := range tests {
		_, failures, err := programmes.CheckGolden(d, []byte(table))
		if err != nil || len(failures) == 0 || !strings.HasPrefix(failures[0], want) {
			t.Errorf("%s: %q, %v, want %s", table, failures, err, want)
		}
	}
	for _, table := range []string{"colour: red", "rules: 5", "[", "", "# nothing"} {
		if _, _, err := programmes.CheckGolden(d, []byte(table)); err == nil {
			t.Errorf("%q was read", table)
		}
	}
}
