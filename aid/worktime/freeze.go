package worktime

import (
	"slices"
	"time"
)

// Span is a time between two instants, the end excluded.
type Span struct{ From, Until time.Time }

// Frozen gives the calendar with times in which no working time runs, besides
// its own days off: a flood, a stop of the programme. The times may overlap and
// come in any order; empty ones count for nothing. The receiver stays as it is.
func (c *Calendar) Frozen(times ...Span) *Calendar {
	out := *c
	all := slices.Concat(c.frozen, times)
	all = slices.DeleteFunc(all, func(s Span) bool { return !s.From.Before(s.Until) })
	slices.SortFunc(all, func(a, b Span) int { return a.From.Compare(b.From) })
	out.frozen = nil
	for _, s := range all {
		last := len(out.frozen) - 1
		if last < 0 || out.frozen[last].Until.Before(s.From) {
			out.frozen = append(out.frozen, s)
			continue
		}
		out.frozen[last].Until = later(out.frozen[last].Until, s.Until)
	}
	if c.before != nil {
		out.before = c.before.Frozen(times...)
	}
	return &out
}

// FrozenAt tells whether an instant is frozen.
func (c *Calendar) FrozenAt(t time.Time) bool {
	return slices.ContainsFunc(c.frozen, func(s Span) bool { return !t.Before(s.From) && t.Before(s.Until) })
}

// Since gives the calendar as one that came into force at an instant, in place
// of an earlier one: what was before is counted by that, so that an edit never
// changes time that has passed. The receiver stays as it is.
func (c *Calendar) Since(begins time.Time, before *Calendar) *Calendar {
	out := *c
	out.begins, out.before = begins, before
	return &out
}

// thaw adds what of a shift is not frozen.
func (c *Calendar) thaw(spans []span, shift span) []span {
	for _, f := range c.frozen {
		if !f.Until.After(shift.start) {
			continue
		}
		if !f.From.Before(shift.end) {
			break
		}
		if shift.start.Before(f.From) {
			spans = append(spans, span{shift.start, f.From})
		}
		shift.start = f.Until
	}
	if shift.start.Before(shift.end) {
		spans = append(spans, shift)
	}
	return spans
}
