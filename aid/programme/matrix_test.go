package programme_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid/programme"
)

const openRow = "  - {up_to: null, levels: [{name: commune, mode: any}]}\n"

// withMatrix gives the small programme with another matrix.
func withMatrix(t *testing.T, rows string) string {
	t.Helper()
	return strings.NewReplacer(openRow, rows, "minimum: 1}", "minimum: 1, maximum: 9}").Replace(small(t))
}

func TestEveryFaultOfAMatrix(t *testing.T) {
	level := func(fields string) string {
		return "  - up_to: null\n    levels:\n      - {name: commune, mode: any}\n      - {name: province, " + fields + "}\n"
	}
	tests := []struct {
		name, rows string
		want       []string
	}{
		{"any with a rule of committees", level("mode: any, decides: majority, tie: open, one_rejection: veto"),
			[]string{"25 /matrix/0/levels/1/decides not_in_this_mode", "25 /matrix/0/levels/1/one_rejection not_in_this_mode", "25 /matrix/0/levels/1/tie not_in_this_mode"}},
		{"n of m with a tie", level("mode: n_of_m, n: 2, tie: chair"), []string{"25 /matrix/0/levels/1/tie not_in_this_mode"}},
		{"no tie where all agree", level("mode: committee, quorum: 2, decides: unanimity, tie: open"), []string{"25 /matrix/0/levels/1/tie not_in_this_mode"}},
		{"words", level("mode: committee, quorum: 2, decides: dice, tie: coin, one_rejection: maybe"),
			[]string{"25 /matrix/0/levels/1/decides word_unknown", "25 /matrix/0/levels/1/one_rejection word_unknown", "25 /matrix/0/levels/1/tie word_unknown"}},
		{"limit below zero", level("mode: any, limit: -1"), []string{"25 /matrix/0/levels/1/limit not_positive"}},
		{"a committee that may not approve all", level("mode: committee, quorum: 2, limit: 99"), []string{"25 /matrix/0/levels/1/limit limit_below_row"}},
		{"a committee that may", level("mode: committee, quorum: 2, limit: 100"), nil},
		{"a person who may not approve all", level("mode: any, limit: 99"), nil},
		{"parallel to nothing", "  - {up_to: null, levels: [{name: commune, mode: any, parallel: true}]}\n", []string{"22 /matrix/0/levels/0/parallel parallel_to_nothing"}},
		{"nobody decides", "  - {up_to: null, levels: [{name: commune, mode: any, skip: urgent}]}\n", []string{"22 /matrix/0/levels all_skipped"}},
		{"a row that nobody reaches", "  - {up_to: 50, levels: [{name: commune, mode: any}]}\n  - {up_to: 40, area_levels: [ward], levels: [{name: commune, mode: any}]}\n" + openRow,
			[]string{"23 /matrix/1/up_to not_ascending"}},
		{"a row behind an open one", "  - {up_to: null, area_levels: [ward], levels: [{name: commune, mode: any}]}\n  - {up_to: 40, area_levels: [ward], levels: [{name: commune, mode: any}]}\n" + openRow,
			[]string{"22 /matrix/0/up_to only_last_open"}},
		{"rows of different areas, side by side", "  - {up_to: 50, area_levels: [ward], levels: [{name: commune, mode: any}]}\n  - {up_to: 50, levels: [{name: province, mode: any}]}\n" + openRow, nil},
		{"wards without a row above fifty", "  - {up_to: 50, area_levels: [ward, commune], levels: [{name: commune, mode: any}]}\n  - {up_to: null, area_levels: [commune], levels: [{name: commune, mode: any}]}\n",
			[]string{"22 /matrix/0/up_to below_ceiling", "23 /matrix/1/area_levels area_levels_open"}},
		{"no row for other areas", "  - {up_to: null, area_levels: [ward], levels: [{name: commune, mode: any}]}\n", []string{"22 /matrix/0/area_levels area_levels_open"}},
		{"an area level twice", "  - {up_to: 10, area_levels: [ward, ward], levels: [{name: commune, mode: any}]}\n" + openRow, []string{"22 /matrix/0/area_levels/1 repeated"}},
		{"a skip that can fail", level("mode: any, skip: visit.size > 3"), []string{"25 /matrix/0/levels/1/skip rule_unknown_name"}},
		{"a skip that is no condition", level("mode: any, skip: requested + 1"), []string{"25 /matrix/0/levels/1/skip rule_result"}},
		{"a skip that never compares", level(`mode: any, skip: 'household.classification == "rich"'`), []string{"25 /matrix/0/levels/1/skip rule_value_unknown"}},
		{"a skip that divides by what may be zero", level("mode: any, skip: requested / household.size > 3"), []string{"25 /matrix/0/levels/1/skip rule_division"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := faults(t, withMatrix(t, tt.rows))
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("faults\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

const layeredRows = `  - up_to: 40
    area_levels: [ward]
    levels: [{name: province, mode: any}]
  - up_to: 40
    levels:
      - {name: commune, mode: any, skip: 'household.classification == "poor" && requested <= 20'}
      - {name: district, mode: any, parallel: true, skip: urgent}
      - {name: province, mode: committee, quorum: 2, parallel: true}
      - {name: country, mode: n_of_m, n: 2, skip: answers.size < 3}
  - up_to: null
    levels: [{name: country, mode: any}]
`

func TestTheWay(t *testing.T) {
	d := parse(t, withMatrix(t, layeredRows))
	facts := func(change func(*programme.Facts)) programme.Facts {
		f := programme.Facts{Requested: 30, Area: programme.AreaFacts{Level: "commune"}, Answers: json.RawMessage(`{"size": 3}`), Applicant: programme.ApplicantFacts{Sex: "male"},
			Household: programme.HouseholdFacts{Classification: "poor"}}
		change(&f)
		return f
	}
	tests := []struct {
		name, want, skipped string
		row                 int
		amount              int64
		facts               programme.Facts
	}{
		{"everybody", "commune district+ province+ country", "", 2, 30, facts(func(*programme.Facts) {})},
		{"the first is skipped", "district province+ country", "commune 1", 2, 30, facts(func(f *programme.Facts) { f.Requested = 20 })},
		{"two are skipped", "province country", "commune 1 district 2", 2, 20, facts(func(f *programme.Facts) { f.Requested, f.Urgent = 20, true })},
		{"by an answer", "commune district+ province+", "country 4", 2, 40, facts(func(f *programme.Facts) { f.Answers = json.RawMessage(`{"size": 2}`) })},
		{"a ward", "province", "", 1, 40, facts(func(f *programme.Facts) { f.Area.Level = "ward" })},
		{"above the rows", "country", "", 3, 41, facts(func(f *programme.Facts) { f.Area.Level = "ward" })},
		{"above the ceiling", "", "", 0, 101, facts(func(*programme.Facts) {})},
		{"nothing", "", "", 0, 0, facts(func(*programme.Facts) {})},
	}
	for _, tt := range tests {
		way, err := d.Way(tt.facts, tt.amount)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		var got, skipped []string
		for _, l := range way.Levels {
			got = append(got, l.Name+map[bool]string{true: "+"}[l.Parallel])
		}
		for _, l := range way.Skipped {
			skipped = append(skipped, l.Name+" "+string(rune('0'+l.Place)))
		}
		if strings.Join(got, " ") != tt.want || strings.Join(skipped, " ") != tt.skipped || way.Row != tt.row {
			t.Errorf("%s: row %d %v, skipped %v; want row %d %s, %s", tt.name, way.Row, got, skipped, tt.row, tt.want, tt.skipped)
		}
	}
	if !d.JudgesLevels() || parse(t, small(t)).JudgesLevels() {
		t.Error("who looks at facts")
	}
	again := parse(t, string(marshalled(t, d)))
	if way, err := again.Way(tests[1].facts, 30); err != nil || len(way.Levels) != 3 {
		t.Errorf("written as JSON and read again: %v %v", way, err)
	}
}

func marshalled(t *testing.T, d *programme.Definition) []byte {
	t.Helper()
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestEverybodyHasAWay: whatever matrix is accepted, every amount up to the
// ceiling has somebody who decides, in every area and on any facts; and the row
// is the first that fits.
func TestEverybodyHasAWay(t *testing.T) {
	areas := []string{"ward", "commune", "island"}
	text := small(t)
	rapid.Check(t, func(t *rapid.T) {
		var rows strings.Builder
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			upTo := rapid.SampledFrom([]string{"30", "60", "100", "null"}).Draw(t, "up to")
			in := rapid.SampledFrom([]string{"", "area_levels: [ward], ", "area_levels: [commune], ", "area_levels: [commune, ward], "}).Draw(t, "areas")
			skip := rapid.SampledFrom([]string{"", ", skip: urgent", ", skip: requested < 50"}).Draw(t, "skip")
			rows.WriteString("  - {up_to: " + upTo + ", " + in + "levels: [{name: commune, mode: any" + skip + "}, {name: province, mode: any}]}\n")
		}
		d, err := programme.Parse([]byte(strings.Replace(text, openRow, rows.String(), 1)))
		if err != nil {
			return
		}
		f := programme.Facts{Requested: rapid.Int64Range(1, 100).Draw(t, "requested"), Urgent: rapid.Bool().Draw(t, "urgent"),
			Area: programme.AreaFacts{Level: rapid.SampledFrom(areas).Draw(t, "area")}, Answers: json.RawMessage(`{"size": 1}`)}
		amount := rapid.Int64Range(1, 100).Draw(t, "amount")
		way, err := d.Way(f, amount)
		if err != nil || len(way.Levels) == 0 || way.Levels[0].Parallel {
			t.Fatalf("%s: %v %v", rows.String(), way, err)
		}
		for i, row := range d.Matrix[:way.Row] {
			fits := (row.UpTo == nil || amount <= *row.UpTo) && (len(row.AreaLevels) == 0 || slices.Contains(row.AreaLevels, f.Area.Level))
			if fits != (i == way.Row-1) {
				t.Fatalf("%s: row %d fits %v, taken is %d", rows.String(), i+1, fits, way.Row)
			}
		}
	})
}

func TestAMatrixDiffersInWords(t *testing.T) {
	older := parse(t, withMatrix(t, openRow))
	newer := parse(t, withMatrix(t, "  - {up_to: 50, area_levels: [ward], levels: [{name: commune, mode: any}]}\n"+
		"  - {up_to: null, levels: [{name: commune, mode: any, limit: 40}, {name: province, mode: committee, quorum: 2, decides: unanimity, one_rejection: veto, parallel: true, skip: urgent}]}\n"))
	for lang, want := range map[string]string{
		"en": `for cases of the area levels ward; together with the level before it yes; one rejection veto; the committee decides by unanimity; skipped when "urgent"; may approve up to 40 VND`,
		"vi": `cho hồ sơ của cấp ward; cùng lúc với cấp trước có; một phiếu từ chối veto; hội đồng quyết định theo unanimity; bỏ qua khi "urgent"; duyệt tối đa 40 VND`,
		"id": `untuk berkas tingkat wilayah ward; bersama tingkat sebelumnya ya; satu penolakan veto; komite memutuskan dengan unanimity; dilewati bila "urgent"; boleh menyetujui sampai 40 VND`,
	} {
		var all []string
		for _, change := range programme.Diff(older, newer, lang) {
			all = append(all, change.Text)
		}
		said := strings.ToLower(strings.Join(all, "\n"))
		for phrase := range strings.SplitSeq(want, "; ") {
			if words, _, _ := strings.Cut(strings.ToLower(phrase), " ward"); !strings.Contains(said, words) {
				t.Errorf("%s: %q is not in\n%s", lang, words, said)
			}
		}
	}
}
