package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
)

// getter reads one row: of a Store or of a Tx.
type getter func(dest any, query string, args ...any) error

// Calendar gives the working calendar of a code as it is now: holidays may be
// edited at any time. It knows neither freezes nor what was in force before.
//
// Errors: NotFound unknown_calendar.
func (s *Store) Calendar(ctx context.Context, code string) (*worktime.Calendar, error) {
	return s.calendar(code, func(dest any, query string, args ...any) error { return s.db.GetContext(ctx, dest, query, args...) })
}

// Calendar is the same on the transaction's own connection.
func (tx *Tx) Calendar(code string) (*worktime.Calendar, error) {
	return tx.store.calendar(code, tx.get)
}

func (s *Store) calendar(code string, get getter) (*worktime.Calendar, error) {
	var raw string
	err := get(&raw, `SELECT definition FROM calendars WHERE code = $1`, code)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, aid.Refuse(aid.NotFound, "unknown_calendar")
	}
	if err != nil {
		return nil, translate(err)
	}
	return s.week(raw)
}

// week parses a calendar once per text: a calendar never changes.
func (s *Store) week(raw string) (*worktime.Calendar, error) {
	if known, ok := s.weeks.Load(raw); ok {
		return known.(*worktime.Calendar), nil
	}
	c, err := worktime.Parse([]byte(raw))
	if err == nil {
		s.weeks.Store(raw, c)
	}
	return c, err
}

// place is what the calendar of work depends on.
type place struct {
	area      string
	programme string
	calendar  string        // of the programme, where no area upward has one
	offset    time.Duration // of the case's clock
}

// calendarOf gives the calendar by which the work on a case is counted: that
// of its area or the nearest one upward, else that of its programme, with the
// freezes of area and programme. What was in force before counts for the time
// in which it was.
//
// Errors: NotFound unknown_calendar; Invalid when it cannot be read.
func (tx *Tx) calendarOf(c *Case) (*worktime.Calendar, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	at := place{area: c.Area, programme: c.Programme, calendar: def.Calendar, offset: offsetOf(c)}
	if known := tx.calendars[at]; known != nil {
		return known, nil
	}
	calendar, err := tx.calendarAt(at, "")
	if err != nil {
		return nil, err
	}
	if tx.calendars == nil {
		tx.calendars = map[place]*worktime.Calendar{}
	}
	tx.calendars[at] = calendar
	return calendar, nil
}

// calendarAt is Store.calendarAt with what was in force within the last year.
func (tx *Tx) calendarAt(at place, code string) (*worktime.Calendar, error) {
	read := func() (*worktime.Calendar, int64, error) {
		return tx.store.calendarSeen(at, code, tx.Wall.AddDate(-1, 0, 0), tx.get)
	}
	if at.offset != 0 { // a case whose clock runs ahead is alone with its calendar
		c, _, err := read()
		return c, err
	}
	return onGrounds(tx, calendarKey{place: at, code: code}, read)
}

// calendarOf is the same for a reader, with everything that was in force since
// the case began.
func (s *Store) calendarOf(ctx context.Context, c *Case) (*worktime.Calendar, error) {
	def, err := s.Definition(ctx, c.Programme, c.ProgrammeVersion)
	if err != nil {
		return nil, err
	}
	at := place{area: c.Area, programme: c.Programme, calendar: def.Calendar, offset: offsetOf(c)}
	return s.calendarAt(at, "", c.CreatedAt, func(dest any, query string, args ...any) error { return s.db.GetContext(ctx, dest, query, args...) })
}

func offsetOf(c *Case) time.Duration {
	return time.Duration(c.ClockOffset * float64(time.Second)).Truncate(time.Microsecond)
}

// calendarAt gives the calendar of a place; of a code in place of the one that
// counts there today, when one is given. Versions that ended before since are
// left out.
func (s *Store) calendarAt(at place, code string, since time.Time, get getter) (*worktime.Calendar, error) {
	c, _, err := s.calendarSeen(at, code, since, get)
	return c, err
}

