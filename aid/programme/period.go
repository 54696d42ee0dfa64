package programme

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Period is a length of calendar time as in ISO 8601, without hours: P1M,
// P30D, P1Y6M. A month is a month, not 30 days.
type Period struct {
	Years, Months, Days int
}

var periodPattern = regexp.MustCompile(`^P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?$`)

// ParsePeriod reads P1Y2M3D; weeks become days. Each number has at most four
// digits. Errors: period_invalid.
func ParsePeriod(text string) (Period, error) {
	match := periodPattern.FindStringSubmatch(text)
	if match == nil || text == "P" {
		return Period{}, aid.Refuse(aid.Invalid, "period_invalid")
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(match[i]) // digits only; none is 0
		return n
	}
	return Period{Years: number(1), Months: number(2), Days: 7*number(3) + number(4)}, nil
}

// String gives the ISO 8601 form; P0D for nothing.
func (p Period) String() string {
	if p.IsZero() {
		return "P0D"
	}
	text := "P"
	for _, part := range []struct {
		n    int
		unit string
	}{{p.Years, "Y"}, {p.Months, "M"}, {p.Days, "D"}} {
		if part.n != 0 {
			text += fmt.Sprintf("%d%s", part.n, part.unit)
		}
	}
	return text
}

// IsZero tells whether the period is empty.
func (p Period) IsZero() bool { return p == Period{} }

// AddTo gives the instant one period after t on the calendar of loc, at the
// same clock time. Years and months come first; where the month is shorter,
// its last day counts: 31 January + P1M = 28 (29) February. Then come the
// days.
func (p Period) AddTo(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	year, month, day := t.Date()
	first := time.Date(year+p.Years, month+time.Month(p.Months), 1, 0, 0, 0, 0, time.UTC)
	day = min(day, first.AddDate(0, 1, -1).Day())
	hour, minute, second := t.Clock()
	return time.Date(first.Year(), first.Month(), day+p.Days, hour, minute, second, t.Nanosecond(), loc)
}

// approximateDays counts a month as 30 days: enough to check that lists of
// dates go forward.
func (p Period) approximateDays() int { return 365*p.Years + 30*p.Months + p.Days }

// MarshalJSON writes the ISO 8601 form.
func (p Period) MarshalJSON() ([]byte, error) { return json.Marshal(p.String()) }

// UnmarshalJSON reads the ISO 8601 form.
func (p *Period) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return aid.Refuse(aid.Invalid, "period_invalid")
	}
	parsed, err := ParsePeriod(text)
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
