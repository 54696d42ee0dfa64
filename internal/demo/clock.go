package demo

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// vietnam is the zone of the programmes; it has had one offset since 1975.
func vietnam() *time.Location { return time.FixedZone("ICT", 7*3600) }

// office gives the first instant not before from that is some days later, on a
// weekday, at a time of day of the office.
func office(from time.Time, days, hour, minute int) time.Time {
	local := from.In(vietnam())
	at := time.Date(local.Year(), local.Month(), local.Day()+days, hour, minute, 0, 0, vietnam())
	for at.Before(from) || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// passUntil lets time pass for the case, by the sandbox of the API.
func (p *play) passUntil(ctx context.Context, at time.Time) error {
	s, err := p.state(ctx)
	if err != nil {
		return err
	}
	d := (at.Sub(s.Now) + time.Second - 1).Truncate(time.Second) // whole seconds, never too early
	if d <= 0 {
		return nil
	}
	asked := time.Now()
	var clock caseClock
	if _, err := p.cast.portal().post(ctx, "/v1/sandbox/cases/"+p.id+"/advance", map[string]string{"duration": iso(d)}, &clock); err != nil {
		return err
	}
	if drift := clock.Now.Sub(s.Now.Add(d)); drift < -time.Second || drift > time.Since(asked)+5*time.Second {
		return fmt.Errorf("the clock of the case is off by %s", drift.Round(time.Second))
	}
	p.ahead = time.Until(clock.Now)
	p.out.pause(d)
	return nil
}

// iso writes a duration as ISO 8601.
func iso(d time.Duration) string {
	days := int(d / (24 * time.Hour))
	d -= time.Duration(days) * 24 * time.Hour
	return fmt.Sprintf("P%dDT%dH%dM%dS", days, int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// fromISO reads a duration of days, hours, minutes and seconds.
//
// Errors: one that does not repeat the text.
func fromISO(s string) (time.Duration, error) {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok {
		return 0, fmt.Errorf("a duration does not begin with P")
	}
	rest = strings.Replace(rest, "T", "", 1)
	var total time.Duration
	if days, hours, ok := strings.Cut(rest, "D"); ok {
		n, err := time.ParseDuration(days + "h")
		if err != nil {
			return 0, fmt.Errorf("the days of a duration cannot be read")
		}
		total, rest = n*24, hours
	}
	if rest == "" {
		return total, nil
	}
	d, err := time.ParseDuration(strings.ToLower(rest))
	if err != nil {
		return 0, fmt.Errorf("a duration cannot be read")
	}
	return total + d, nil
}
