package worktime_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/aidflow/aidflow/aid/worktime"
)

var office = [][]string{{"07:30", "11:30"}, {"13:00", "17:00"}}

func week(shifts [][]string, days ...string) map[string][][]string {
	w := map[string][][]string{}
	for _, day := range days {
		w[day] = shifts
	}
	return w
}

// officeRules: Monday to Friday, Wednesday 2 September 2026 off.
func officeRules() worktime.Rules {
	return worktime.Rules{
		Code: "office", Zone: "Asia/Ho_Chi_Minh",
		Week:     week(office, "mon", "tue", "wed", "thu", "fri"),
		Holidays: []worktime.Holiday{{Date: "2026-09-02", Name: "Quốc khánh"}},
	}
}

type failer interface {
	Helper()
	Fatal(args ...any)
}

func calendar(t failer, rules worktime.Rules) *worktime.Calendar {
	t.Helper()
	c, err := worktime.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(t failer, c *worktime.Calendar, text string) time.Time {
	t.Helper()
	instant, err := time.ParseInLocation("2006-01-02 15:04", text, c.Location())
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

func TestBetween(t *testing.T) {
	c := calendar(t, officeRules())
	tests := []struct {
		name, from, to string
		want           time.Duration
	}{
		{"inside a shift", "2026-08-31 08:00", "2026-08-31 09:15", 75 * time.Minute},
		{"over lunch", "2026-08-31 11:00", "2026-08-31 13:30", time.Hour},
		{"a whole day", "2026-08-31 00:00", "2026-08-31 23:59", 8 * time.Hour},
		{"over a holiday", "2026-09-01 16:00", "2026-09-03 08:30", 2 * time.Hour},
		{"over a weekend", "2026-08-28 16:30", "2026-08-31 07:45", 45 * time.Minute},
		{"at night", "2026-08-31 20:00", "2026-09-01 05:00", 0},
		{"nothing", "2026-08-31 10:00", "2026-08-31 10:00", 0},
		{"backwards", "2026-08-31 09:00", "2026-08-31 08:00", -time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := c.Between(at(t, c, tt.from), at(t, c, tt.to)); got != tt.want {
				t.Errorf("Between = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAdd(t *testing.T) {
	c := calendar(t, officeRules())
	tests := []struct {
		name, from string
		d          time.Duration
		want       string
	}{
		{"inside a shift", "2026-08-31 08:00", time.Hour, "2026-08-31 09:00"},
		{"over lunch", "2026-08-31 11:00", time.Hour, "2026-08-31 13:30"},
		{"to the end of the day", "2026-08-31 13:00", 4 * time.Hour, "2026-08-31 17:00"},
		{"over a holiday", "2026-09-01 16:00", 2 * time.Hour, "2026-09-03 08:30"},
		{"a day's work from Saturday", "2026-08-29 10:00", 8 * time.Hour, "2026-08-31 17:00"},
		{"nothing at night", "2026-08-31 22:00", 0, "2026-08-31 22:00"},
		{"less than nothing", "2026-08-31 22:00", -time.Hour, "2026-08-31 22:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := c.Add(at(t, c, tt.from), tt.d), at(t, c, tt.want); !got.Equal(want) {
				t.Errorf("Add = %v, want %v", got, want)
			}
		})
	}
}

func TestAddDays(t *testing.T) {
	rules := officeRules()
	rules.Week["sat"] = [][]string{{"07:30", "11:30"}}
	c := calendar(t, rules)
	tests := []struct {
		name, from string
		n          int
		want       string
	}{
		{"same clock time", "2026-08-24 10:00", 3, "2026-08-27 10:00"},
		{"over Sunday and the holiday", "2026-08-29 08:00", 3, "2026-09-03 08:00"},
		{"lunch counts from 13:00", "2026-08-24 12:10", 1, "2026-08-25 13:00"},
		{"evening counts from the next morning", "2026-08-24 17:00", 1, "2026-08-26 07:30"},
		{"early morning counts from the start", "2026-08-24 05:00", 1, "2026-08-25 07:30"},
		{"Sunday counts from Monday", "2026-08-30 15:00", 1, "2026-09-01 07:30"},
		{"afternoon into a short day", "2026-08-28 15:00", 1, "2026-08-29 11:30"},
		{"no days in working time", "2026-08-24 10:00", 0, "2026-08-24 10:00"},
		{"no days at night", "2026-08-24 19:00", 0, "2026-08-25 07:30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := c.AddDays(at(t, c, tt.from), tt.n), at(t, c, tt.want); !got.Equal(want) {
				t.Errorf("AddDays = %v, want %v", got, want)
			}
		})
	}
}

// TestClockChanges: New York put its clocks forward on 8 March 2026 at 02:00
// and back on 1 November 2026 at 02:00; Samoa had no 30 December 2011; in St
// John's the clocks of 6 November 2011 went back from 00:01 to 23:01.
func TestClockChanges(t *testing.T) {
	night := [][]string{{"00:00", "02:30"}, {"02:45", "06:00"}, {"06:00", "24:00"}}
	everyDay := func(zone string) *worktime.Calendar {
		return calendar(t, worktime.Rules{Code: "x", Zone: zone,
			Week: week(night, "mon", "tue", "wed", "thu", "fri", "sat", "sun")})
	}
	tests := []struct {
		name, zone, day string
		want            time.Duration
	}{
		{"an ordinary day", "America/New_York", "2026-03-07 12:00", 23*time.Hour + 45*time.Minute},
		{"the break lies in the gap", "America/New_York", "2026-03-08 12:00", 23 * time.Hour},
		{"an hour more", "America/New_York", "2026-11-01 12:00", 24*time.Hour + 45*time.Minute},
		{"the day after a missing day", "Pacific/Apia", "2011-12-31 12:00", 23*time.Hour + 45*time.Minute},
		{"midnight twice", "America/St_Johns", "2011-11-06 12:00", 24*time.Hour + 45*time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := everyDay(tt.zone)
			if got := c.DayLength(at(t, c, tt.day)); got != tt.want {
				t.Errorf("DayLength = %v, want %v", got, tt.want)
			}
		})
	}
	apia := everyDay("Pacific/Apia")
	from := at(t, apia, "2011-12-29 12:00")
	if got, want := apia.AddDays(from, 1), at(t, apia, "2011-12-31 12:00"); !got.Equal(want) {
		t.Errorf("a missing day was counted: %v, want %v", got, want)
	}
}

func TestDayLength(t *testing.T) {
	c := calendar(t, officeRules())
	for day, want := range map[string]time.Duration{
		"2026-08-31 23:00": 8 * time.Hour, // Monday
		"2026-08-30 09:00": 0,             // Sunday
		"2026-09-02 09:00": 0,             // holiday
	} {
		if got := c.DayLength(at(t, c, day)); got != want {
			t.Errorf("DayLength(%s) = %v, want %v", day, got, want)
		}
	}
}
