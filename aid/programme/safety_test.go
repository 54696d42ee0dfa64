package programme_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"pgregory.net/rapid"
)

// fieldsOf is a form with every type that a rule can meet; r is required, o is
// not.
const fieldsOf = `{type: object, additionalProperties: false, required: [rint, rtext, rlist, rkind, robj],
  properties: {
    rint: {type: integer, minimum: 1, maximum: 1000}, oint: {type: integer, minimum: -5, maximum: 5},
    huge: {type: integer, minimum: -9223372036854775808, maximum: 9223372036854775807}, free: {type: integer}, beyond: {type: integer, minimum: 0, maximum: 1e30},
    edge: {type: integer, exclusiveMinimum: 0, exclusiveMaximum: 10}, part: {type: integer, minimum: 0.5, maximum: 3.5}, choice: {enum: [3, 5, 8]},
    ofloat: {type: number, minimum: 0}, rtext: {type: string, maxLength: 20}, date: {type: string, format: date},
    rkind: {enum: [none, weak, strong]}, okind: {type: string, enum: [a, b]}, obool: {type: boolean}, sure: {const: true},
    rlist: {type: array, maxItems: 5, items: {enum: [fees, books]}}, nums: {type: array, maxItems: 3, items: {type: integer, minimum: 0, maximum: 9}},
    long: {type: array, items: {type: integer, minimum: 0, maximum: 9}},
    people: {type: array, maxItems: 4, items: {type: object, additionalProperties: false, required: [age], properties: {age: {type: integer, minimum: 0, maximum: 120}, job: {enum: [farmer, none]}}}},
    robj: {type: object, additionalProperties: false, required: [x], properties: {x: {type: integer, minimum: 0, maximum: 9}, y: {type: integer, minimum: 1, maximum: 9}}},
    oobj: {type: object, additionalProperties: false, required: [x], properties: {x: {type: integer, minimum: 0, maximum: 9}}},
    mixed: {type: [integer, string]}, any: {}, "with-dash": {type: integer}},
  examples: [{rint: 2, rtext: t, rlist: [], rkind: none, robj: {x: 1}}]}`

// withRule puts a condition and an amount into a definition with all fields.
func withRule(t testing.TB, require, amount string) string {
	t.Helper()
	quote := func(s string) string { data, _ := json.Marshal(s); return string(data) }
	text := small(t)
	start, end := strings.Index(text, "form: "), strings.Index(text, "example_request:")
	text = text[:start] + "form: " + fieldsOf + "\n" + text[end:]
	return strings.NewReplacer("answers: {size: 2}", "answers: {rint: 2, rtext: t, rlist: [], rkind: none, robj: {x: 1}}",
		"checks: [{kind: identity, final: true}]", "checks: [{kind: eligibility, final: false}]\n"+
			"eligibility: [{code: rule, require: "+quote(require)+", effect: hint, titles: {vi: R, en: R, id: R}}]\n"+
			"award: {amount: "+quote(amount)+"}\n"+
			"visit: {form: {type: object, additionalProperties: false, required: [a, b], properties: {a: {type: integer, minimum: 0, maximum: 9}, b: {type: boolean}, c: {type: integer, minimum: 0, maximum: 9}}, examples: [{a: 1, b: true}]}}",
	).Replace(text)
}

