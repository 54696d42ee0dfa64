package means_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/means"
	"pgregory.net/rapid"
)

func vn(t testing.TB) *means.Rules {
	t.Helper()
	data, err := os.ReadFile("../../programmes/means/vn.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := means.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

func of[T any](v T) *T { return &v }

// The tables of the law, for every year of each period and on both sides of
// every line.
func TestClassify(t *testing.T) {
	rules := vn(t)
	const none = -1
	for _, row := range []struct {
		from, to   int // years, both included
		urban      bool
		income     int64
		a, b, lack int // score A, score B, deprived indicators
		want       means.Classification
		by, doubt  string
	}{
		// By score: A at most 140 rural and 175 urban; B from 30 on is poor.
		{from: 2022, to: 2026, income: none, a: 140, b: 30, lack: none, want: means.Poor, by: "score"},
		{from: 2022, to: 2026, income: none, a: 141, b: 30, lack: none, want: means.Other, by: "score"},
		{from: 2022, to: 2026, income: none, a: 140, b: 20, lack: none, want: means.NearPoor, by: "score"},
		{from: 2022, to: 2026, income: none, a: 141, b: 20, lack: none, want: means.Other, by: "score"},
		{from: 2022, to: 2026, income: none, a: 0, b: 120, lack: none, want: means.Poor, by: "score"},
		{from: 2022, to: 2026, income: none, a: 0, b: 0, lack: none, want: means.NearPoor, by: "score"},
		{from: 2022, to: 2026, urban: true, income: none, a: 175, b: 30, lack: none, want: means.Poor, by: "score"},
		{from: 2022, to: 2026, urban: true, income: none, a: 176, b: 30, lack: none, want: means.Other, by: "score"},
		{from: 2022, to: 2026, urban: true, income: none, a: 175, b: 20, lack: none, want: means.NearPoor, by: "score"},
		{from: 2022, to: 2026, urban: true, income: none, a: 141, b: 40, lack: none, want: means.Poor, by: "score"},
		{from: 2022, to: 2026, income: none, a: 140, b: none, lack: 3, want: means.Poor, by: "score"},
		{from: 2022, to: 2026, income: none, a: 140, b: none, lack: 2, want: means.NearPoor, by: "score"},
		// By income a head and month.
		{from: 2022, to: 2026, income: 1_500_000, a: none, b: none, lack: 3, want: means.Poor, by: "income"},
		{from: 2022, to: 2026, income: 1_500_001, a: none, b: none, lack: 3, want: means.Other, by: "income"},
		{from: 2022, to: 2026, income: 1_500_000, a: none, b: none, lack: 2, want: means.NearPoor, by: "income"},
		{from: 2022, to: 2026, income: 0, a: none, b: 30, lack: none, want: means.Poor, by: "income"},
		{from: 2022, to: 2026, urban: true, income: 2_000_000, a: none, b: none, lack: 3, want: means.Poor, by: "income"},
		{from: 2022, to: 2026, urban: true, income: 2_000_001, a: none, b: none, lack: 3, want: means.Other, by: "income"},
		{from: 2022, to: 2026, urban: true, income: 2_000_000, a: none, b: 20, lack: none, want: means.NearPoor, by: "income"},
		// Both: the score judges, income that says the opposite is a doubt.
		{from: 2022, to: 2026, income: 1_400_000, a: 120, b: 30, lack: 3, want: means.Poor, by: "score"},
		{from: 2022, to: 2026, income: 9_000_000, a: 120, b: 30, lack: 3, want: means.Poor, by: "score", doubt: "income_contradicts_score"},
		{from: 2022, to: 2026, income: 1_400_000, a: 150, b: 30, lack: 3, want: means.Other, by: "score", doubt: "income_contradicts_score"},
		// From 2027 by income alone: the lines of score A are not known.
		{from: 2027, to: 2029, income: 2_200_000, a: none, b: none, lack: 3, want: means.Poor, by: "income"},
		{from: 2027, to: 2029, income: 2_200_001, a: none, b: none, lack: 3, want: means.Other, by: "income"},
		{from: 2027, to: 2029, income: 2_200_000, a: none, b: none, lack: 2, want: means.NearPoor, by: "income"},
		{from: 2027, to: 2029, urban: true, income: 2_800_000, a: none, b: 30, lack: none, want: means.Poor, by: "income"},
		{from: 2027, to: 2029, urban: true, income: 2_800_001, a: none, b: 30, lack: none, want: means.Other, by: "income"},
		{from: 2027, to: 2029, urban: true, income: 2_800_000, a: none, b: 20, lack: none, want: means.NearPoor, by: "income"},
		{from: 2027, to: 2029, income: 2_000_000, a: 500, b: 30, lack: none, want: means.Poor, by: "income"},
	} {
		test := means.Test{Urban: row.urban}
		if row.income != none {
			test.IncomePerHead = &row.income
		}
		for value, to := range map[*int]**int{&row.a: &test.ScoreA, &row.b: &test.ScoreB, &row.lack: &test.Indicators} {
			if *value != none {
				*to = value
			}
		}
		for year := row.from; year <= row.to; year++ {
			for _, at := range []time.Time{time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)} {
				got, err := rules.Classify(at, test)
				if err != nil || got.Class != row.want || got.By != row.by || got.Doubt != row.doubt {
					t.Errorf("%s %+v: %+v, %v", at.Format(time.DateOnly), row, got, err)
				}
				if want := map[bool]string{true: "vn/2022-01-01", false: "vn/2027-01-01"}[year < 2027]; got.Period != want {
					t.Errorf("%d: period %s, want %s", year, got.Period, want)
				}
			}
		}
	}
}

func TestClassifyRefuses(t *testing.T) {
	rules := vn(t)
	for name, row := range map[string]struct {
		day    string
		test   means.Test
		code   string
		faults string
	}{
		"before the rules":        {"2021-12-31", means.Test{ScoreA: of(100), ScoreB: of(30)}, "means_no_rules", ""},
		"nothing known":           {"2026-01-01", means.Test{}, "invalid_content", "/income_per_head means_incomplete, /score_b means_incomplete"},
		"no deprivation":          {"2026-01-01", means.Test{ScoreA: of(100)}, "invalid_content", "/score_b means_incomplete"},
		"score alone in 2027":     {"2027-01-01", means.Test{ScoreA: of(100), ScoreB: of(30)}, "invalid_content", "/income_per_head means_incomplete"},
		"half a step of score B":  {"2026-01-01", means.Test{ScoreA: of(100), ScoreB: of(25)}, "invalid_content", "/score_b means_score_b"},
		"more than all":           {"2026-01-01", means.Test{ScoreA: of(100), ScoreB: of(130)}, "invalid_content", "/score_b means_score_b"},
		"more indicators":         {"2026-01-01", means.Test{ScoreA: of(100), Indicators: of(13)}, "invalid_content", "/indicators means_indicators"},
		"two answers":             {"2026-01-01", means.Test{ScoreA: of(100), ScoreB: of(30), Indicators: of(2)}, "invalid_content", "/indicators means_contradiction"},
		"negative":                {"2026-01-01", means.Test{ScoreA: of(-1), ScoreB: of(-10)}, "invalid_content", "/score_a means_negative, /score_b means_score_b"},
		"negative income":         {"2026-01-01", means.Test{IncomePerHead: of(int64(-1)), Indicators: of(3)}, "invalid_content", "/income_per_head means_negative"},
		"a day before the change": {"0001-01-01", means.Test{IncomePerHead: of(int64(1)), Indicators: of(3)}, "means_no_rules", ""},
	} {
		_, err := rules.Classify(day(row.day), row.test)
		var refusal *aid.Error
		if !errors.As(err, &refusal) || refusal.Code != row.code || said(refusal) != row.faults {
			t.Errorf("%s: %v, want %s %s", name, err, row.code, row.faults)
		}
	}
}

func said(e *aid.Error) string {
	var all []string
	for _, f := range e.Faults {
		all = append(all, f.Pointer+" "+f.Code)
	}
	return strings.Join(all, ", ")
}

// More deprivation never lifts a household out of poverty, and more income or
// a higher score A never makes it poorer.
func TestClassifyIsMonotonous(t *testing.T) {
	rules := vn(t)
	rank := map[means.Classification]int{means.Poor: 0, means.NearPoor: 1, means.Other: 2}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(rapid.IntRange(2022, 2030).Draw(t, "year"), 6, 1, 0, 0, 0, 0, time.UTC)
		income, a := rapid.Int64Range(0, 4_000_000).Draw(t, "income"), rapid.IntRange(0, 300).Draw(t, "a")
		lack := rapid.IntRange(0, 11).Draw(t, "lack")
		test := means.Test{Urban: rapid.Bool().Draw(t, "urban"), IncomePerHead: &income, ScoreA: &a, Indicators: &lack}
		before, err := rules.Classify(at, test)
		if err != nil {
			t.Fatal(err)
		}
		richer, higher, worse := income+rapid.Int64Range(0, 3_000_000).Draw(t, "more"), a+rapid.IntRange(0, 200).Draw(t, "points"), lack+1
		better := test
		better.IncomePerHead, better.ScoreA = &richer, &higher
		if after, err := rules.Classify(at, better); err != nil || rank[after.Class] < rank[before.Class] {
			t.Fatalf("better off: %v after %v, %v", after, before, err)
		}
		test.Indicators = &worse
		if after, err := rules.Classify(at, test); err != nil || rank[after.Class] > rank[before.Class] {
			t.Fatalf("more deprived: %v after %v, %v", after, before, err)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	const good = `
code: x
titles: {vi: a, en: b, id: c}
currency: VND
periods:
  - {from: 2022-01-01, until: 2024-01-01, source: s, income: {rural: 1, urban: 2}, indicators: {deprived: 1, of: 2, points: 10}}
  - {from: 2024-01-01, source: s, income: {rural: 1, urban: 2}, indicators: {deprived: 1, of: 2, points: 10}}
`
	if _, err := means.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ old, new, want string }{
		"unknown field":  {"currency:", "money:", " not_yaml"},
		"two documents":  {"periods:", "---\nperiods:", " not_yaml"},
		"no title":       {"en: b, ", "", "/titles/en required"},
		"overlap":        {"until: 2024-01-01", "until: 2025-01-01", "/periods/1/from periods_overlap"},
		"gap":            {"until: 2024-01-01", "until: 2023-01-01", "/periods/1/from periods_gap"},
		"open and next":  {"until: 2024-01-01, ", "", "/periods/1/from periods_overlap"},
		"ends before":    {"from: 2022-01-01", "from: 2024-06-01", "/periods/0/until bad_period"},
		"no such day":    {"from: 2022-01-01", "from: 2022-02-30", " not_yaml"},
		"no line":        {"income: {rural: 1, urban: 2}, indicators: {deprived: 1, of: 2, points: 10}}\n  - {from: 2024", "income: {rural: 0, urban: 2}, indicators: {deprived: 1, of: 2, points: 10}}\n  - {from: 2024", "/periods/0/income bad_line"},
		"more than all":  {"deprived: 1, of: 2, points: 10}}\n  - {from: 2024", "deprived: 3, of: 2, points: 10}}\n  - {from: 2024", "/periods/0/indicators bad_indicators"},
		"score of zero":  {"source: s, income: {rural: 1, urban: 2}, indicators: {deprived: 1, of: 2, points: 10}}\n  - {from: 2024", "source: s, income: {rural: 1, urban: 2}, score: {rural: 0, urban: 1}, indicators: {deprived: 1, of: 2, points: 10}}\n  - {from: 2024", "/periods/0/score bad_line"},
		"without source": {"until: 2024-01-01, source: s, ", "until: 2024-01-01, ", "/periods/0/source required"},
	} {
		_, err := means.Parse([]byte(strings.Replace(good, row.old, row.new, 1)))
		var refusal *aid.Error
		if !errors.As(err, &refusal) || refusal.Code != "means_rules_invalid" || said(refusal) != row.want {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
	_, err := means.Parse([]byte("code: x\ntitles: {vi: a, en: b, id: c}\ncurrency: VND\n"))
	var refusal *aid.Error
	if !errors.As(err, &refusal) || said(refusal) != "/periods no_periods" {
		t.Errorf("no periods: %v", err)
	}
}
