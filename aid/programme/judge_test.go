package programme_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// ruled has rules of every sort over the small definition.
func ruled(t testing.TB) *programme.Definition {
	t.Helper()
	return parse(t, ruledText(t))
}

func ruledText(t testing.TB) string {
	t.Helper()
	return strings.NewReplacer(
		"  return: [", "  override: [{code: hardship, titles: {vi: Khó khăn, en: Hardship, id: Sulit}}]\n  return: [",
		"properties: {size: {type: integer, minimum: 1}}", `properties: {size: {type: integer, minimum: 1, maximum: 9},
    house: {enum: [none, weak]}, cost: {type: integer, minimum: 0, maximum: 2000}, born: {type: string, format: date}}`,
		"checks: [{kind: identity, final: true}]", `checks: [{kind: identity, final: true}, {kind: duplicate, final: false}, {kind: eligibility, final: false}]
eligibility:
  - code: not_poor
    require: household.classification in ["poor", "near_poor"]
    effect: block
    titles: {vi: Không nghèo, en: Not poor, id: Tidak miskin}
  - {code: minor, require: applicant.age == -1 || applicant.age >= 16, effect: hint, titles: {vi: Chưa đủ tuổi, en: Too young, id: Terlalu muda}}
  - {code: too_big, require: "!has(visit.size) || visit.size <= answers.size + 1", effect: final, titles: {vi: Quá đông, en: Too many, id: Terlalu banyak}}
award: {amount: 'has(answers.house) && answers.house == "none" ? 80 : 50', cost: "has(answers.cost) ? answers.cost : 2000", own_share: 20, round_to: 10}
visit: {form: {type: object, additionalProperties: false, required: [size], properties: {size: {type: integer, minimum: 0, maximum: 20}, house: {enum: [none, weak]}, road: {type: boolean}}, examples: [{size: 3}]}, verifiers: 2, photos: 1}
hits: {same_person: block, similar_name: ignore}
repeat: [{after: P5Y, of: [small], who: household}]
posting: {days: P5D, titles: {vi: Niêm yết, en: Posted, id: Ditempel}}
papers: [{kind: decision_letter, body: {vi: Thư, en: Letter, id: Surat}}]
means_test: vn
effective_to: 2027-01-01`,
	).Replace(small(t))
}

func TestJudge(t *testing.T) {
	d := ruled(t)
	tests := []struct {
		name    string
		change  func(*programme.Facts)
		failed  []string
		amount  int64
		because []string
	}{
		{"passes", func(*programme.Facts) {}, nil, 50, []string{"rule"}},
		{"another amount", func(f *programme.Facts) { f.Answers = json.RawMessage(`{"size": 2, "house": "none"}`) }, nil, 80, []string{"rule"}},
		{"own share", func(f *programme.Facts) { f.Answers = json.RawMessage(`{"size": 2, "cost": 50}`) }, nil, 40, []string{"own_share"}},
		{"rounded", func(f *programme.Facts) { f.Requested = 49 }, nil, 40, []string{"requested", "rounding"}},
		{"two limits", func(f *programme.Facts) { f.Requested = 50 }, nil, 50, []string{"requested", "rule"}},
		{"nothing is left", func(f *programme.Facts) { f.Answers = json.RawMessage(`{"size": 2, "cost": 0}`) }, nil, 0, []string{"own_share"}},
		{"whole numbers may be written otherwise", func(f *programme.Facts) { f.Answers = json.RawMessage(`{"size": 2.0, "cost": 5e1}`) }, nil, 40, []string{"own_share"}},
		{"not poor", func(f *programme.Facts) { f.Household.Classification = "unknown" }, []string{"not_poor block"}, 50, []string{"rule"}},
		{"too young", func(f *programme.Facts) { f.Applicant.Age = 15 }, []string{"minor hint"}, 50, []string{"rule"}},
		{"age unknown", func(f *programme.Facts) { f.Applicant.Age = -1 }, nil, 50, []string{"rule"}},
		{"seen", func(f *programme.Facts) { f.Visit = json.RawMessage(`{"size": 3}`) }, nil, 50, []string{"rule"}},
		{"seen otherwise", func(f *programme.Facts) { f.Visit = json.RawMessage(`{"size": 4}`) }, []string{"too_big final"}, 50, []string{"rule"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := passing()
			tt.change(&f)
			verdict, err := d.Judge(f)
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, rule := range verdict.Failed {
				failed = append(failed, rule.Code+" "+string(rule.Effect))
				if rule.Titles.In("en") == "" {
					t.Errorf("%s has no title", rule.Code)
				}
			}
			if !slices.Equal(failed, tt.failed) || verdict.Proposed != tt.amount || !slices.Equal(verdict.Because, tt.because) {
				t.Errorf("Judge = %v %d %v, want %v %d %v", failed, verdict.Proposed, verdict.Because, tt.failed, tt.amount, tt.because)
			}
		})
	}
}