func TestRulesThatCannotFail(t *testing.T) {
	for _, require := range []string{
		`true`, `answers.rint > 5`, `answers.rint < 1_000 && answers.rtext != "1_000"`, `household.classification in ["poor", "near_poor"]`, `answers.rkind == "none" || urgent`,
		`has(answers.oint) && answers.oint > 0`, `!has(answers.oint) || answers.oint > 0`, `has(answers.oint) ? answers.oint > 0 : urgent`,
		`!(!has(answers.oint)) && answers.oint > 0`, `!(!has(answers.oint) || !has(answers.edge)) && answers.oint < answers.edge`,
		`has(answers.oint) && has(answers.edge) && answers.oint < answers.edge`,
		`has(visit.a) && (visit.a > 3 || visit.b)`, `has(visit.c) && visit.c > 3 && visit.b`, `has(visit.a) && has(visit.c) && visit.a == visit.c`,
		`100 / answers.rint > 3`, `has(answers.oint) && answers.oint != 0 && 10 / answers.oint > 1`, `has(answers.oint) && answers.oint > 0 && 10 % answers.oint == 1`,
		`has(answers.oint) && (answers.oint == 0 || 10 / answers.oint > 1)`, `has(answers.oint) && 0 < answers.oint && 10 / answers.oint > 1`,
		`has(answers.part) && 6 / answers.part > 1`, `has(answers.choice) && 6 / answers.choice > 1`,
		`has(answers.huge) && answers.huge < 10 && answers.huge > -10 && answers.huge * 1000 > 1`, `has(answers.huge) && min(answers.huge, 10) + 1 > 5`,
		`answers.rlist.exists(n, n == "fees")`, `"fees" in answers.rlist`, `answers.rtext in ["a", "b"]`, `size(answers.rlist) > 1`, `answers.rlist.size() < 3`, `answers.rtext.size() > 3`,
		`has(answers.people) && answers.people.all(p, p.age > 17 || (has(p.job) && p.job == "farmer"))`,
		`answers.robj.x > 3`, `has(answers.robj.y) && answers.robj.x / answers.robj.y > 0`, `has(answers.oobj) && answers.oobj.x > 1`,
		`has(answers.ofloat) && answers.ofloat > 3 && answers.ofloat / 0.0 > 1.5 && double(answers.rint) < answers.ofloat`,
		`has(answers.date) && year - year_of(answers.date) >= 18`, `year_of(answers.rtext) == 0`, `has(answers.date) && answers.date > "2026-01-01"`,
		`answers.rtext.startsWith("a") || answers.rtext.endsWith("b") || answers.rtext.contains("c")`,
		`applicant.age == -1 || applicant.age >= 18`, `-answers.rint < 0`, `has(answers.sure) && answers.sure`, `area.level == "commune"`, `requested <= 100 && year > 2000`,
		`(answers.rint > 5 ? 0 : 1) + 1 == 1`, `answers.rint in [1, 2, 3]`, `!(answers.rint in [])`, `has(answers.nums) && 3 in answers.nums`,
	} {
		if got := faults(t, withRule(t, require, "50")); got != nil {
			t.Errorf("%s: %q", require, got)
		}
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	tests := []struct{ require, want string }{
		{`answers.rint >`, "rule_syntax"},
		{`answers.rint > 3 3`, "rule_syntax"},
		{`"open`, "rule_syntax"},
		{`answers.rint > _1`, "rule_unknown_name"},
		{`colour == "red"`, "rule_unknown_name"},
		{`answers.colour == "red"`, "rule_unknown_name"},
		{`household.income > 3`, "rule_unknown_name"},
		{`has(answers.colour)`, "rule_unknown_name"},
		{`has(answers.mixed)`, "rule_unknown_name"},
		{`has(answers.any)`, "rule_unknown_name"},
		{`answers.rlist.map(n, n) == answers.rlist`, "rule_unknown_name"},
		{`answers.rlist.filter(n, n == "fees").size() > 1`, "rule_unknown_name"},
		{`answers.rint`, "rule_result bool"},
		{`answers.rint == "3"`, "rule_type"},
		{`answers.rint && true`, "rule_type"},
		{`answers.rint.x == 3`, "rule_type"},
		{`answers.rint in [1, "a"]`, "rule_type"},
		{`answers.oint > 3`, "rule_unguarded answers.oint"},
		{`answers.oint > 3 && has(answers.oint)`, "rule_unguarded answers.oint"},
		{`has(answers.oint) || answers.oint > 3`, "rule_unguarded answers.oint"},
		{`!has(answers.oint) && answers.oint > 3`, "rule_unguarded answers.oint"},
		{`has(answers.oint) ? true : answers.oint > 3`, "rule_unguarded answers.oint"},
		{`has(answers.edge) && answers.oint > 3`, "rule_unguarded answers.oint"},
		{`(has(answers.oint) || urgent) && answers.oint > 3`, "rule_unguarded answers.oint"},
		{`answers.oobj.x > 3`, "rule_unguarded answers.oobj"},
		{`has(answers.oobj.x) && answers.oobj.x > 3`, "rule_unguarded answers.oobj"},
		{`answers.robj.x / answers.robj.y > 3`, "rule_unguarded answers.robj.y"},
		{`visit.a > 3`, "rule_unguarded visit.a"},
		{`has(visit.a) && visit.c > 3`, "rule_unguarded visit.c"},
		{`has(answers.people) && answers.people.all(p, p.job == "none")`, "rule_unguarded p.job"},
		{`has(answers.people) && answers.people.exists(p, has(p.job)) && answers.people.all(p, p.job == "none")`, "rule_unguarded p.job"},
		{`has(answers.free) && answers.free > 3`, "rule_unbounded answers.free"},
		{`has(answers.beyond) && answers.beyond > 3`, "rule_unbounded answers.beyond"},
		{`10 / answers.robj.x > 3`, "rule_division"},
		{`10 % answers.robj.x > 3`, "rule_division"},
		{`has(answers.oint) && 10 / answers.oint > 3`, "rule_division"},
		{`has(answers.oint) && (answers.oint != 0 || 10 / answers.oint > 3)`, "rule_division"},
		{`has(answers.oint) && answers.oint != 1 && 10 / answers.oint > 3`, "rule_division"},
		{`10 / 0 > 1`, "rule_division"},
		{`10 / (answers.rint - 1) > 1`, "rule_division"},
		{`has(answers.huge) && answers.huge + 1 > 3`, "rule_overflow"},
		{`has(answers.huge) && -answers.huge > 3`, "rule_overflow"},
		{`has(answers.huge) && answers.huge / -1 > 3`, "rule_overflow"},
		{`has(answers.huge) && answers.huge % -1 > 3`, "rule_overflow"},
		{`answers.rint * 9223372036854775807 > 3`, "rule_overflow"},
		{`answers.rlist[0] == "fees"`, "rule_index"},
		{`int(answers.rtext) > 3`, "rule_conversion int"},
		{`timestamp(answers.rtext) > timestamp(answers.rtext)`, "rule_conversion timestamp"},
		{`duration(answers.rtext) > duration("1h")`, "rule_conversion duration"},
		{`double(answers.rtext) > 1.0`, "rule_conversion double"},
		{`uint(answers.rint) == uint(answers.rint)`, "rule_conversion uint"},
		{`bool(answers.rtext)`, "rule_conversion bool"},
		{`answers.rtext.matches("a+")`, "rule_not_allowed matches"},
		{`string(answers.rint) == "3"`, "rule_not_allowed string"},
		{`dyn(answers.rint) == 3`, "rule_not_allowed dyn"},
		{`type(answers.rint) == int`, "rule_not_allowed"},
		{`answers == answers`, "rule_not_allowed"},
		{`answers.rlist == ["fees"]`, "rule_not_allowed"},
		{`answers.rtext + "b" == "ab"`, "rule_not_allowed"},
		{`{"a": 1}["a"] == 1`, "rule_not_allowed"},
		{`{"a": 1}.a == 1`, "rule_not_allowed"},
		{`b"a" == b"a"`, "rule_not_allowed"},
		{`has(answers.long) && answers.long.all(n, n > 3)`, "rule_list_unbounded answers.long"},
		{`answers.rlist.all(n, answers.rlist.all(m, n == m))`, "rule_not_allowed"},
		{`answers.rlist.all(answers, answers == "fees")`, "rule_not_allowed"},
		{`household.classification == "very_poor"`, "rule_value_unknown"},
		{`answers.rkind in ["none", "weakest"]`, "rule_value_unknown"},
		{`"rent" in answers.rlist`, "rule_value_unknown"},
		{`answers.rlist.exists(n, n == "rent")`, "rule_value_unknown"},
		{`applicant.sex != "woman"`, "rule_value_unknown"},
		{strings.Repeat("!", 1999) + "urgent", "rule_too_long"},
		{strings.Repeat("(", 60) + "urgent" + strings.Repeat(")", 60), "rule_too_long"},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i, " ", tt.want), func(t *testing.T) {
			_, err := programme.Parse([]byte(withRule(t, tt.require, "50")))
			var refusal *aid.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("accepted: %s", tt.require)
			}
			code, param, _ := strings.Cut(tt.want, " ")
			for _, fault := range refusal.Faults {
				if fault.Code != code || fault.Pointer != "/eligibility/0/require" {
					t.Errorf("%s: %s %s %v, want %s", tt.require, fault.Pointer, fault.Code, fault.Params, tt.want)
				}
				if param != "" && fault.Params["field"] != param && fault.Params["name"] != param && fault.Params["want"] != param {
					t.Errorf("params %v, want %s", fault.Params, param)
				}
			}
		})
	}
}

