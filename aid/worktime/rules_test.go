package worktime_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
)

func TestValidateFindsEveryFault(t *testing.T) {
	rules := worktime.Rules{
		Zone: "Asia/Nowhere",
		Week: map[string][][]string{
			"mon":   {{"13:00", "17:00"}, {"07:30", "11:30"}},
			"tue":   {{"11:30", "07:30"}},
			"wed":   {{"07:30"}},
			"thu":   {{"7:30", "25:00"}},
			"monty": {{"07:30", "11:30"}},
		},
		Holidays: []worktime.Holiday{{"2026-02-30", "x"}, {"2026-01-01", ""}, {"2026-01-01", "again"}},
	}
	var got []string
	for _, fault := range rules.Validate() {
		got = append(got, fault.Pointer+" "+fault.Code)
	}
	want := []string{
		"/code required", "/zone zone_unknown",
		"/week/mon/1 shift_order", "/week day_unknown",
		"/week/thu/0/0 clock_time", "/week/thu/0/1 clock_time",
		"/week/tue/0 shift_order", "/week/wed/0 shift_pair",
		"/holidays/0/date date_format", "/holidays/1/name required", "/holidays/2/date date_repeated",
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults:\n%q\nwant\n%q", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	tests := map[string]func(*worktime.Rules){
		"week_empty":   func(r *worktime.Rules) { r.Week = map[string][][]string{"mon": nil} },
		"zone_unknown": func(r *worktime.Rules) { r.Zone = "Local" },
		"required":     func(r *worktime.Rules) { r.Code = "" },
	}
	for code, spoil := range tests {
		rules := officeRules()
		spoil(&rules)
		_, err := worktime.New(rules)
		refusal, ok := err.(*aid.Error)
		if !ok || len(refusal.Faults) != 1 || refusal.Faults[0].Code != code {
			t.Errorf("New = %v, want one fault %s", err, code)
		}
	}
}

func TestParse(t *testing.T) {
	data, err := json.Marshal(officeRules())
	if err != nil {
		t.Fatal(err)
	}
	if c, err := worktime.Parse(data); err != nil || c.Code != "office" {
		t.Fatalf("Parse of our own JSON: %v", err)
	}
	for _, bad := range []string{"", "{", `{"colour": "red"}`, string(data) + "{}", string(data) + "x"} {
		if _, err := worktime.Parse([]byte(bad)); aid.CodeOf(err) != "calendar_malformed" {
			t.Errorf("Parse(%.20q...) = %v", bad, err)
		}
	}
}
