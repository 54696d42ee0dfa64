package programme_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid/programme"
)

// tiny parses the small programme with some texts in place of others, and with
// more at its end.
func tiny(t *testing.T, more string, replace ...string) *programme.Definition {
	t.Helper()
	raw, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	replace = append(replace, "checks: [{kind: identity, final: true}]", "checks: [{kind: identity, final: true}, {kind: eligibility, final: false}]",
		"reasons:\n", "reasons:\n  override: [{code: hard, "+titles+"}]\n")
	d, err := programme.Parse([]byte(strings.NewReplacer(replace...).Replace(string(raw)) + more))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const titles = `titles: {vi: Luật, en: Rule, id: Aturan}`

// What differs between two versions, facts by facts: decisions, amounts, levels
// and their reasons, written by hand.
func TestTryGolden(t *testing.T) {
	older := tiny(t, `
eligibility:
  - {code: not_poor, require: 'household.classification == "poor"', effect: block, `+titles+`}
  - {code: too_young, require: applicant.age >= 18, effect: final, `+titles+`}
`)
	newer := tiny(t, `
eligibility:
  - {code: not_poor, require: 'household.classification == "poor" || household.classification == "near_poor"', effect: block, `+titles+`}
  - {code: too_young, require: applicant.age >= 18, effect: final, `+titles+`}
  - {code: too_small, require: answers.size > 1, effect: block, `+titles+`}
award: {amount: '60', round_to: 10}
`, "version: 1", "version: 2", "minimum: 1}", "minimum: 1, maximum: 9}",
		"{up_to: null, levels: [{name: commune, mode: any}]}", "{up_to: 50, levels: [{name: commune, mode: any}]}\n  - {up_to: null, levels: [{name: commune, mode: any}, {name: province, mode: committee, quorum: 2, chair: true}]}")
	facts := func(classification string, age, size, requested int) programme.Facts {
		return programme.Facts{Applicant: programme.ApplicantFacts{Age: age, Sex: "male"}, Requested: int64(requested), Year: 2026,
			Household: programme.HouseholdFacts{Registered: true, Classification: classification, ScoreA: -1, ScoreB: -1},
			Area:      programme.AreaFacts{Level: "commune"}, Answers: json.RawMessage(fmt.Sprintf(`{"size": %d}`, size))}
	}
	var totals programme.Totals
	for _, tt := range []struct {
		name  string
		facts programme.Facts
		want  string
	}{
		{"nothing differs", facts("poor", 40, 3, 50), "eligible 50 [commune any] -> eligible 50 [commune any] [] []"},
		{"less money", facts("poor", 40, 3, 50+5), "eligible 55 [commune any] -> eligible 50 [commune any] [amount] [limited_by:requested limited_by:rounding]"},
		{"less money, and more levels", facts("poor", 40, 3, 90), "eligible 90 [commune any] -> eligible 60 [commune any province committee 2 chair] [amount levels] [limited_by:rule levels:matrix]"},
		{"near poor are helped now", facts("near_poor", 40, 3, 50), "needs_override 50 [commune any] -> eligible 50 [commune any] [decision] [passes_now:not_poor]"},
		{"a new rule", facts("poor", 40, 1, 50), "eligible 50 [commune any] -> needs_override 50 [commune any] [decision] [fails_now:too_small]"},
		{"rejected by both", facts("poor", 12, 3, 50), "rejected 50 [commune any] -> rejected 50 [commune any] [] []"},
		{"another reason beside a final one", facts("poor", 12, 1, 50), "rejected 50 [commune any] -> rejected 50 [commune any] [decision] [fails_now:too_small]"},
		{"the new form does not take it", facts("poor", 40, 12, 50), "eligible 50 [commune any] -> unfit 0 [] [decision] [unfit:maximum]"},
		{"above the ceiling", facts("poor", 40, 3, 101), "unfit 0 [] -> unfit 0 [] [] [unfit:amount_above_ceiling]"},
	} {
		trial := programme.Try(older, newer, tt.facts)
		totals.Add(trial)
		side := func(r programme.Ruling) string { return fmt.Sprint(r.Decision, " ", r.Amount, " ", r.Levels) }
		if got := fmt.Sprint(side(trial.Before), " -> ", side(trial.After), " ", trial.Differs, " ", trial.Why); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if back := programme.Try(newer, older, tt.facts); !slices.Equal(back.Differs, trial.Differs) {
			t.Errorf("%s: backwards %v differ", tt.name, back.Differs)
		}
	}
	if want := (programme.Totals{LookedAt: 9, Changed: 6, Decisions: 4, Amounts: 2, Levels: 1, Unfit: 2, Before: 245, After: 210}); totals != want {
		t.Errorf("totals %+v, want %+v", totals, want)
	}
}

// A version beside itself differs in nothing.
func TestTryTheSame(t *testing.T) {
	d := tiny(t, "\neligibility: [{code: asks, require: requested > 0, effect: block, "+titles+"}]\n")
	trial := programme.Try(d, d, programme.Facts{Requested: 90, Answers: json.RawMessage(`{"size": 2}`)})
	if len(trial.Differs)+len(trial.Why) != 0 || trial.After.Amount != 90 {
		t.Errorf("%+v", trial)
	}
}
