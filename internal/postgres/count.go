package postgres

import (
	"time"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/aid/worktime"
)

// Kinds of alarms: the acts of a programme's ladder, and the breach.
const (
	alarmRemind   = string(programme.ActRemind)
	alarmSuperior = string(programme.ActSuperior)
	alarmReassign = string(programme.ActReassign)
	alarmBreach   = "breach"
)

// count is a clock that runs: so much working time may be taken, so much was
// taken until from, and from there it is counted by a calendar. Nothing ever
// lowers what was taken.
type count struct {
	allowed, spent time.Duration
	from           time.Time
	calendar       string
	due            *time.Time // as it was told before; kept where it still fits
	rung           int        // rungs of the ladder that have rung
}

// countDays begins a clock of so many working days.
func countDays(calendar *worktime.Calendar, from time.Time, days int) count {
	due := calendar.AddDays(from, days).UTC()
	return count{allowed: max(calendar.Between(from, due), time.Microsecond), from: from, calendar: calendar.Code, due: &due}
}

// counted is a clock as its row keeps it.
type counted struct {
	Allowed   int64      `db:"allowed_us"`
	Spent     int64      `db:"spent_us"`
	CountedAt *time.Time `db:"counted_at"`
	Calendar  string     `db:"calendar"`
}

// at gives the working time that was taken at an instant, by the calendar by
// which the clock is counted.
func (k counted) at(calendar *worktime.Calendar, now time.Time) time.Duration {
	spent := time.Duration(k.Spent) * time.Microsecond
	if k.CountedAt == nil || now.Before(*k.CountedAt) {
		return spent
	}
	return spent + calendar.Between(*k.CountedAt, now).Truncate(time.Microsecond)
}

// plan is when a clock has to be attended to.
type plan struct {
	due    time.Time
	alarms []time.Time // rising
	kinds  []string    // what each of them is
}

// plan gives the deadline of a clock and the rungs of its ladder. The breach
// is a rung of its own, before what happens at it.
func (k count) plan(calendar *worktime.Calendar, ladder []programme.Rung) plan {
	p := plan{due: k.dueBy(calendar)}
	add := func(at time.Time, kind string) {
		if at = at.UTC().Truncate(time.Microsecond); len(p.alarms) > 0 && at.Before(p.alarms[len(p.alarms)-1]) {
			at = p.alarms[len(p.alarms)-1]
		}
		p.alarms, p.kinds = append(p.alarms, at), append(p.kinds, kind)
	}
	told := false
	for _, rung := range ladder {
		if rung.After == nil {
			if at := calendar.Add(k.from, k.until(rung)); at.Before(p.due) {
				add(at, string(rung.Do))
			} else {
				add(p.due, string(rung.Do))
			}
			continue
		}
		if !told {
			add(p.due, alarmBreach)
			told = true
		}
		at := p.due
		if rung.After.Days > 0 {
			at = calendar.AddDays(p.due, rung.After.Days)
		}
		add(at, string(rung.Do))
	}
	if !told {
		add(p.due, alarmBreach)
	}
	return p
}

// dueBy gives when the time is over. A deadline that was told stands as long as
// it leaves the same time, and when it is over.
func (k count) dueBy(calendar *worktime.Calendar) time.Time {
	left := k.allowed - k.spent
	if k.due != nil && (left <= 0 || calendar.Between(k.from, *k.due).Truncate(time.Microsecond) == left) {
		return *k.due
	}
	return calendar.Add(k.from, left).UTC().Truncate(time.Microsecond)
}

// until gives the working time from now to a rung before the deadline; zero or
// less when it has passed.
func (k count) until(rung programme.Rung) time.Duration {
	return k.allowed/100*time.Duration(rung.At) - k.spent
}

// past counts the warnings that have passed: they were given before.
func (k count) past(ladder []programme.Rung) int {
	n := 0
	for _, rung := range ladder {
		if rung.After != nil || k.until(rung) > 0 {
			break
		}
		n++
	}
	return n
}

// next gives the first alarm that has not rung.
func (p plan) next(rung int) *time.Time {
	if rung >= len(p.alarms) {
		return nil
	}
	return &p.alarms[rung]
}
