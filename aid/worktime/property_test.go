package worktime_test

import (
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid/worktime"
	"pgregory.net/rapid"
)

var days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// drawRules makes any valid calendar, also of zones whose clocks change, with
// shifts at night, where they change.
func drawRules(t *rapid.T) worktime.Rules {
	rules := worktime.Rules{Code: "drawn", Week: map[string][][]string{}}
	rules.Zone = rapid.SampledFrom([]string{"Asia/Ho_Chi_Minh", "America/New_York", "Europe/Lisbon",
		"America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "America/Havana"}).Draw(t, "zone")
	for _, day := range days {
		rules.Week[day] = drawShifts(t, 0)
	}
	rules.Week["wed"] = drawShifts(t, 1)
	seen := map[string]bool{}
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 400), 0, 8).Draw(t, "holidays") {
		date := time.Date(2011, 1, 1+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		if !seen[date] {
			rules.Holidays = append(rules.Holidays, worktime.Holiday{Date: date, Name: "x"})
		}
		seen[date] = true
	}
	return rules
}

func drawShifts(t *rapid.T, least int) [][]string {
	var shifts [][]string
	minute := 0
	for range rapid.IntRange(least, 3).Draw(t, "shifts") {
		start := rapid.IntRange(minute, minute+300).Draw(t, "start")
		end := rapid.IntRange(start+1, start+180).Draw(t, "end")
		shifts = append(shifts, []string{clock(start), clock(end)})
		minute = end
	}
	return shifts
}

func clock(minute int) string {
	if minute == 24*60 {
		return "24:00"
	}
	return time.Date(2000, 1, 1, 0, minute, 0, 0, time.UTC).Format("15:04")
}

// drawTime favours the year 2011, in which Samoa lost a day.
func drawTime(t *rapid.T, name string) time.Time {
	start := time.Date(2011, 1, 1, 0, 0, 0, 0, time.UTC)
	return start.Add(time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, name)))
}

func drawWork(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, name))
}

func TestBetweenUndoesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := calendar(t, drawRules(t))
		from, d := drawTime(t, "from"), drawWork(t, "d")
		to := c.Add(from, d)
		if got := c.Between(from, to); got != d {
			t.Fatalf("Between(from, Add(from, %v)) = %v, to %v", d, got, to)
		}
		if d > 0 && c.Between(from, to.Add(-1)) != d-1 {
			t.Fatalf("%v is not the earliest instant", to)
		}
	})
}

func TestAddIsAdditiveAndMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := calendar(t, drawRules(t))
		from, a, b := drawTime(t, "from"), drawWork(t, "a"), drawWork(t, "b")
		if got, want := c.Add(c.Add(from, a), b), c.Add(from, a+b); !got.Equal(want) {
			t.Fatalf("Add(Add(a), b) = %v, Add(a+b) = %v", got, want)
		}
		if c.Add(from, a+b).Before(c.Add(from, a)) {
			t.Fatal("more work ends earlier")
		}
		later := from.Add(b)
		if c.Add(later, a).Before(c.Add(from, a)) {
			t.Fatal("a later start ends earlier")
		}
	})
}

func TestBetweenIsAdditive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := calendar(t, drawRules(t))
		a, b, d := drawTime(t, "a"), drawTime(t, "b"), drawTime(t, "c")
		if got, want := c.Between(a, b)+c.Between(b, d), c.Between(a, d); got != want {
			t.Fatalf("a-b-c is %v, a-c is %v", got, want)
		}
		if elapsed := b.Sub(a); elapsed >= 0 && c.Between(a, b) > elapsed {
			t.Fatal("more working time than time")
		}
	})
}

func TestAddDaysIsMonotoneAndLandsInWork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := calendar(t, drawRules(t))
		from, n := drawTime(t, "from"), rapid.IntRange(0, 30).Draw(t, "n")
		got := c.AddDays(from, n)
		if got.Before(from) || c.DayLength(got.Add(-1)) == 0 && c.DayLength(got) == 0 {
			t.Fatalf("AddDays = %v: before its start or on a day off", got)
		}
		if c.AddDays(from, n+1).Before(got) {
			t.Fatal("more days end earlier")
		}
		if n > 0 && c.DayLength(got) > 0 && c.Between(from, got) == 0 {
			t.Fatal("no work in a working day")
		}
	})
}

// TestAddDaysIsAdditiveInAUniformWeek: where every working day has the same
// shifts, a clock time is never moved and the steps add up.
func TestAddDaysIsAdditiveInAUniformWeek(t *testing.T) {
	c := calendar(t, officeRules())
	rapid.Check(t, func(t *rapid.T) {
		from := drawTime(t, "from")
		a, b := rapid.IntRange(0, 20).Draw(t, "a"), rapid.IntRange(0, 20).Draw(t, "b")
		if got, want := c.AddDays(c.AddDays(from, a), b), c.AddDays(from, a+b); !got.Equal(want) {
			t.Fatalf("in two steps %v, in one %v", got, want)
		}
		day := c.DayLength(c.AddDays(from, 0))
		if got := c.Between(from, c.AddDays(from, a)); got != time.Duration(a)*day {
			t.Fatalf("%d days hold %v of work", a, got)
		}
	})
}
