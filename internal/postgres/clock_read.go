package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid/worktime"
)

// Frozen is why a clock stands still in a freeze.
const frozen = "frozen"

// ClockRow is a clock as a reader sees it, at the case's now.
type ClockRow struct {
	Scope      string // task, case, or the stage
	Allowed    time.Duration
	Accrued    time.Duration // what was taken; never less than it was
	Paused     string        // why it stands still; "" while it runs and when it has ended
	StartedAt  time.Time
	DueAt      *time.Time // nil while somebody else is awaited
	EndedAt    *time.Time
	BreachedAt *time.Time
}

// readClock is a clock's row with what its calendar depends on.
type readClock struct {
	counted
	Scope      string     `db:"scope"`
	Paused     string     `db:"paused"`
	StartedAt  time.Time  `db:"started_at"`
	DueAt      *time.Time `db:"due_at"`
	EndedAt    *time.Time `db:"ended_at"`
	BreachedAt *time.Time `db:"breached_at"`
}

// CaseClocks gives the clocks of a case's round: of the whole, then of its
// stages.
func (s *Store) CaseClocks(ctx context.Context, row *CaseRow) ([]ClockRow, error) {
	var rows []readClock
	err := s.list(ctx, &rows, `SELECT scope, allowed_us, spent_us, counted_at, calendar, paused, started_at, due_at, ended_at, breached_at
		FROM clocks WHERE case_id = $1 AND round = $2 ORDER BY started_at, scope`, row.ID, row.Round)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var all []ClockRow
	for _, r := range rows {
		clock, err := s.read(ctx, &row.Case, r, row.Now)
		if err != nil {
			return nil, err
		}
		all = append(all, clock)
	}
	return all, nil
}

// TaskClock gives the clock of a task, until it was closed; nil where its
// deadline is no working time.
func (s *Store) TaskClock(ctx context.Context, task string) (*ClockRow, error) {
	var row struct {
		readClock
		Case
		HasClock bool       `db:"has_clock"`
		ClosedAt *time.Time `db:"task_closed_at"`
		Now      time.Time  `db:"case_now"`
	}
	err := s.get(ctx, &row, `SELECT `+caseColumns+`, 'task' AS scope, t.counted_at IS NOT NULL AS has_clock, coalesce(t.allowed_us, 0) AS allowed_us, t.spent_us,
		t.counted_at, t.calendar, '' AS paused, t.opened_at AS started_at, t.due_at, t.closed_at AS ended_at, t.closed_at AS task_closed_at, t.breached_at,
		$2::timestamptz + c.clock_offset AS case_now FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.id = $1`, task, s.Now())
	if err != nil || !row.HasClock {
		return nil, err
	}
	until := row.Now
	if row.ClosedAt != nil {
		until = *row.ClosedAt
	}
	clock, err := s.read(ctx, &row.Case, row.readClock, until)
	return &clock, err
}

// read counts a clock at an instant. While its calendar cannot be read it tells
// what was counted before.
func (s *Store) read(ctx context.Context, c *Case, r readClock, now time.Time) (ClockRow, error) {
	out := ClockRow{Scope: r.Scope, Allowed: time.Duration(r.Allowed) * time.Microsecond, Accrued: time.Duration(r.Spent) * time.Microsecond,
		Paused: r.Paused, StartedAt: r.StartedAt, DueAt: r.DueAt, EndedAt: r.EndedAt, BreachedAt: r.BreachedAt}
	if r.CountedAt == nil {
		return out, nil
	}
	calendar, err := s.calendarNamed(ctx, c, r.Calendar)
	if broken(err) {
		out.Paused = "calendar"
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Accrued = r.at(calendar, now)
	if r.EndedAt == nil && calendar.FrozenAt(now) {
		out.Paused = frozen
	}
	return out, nil
}

// calendarNamed gives the calendar by which a clock of a case is counted.
func (s *Store) calendarNamed(ctx context.Context, c *Case, code string) (*worktime.Calendar, error) {
	at := place{area: c.Area, programme: c.Programme, offset: offsetOf(c)}
	return s.calendarAt(at, code, c.CreatedAt, func(dest any, query string, args ...any) error { return s.db.GetContext(ctx, dest, query, args...) })
}
