package roll_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid/roll"
)

func said(faults []roll.Fault) (out []string) {
	for _, f := range faults {
		out = append(out, strings.TrimSpace(f.Column+" "+f.Code+" "+f.Params["place"]))
	}
	slices.Sort(out)
	return out
}

func header(names string) (cells []roll.Cell) {
	for name := range strings.SplitSeq(names, "|") {
		cells = append(cells, roll.Cell{Text: name, Formula: strings.HasPrefix(name, "=")})
	}
	return cells
}

func TestHeader(t *testing.T) {
	for name, c := range map[string]struct {
		cells string
		want  []string
	}{
		"good":              {"area_code|households", nil},
		"any order, case":   {"Households| AREA_CODE |review_year|", nil},
		"one lacks":         {"area_code", []string{"households column_missing"}},
		"all lack":          {"", []string{"area_code column_missing", "households column_missing"}},
		"unknown":           {"area_code|households|ethnicity", []string{"ethnicity column_unknown 3"}},
		"twice":             {"area_code|households|households", []string{"households column_twice"}},
		"a row of data":     {"51001|Nguyễn Văn An", []string{"area_code column_missing", "column_unknown 1", "column_unknown 2", "households column_missing"}},
		"a name in capital": {"area_code|households|Nguyen Van An", []string{"column_unknown 3"}},
		"a formula":         {"area_code|households|=A1", []string{"formula 3"}},
	} {
		if _, faults := roll.Header(roll.TotalColumns(), header(c.cells)); !slices.Equal(said(faults), c.want) {
			t.Errorf("%s: %q, want %q", name, said(faults), c.want)
		}
	}
}

// Whatever stands in a row, reading it ends with a line or with faults, and no
// fault repeats what stood there.
func TestNoFaultRepeatsAValue(t *testing.T) {
	columns := roll.AidColumns(true)
	at := map[string]int{}
	for i, c := range columns {
		at[c.Name] = i
	}
	rapid.Check(t, func(t *rapid.T) {
		cells := make([]roll.Cell, rapid.IntRange(0, len(columns)+1).Draw(t, "cells"))
		for i := range cells {
			text := rapid.SampledFrom([]string{"", "Canary", "051084000001", "=canary()", "2026-01-01", "01/02/2026", "1e3", "-4", "5", "cash", "yes", "\x00canary", strings.Repeat("canary ", 60)}).Draw(t, "text")
			cells[i] = roll.Cell{Text: text, Number: rapid.Bool().Draw(t, "number"), Formula: strings.HasPrefix(text, "=")}
		}
		f := roll.NewFields(at, cells, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
		list := roll.Aid{Partner: true, Known: func(string, string) bool { return true }, Currencies: map[string]string{"Canary": "VND"}}
		line := list.Read(2, f)
		bad := slices.ContainsFunc(f.Faults(), func(x roll.Fault) bool { return !x.Warning })
		if (line == nil) != bad {
			t.Fatalf("%+v with %v", line, f.Faults())
		}
		if all := strings.ToLower(fmt.Sprint(f.Faults())); strings.Contains(all, "canary") || strings.Contains(all, "0510840") {
			t.Fatal(all)
		}
	})
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{"2026-03-02": "", "": "paid_on required", "02/03/2026": "paid_on date_format", "2026-02-30": "paid_on date_format",
		"2026-11-24": "paid_on in_future", "1899-12-31": "paid_on date_format", "2026": "paid_on date_format", "#46083": "", "#60": "paid_on date_format", "#46083.5": "paid_on date_format", "#46400": "paid_on in_future"} {
		cell := roll.Cell{Text: strings.TrimPrefix(text, "#"), Number: strings.HasPrefix(text, "#")}
		f := roll.NewFields(map[string]int{"paid_on": 0}, []roll.Cell{cell}, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
		(&roll.Aid{Known: func(string, string) bool { return true }}).Read(2, f)
		got := slices.DeleteFunc(said(f.Faults()), func(s string) bool { return !strings.HasPrefix(s, "paid_on") })
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
