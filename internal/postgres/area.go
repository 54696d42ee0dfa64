package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/area"
)

// AreaRow is an area as it is or was.
type AreaRow struct {
	Code      string     `db:"code"`
	Name      string     `db:"name"`
	Level     string     `db:"level"`
	Parent    *string    `db:"parent"` // of one that is gone: what stands in its place
	Urban     bool       `db:"urban"`
	ValidFrom time.Time  `db:"valid_from"` // a date
	ValidTo   *time.Time `db:"valid_to"`   // a date; the first on which it is gone, or no longer so
	Gone      bool       `db:"gone"`
	Successor *string    `db:"successor"` // where the work of one that is gone went
}

// Cursor gives the row's place in the list of areas.
func (r AreaRow) Cursor() Cursor { return Cursor{Sort: r.Code, ID: r.Code} }

const areaColumns = `code, name, level, parent, urban, valid_from, valid_to, gone, successor`

// AreaFilter narrows the list of areas; zero values pass everything.
type AreaFilter struct {
	Level  string
	Parent string
	At     time.Time // areas that exist on this date, as they are then
}

// Areas lists areas by code. They are no secret: every caller sees all. With a
// date in At the rows are what the areas were then, and valid_from and
// valid_to the time for which they were so; without one they are what they are
// today, those that are gone and those to come among them.
func (s *Store) Areas(ctx context.Context, f AreaFilter, p Page) ([]AreaRow, error) {
	rows := []AreaRow{}
	if f.At.IsZero() {
		err := s.list(ctx, &rows, `
			SELECT `+areaColumns+` FROM areas
			WHERE ($1::text IS NULL OR level = $1) AND ($2::text IS NULL OR parent = $2) AND code > $3
			ORDER BY code LIMIT $4`, text(f.Level), text(f.Parent), p.After.ID, p.limit())
		return rows, err
	}
	err := s.list(ctx, &rows, `
		SELECT area AS code, name, level, parent, urban, valid_from, valid_to, false AS gone, NULL AS successor FROM area_periods
		WHERE ($1::text IS NULL OR level = $1) AND ($2::text IS NULL OR parent = $2)
		  AND valid_from <= $3::date AND (valid_to IS NULL OR valid_to > $3::date) AND area > $4
		ORDER BY area LIMIT $5`, text(f.Level), text(f.Parent), dateOf(f.At), p.After.ID, p.limit())
	return rows, err
}

// Area gives one area as it is today, or was last.
//
// Errors: NotFound area_not_found.
func (s *Store) Area(ctx context.Context, code string) (AreaRow, error) {
	var row AreaRow
	err := s.get(ctx, &row, `SELECT `+areaColumns+` FROM areas WHERE code = $1`, code)
	if aid.KindOf(err) == aid.NotFound {
		err = aid.Refuse(aid.NotFound, "area_not_found")
	}
	return row, err
}

// AreaLink names an area that took another's place, or whose place was taken.
type AreaLink struct {
	Code  string    `db:"code"`
	Name  string    `db:"name"`
	At    time.Time `db:"at"` // first day of the successor as such
	Kind  area.Kind `db:"kind"`
	Takes bool      `db:"takes"` // open cases, roles, partners and funds go to the successor
}

// AreaHistory is what an area was and will be, and which came before and
// after it.
type AreaHistory struct {
	Periods      []AreaRow // in order
	Predecessors []AreaLink
	Successors   []AreaLink
}

// AreaHistory gives the history of an area; an empty one when there is none.
func (s *Store) AreaHistory(ctx context.Context, code string) (AreaHistory, error) {
	h := AreaHistory{Periods: []AreaRow{}, Predecessors: []AreaLink{}, Successors: []AreaLink{}}
	err := s.list(ctx, &h.Periods, `
		SELECT area AS code, name, level, parent, urban, valid_from, valid_to, false AS gone, NULL AS successor
		FROM area_periods WHERE area = $1 ORDER BY valid_from`, code)
	if err != nil {
		return h, err
	}
	const links = `SELECT a.code, a.name, l.at, l.kind, l.takes FROM area_predecessors l JOIN areas a ON a.code = `
	if err := s.list(ctx, &h.Predecessors, links+`l.predecessor WHERE l.area = $1 ORDER BY l.at, a.code`, code); err != nil {
		return h, err
	}
	return h, s.list(ctx, &h.Successors, links+`l.area WHERE l.predecessor = $1 ORDER BY l.at, a.code`, code)
}

