package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// longestFreeze bounds a freeze: who needs more orders it again.
const longestFreeze = 366 * 24 * time.Hour

// Freeze is a time in which no working time runs in an area and below it.
type Freeze struct {
	ID         string         `db:"id"`
	Area       string         `db:"area"`
	Programmes pq.StringArray `db:"programmes"` // empty: all
	From       time.Time      `db:"from_at"`    // on the clock of the cases, as Until
	Until      time.Time      `db:"until_at"`   // excluded
	Reason     string         `db:"reason_code"`
	CreatedBy  string         `db:"created_by"`
	CreatedAt  time.Time      `db:"created_at"`
	EndedBy    string         `db:"ended_by"`
	EndedAt    *time.Time     `db:"ended_at"`
	Version    int            `db:"version"`
}

// Cursor gives the freeze's place in the list, newest first.
func (f Freeze) Cursor() Cursor { return atCursor(f.CreatedAt, f.ID) }

const freezeColumns = `f.id, f.area, f.programmes, f.from_at, f.until_at, f.reason_code, f.created_by, f.created_at, f.ended_by, f.ended_at, f.version`

// freezeTouches is the wall: a freeze is seen by who works in its area, below
// it or above it. The caller's areas are $1.
const freezeTouches = `f.area IN (WITH RECURSIVE up AS (
	SELECT code, parent FROM areas WHERE code = ANY($1) UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
	SELECT code FROM up)`

// Freezes lists the freezes that touch the caller's areas, newest first.
//
// Errors: Invalid invalid_cursor.
func (s *Store) Freezes(ctx context.Context, caller *Caller, p Page) ([]Freeze, error) {
	before, err := p.instant()
	if err != nil {
		return nil, err
	}
	rows := []Freeze{}
	err = s.list(ctx, &rows, `SELECT `+freezeColumns+` FROM freezes f WHERE `+freezeTouches+`
		AND ($2::timestamptz IS NULL OR (f.created_at, f.id) < ($2, $3)) ORDER BY f.created_at DESC, f.id DESC LIMIT $4`,
		pq.Array(caller.Areas), before, p.After.ID, p.limit())
	return rows, err
}

// FreezeByID gives one freeze.
//
// Errors: NotFound freeze_not_found, also when it touches no area of the caller.
func (s *Store) FreezeByID(ctx context.Context, caller *Caller, id string) (*Freeze, error) {
	var f Freeze
	err := s.get(ctx, &f, `SELECT `+freezeColumns+` FROM freezes f WHERE `+freezeTouches+` AND f.id = $2`, pq.Array(caller.Areas), id)
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "freeze_not_found")
	}
	return &f, err
}

// CreateFreeze stops the working time of an area from From, or from now when
// it is zero. It never reaches into the past: what was counted stays. The
// deadlines of open work follow in batches (Recount). An id that is there
// already changes nothing.
//
// Errors: Forbidden wrong_role when the caller is no manager; Invalid
// unknown_area, wrong_area, unknown_programme, in_past, until_before_from,
// freeze_too_long.
func (s *Store) CreateFreeze(ctx context.Context, caller *Caller, in Freeze) (*Freeze, error) {
	if !caller.Has(aid.RoleManager, "") {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	err := s.Write(ctx, func(tx *Tx) error {
		if in.From.IsZero() {
			in.From = tx.Wall
		}
		if err := tx.checkFreeze(caller, in); err != nil {
			return err
		}
		made, err := tx.exec(`INSERT INTO freezes (id, area, programmes, from_at, until_at, reason_code, created_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			in.ID, in.Area, sorted(in.Programmes), in.From, in.Until, in.Reason, caller.Actor(), tx.Wall)
		if err != nil || made == 0 {
			return err
		}
		if err := tx.wantRecount("", []string{in.Area}, in.Programmes); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "create_freeze", in.ID, "done", in.Reason)
	})
	if err != nil {
		return nil, err
	}
	return s.FreezeByID(ctx, caller, in.ID)
}

func (tx *Tx) checkFreeze(caller *Caller, in Freeze) error {
	var faults []aid.Fault
	fault := func(pointer, code string) { faults = append(faults, aid.Fault{Pointer: pointer, Code: code}) }
	var known struct {
		Area    bool           `db:"area"`
		Unknown pq.StringArray `db:"unknown"`
	}
	err := tx.get(&known, `SELECT EXISTS (SELECT 1 FROM areas WHERE code = $1 AND NOT gone) AS area,
		(SELECT coalesce(array_agg(p), '{}') FROM unnest($2::text[]) p WHERE NOT EXISTS (SELECT 1 FROM programmes WHERE code = p)) AS unknown`,
		in.Area, sorted(in.Programmes))
	if err != nil {
		return err
	}
	switch {
	case !known.Area:
		fault("/area", "unknown_area")
	case !caller.Has(aid.RoleManager, in.Area):
		fault("/area", "wrong_area")
	}
	for i, code := range in.Programmes {
		for _, u := range known.Unknown {
			if u == code {
				fault(fmt.Sprintf("/programmes/%d", i), "unknown_programme")
			}
		}
	}
	if in.From.Before(tx.Wall) {
		fault("/from", "in_past")
	}
	switch {
	case !in.Until.After(in.From):
		fault("/until", "until_before_from")
	case in.Until.Sub(in.From) > longestFreeze:
		fault("/until", "freeze_too_long")
	}
	return aid.RefuseAll(faults)
}

// EndFreeze ends a freeze now; one that has not begun is taken back. What was
// frozen stays frozen.
//
// Errors: NotFound freeze_not_found; Forbidden wrong_area; Stale stale;
// Conflict freeze_over.
func (s *Store) EndFreeze(ctx context.Context, caller *Caller, id string, version int) (*Freeze, error) {
	f, err := s.FreezeByID(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	if !caller.Has(aid.RoleManager, f.Area) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_area")
	}
	err = s.Write(ctx, func(tx *Tx) error {
		var now Freeze
		if err := tx.get(&now, `SELECT `+freezeColumns+` FROM freezes f WHERE f.id = $1 FOR UPDATE`, id); err != nil {
			return err
		}
		switch {
		case now.Version != version:
			return aid.Refuse(aid.Stale, "stale")
		case now.EndedAt != nil, !now.Until.After(tx.Wall):
			return aid.Refuse(aid.Conflict, "freeze_over")
		}
		err := tx.one(`UPDATE freezes SET until_at = greatest(from_at, $2), ended_by = $3, ended_at = $2, version = version + 1 WHERE id = $1`, id, tx.Wall, caller.Actor())
		if err != nil {
			return err
		}
		if err := tx.wantRecount("", []string{now.Area}, now.Programmes); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "end_freeze", id, "done", "")
	})
	if err != nil {
		return nil, err
	}
	return s.FreezeByID(ctx, caller, id)
}
