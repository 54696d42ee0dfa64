package worktime

import "time"

// date is a local calendar date; unlike an instant it can be a map key and
// stepped without regard to hours.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date {
	year, month, day := t.Date()
	return date{year, month, day}
}

func (d date) utc() time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC)
}

func (d date) next() date             { return dateOf(d.utc().AddDate(0, 0, 1)) }
func (d date) before(other date) bool { return d.utc().Before(other.utc()) }

// span is a shift of one date, or a part of one, as instants, end excluded.
type span struct{ start, end time.Time }

// spans gives the working time of a date in order: its shifts without those of
// no length (the clocks were put forward over them) and without what is frozen.
func (c *Calendar) spans(day date) []span {
	if c.holidays[day] {
		return nil
	}
	shifts := c.shifts[day.utc().Weekday()]
	spans := make([]span, 0, len(shifts))
	for _, shift := range shifts {
		start := instant(c.loc, day, time.Duration(shift.start)*time.Minute)
		end := instant(c.loc, day, time.Duration(shift.end)*time.Minute)
		if start.Before(end) {
			spans = c.thaw(spans, span{start, end})
		}
	}
	return spans
}

// instant gives the first instant at which the local clock shows clock, or has
// jumped over it. time.Date leaves both cases open (a gap may map to either
// side), and then shifts could overlap: this one never goes backwards when
// clock grows.
func instant(loc *time.Location, day date, clock time.Duration) time.Time {
	wall := day.utc().Add(clock)
	t := time.Date(day.year, day.month, day.day, 0, 0, 0, int(clock), loc)
	begin, end := t.ZoneBounds()
	if shown := wallTime(t); !shown.Equal(wall) {
		if shown.After(wall) {
			return begin
		}
		return end
	}
	if begin.IsZero() {
		return t
	}
	_, offset := begin.Add(-1).In(loc).Zone()
	earlier := wall.Add(-time.Duration(offset) * time.Second).In(loc)
	if earlier.Before(begin) && earlier.Before(t) {
		return earlier
	}
	return t
}

// wallTime gives what the clock on the wall shows, as if it were UTC.
func wallTime(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// wallClock gives what the clock on the wall shows, as time after midnight.
func wallClock(t time.Time) time.Duration {
	hour, minute, second := t.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute +
		time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
}
