package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// AreaRow is an area as it is or was.
type AreaRow struct {
	Code      string     `db:"code"`
	Name      string     `db:"name"`
	Level     string     `db:"level"`
	Parent    *string    `db:"parent"`
	ValidFrom time.Time  `db:"valid_from"` // a date
	ValidTo   *time.Time `db:"valid_to"`   // a date; the first on which it is gone
}

// Cursor gives the row's place in the list of areas.
func (r AreaRow) Cursor() Cursor { return Cursor{Sort: r.Code, ID: r.Code} }

// AreaFilter narrows the list of areas; zero values pass everything.
type AreaFilter struct {
	Level  string
	Parent string
	At     time.Time // areas that exist on this date
}

// Areas lists areas by code. They are no secret: every caller sees all.
func (s *Store) Areas(ctx context.Context, f AreaFilter, p Page) ([]AreaRow, error) {
	var at *time.Time
	if !f.At.IsZero() {
		at = &f.At
	}
	rows := []AreaRow{}
	err := s.list(ctx, &rows, `
		SELECT code, name, level, parent, valid_from, valid_to FROM areas
		WHERE ($1::text IS NULL OR level = $1) AND ($2::text IS NULL OR parent = $2)
		  AND ($3::date IS NULL OR (valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3)))
		  AND code > $4
		ORDER BY code LIMIT $5`, text(f.Level), text(f.Parent), at, p.After.ID, p.limit())
	return rows, err
}

// Area gives one area.
//
// Errors: NotFound not_found.
func (s *Store) Area(ctx context.Context, code string) (AreaRow, error) {
	var row AreaRow
	err := s.get(ctx, &row, `SELECT code, name, level, parent, valid_from, valid_to FROM areas WHERE code = $1`, code)
	return row, err
}

// areasBelow is the query of the codes at and below the areas in its argument,
// also of those that are gone: their old cases stay visible.
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
// does not exist today or is not the partner's, or one that has others below
// it. A household lives in a commune, and the levels that decide are found
// from there upwards. It refuses also a payee's method by which the fund of
// the area does not pay; with "" it looks at the area alone.
//
// Errors: Invalid with the fault unknown_area or area_too_wide at /area, or
// method_not_paid at /payee/method.
func (s *Store) CheckArea(ctx context.Context, caller *Caller, code, method string) error {
	return checkArea(func(dest any, query string, args ...any) error { return s.get(ctx, dest, query, args...) }, caller, code, method, s.Now())
}

func (tx *Tx) checkArea(caller *Caller, code string) error {
	return checkArea(tx.get, caller, code, "", tx.Now)
}

func checkArea(get func(dest any, query string, args ...any) error, caller *Caller, code, method string, at time.Time) error {
	var area struct {
		There bool `db:"there"`
		Wide  bool `db:"wide"`
		Pays  bool `db:"pays"`
	}
	err := get(&area, `
		WITH RECURSIVE up AS (
			SELECT code, parent, 0 AS depth FROM areas WHERE code = $1 AND $4 <> ''
			UNION ALL SELECT a.code, a.parent, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent)
		SELECT EXISTS (SELECT 1 FROM areas WHERE code = $1 AND code = ANY($2) AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3)) AS there,
		       EXISTS (SELECT 1 FROM areas WHERE parent = $1 AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3)) AS wide,
		       coalesce((SELECT f.rails ->> $4 IS NOT NULL FROM funds f JOIN up ON up.code = f.area WHERE NOT f.closing ORDER BY depth, f.id LIMIT 1), true) AS pays`,
		code, pq.Array(caller.Areas), at, method)
	switch {
	case err != nil:
		return err
	case !area.There:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/area", Code: "unknown_area"}})
	case area.Wide:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/area", Code: "area_too_wide"}})
	case !area.Pays:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/payee/method", Code: "method_not_paid"}})
	}
	return nil
}
