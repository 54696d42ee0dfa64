package postgres

import (
	"context"
	"errors"
	"strconv"

	"database/sql"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Definition gives a published version of a programme. Published versions
// never change, so they are parsed once per process.
//
// Errors: NotFound unknown_programme.
func (s *Store) Definition(ctx context.Context, code string, version int) (*programme.Definition, error) {
	return s.definition(code, version, func(dest any, query string, args ...any) error {
		return s.db.GetContext(ctx, dest, query, args...)
	})
}

// Definition is the same on the transaction's own connection: transactions
// that wait for a second one can wait for each other for ever.
func (tx *Tx) Definition(code string, version int) (*programme.Definition, error) {
	return tx.store.definition(code, version, tx.get)
}

func (s *Store) definition(code string, version int, get func(dest any, query string, args ...any) error) (*programme.Definition, error) {
	key := code + "/" + strconv.Itoa(version)
	if def, ok := s.rules.Load(key); ok {
		return def.(*programme.Definition), nil
	}
	var raw string
	err := get(&raw, `SELECT definition FROM programmes WHERE code = $1 AND version = $2`, code, version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, aid.Refuse(aid.NotFound, "unknown_programme")
	}
	if err != nil {
		return nil, translate(err)
	}
	def, err := programme.Parse([]byte(raw))
	if err == nil {
		s.rules.Store(key, def)
	}
	return def, err
}

// Rules gives the programme version that a case is pinned to.
func (tx *Tx) Rules(c *Case) (*programme.Definition, error) {
	return tx.Definition(c.Programme, c.ProgrammeVersion)
}

// AreaAt gives the area of the named level that an area belongs to today:
// itself or the nearest one above; for one that is gone, above what stands in
// its place.
//
// Errors: NotFound no_area_of_level.
func (tx *Tx) AreaAt(area, level string) (string, error) {
	return onGrounds(tx, areaLevel{area, level}, func() (string, int64, error) {
		var at struct {
			Code    string `db:"code"`
			Grounds int64  `db:"grounds"`
		}
		err := tx.get(&at, areaAt, area, level)
		if errors.Is(err, sql.ErrNoRows) {
			return "", 0, aid.Refuse(aid.NotFound, "no_area_of_level", "level", level)
		}
		return at.Code, at.Grounds, err
	})
}

const areaAt = `
	WITH RECURSIVE up AS (
		SELECT code, parent, level, gone, 0 AS depth FROM areas WHERE code = $1
		UNION ALL SELECT a.code, a.parent, a.level, a.gone, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent)
	SELECT code, (SELECT grounds FROM area_tree) AS grounds FROM up WHERE level = $2 AND NOT gone ORDER BY depth LIMIT 1`
