// Package worktime counts working time: what a deadline of three working days
// means, and how long a case really waited.
//
// Working time is elapsed time inside the shifts of a calendar and outside its
// freezes. A shift that spans a change of the clocks is as long as it really
// was. Time that has passed is counted by what was in force then.
package worktime

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Calendar answers questions about working time. It is made by New or Parse,
// never changes and may be used by several goroutines.
type Calendar struct {
	Rules
	loc      *time.Location
	shifts   [7][]shift // by time.Weekday
	holidays map[date]bool
	frozen   []Span    // rising, apart
	before   *Calendar // what was in force before begins; nil: nothing else ever was
	begins   time.Time
}

// shift is minutes after local midnight, end excluded.
type shift struct{ start, end int }

// New makes a calendar of rules. The error lists every fault of the rules.
func New(rules Rules) (*Calendar, error) {
	if err := aid.RefuseAll(rules.Validate()); err != nil {
		return nil, err
	}
	loc, err := time.LoadLocation(rules.Zone)
	if err != nil {
		return nil, aid.Refuse(aid.Invalid, "zone_unknown")
	}
	c := &Calendar{Rules: rules, loc: loc, holidays: map[date]bool{}}
	for day, key := range dayKeys {
		for _, pair := range rules.Week[key] {
			start, _ := parseClock(pair[0])
			end, _ := parseClock(pair[1])
			c.shifts[day] = append(c.shifts[day], shift{start, end})
		}
	}
	for _, holiday := range rules.Holidays {
		t, _ := time.Parse(time.DateOnly, holiday.Date)
		c.holidays[dateOf(t)] = true
	}
	return c, nil
}

// Parse makes a calendar of JSON. Unknown fields and trailing bytes are
// refused. Codes: calendar_malformed, or the faults of Rules.Validate.
func Parse(data []byte) (*Calendar, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var rules Rules
	if err := decoder.Decode(&rules); err != nil {
		return nil, aid.Refuse(aid.Invalid, "calendar_malformed")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, aid.Refuse(aid.Invalid, "calendar_malformed")
	}
	return New(rules)
}

// Location is the time zone of the calendar.
func (c *Calendar) Location() *time.Location { return c.loc }

// DayLength gives the working time of the local date on which t falls; 0 is a
// day off.
func (c *Calendar) DayLength(t time.Time) time.Duration {
	var sum time.Duration
	for _, span := range c.spans(dateOf(t.In(c.loc))) {
		sum += span.end.Sub(span.start)
	}
	return sum
}

// Between gives the working time from one instant to another, negative when to
// is before from.
func (c *Calendar) Between(from, to time.Time) time.Duration {
	if to.Before(from) {
		return -c.Between(to, from)
	}
	if c.before != nil && from.Before(c.begins) {
		return c.before.Between(from, earlier(to, c.begins)) + c.Between(c.begins, later(to, c.begins))
	}
	var sum time.Duration
	// One date more: clocks put back just after midnight show the old date
	// again while the shifts of the new one have begun.
	last := dateOf(to.In(c.loc)).next()
	for day := dateOf(from.In(c.loc)); !last.before(day); day = day.next() {
		for _, span := range c.spans(day) {
			sum += overlap(span, from, to)
		}
	}
	return sum
}

func overlap(span span, from, to time.Time) time.Duration {
	if span.start.Before(from) {
		span.start = from
	}
	if to.Before(span.end) {
		span.end = to
	}
	return max(span.end.Sub(span.start), 0)
}

// Add gives the earliest instant at which d of working time has passed since
// from; from itself when d is zero or negative. Work that fills a day exactly
// ends with that day, not with the start of the next.
func (c *Calendar) Add(from time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return from
	}
	if c.before != nil && from.Before(c.begins) {
		done := c.before.Between(from, c.begins)
		if d <= done {
			return c.before.Add(from, d)
		}
		return c.Add(c.begins, d-done)
	}
	for day := dateOf(from.In(c.loc)); ; day = day.next() {
		for _, span := range c.spans(day) {
			start := later(span.start, from)
			open := span.end.Sub(start)
			if open <= 0 {
				continue
			}
			if d <= open {
				return start.Add(d)
			}
			d -= open
		}
	}
}

// AddDays gives the instant n working days after from, at the same clock time.
// A from outside working time counts as the next instant of work: what comes
// in at noon counts from 13:00, what comes in at night or on a day off counts
// from the start of the next working day. On the day of arrival a clock time
// before, between or after its shifts becomes the start of the next shift of
// that day, or else the end of its last one. A day that is frozen as a whole is
// no working day. n <= 0 gives the moved from. It counts by what is in force
// now, whatever was before.
func (c *Calendar) AddDays(from time.Time, n int) time.Time {
	start := c.next(from)
	day := dateOf(start.In(c.loc))
	if n <= 0 {
		return start
	}
	clock := wallClock(start.In(c.loc))
	for n > 0 {
		day = day.next()
		if len(c.spans(day)) > 0 {
			n--
		}
	}
	return c.at(day, clock)
}

// next gives t, or the start of the next shift when t is outside working time.
func (c *Calendar) next(t time.Time) time.Time {
	for day := dateOf(t.In(c.loc)); ; day = day.next() {
		for _, span := range c.spans(day) {
			if t.Before(span.end) {
				return later(span.start, t)
			}
		}
	}
}

// at gives the clock time on a working day, kept inside its shifts.
func (c *Calendar) at(day date, clock time.Duration) time.Time {
	wanted := instant(c.loc, day, clock)
	spans := c.spans(day)
	for _, span := range spans {
		if wanted.Before(span.end) {
			return later(span.start, wanted)
		}
	}
	return spans[len(spans)-1].end
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
