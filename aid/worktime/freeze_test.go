package worktime_test

import (
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid/worktime"
	"pgregory.net/rapid"
)

func TestFreezeStopsTheClock(t *testing.T) {
	c := calendar(t, officeRules())
	flood := worktime.Span{From: at(t, c, "2026-09-03 10:00"), Until: at(t, c, "2026-09-07 14:00")}
	frozen := c.Frozen(flood)
	tests := []struct{ name, from, want string }{
		{"before it", "2026-08-31 08:00", "2026-08-31 16:30"},
		{"into it", "2026-09-03 08:30", "2026-09-08 10:00"},
		{"inside it", "2026-09-04 09:00", "2026-09-08 11:30"},
	}
	for _, tt := range tests {
		if got, want := frozen.Add(at(t, c, tt.from), 7*time.Hour), at(t, c, tt.want); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", tt.name, got, want)
		}
	}
	if got, want := frozen.AddDays(at(t, c, "2026-09-03 09:00"), 2), at(t, c, "2026-09-08 09:00"); !got.Equal(want) {
		t.Errorf("two days: %v, want %v: Friday is frozen as a whole", got, want)
	}
	if !frozen.FrozenAt(flood.From) || frozen.FrozenAt(flood.Until) || c.FrozenAt(flood.From) {
		t.Error("frozen at the wrong instants")
	}
}

// TestEditLeavesThePastAlone: a day that became a holiday after it was worked
// stays worked, and one that is to come is off.
func TestEditLeavesThePastAlone(t *testing.T) {
	old := calendar(t, officeRules())
	rules := officeRules()
	rules.Holidays = append(rules.Holidays, worktime.Holiday{Date: "2026-08-31", Name: "x"}, worktime.Holiday{Date: "2026-09-03", Name: "x"})
	now := calendar(t, rules).Since(at(t, old, "2026-09-01 12:00"), old)
	monday, friday := at(t, old, "2026-08-31 00:00"), at(t, old, "2026-09-04 00:00")
	if got := now.Between(monday, friday); got != 16*time.Hour {
		t.Errorf("%v, want Monday and Tuesday", got)
	}
	if got, want := now.Add(monday, 17*time.Hour), at(t, old, "2026-09-04 08:30"); !got.Equal(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// minutes counts work by looking at every minute: of its local date and clock,
// with the rules that were in force then, outside every freeze.
func minutes(eras []era, freezes []worktime.Span, from, to time.Time) time.Duration {
	var sum time.Duration
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		rules := eras[0]
		for _, e := range eras {
			if !at.Before(e.begins) {
				rules = e
			}
		}
		if rules.works(at) && !covered(freezes, at) {
			sum += time.Minute
		}
	}
	return sum
}

type era struct {
	begins time.Time
	rules  worktime.Rules
	zone   *time.Location
}

func (e era) works(at time.Time) bool {
	local := at.In(e.zone)
	for _, h := range e.rules.Holidays {
		if h.Date == local.Format(time.DateOnly) {
			return false
		}
	}
	shown := local.Format("15:04")
	for _, shift := range e.rules.Week[days[(int(local.Weekday())+6)%7]] {
		if shift[0] <= shown && shown < shift[1] {
			return true
		}
	}
	return false
}

func covered(freezes []worktime.Span, at time.Time) bool {
	for _, f := range freezes {
		if !at.Before(f.From) && at.Before(f.Until) {
			return true
		}
	}
	return false
}

func drawFreezes(t *rapid.T, start time.Time) []worktime.Span {
	var out []worktime.Span
	for range rapid.IntRange(0, 4).Draw(t, "freezes") {
		from := start.Add(time.Duration(rapid.IntRange(0, 12*24*60).Draw(t, "freeze")) * time.Minute)
		out = append(out, worktime.Span{From: from, Until: from.Add(time.Duration(rapid.IntRange(-10, 3*24*60).Draw(t, "frozen")) * time.Minute)})
	}
	return out
}

// TestBetweenAgainstMinutes: calendars that are edited on the way and frozen
// now and then, against counting the minutes. Shifts at night may meet a change
// of the clocks, where a minute is shown twice: the zones have none here.
func TestBetweenAgainstMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2011, 1, 3, 0, 0, 0, 0, time.UTC)
		var eras []era
		var c *worktime.Calendar
		for i := range rapid.IntRange(1, 3).Draw(t, "eras") {
			rules := drawRules(t)
			rules.Zone = rapid.SampledFrom([]string{"Asia/Ho_Chi_Minh", "Asia/Kathmandu", "America/New_York"}).Draw(t, "quiet zone")
			next := calendar(t, rules)
			e := era{begins: start.Add(time.Duration(i) * time.Duration(rapid.IntRange(1, 6*24*60).Draw(t, "later")) * time.Minute), rules: rules, zone: next.Location()}
			if i > 0 {
				if e.begins.Before(eras[i-1].begins) {
					e.begins = eras[i-1].begins
				}
				next = next.Since(e.begins, c)
			}
			c, eras = next, append(eras, e)
		}
		freezes := drawFreezes(t, start)
		c = c.Frozen(freezes...)
		from := start.Add(time.Duration(rapid.IntRange(0, 10*24*60).Draw(t, "from")) * time.Minute)
		to := from.Add(time.Duration(rapid.IntRange(0, 8*24*60).Draw(t, "to")) * time.Minute)
		want := minutes(eras, freezes, from, to)
		if got := c.Between(from, to); got != want {
			t.Fatalf("Between = %v, the minutes are %v", got, want)
		}
		if want > 0 {
			end := c.Add(from, want)
			if end.After(to) || minutes(eras, freezes, from, end) != want {
				t.Fatalf("Add(%v) = %v, from %v", want, end, from)
			}
		}
	})
}

// TestFrozenLawsHoldEverywhere: with clocks that change at night.
func TestFrozenLawsHoldEverywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := calendar(t, drawRules(t))
		from, d := drawTime(t, "from"), drawWork(t, "d")
		c := plain.Frozen(drawFreezes(t, from)...).Since(from.Add(d/3), calendar(t, drawRules(t)))
		to := c.Add(from, d)
		if got := c.Between(from, to); got != d {
			t.Fatalf("Between(from, Add(from, %v)) = %v", d, got)
		}
		middle := drawTime(t, "middle")
		if got, want := c.Between(from, middle)+c.Between(middle, to), d; got != want {
			t.Fatalf("by a third instant %v, want %v", got, want)
		}
		still := plain.Frozen(worktime.Span{From: from, Until: from.Add(72 * time.Hour)})
		if got := still.Between(from, from.Add(72*time.Hour)); got != 0 {
			t.Fatalf("%v of work in a freeze", got)
		}
	})
}