// calendarSeen is calendarAt, and gives the state of the grounds as well.
func (s *Store) calendarSeen(at place, code string, since time.Time, get getter) (*worktime.Calendar, int64, error) {
	var row struct {
		Definition string    `db:"definition"`
		ChangedAt  time.Time `db:"begins"`
		Earlier    []byte    `db:"earlier"`
		Freezes    []byte    `db:"freezes"`
		Grounds    int64     `db:"grounds"`
	}
	err := get(&row, `
		WITH RECURSIVE up AS (
			SELECT code, parent, 0 AS depth FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent)
		SELECT k.definition, greatest(k.changed_at, '0001-01-01') AS begins,
		       (SELECT jsonb_agg(jsonb_build_object('definition', v.definition::text, 'begins', greatest(v.changed_at, '0001-01-01')) ORDER BY v.version)
		        FROM (SELECT w.*, lead(changed_at) OVER (ORDER BY version) AS ended FROM calendar_versions w WHERE w.code = k.code) v
		        WHERE v.version < k.version AND v.ended > $5) AS earlier,
		       (SELECT jsonb_agg(jsonb_build_object('from', f.from_at, 'until', f.until_at))
		        FROM freezes f JOIN up ON up.code = f.area
		        WHERE f.until_at > f.from_at AND (f.programmes = '{}' OR $3 = ANY(f.programmes))) AS freezes,
		       (SELECT grounds FROM area_tree) AS grounds
		FROM calendars k WHERE k.code = coalesce(nullif($4, ''),
			(SELECT a.calendar FROM up JOIN area_calendars a ON a.area = up.code ORDER BY up.depth LIMIT 1), $2)`,
		at.area, at.calendar, at.programme, code, since)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, aid.Refuse(aid.NotFound, "unknown_calendar")
	}
	if err != nil {
		return nil, 0, translate(err)
	}
	c, err := s.withPast(row.Definition, row.ChangedAt, row.Earlier, at.offset)
	if err != nil {
		return nil, 0, err
	}
	freezes, err := spans(row.Freezes)
	if len(freezes) > 0 {
		c = c.Frozen(freezes...)
	}
	return c, row.Grounds, err
}

// withPast puts the versions of a calendar together, oldest first.
func (s *Store) withPast(definition string, begins time.Time, earlier []byte, offset time.Duration) (*worktime.Calendar, error) {
	now, err := s.week(definition)
	if err != nil || earlier == nil {
		return now, err
	}
	var versions []struct {
		Definition string    `json:"definition"`
		Begins     time.Time `json:"begins"`
	}
	if err := json.Unmarshal(earlier, &versions); err != nil {
		return nil, err
	}
	var past *worktime.Calendar
	for _, v := range versions {
		c, err := s.week(v.Definition)
		if err != nil {
			return nil, err
		}
		if past != nil {
			c = c.Since(v.Begins.Add(offset), past)
		}
		past = c
	}
	return now.Since(begins.Add(offset), past), nil
}

func spans(raw []byte) ([]worktime.Span, error) {
	var rows []struct {
		From  time.Time `json:"from"`
		Until time.Time `json:"until"`
	}
	if raw == nil {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, err
	}
	all := make([]worktime.Span, len(rows))
	for i, r := range rows {
		all[i] = worktime.Span{From: r.From, Until: r.Until}
	}
	return all, nil
}

// AddCalendars stores the calendars that are not there yet; those that are
// there may have been edited and stay. It needs the owner's role.
func (s *Store) AddCalendars(ctx context.Context, calendars []*worktime.Calendar) error {
	return s.Write(ctx, func(tx *Tx) error {
		for _, c := range calendars {
			raw, err := json.Marshal(c.Rules)
			if err != nil {
				return err
			}
			_, err = tx.exec(`WITH made AS (INSERT INTO calendars (code, definition) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING code)
				INSERT INTO calendar_versions (code, version, definition, areas, changed_by, changed_at)
				SELECT code, 1, $2, '{}', $3, '-infinity' FROM made`, c.Code, raw, System)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
