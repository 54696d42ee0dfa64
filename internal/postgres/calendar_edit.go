package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
)

// CalendarRow is a calendar as it is now, or one of its versions.
type CalendarRow struct {
	Code       string         `db:"code"`
	Version    int            `db:"version"`
	Definition []byte         `db:"definition"`
	Areas      pq.StringArray `db:"areas"` // that work by it, with everything below them
	ChangedBy  string         `db:"changed_by"`
	ChangedAt  *time.Time     `db:"changed_at"` // wall clock; nil for one that always was so
	Rules      worktime.Rules `db:"-"`
}

// Cursor gives the row's place in the list of calendars.
func (r CalendarRow) Cursor() Cursor { return Cursor{Sort: r.Code, ID: r.Code} }

// VersionCursor gives the row's place in the list of a calendar's versions,
// newest first.
func (r CalendarRow) VersionCursor() Cursor {
	return Cursor{Sort: fmt.Sprint(r.Version), ID: fmt.Sprint(r.Version)}
}

const calendarSelect = `SELECT v.code, v.version, k.definition, v.areas, v.changed_by, nullif(v.changed_at, '-infinity') AS changed_at
	FROM calendars k JOIN calendar_versions v ON v.code = k.code AND v.version = k.version`

// Calendars lists the calendars by code.
func (s *Store) Calendars(ctx context.Context, p Page) ([]CalendarRow, error) {
	rows := []CalendarRow{}
	err := s.list(ctx, &rows, calendarSelect+` WHERE k.code > $1 ORDER BY k.code LIMIT $2`, p.After.ID, p.limit())
	return rows, unpack(rows, err)
}

// CalendarVersions lists the versions of a calendar, newest first.
//
// Errors: NotFound calendar_not_found; Invalid invalid_cursor.
func (s *Store) CalendarVersions(ctx context.Context, code string, p Page) ([]CalendarRow, error) {
	if _, err := s.CalendarByCode(ctx, code); err != nil {
		return nil, err
	}
	before := 1 << 30
	if p.After != (Cursor{}) {
		if _, err := fmt.Sscan(p.After.Sort, &before); err != nil {
			return nil, badCursor()
		}
	}
	rows := []CalendarRow{}
	err := s.list(ctx, &rows, `SELECT code, version, definition, areas, changed_by, nullif(changed_at, '-infinity') AS changed_at
		FROM calendar_versions WHERE code = $1 AND version < $2 ORDER BY version DESC LIMIT $3`, code, before, p.limit())
	return rows, unpack(rows, err)
}

// CalendarByCode gives a calendar as it is now.
//
// Errors: NotFound calendar_not_found.
func (s *Store) CalendarByCode(ctx context.Context, code string) (*CalendarRow, error) {
	rows := make([]CalendarRow, 1)
	err := s.get(ctx, &rows[0], calendarSelect+` WHERE k.code = $1`, code)
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "calendar_not_found")
	}
	return &rows[0], unpack(rows, err)
}

func unpack(rows []CalendarRow, err error) error {
	for i := range rows {
		if err == nil {
			err = json.Unmarshal(rows[i].Definition, &rows[i].Rules)
		}
	}
	return err
}

// CreateCalendar adds a calendar and lets areas work by it from now on.
//
// Errors: Forbidden wrong_role; Conflict duplicate_code; Invalid with the
// faults of the rules, unknown_area, wrong_area, area_has_calendar.
func (s *Store) CreateCalendar(ctx context.Context, caller *Caller, rules worktime.Rules, areas []string) (*CalendarRow, error) {
	if !caller.Has(aid.RoleAdmin, "") {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	err := s.Write(ctx, func(tx *Tx) error {
		raw, err := tx.calendarContent(caller, rules, areas)
		if err != nil {
			return err
		}
		made, err := tx.exec(`INSERT INTO calendars (code, definition, version, changed_at) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING`, rules.Code, raw, tx.Wall)
		if err != nil {
			return err
		}
		if made == 0 {
			return aid.Refuse(aid.Conflict, "duplicate_code")
		}
		if err := tx.keepCalendar(caller, rules.Code, 1, raw, areas, nil); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "create_calendar", rules.Code, "done", "")
	})
	if err != nil {
		return nil, err
	}
	return s.CalendarByCode(ctx, rules.Code)
}