// dateOf is the business date of an instant, as a text for PostgreSQL: a
// change of areas begins at midnight where the areas are.
func dateOf(at time.Time) string { return at.In(areaZone()).Format(time.DateOnly) }

// areaZone is Vietnam's, which has no summer time.
func areaZone() *time.Location { return time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60) }

// areasBelow is the query of the codes at and below the area in its argument,
// as of today, and of those that are gone and in whose place it stands: their
// old cases stay visible.
func areasBelow(argument string) string {
	return `WITH RECURSIVE below AS (
		SELECT code FROM areas WHERE code = ` + argument + `
		UNION SELECT a.code FROM areas a JOIN below b ON a.parent = b.code)
		SELECT coalesce(array_agg(code ORDER BY code), '{}') FROM below`
}

// AreasBelow gives the codes of an area and of everything below it; none when
// there is no such area.
func (s *Store) AreasBelow(ctx context.Context, code string) ([]string, error) {
	var codes pq.StringArray
	err := s.get(ctx, &codes, areasBelow("$1"), code)
	return codes, err
}

// CheckArea refuses an area that a request of a partner cannot be of: one that
// does not exist today, is gone or is not the partner's, or one that has
// others below it. A household lives in a commune, and the levels that decide are found
// from there upwards. It refuses also a payee's method by which the fund of
// the area, or the first that pays there of those named by their codes, does not
// pay; with "" it looks at the area alone.
//
// Errors: Invalid with the fault unknown_area or area_too_wide at /area, or
// method_not_paid at /payee/method.
func (s *Store) CheckArea(ctx context.Context, caller *Caller, code, method string, funds ...string) error {
	return checkArea(func(dest any, query string, args ...any) error { return s.get(ctx, dest, query, args...) }, caller, code, method, s.Now(), funds)
}

func (tx *Tx) checkArea(caller *Caller, code string) error {
	return checkArea(tx.get, caller, code, "", tx.Now, nil)
}

func checkArea(get func(dest any, query string, args ...any) error, caller *Caller, code, method string, at time.Time, funds []string) error {
	var found struct {
		There bool `db:"there"`
		Wide  bool `db:"wide"`
		Pays  bool `db:"pays"`
	}
	err := get(&found, `
		WITH RECURSIVE up AS (
			SELECT code, parent, 0 AS depth FROM areas WHERE code = $1 AND $4 <> ''
			UNION ALL SELECT a.code, a.parent, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent)
		SELECT EXISTS (SELECT 1 FROM areas WHERE code = $1 AND code = ANY($2) AND NOT gone AND valid_from <= $3::date AND (valid_to IS NULL OR valid_to > $3::date)) AS there,
		       EXISTS (SELECT 1 FROM areas WHERE parent = $1 AND NOT gone AND valid_from <= $3::date AND (valid_to IS NULL OR valid_to > $3::date)) AS wide,
		       coalesce((SELECT f.rails ->> $4 IS NOT NULL FROM funds f JOIN up ON up.code = f.area WHERE NOT f.closing
		                 AND (cardinality($5::text[]) = 0 OR f.code = ANY($5)) ORDER BY array_position($5, f.code), depth, f.id LIMIT 1), true) AS pays`,
		code, pq.Array(caller.Areas), dateOf(at), method, pq.StringArray(append([]string{}, funds...)))
	switch {
	case err != nil:
		return err
	case !found.There:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/area", Code: "unknown_area"}})
	case found.Wide:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/area", Code: "area_too_wide"}})
	case !found.Pays:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/payee/method", Code: "method_not_paid"}})
	}
	return nil
}
