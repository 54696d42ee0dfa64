package demo

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestOffice(t *testing.T) {
	friday := time.Date(2026, 11, 27, 16, 0, 0, 0, vietnam())
	for name, c := range map[string]struct {
		days, hour, minute int
		want               string
	}{
		"later today":           {0, 16, 30, "2026-11-27 16:30"},
		"the time has gone":     {0, 9, 30, "2026-11-30 09:30"},
		"a weekend in between":  {1, 8, 0, "2026-11-30 08:00"},
		"some days":             {4, 8, 0, "2026-12-01 08:00"},
		"exactly now":           {0, 16, 0, "2026-11-27 16:00"},
		"over the year's end":   {36, 10, 0, "2027-01-04 10:00"},
		"a day that is a month": {30, 7, 45, "2026-12-28 07:45"},
	} {
		if got := office(friday, c.days, c.hour, c.minute).Format("2006-01-02 15:04"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOfficeIsOnAWeekdayAndNotBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := time.Unix(rapid.Int64Range(1_700_000_000, 2_000_000_000).Draw(t, "from"), 0)
		hour, minute := rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")
		at := office(from, rapid.IntRange(0, 200).Draw(t, "days"), hour, minute)
		if at.Before(from) || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday || at.Hour() != hour || at.Minute() != minute {
			t.Fatalf("%s gives %s", from, at)
		}
	})
}

func TestDurationsThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, 3600*24*4000).Draw(t, "seconds")) * time.Second
		got, err := fromISO(iso(d))
		if err != nil || got != d {
			t.Fatalf("%s is %s and comes back as %s, %v", d, iso(d), got, err)
		}
	})
}

func TestFromISO(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT0S": 0, "PT23H5M3S": 23*time.Hour + 5*time.Minute + 3*time.Second, "P30D": 720 * time.Hour, "PT2060H": 2060 * time.Hour,
		"P1DT1S": 24*time.Hour + time.Second,
	} {
		if got, err := fromISO(text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1D", "PxD", "PT5", "P5"} {
		if got, err := fromISO(text); err == nil {
			t.Errorf("%q: %s", text, got)
		}
	}
}
