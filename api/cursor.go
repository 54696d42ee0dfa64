package api

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aidflow/aidflow/internal/postgres"
)

const defaultLimit = 50

// cursor is what next_cursor carries: the list it belongs to and the sort key
// of the last row. It is opaque to callers, and only ever used as values of a
// comparison, so it needs no signature; a foreign or broken one is refused.
type cursor struct {
	List string `json:"l"`
	Sort string `json:"s"`
	ID   string `json:"i"`
}

// page makes the store's page from limit and cursor: one row more than asked
// for tells whether there is another page.
//
// Errors: Invalid invalid_parameters.
func page(list string, limit int, token string) (postgres.Page, error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	p := postgres.Page{Limit: limit + 1}
	if token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	var c cursor
	if err != nil || json.Unmarshal(raw, &c) != nil || c.List != list || strings.ContainsRune(c.Sort+c.ID, 0) {
		return p, invalidParameters(parameterFault("cursor", "invalid_cursor"))
	}
	p.After = postgres.Cursor{Sort: c.Sort, ID: c.ID}
	return p, nil
}

type row interface{ Cursor() postgres.Cursor }

// cut takes the extra row off and gives the token of the next page, "" when
// this is the last one.
func cut[T row](list string, p postgres.Page, rows []T) ([]T, string) {
	return cutBy(list, p, rows, T.Cursor)
}

// cutBy is cut for a list that can be sorted in several ways.
func cutBy[T any](list string, p postgres.Page, rows []T, place func(T) postgres.Cursor) ([]T, string) {
	if len(rows) < p.Limit {
		return rows, ""
	}
	rows = slices.Clip(rows[:p.Limit-1])
	at := place(rows[len(rows)-1])
	raw, _ := json.Marshal(cursor{List: list, Sort: at.Sort, ID: at.ID}) // strings only
	return rows, base64.RawURLEncoding.EncodeToString(raw)
}