// TestWhereARuleIsWrong: line and column of the place inside the rule.
func TestWhereARuleIsWrong(t *testing.T) {
	text := strings.Replace(small(t), "checks: [{kind: identity, final: true}]", `checks: [{kind: eligibility, final: false}]
eligibility:
  - code: rule
    require: |
      requested > 3 &&
        colour == "red"
    effect: hint
    titles: {vi: R, en: R, id: R}
award:
  amount: 10 +
    requested / 0`, 1)
	_, err := programme.Parse([]byte(text))
	var refusal *aid.Error
	if !errors.As(err, &refusal) || len(refusal.Faults) != 2 {
		t.Fatalf("Parse = %v", err)
	}
	for i, want := range []string{"24 3 /eligibility/0/require", "28 16 /award/amount"} {
		fault := refusal.Faults[i]
		if got := fault.Params["line"] + " " + fault.Params["column"] + " " + fault.Pointer; got != want {
			t.Errorf("fault at %s, want %s", got, want)
		}
	}
}

// conditions draws a rule of any quality: the property below looks at those that
// are accepted.
func conditions(t *rapid.T, depth int) string {
	if depth == 0 {
		return rapid.SampledFrom([]string{"urgent", "has(answers.oint)", "has(answers.huge)", "has(answers.oobj)", "has(visit.a)", "has(visit.c)", "has(answers.people)",
			"has(answers.robj.y)", "has(answers.edge)", "answers.obool", "has(answers.obool)", "true", `answers.rkind == "none"`, `"fees" in answers.rlist`,
			"has(answers.ofloat)", "answers.ofloat > 1", "visit.b", "answers.people.all(p, p.age > 17)", "answers.rlist.exists(n, n == \"fees\")"}).Draw(t, "leaf")
	}
	switch rapid.IntRange(0, 6).Draw(t, "shape") {
	case 0, 1:
		return "(" + conditions(t, depth-1) + " && " + conditions(t, depth-1) + ")"
	case 2:
		return "(" + conditions(t, depth-1) + " || " + conditions(t, depth-1) + ")"
	case 3:
		return "!" + conditions(t, depth-1)
	case 4:
		return "(" + conditions(t, depth-1) + " ? " + conditions(t, depth-1) + " : " + conditions(t, depth-1) + ")"
	default:
		return "(" + numbers(t, depth-1) + rapid.SampledFrom([]string{" < ", " <= ", " == ", " != ", " > ", " >= "}).Draw(t, "order") + numbers(t, depth-1) + ")"
	}
}

