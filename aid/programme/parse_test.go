package programme_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// small is a valid definition without anything that may be left out.
func small(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func parse(t testing.TB, text string) *programme.Definition {
	t.Helper()
	d, err := programme.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// faults lists "line pointer code" of a refusal.
func faults(t testing.TB, text string) []string {
	t.Helper()
	_, err := programme.Parse([]byte(text))
	if err == nil {
		return nil
	}
	var refusal *aid.Error
	if !errors.As(err, &refusal) || refusal.Kind != aid.Invalid || refusal.Code != "programme_invalid" || len(refusal.Faults) == 0 {
		t.Fatalf("Parse = %v", err)
	}
	var list []string
	for _, fault := range refusal.Faults {
		list = append(list, fault.Params["line"]+" "+fault.Pointer+" "+fault.Code)
	}
	return list
}

// TestEveryFault changes one line of a valid definition and expects exactly
// the faults that this makes.
func TestEveryFault(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"unknown field", "version: 1", "version: 1\ncolour: red", []string{"3 /colour unknown_field"}},
		{"unknown field deep down", "mode: any", "mode: any, veto: true", []string{"22 /matrix/0/levels/0/veto unknown_field"}},
		{"duplicate field", "version: 1", "version: 1\nversion: 2", []string{"3 /version duplicate_field"}},
		{"wrong type", "version: 1", "version: one", []string{"2 /version wrong_type"}},
		{"list for a text", "code: small", "code: [small]", []string{"1 /code wrong_type"}},
		{"text for a list", "payees: [household]", "payees: household", []string{"20 /payees wrong_type"}},
		{"anchor", "code: small", "code: &a small", []string{"1 /code anchor_refused"}},
		{"alias of a anchor", "titles: {vi: Nhỏ,", "titles: &t {vi: Nhỏ,", []string{"4 /titles anchor_refused"}},
		{"tag", "code: small", "code: !!binary c21hbGw=", []string{"1 /code value_refused"}},
		{"no number", "ceiling: 100", "ceiling: .inf", []string{"8 /ceiling value_refused"}},
		{"number too big", "ceiling: 100", "ceiling: 99999999999999999999", []string{"8 /ceiling wrong_type"}},
		{"code", "code: small", "code: Small one", []string{"1 /code code_format", "12 /example_request/programme other_programme"}},
		{"version", "version: 1", "version: 0", []string{"2 /version not_positive"}},
		{"date", "2026-01-01", "2026-02-30", []string{"3 /effective_from date_format"}},
		{"language missing", "vi: Nhỏ, ", "", []string{"4 /titles/vi required"}},
		{"language unknown", "vi: Nhỏ,", "vi: Nhỏ, xx: Small,", []string{"4 /titles/xx language_unknown"}},
		{"currency", "currency: VND", "currency: GLD", []string{"5 /currency currency_unknown", "15 /example_request/requested/currency currency_not_accepted"}},
		{"zone", "Asia/Ho_Chi_Minh", "Asia/Nowhere", []string{"6 /time_zone zone_unknown"}},
		{"calendar", "calendar: vn-office", "calendar: ''", []string{"7 /calendar required"}},
		{"ceiling", "ceiling: 100", "ceiling: 0", []string{"8 /ceiling not_positive", "15 /example_request/requested/amount amount_above_ceiling"}},
		{"check unknown", "kind: identity", "kind: luck", []string{"19 /checks/0/kind check_unknown"}},
		{"payee unknown", "payees: [household]", "payees: [household, dog]", []string{"20 /payees/1 payee_unknown"}},
		{"payee twice", "payees: [household]", "payees: [household, household]", []string{"20 /payees/1 repeated"}},
		{"no payee", "payees: [household]", "payees: []", []string{"20 /payees required", "14 /example_request/payee/kind payee_not_allowed"}},
		{"document twice", "titles: {vi: Đơn,", "titles: {vi: Đơn, en: R, id: S}}\n  - {kind: request, required: false, titles: {vi: Đơn,", []string{"34 /documents/1/kind repeated"}},
		{"document not in the example", "kind: request, dated", "kind: other, dated", []string{"17 /example_request/documents documents_missing"}},
		{"no levels", "levels: [{name: commune, mode: any}]", "levels: []", []string{"22 /matrix/0/levels required"}},
		{"level twice", "{name: commune, mode: any}", "{name: commune, mode: any}, {name: commune, mode: any}", []string{"22 /matrix/0/levels/1/name repeated"}},
		{"mode unknown", "mode: any", "mode: all", []string{"22 /matrix/0/levels/0/mode mode_unknown"}},
		{"n without its mode", "mode: any", "mode: any, n: 2", []string{"22 /matrix/0/levels/0/n not_in_this_mode"}},
		{"n missing", "mode: any", "mode: n_of_m", []string{"22 /matrix/0/levels/0/n not_positive"}},
		{"quorum missing", "mode: any", "mode: committee, chair: true", []string{"22 /matrix/0/levels/0/quorum not_positive"}},
		{"chair without committee", "mode: any", "mode: any, chair: true", []string{"22 /matrix/0/levels/0/chair not_in_this_mode"}},
		{"matrix ends too early", "up_to: null", "up_to: 99", []string{"22 /matrix/0/up_to below_ceiling"}},
		{"matrix goes too far", "up_to: null", "up_to: 101", []string{"22 /matrix/0/up_to above_ceiling"}},
		{"matrix goes back", "  - {up_to: null", "  - {up_to: 50, levels: [{name: commune, mode: any}]}\n  - {up_to: 50, levels: [{name: commune, mode: any}]}\n  - {up_to: null", []string{"23 /matrix/1/up_to not_ascending"}},
		{"matrix open in between", "  - {up_to: null", "  - {up_to: null, levels: [{name: commune, mode: any}]}\n  - {up_to: null", []string{"22 /matrix/0/up_to only_last_open"}},
		{"share", "share: 100", "share: 101", []string{"24 /tranches/0/share share_invalid"}},
		{"share as text", "share: 100", "share: half", []string{"24 /tranches/0/share share_invalid"}},
		{"share missing", "share: 100, ", "", []string{"24 /tranches/0/share required", "24 /tranches/0/share share_sum"}},
		{"shares below 100", "share: 100", "share: 99", []string{"24 /tranches/0/share share_sum"}},
		{"remainder first", "  - {share: 100", "  - {share: remainder, titles: {vi: Đ, en: A, id: B}}\n  - {share: 100", []string{"24 /tranches/0/share only_last_remainder"}},
		{"remainder of nothing", "  - {share: 100", "  - {share: 100, titles: {vi: Đ, en: A, id: B}}\n  - {share: remainder", []string{"25 /tranches/1/share share_sum"}},
		{"milestone unknown", "share: 100", "share: 100, milestone: moon", []string{"24 /tranches/0/milestone milestone_unknown"}},
		{"milestone unused", "max_returns: 3", "max_returns: 3\nmilestones: [{code: moon, titles: {vi: Đ, en: A, id: B}}]", []string{"28 /milestones/0/code milestone_unused"}},
		{"visits go back", "max_returns: 3", "max_returns: 3\nfollow_up: [{after: P2M}, {after: P30D}]", []string{"28 /follow_up/1/after not_ascending"}},
		{"visit at once", "max_returns: 3", "max_returns: 3\nfollow_up: [{after: P0D}]", []string{"28 /follow_up/0/after not_ascending"}},
		{"period", "max_returns: 3", "max_returns: 3\nstart_within: 90 days", []string{"28 /start_within period_invalid"}},
		{"deadline in months", "default: P3D", "default: P1M", []string{"25 /deadlines/default working_days_only"}},
		{"deadline of nothing", "default: P3D", "default: P3D, party: P1D", []string{"25 /deadlines/party task_kind_unknown"}},
		{"no default deadline", "default: P3D", "approve: P3D", []string{"25 /deadlines/default required"}},
		{"decides before it reminds", "decide: P30D", "decide: P5D", []string{"26 /stalled/decide not_ascending"}},
		{"bulk limit", "max_returns: 3", "max_returns: 3\nbulk_up_to: 0", []string{"28 /bulk_up_to not_positive"}},
		{"returns", "max_returns: 3", "max_returns: 0", []string{"27 /max_returns not_positive"}},
		{"no reason to reject", "reject:", "refuse:", []string{"28 /reasons/reject required"}},
		{"reason twice", "[{code: missing,", "[{code: missing, titles: {vi: T, en: M, id: K}}, {code: missing,", []string{"30 /reasons/return/1/code repeated"}},
		{"form not strict", "additionalProperties: false", "additionalProperties: true", []string{"9 /form/additionalProperties form_not_strict"}},
		{"form of another draft", "type: object,", "type: object, $schema: 'http://json-schema.org/draft-07/schema#',", []string{"9 /form/$schema form_draft"}},
		{"form that is none", "type: integer", "type: number9", []string{"9 /form/properties/size/type any_of"}},
		{"form looks elsewhere", "type: integer", "$ref: 'file:///etc/hostname'", []string{"9 /form form_invalid"}},
		{"form's example", "examples: [{size: 3}]", "examples: [{size: 0}]", []string{"10 /form/examples/0/size minimum"}},
		{"no example", "examples: [{size: 3}]", "examples: []", []string{"10 /form/examples required"}},
		{"answers of the example", "answers: {size: 2}", "answers: {size: big, colour: red}", []string{"16 /example_request/answers/colour unknown_field", "16 /example_request/answers/size type"}},
		{"amount of the example", "amount: 90", "amount: 101", []string{"15 /example_request/requested/amount amount_above_ceiling"}},
		{"example names an area", "programme: small", "programme: small\n  area: '51001'", []string{"11 /example_request depends_on_caller"}},
		{"example without consent", "  consent:", "  agreed:", []string{"11 /example_request/consent required"}},
		{"fund", "max_returns: 3", "max_returns: 3\nfunds: [poor, poor]", []string{"28 /funds/1 repeated"}},
		{"fund's code", "max_returns: 3", "max_returns: 3\nfunds: [fund-for-the-poor, Poor]", []string{"28 /funds/1 code_format"}},
	}
	text := small(t)
	parse(t, text)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(text, tt.old) == 0 {
				t.Fatalf("%q is not in the definition", tt.old)
			}
			got := faults(t, strings.Replace(text, tt.old, tt.new, 1))
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("faults\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

func TestBrokenText(t *testing.T) {
	tests := map[string][]string{
		"":                          {" yaml_syntax"},
		"# only a comment\n":        {" yaml_syntax"},
		"code: [":                   {"1  yaml_syntax"},
		"a: 1\n\tb: 2":              {"2  yaml_syntax"},
		"just text":                 {"1  wrong_type"},
		"[1, 2]":                    {"1  wrong_type"},
		"code: a\n---\ncode: b\n":   {"1  several_documents"},
		"? [a, b]\n: 1\n":           {"1  key_refused"},
		"a: &x {b: 1}\n<<: *x\n":    {"1 /a anchor_refused", "1  key_refused"},
		"x: &x [*x, *x]\n":          {"1 /x anchor_refused"},
		"a~b/c: 1\n":                {"1 /a~0b~1c unknown_field"},
		"code: \"\\xff\\u0000\"\n ": nil,
	}
	for text, want := range tests {
		got := faults(t, text)
		if want == nil {
			if len(got) == 0 {
				t.Errorf("%q was taken", text)
			}
			continue
		}
		if !slices.Equal(trimAll(got), trimAll(want)) {
			t.Errorf("%q: faults %q, want %q", text, got, want)
		}
	}
}

func trimAll(texts []string) []string {
	trimmed := make([]string, len(texts))
	for i, text := range texts {
		trimmed[i] = strings.Join(strings.Fields(text), " ")
	}
	return trimmed
}

// FuzzParse: whatever the text, Parse answers with a definition that survives
// JSON, or with faults.
func FuzzParse(f *testing.F) {
	text := small(f)
	f.Add([]byte(text))
	f.Add([]byte("code: small\nmatrix:\n  - {up_to: null}"))
	f.Add([]byte("{}"))
	f.Add([]byte("form: {type: object, properties: {a: {$ref: '#'}}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := programme.Parse(data)
		if err != nil {
			var refusal *aid.Error
			if !errors.As(err, &refusal) || len(refusal.Faults) == 0 {
				t.Fatalf("refused without faults: %v", err)
			}
			return
		}
		again, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := programme.Parse(again); err != nil {
			t.Fatalf("its own JSON is refused: %v", err)
		}
	})
}