// EditCalendar gives a calendar other hours, days off and areas, from now on:
// time that has passed stays counted as it was. The deadlines of open work
// follow in batches (Recount). Content that is there already changes nothing.
//
// Errors: NotFound calendar_not_found; Stale stale; Forbidden wrong_role,
// wrong_area when an area that works by it is not the caller's; Invalid as of
// CreateCalendar.
func (s *Store) EditCalendar(ctx context.Context, caller *Caller, code string, version int, rules worktime.Rules, areas []string) (*CalendarRow, error) {
	if !caller.Has(aid.RoleAdmin, "") {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	err := s.Write(ctx, func(tx *Tx) error {
		before, err := tx.calendarToEdit(caller, code, version)
		if err != nil {
			return err
		}
		rules.Code = code
		raw, err := tx.calendarContent(caller, rules, areas)
		if err != nil {
			return err
		}
		changed, err := tx.exec(`UPDATE calendars SET definition = $2, version = version + 1, changed_at = $3
			WHERE code = $1 AND (definition <> $2::jsonb OR $4::text[] <> $5::text[])`, code, raw, tx.Wall, sorted(areas), before.Areas)
		if err != nil || changed == 0 {
			return err
		}
		if err := tx.keepCalendar(caller, code, before.Version+1, raw, areas, before.Areas); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "edit_calendar", code, "done", "")
	})
	if err != nil {
		return nil, err
	}
	return s.CalendarByCode(ctx, code)
}

// calendarToEdit locks a calendar as the caller saw it.
func (tx *Tx) calendarToEdit(caller *Caller, code string, version int) (*CalendarRow, error) {
	var rows []CalendarRow
	err := tx.list(&rows, calendarSelect+` WHERE k.code = $1 FOR UPDATE OF k`, code)
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, aid.Refuse(aid.NotFound, "calendar_not_found")
	case version != rows[0].Version:
		return nil, aid.Refuse(aid.Stale, "stale")
	}
	for _, area := range rows[0].Areas {
		if !caller.Has(aid.RoleAdmin, area) {
			return nil, aid.Refuse(aid.Forbidden, "wrong_area")
		}
	}
	return &rows[0], nil
}

// calendarContent checks a calendar as a whole and gives its JSON.
func (tx *Tx) calendarContent(caller *Caller, rules worktime.Rules, areas []string) ([]byte, error) {
	faults := rules.Validate()
	for i, area := range areas {
		code, err := tx.areaFault(caller, rules.Code, area)
		if err != nil {
			return nil, err
		}
		if code == "" && slices.Contains(areas[:i], area) {
			code = "repeated"
		}
		if code != "" {
			faults = append(faults, aid.Fault{Pointer: fmt.Sprintf("/areas/%d", i), Code: code})
		}
	}
	if err := aid.RefuseAll(faults); err != nil {
		return nil, err
	}
	return json.Marshal(rules)
}

func (tx *Tx) areaFault(caller *Caller, calendar, area string) (string, error) {
	var known struct {
		There bool `db:"there"`
		Taken bool `db:"taken"`
	}
	err := tx.get(&known, `SELECT EXISTS (SELECT 1 FROM areas WHERE code = $1 AND NOT gone) AS there,
		EXISTS (SELECT 1 FROM area_calendars WHERE area = $1 AND calendar <> $2) AS taken`, area, calendar)
	switch {
	case err != nil:
		return "", err
	case !known.There:
		return "unknown_area", nil
	case !caller.Has(aid.RoleAdmin, area):
		return "wrong_area", nil
	case known.Taken:
		return "area_has_calendar", nil
	}
	return "", nil
}

// keepCalendar writes a version down, lets the areas work by it, and has open
// work counted anew.
func (tx *Tx) keepCalendar(caller *Caller, code string, version int, raw []byte, areas, before []string) error {
	err := tx.one(`INSERT INTO calendar_versions (code, version, definition, areas, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		code, version, raw, sorted(areas), caller.Actor(), tx.Wall)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM area_calendars WHERE calendar = $1 AND NOT area = ANY($2)`, code, sorted(areas)); err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO area_calendars (area, calendar) SELECT unnest($2::text[]), $1 ON CONFLICT DO NOTHING`, code, sorted(areas)); err != nil {
		return err
	}
	return tx.wantRecount(code, slices.Concat(areas, before), nil)
}

// sorted gives an array of codes for PostgreSQL, never NULL.
func sorted(codes []string) pq.StringArray {
	out := append(pq.StringArray{}, codes...)
	slices.Sort(out)
	return out
}