func numbers(t *rapid.T, depth int) string {
	if depth <= 0 {
		return rapid.SampledFrom([]string{"answers.rint", "answers.oint", "answers.huge", "answers.edge", "answers.choice", "answers.part", "answers.robj.x", "answers.robj.y",
			"answers.oobj.x", "visit.a", "visit.c", "0", "1", "-1", "7", "-5", "9223372036854775807", "requested", "applicant.age", "year", "size(answers.rlist)", "size(answers.rtext)",
			"household.size", "year_of(answers.rtext)",
			"(has(answers.oint) ? answers.oint : 1)", "(has(visit.a) ? visit.a : answers.rint)", "(has(answers.huge) ? answers.huge : 3)", "(has(answers.oint) && answers.oint != 0 ? answers.oint : 2)",
			"(has(answers.edge) ? answers.edge : 3)", "(has(answers.huge) && answers.huge > 0 && answers.huge <= 100 ? answers.huge : 3)"}).Draw(t, "number")
	}
	switch rapid.IntRange(0, 4).Draw(t, "shape") {
	case 0:
		return "-" + numbers(t, 0)
	case 1:
		return "(" + conditions(t, depth-1) + " ? " + numbers(t, depth-1) + " : " + numbers(t, depth-1) + ")"
	case 2:
		return rapid.SampledFrom([]string{"min", "max"}).Draw(t, "choose") + "(" + numbers(t, depth-1) + ", " + numbers(t, depth-1) + ")"
	default:
		return "(" + numbers(t, depth-1) + rapid.SampledFrom([]string{" + ", " - ", " * ", " / ", " % "}).Draw(t, "operator") + numbers(t, depth-1) + ")"
	}
}