func passing() programme.Facts {
	return programme.Facts{Requested: 90, Year: 2026, Applicant: programme.ApplicantFacts{Age: 40, Sex: "female", HasID: true},
		Household: programme.HouseholdFacts{Registered: true, Classification: "poor", ScoreA: 120, ScoreB: 30, Size: 4},
		Area:      programme.AreaFacts{Level: "commune"}, Answers: json.RawMessage(`{"size": 2}`)}
}

// TestJudgeOfUnfitFacts: answers of another form end in a refusal that names
// the rule, never in a panic.
func TestJudgeOfUnfitFacts(t *testing.T) {
	d := ruled(t)
	for answers, rule := range map[string]string{`{"size": "two"}`: "facts", `[1]`: "facts", `{"size": [1]}`: "facts",
		`{"size": 1e30}`: "", `{"cost": 1e30}`: "award.cost", `{"size": {"a": null}}`: "facts", `{`: "facts"} {
		f := passing()
		f.Answers = json.RawMessage(answers)
		_, err := d.Judge(f)
		var refusal *aid.Error
		if rule == "" && err == nil {
			continue
		}
		if !errors.As(err, &refusal) || refusal.Kind != aid.Invalid || refusal.Code != "rule_failed" || refusal.Params["rule"] != rule {
			t.Errorf("%s: %v, want rule_failed of %q", answers, err, rule)
		}
	}
}

// TestJudgeWithoutRules: a definition of before there were rules proposes what
// was asked for, up to its ceiling.
func TestJudgeWithoutRules(t *testing.T) {
	d := parse(t, small(t))
	for requested, want := range map[int64]int64{90: 90, 100: 100, 300: 100, 0: 0, -1: 0} {
		verdict, err := d.Judge(programme.Facts{Requested: requested})
		if err != nil || verdict.Proposed != want || verdict.Failed != nil {
			t.Errorf("%d: %+v, %v", requested, verdict, err)
		}
	}
}

func TestHitEffect(t *testing.T) {
	d := ruled(t)
	for kind, want := range map[string]programme.Effect{"same_person": "block", "similar_name": "ignore", "same_address": "hint"} {
		if got := d.HitEffect(kind); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
	if len(programme.HitKinds()) != 9 || d.Verifiers() != 2 || parse(t, small(t)).Verifiers() != 1 {
		t.Error("hit kinds or verifiers")
	}
}

func TestVisitIsComparedWithTheRequest(t *testing.T) {
	d := ruled(t)
	tests := []struct{ answers, seen, want string }{
		{`{"size": 2}`, `{"size": 2.0, "road": true}`, ``},
		{`{"size": 2}`, `{"size": 3}`, `size 2 3 `},
		{`{"size": 2, "house": "weak"}`, `{"size": 2, "house": "none"}`, `house "weak" "none" `},
		{`{"size": 2}`, `{"size": 2, "house": "none"}`, `house  "none" `},
		{`{"size": 2, "house": "weak"}`, `{"size": 2}`, ``},
		{`{"size": "2"}`, `{"size": 2}`, `size "2" 2 `},
	}
	for _, tt := range tests {
		got := ""
		for _, difference := range d.Compare(json.RawMessage(tt.answers), json.RawMessage(tt.seen)) {
			got += difference.Field + " " + string(difference.Declared) + " " + string(difference.Seen) + " "
		}
		if got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.answers, tt.seen, got, tt.want)
		}
	}
	got := list(d.CheckVisit(json.RawMessage(`{"size": 30, "colour": 1}`)))
	slices.Sort(got)
	if !slices.Equal(got, []string{"/colour unknown_field", "/size maximum"}) {
		t.Errorf("CheckVisit = %v", got)
	}
	old := parse(t, small(t))
	if old.CheckVisit(nil) != nil || old.CheckVisit(json.RawMessage(`{}`)) != nil || len(old.CheckVisit(json.RawMessage(`{"size": 1}`))) != 1 {
		t.Error("a programme without a visit form")
	}
}

