package postgres

import (
	"context"
	"encoding/json"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
)

// Calendar gives the working calendar of a code as it is now.
//
// Errors: NotFound unknown_calendar.
func (s *Store) Calendar(ctx context.Context, code string) (*worktime.Calendar, error) {
	var raw []byte
	err := s.get(ctx, &raw, `SELECT definition FROM calendars WHERE code = $1`, code)
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "unknown_calendar")
	}
	if err != nil {
		return nil, err
	}
	return worktime.Parse(raw)
}

// calendarOf gives the calendar of a programme's version.
func (s *Store) calendarOf(ctx context.Context, programme string, version int) (*worktime.Calendar, error) {
	def, err := s.Definition(ctx, programme, version)
	if err != nil {
		return nil, err
	}
	return s.Calendar(ctx, def.Calendar)
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
			if _, err := tx.exec(`INSERT INTO calendars (code, definition) VALUES ($1, $2) ON CONFLICT DO NOTHING`, c.Code, raw); err != nil {
				return err
			}
		}
		return nil
	})
}