// drawFacts draws facts that are valid for the forms, with the ends of every range
// among them.
func drawFacts(t *rapid.T) programme.Facts {
	ends := func(lo, hi int64) int64 {
		return rapid.OneOf(rapid.SampledFrom([]int64{lo, hi}), rapid.Int64Range(lo, hi), rapid.Int64Range(max(lo, -2), min(hi, 2))).Draw(t, "n")
	}
	number := func(lo, hi int64) json.Number { return json.Number(fmt.Sprint(ends(lo, hi))) }
	answers := map[string]any{"rint": rapid.SampledFrom([]json.Number{"1", "2", "3e0", "999", "1000"}).Draw(t, "rint"), "rtext": rapid.SampledFrom([]string{"", "a", "2026-02-03"}).Draw(t, "text"),
		"rkind": "weak", "rlist": rapid.SliceOfN(rapid.SampledFrom([]string{"fees", "books"}), 0, 5).Draw(t, "list")}
	object := func(optional bool) map[string]any {
		o := map[string]any{"x": number(0, 9)}
		if optional && rapid.Bool().Draw(t, "y") {
			o["y"] = number(1, 9)
		}
		return o
	}
	answers["robj"] = object(true)
	optional := map[string]func() any{"oint": func() any { return number(-5, 5) }, "huge": func() any { return number(-1<<63, 1<<63-1) }, "edge": func() any { return number(1, 9) },
		"part": func() any { return number(1, 3) }, "choice": func() any { return rapid.SampledFrom([]int{3, 5, 8}).Draw(t, "choice") }, "ofloat": func() any { return 0.5 },
		"obool": func() any { return rapid.Bool().Draw(t, "bool") }, "oobj": func() any { return object(false) },
		"people": func() any { return []any{map[string]any{"age": 17}, map[string]any{"age": 18, "job": "none"}} }}
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range optional {
			if !yield(name) {
				return
			}
		}
	}) {
		if rapid.Bool().Draw(t, name) {
			answers[name] = optional[name]()
		}
	}
	data, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	f := programme.Facts{Answers: data, Requested: ends(0, 100), Urgent: rapid.Bool().Draw(t, "urgent"), Year: int(ends(0, 9999)),
		Applicant: programme.ApplicantFacts{Age: int(ends(-1, 200)), Sex: "female"}, Household: programme.HouseholdFacts{Classification: "unknown", Size: int(ends(0, 1000))}}
	switch rapid.IntRange(0, 2).Draw(t, "visit") {
	case 1:
		f.Visit = json.RawMessage(`{"a": 0, "b": true}`)
	case 2:
		f.Visit = json.RawMessage(`{"a": 9, "b": false, "c": 0}`)
	}
	return f
}

// TestAcceptedRulesNeverFail is the promise of Parse: whatever rule it takes
// gives an answer on all facts that the forms allow.
func TestAcceptedRulesNeverFail(test *testing.T) {
	accepted, refused := 0, 0
	rapid.Check(test, func(t *rapid.T) {
		require, amount := conditions(t, rapid.IntRange(0, 4).Draw(t, "depth")), numbers(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		d, err := programme.Parse([]byte(withRule(test, require, amount)))
		if err != nil {
			refused++
			return
		}
		accepted++
		for range 20 {
			f := drawFacts(t)
			if faults := d.CheckAnswers(f.Answers); faults != nil {
				t.Fatalf("the drawn answers are not valid: %v", faults)
			}
			if _, err := d.Judge(f); err != nil {
				t.Fatalf("%s, %s: %v on %s %s", require, amount, err, f.Answers, f.Visit)
			}
		}
	})
	if accepted == 0 || refused == 0 {
		test.Errorf("%d accepted, %d refused: the test shows nothing", accepted, refused)
	}
	test.Logf("%d accepted, %d refused", accepted, refused)
}