// TestEveryFaultOfTheRules changes one place of a definition with every part
// and expects exactly the faults that this makes.
func TestEveryFaultOfTheRules(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"ends before it begins", "effective_to: 2027-01-01", "effective_to: 2026-01-01", []string{"/effective_to not_ascending"}},
		{"ends at no date", "effective_to: 2027-01-01", "effective_to: soon", []string{"/effective_to date_format"}},
		{"means test", "means_test: vn", "means_test: Việt Nam", []string{"/means_test code_format"}},
		{"rules without their check", "{kind: eligibility, final: false}", "{kind: documents, final: false}", []string{"/checks check_missing"}},
		{"hits without their check", "{kind: duplicate, final: false}", "{kind: documents, final: false}", []string{"/checks check_missing"}},
		{"final for all rules", "{kind: eligibility, final: false}", "{kind: eligibility, final: true}", []string{"/checks/2/final not_in_this_kind"}},
		{"external without a register", "{kind: duplicate, final: false}", "{kind: duplicate, final: false}, {kind: external, final: false}", []string{"/checks/2/register required"}},
		{"register of another check", "{kind: duplicate, final: false}", "{kind: duplicate, final: false, register: population}", []string{"/checks/1/register not_in_this_kind"}},
		{"external twice", "{kind: duplicate, final: false}", "{kind: duplicate, final: false}, {kind: external, register: one, final: false}, {kind: external, register: two, final: true}, {kind: external, register: one, final: true}",
			[]string{"/checks/4/kind repeated"}},
		{"rule twice", "code: minor", "code: not_poor", []string{"/eligibility/1/code repeated"}},
		{"rule without a condition", "require: applicant.age == -1 || applicant.age >= 16, ", "", []string{"/eligibility/1/require required"}},
		{"effect unknown", "effect: hint", "effect: warn", []string{"/eligibility/1/effect effect_unknown"}},
		{"effect for hits only", "effect: hint", "effect: ignore", []string{"/eligibility/1/effect effect_unknown"}},
		{"effect missing", "effect: hint, ", "", []string{"/eligibility/1/effect required"}},
		{"title missing", "{vi: Chưa đủ tuổi, ", "{", []string{"/eligibility/1/titles/vi required"}},
		{"condition is a list", "require: household.classification in [\"poor\", \"near_poor\"]", "require: [poor]", []string{"/eligibility/0/require wrong_type"}},
		{"condition with a fraction", "require: household.classification in [\"poor\", \"near_poor\"]", "require: 1.5", []string{"/eligibility/0/require rule_result"}},
		{"condition is true", "require: household.classification in [\"poor\", \"near_poor\"]", "require: true", nil},
		{"nobody may override", "override: [{code: hardship, titles: {vi: Khó khăn, en: Hardship, id: Sulit}}]", "override: []", []string{"/reasons/override required"}},
		{"award of a text", "round_to: 10", "round_to: ten", []string{"/award/round_to wrong_type"}},
		{"rounded up to nothing", "round_to: 10", "round_to: 101", []string{"/award/round_to too_large"}},
		{"own share of all", "own_share: 20", "own_share: 100", []string{"/award/own_share too_large"}},
		{"negative share", "own_share: 20", "own_share: -1", []string{"/award/own_share too_small"}},
		{"own share of nothing", `cost: "has(answers.cost) ? answers.cost : 2000", `, "", []string{"/award/cost required"}},
		{"award is no number", `? 80 : 50`, `? "80" : "50"`, []string{"/award/amount rule_result"}},
		{"award is a number", `amount: 'has(answers.house) && answers.house == "none" ? 80 : 50'`, "amount: 70", nil},
		{"award of nothing", `{amount: 'has(answers.house) && answers.house == "none" ? 80 : 50', cost: "has(answers.cost) ? answers.cost : 2000", own_share: 20, round_to: 10}`, "{round_to: 10}", []string{"/award required"}},
		{"visit's form", "required: [size], properties: {size: {type: integer, minimum: 0, maximum: 20}, house", "required: [size], properties: {size: {type: wrong}, house", []string{"/visit/form/properties/size/type any_of"}},
		{"visit's form is open", "visit: {form: {type: object, additionalProperties: false", "visit: {form: {type: object", []string{"/visit/form/additionalProperties form_not_strict"}},
		{"visit without a form", "visit: {form:", "visit: {shape:", []string{"/visit/shape unknown_field"}},
		{"three verifiers", "verifiers: 2", "verifiers: 3", []string{"/visit/verifiers too_large"}},
		{"photos", "photos: 1", "photos: -1", []string{"/visit/photos too_small"}},
		{"declared and seen of two types", "house: {enum: [none, weak]}, road", "house: {type: boolean}, road", []string{"/visit/form/properties/house visit_field_type"}},
		{"hit unknown", "similar_name: ignore", "similar_nose: ignore", []string{"/hits/similar_nose hit_unknown"}},
		{"hit rejects", "similar_name: ignore", "similar_name: final", []string{"/hits/similar_name effect_unknown"}},
		{"need without repeat", "similar_name: ignore}\nrepeat: [{after: P5Y, of: [small], who: household}]", "same_need: block}", []string{"/hits/same_need repeat_missing"}},
		{"repeat at once", "after: P5Y", "after: P0D", []string{"/repeat/0/after required"}},
		{"repeat of nothing", "of: [small]", "of: []", []string{"/repeat/0/of required"}},
		{"repeat of the same", "of: [small]", "of: [small, small]", []string{"/repeat/0/of/1 repeated"}},
		{"repeat for whom", "who: household", "who: village", []string{"/repeat/0/who who_unknown"}},
		{"posting in months", "days: P5D", "days: P1M", []string{"/posting/days working_days_only"}},
		{"posting to which nobody can object", "objection: [", "complaint: [", []string{"/reasons/objection required"}},
		{"posting without titles", "titles: {vi: Niêm yết, en: Posted, id: Ditempel}", "titles: {vi: Niêm yết}", []string{"/posting/titles/en required", "/posting/titles/id required"}},
	}
	text := ruledText(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(text, tt.old) != 1 {
				t.Fatalf("%q is %d times in the definition", tt.old, strings.Count(text, tt.old))
			}
			var got []string
			for _, fault := range faults(t, strings.Replace(text, tt.old, tt.new, 1)) {
				_, fault, _ = strings.Cut(fault, " ")
				got = append(got, fault)
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("faults %q, want %q", got, tt.want)
			}
		})
	}
	crowd := strings.Replace(small(t), "mode: any", "mode: committee, quorum: 31", 1)
	if got := faults(t, crowd); !slices.Equal(got, []string{"22 /matrix/0/levels/0/quorum too_large"}) {
		t.Errorf("a committee that nobody can fill: %q", got)
	}
}

// TestHints: allowed, but told.
func TestHints(t *testing.T) {
	hints := func(text string) []string {
		var got []string
		for _, hint := range parse(t, text).Hints() {
			if hint.Params["line"] == "" {
				t.Errorf("%s has no line", hint.Pointer)
			}
			got = append(got, hint.Pointer+" "+hint.Code)
		}
		return got
	}
	tests := map[string][]string{
		small(t):     nil,
		ruledText(t): {"/award/cost award_may_be_zero"},
		strings.Replace(ruledText(t), "? 80 : 50", "? 800 : 0", 1):                     {"/award/amount award_may_be_zero", "/award/amount award_above_ceiling", "/award/cost award_may_be_zero"},
		strings.Replace(small(t), "kind: request, required: true", "kind: request", 1): {"/documents document_never_required"},
	}
	for text, want := range tests {
		if got := hints(text); !slices.Equal(got, want) {
			t.Errorf("hints %q, want %q", got, want)
		}
	}
}
