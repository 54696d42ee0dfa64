package programme

import (
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
)

// version makes a version of the small programme; zone is Asia/Ho_Chi_Minh.
func version(n int, from, to string) *Definition {
	loc, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		panic(err)
	}
	return &Definition{Code: "small", Version: n, EffectiveFrom: from, EffectiveTo: to, loc: loc}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestCurrent(t *testing.T) {
	recalled := func(v *Definition, at string) Published {
		when := instant(t, at)
		return Published{v, &when}
	}
	old, next := version(1, "2026-01-01", ""), version(2, "2027-01-01", "")
	both := []Published{{next, nil}, {old, nil}}
	for _, tt := range []struct {
		name     string
		versions []Published
		at       string
		want     string // version, or code
	}{
		{"before everything", both, "2025-12-31T16:59:59Z", "programme_not_in_force"},
		{"midnight in the programme's zone", both, "2025-12-31T17:00:00Z", "1"},
		{"a moment before the next", both, "2026-12-31T16:59:59Z", "1"},
		{"midnight of the next", both, "2026-12-31T17:00:00Z", "2"},
		{"the last day", []Published{{version(1, "2026-01-01", "2026-06-01"), nil}}, "2026-05-31T16:59:59Z", "1"},
		{"the day after the last", []Published{{version(1, "2026-01-01", "2026-06-01"), nil}}, "2026-05-31T17:00:00Z", "programme_not_in_force"},
		{"a short one over a long one", []Published{{old, nil}, {version(2, "2026-03-01", "2026-04-01"), nil}}, "2026-03-15T00:00:00Z", "2"},
		{"and the long one again", []Published{{old, nil}, {version(2, "2026-03-01", "2026-04-01"), nil}}, "2026-04-15T00:00:00Z", "1"},
		{"a correction from before", []Published{{old, nil}, {version(2, "2025-06-01", ""), nil}}, "2026-02-01T00:00:00Z", "2"},
		{"recalled while in force", []Published{recalled(old, "2026-02-01T00:00:00Z")}, "2026-02-01T00:00:01Z", "programme_closed"},
		{"the old one does not come back", []Published{{old, nil}, recalled(version(2, "2026-02-01", ""), "2026-02-10T00:00:00Z")}, "2026-03-01T00:00:00Z", "programme_closed"},
		{"recalled before its day", []Published{{old, nil}, recalled(next, "2026-12-31T16:59:59Z")}, "2027-02-01T00:00:00Z", "1"},
		{"recalled on its day", []Published{{old, nil}, recalled(next, "2026-12-31T17:00:00Z")}, "2027-02-01T00:00:00Z", "programme_closed"},
		{"none", nil, "2026-02-01T00:00:00Z", "programme_not_in_force"},
	} {
		got, err := Current(tt.versions, instant(t, tt.at))
		answer := aid.CodeOf(err)
		if err == nil {
			answer = fmt.Sprint(got.Version)
		}
		if answer != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, answer, tt.want)
		}
	}
}

func TestStandings(t *testing.T) {
	at := instant(t, "2026-06-15T00:00:00Z")
	when := instant(t, "2026-03-01T00:00:00Z")
	versions := []Published{{version(5, "2027-01-01", ""), nil}, {version(4, "2026-06-01", ""), nil}, {version(3, "2026-02-01", ""), &when},
		{version(2, "2026-01-01", ""), nil}, {version(1, "2025-01-01", "2026-01-01"), nil}}
	if got := fmt.Sprint(Standings(versions, at)); got != "[scheduled in_force recalled superseded expired]" {
		t.Error(got)
	}
}

// Whatever is published, at most one version is in force, it holds on that day,
// and no version with a higher number does. The order of the list does not
// matter.
func TestCurrentIsTheNewestThatHolds(t *testing.T) {
	day := rapid.Custom(func(t *rapid.T) string {
		return time.Date(2026, 1, 1+rapid.IntRange(0, 20).Draw(t, "day"), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	})
	rapid.Check(t, func(t *rapid.T) {
		var versions []Published
		for n := range rapid.IntRange(0, 5).Draw(t, "n") {
			to := ""
			if rapid.Bool().Draw(t, "ends") {
				to = day.Draw(t, "to")
			}
			versions = append(versions, Published{version(n+1, day.Draw(t, "from"), to), nil})
		}
		at := time.Date(2026, 1, 1, rapid.IntRange(0, 500).Draw(t, "hour"), 0, 0, 0, time.UTC)
		got, err := Current(rapid.Permutation(versions).Draw(t, "order"), at)
		var want *Definition
		for _, v := range versions {
			if v.Began(at) && !v.Ended(at) {
				want = v.Definition
			}
		}
		if got != want || (err == nil) != (want != nil) {
			t.Fatalf("%v %v", got, err)
		}
	})
}

func TestTextIsWhatWasSent(t *testing.T) {
	sent, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(append([]byte("# reviewed by two persons\n"), sent...))
	if err != nil || d.Text() != "# reviewed by two persons\n"+string(sent) {
		t.Fatal(err)
	}
}
