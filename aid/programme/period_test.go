package programme_test

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"pgregory.net/rapid"
)

func TestParsePeriod(t *testing.T) {
	tests := []struct {
		text, printed string
		want          programme.Period
	}{
		{"P1M", "P1M", programme.Period{Months: 1}},
		{"P30D", "P30D", programme.Period{Days: 30}},
		{"P1Y", "P1Y", programme.Period{Years: 1}},
		{"P12M", "P12M", programme.Period{Months: 12}},
		{"P1Y2M3D", "P1Y2M3D", programme.Period{Years: 1, Months: 2, Days: 3}},
		{"P2W", "P14D", programme.Period{Days: 14}},
		{"P1W1D", "P8D", programme.Period{Days: 8}},
		{"P0D", "P0D", programme.Period{}},
	}
	for _, tt := range tests {
		got, err := programme.ParsePeriod(tt.text)
		if err != nil || got != tt.want || got.String() != tt.printed {
			t.Errorf("ParsePeriod(%s) = %v (%s), %v", tt.text, got, got, err)
		}
	}
	for _, bad := range []string{"", "P", "1M", "P1", "P-1M", "P1.5D", "PT1H", "P1D1M", "p1m", " P1M", "P1M ", "P99999D", "P1M\n"} {
		if _, err := programme.ParsePeriod(bad); aid.CodeOf(err) != "period_invalid" {
			t.Errorf("ParsePeriod(%q) = %v", bad, err)
		}
	}
	var p programme.Period
	for _, bad := range []string{`1`, `null1`, `"P"`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &p); err == nil {
			t.Errorf("JSON %s is taken as a period", bad)
		}
	}
}

func TestPeriodRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 9999)
		want := programme.Period{Years: n.Draw(t, "years"), Months: n.Draw(t, "months"), Days: n.Draw(t, "days")}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got programme.Period
		if err := json.Unmarshal(data, &got); err != nil || got != want {
			t.Fatalf("%s gives %v, %v", data, got, err)
		}
	})
}

func TestAddTo(t *testing.T) {
	tests := []struct{ name, zone, from, period, want string }{
		{"month end", "Asia/Ho_Chi_Minh", "2027-01-31T09:00:00+07:00", "P1M", "2027-02-28T09:00:00+07:00"},
		{"month end in a leap year", "Asia/Ho_Chi_Minh", "2028-01-31T09:00:00+07:00", "P1M", "2028-02-29T09:00:00+07:00"},
		{"leap day next year", "Asia/Ho_Chi_Minh", "2028-02-29T09:00:00+07:00", "P1Y", "2029-02-28T09:00:00+07:00"},
		{"over the year", "Asia/Ho_Chi_Minh", "2026-11-30T09:00:00+07:00", "P3M", "2027-02-28T09:00:00+07:00"},
		{"12 months", "Asia/Ho_Chi_Minh", "2026-12-31T09:00:00+07:00", "P12M", "2027-12-31T09:00:00+07:00"},
		{"months before days", "Asia/Ho_Chi_Minh", "2027-01-31T09:00:00+07:00", "P1M1D", "2027-03-01T09:00:00+07:00"},
		{"the zone's date counts", "Asia/Ho_Chi_Minh", "2027-01-30T20:00:00Z", "P1M", "2027-02-28T03:00:00+07:00"},
		{"same clock over a change of the clocks", "Europe/Lisbon", "2027-03-01T09:00:00Z", "P1M", "2027-04-01T09:00:00+01:00"},
		{"nothing", "Asia/Ho_Chi_Minh", "2027-01-31T09:00:00+07:00", "P0D", "2027-01-31T09:00:00+07:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			period, err := programme.ParsePeriod(tt.period)
			if err != nil {
				t.Fatal(err)
			}
			got := period.AddTo(instant(t, tt.from), loc)
			if !got.Equal(instant(t, tt.want)) {
				t.Errorf("%s + %s = %v, want %s", tt.from, tt.period, got, tt.want)
			}
		})
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
