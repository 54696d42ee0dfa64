package postgres

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Cursor is the place of one row in a list: its sort value and its id. A list
// goes on after a cursor, so that rows inserted meanwhile neither repeat nor
// hide another.
type Cursor struct {
	Sort string `json:"s"`
	ID   string `json:"i"`
}

// Page asks for a part of a list. Limit is the number of rows to read; the
// zero Cursor starts at the beginning.
type Page struct {
	Limit int
	After Cursor
}

const maxLimit = 1001

// limit keeps a page within what one query may read.
func (p Page) limit() int {
	if p.Limit <= 0 || p.Limit > maxLimit {
		return maxLimit
	}
	return p.Limit
}

// instant gives the cursor's sort value as a point in time, nil at the start
// of the list.
//
// Errors: Invalid invalid_cursor.
func (p Page) instant() (*time.Time, error) {
	if p.After == (Cursor{}) {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339Nano, p.After.Sort)
	if err != nil || p.After.ID == "" {
		return nil, badCursor()
	}
	return &at, nil
}

func badCursor() error { return aid.Refuse(aid.Invalid, "invalid_cursor") }

func atCursor(at time.Time, id string) Cursor {
	return Cursor{Sort: at.UTC().Format(time.RFC3339Nano), ID: id}
}

// urgency is the sort value of the inbox: urgent first, then by deadline.
func urgency(urgent bool, due *time.Time) string {
	sort := "2|"
	if urgent {
		sort = "1|"
	}
	if due == nil {
		return sort + "infinity"
	}
	return sort + due.UTC().Format(time.RFC3339Nano)
}

// parseUrgency gives the parts of an inbox cursor: whether the row is not
// urgent, and its deadline as PostgreSQL writes it.
func parseUrgency(c Cursor) (notUrgent bool, due string, err error) {
	rank, due, ok := strings.Cut(c.Sort, "|")
	if !ok || (rank != "1" && rank != "2") || c.ID == "" {
		return false, "", badCursor()
	}
	if due != "infinity" {
		if _, err := time.Parse(time.RFC3339Nano, due); err != nil {
			return false, "", badCursor()
		}
	}
	return rank == "2", due, nil
}

// text gives nil for "", so that a filter that is not set passes every row.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// notFound tells that a query of one row found none.
func notFound(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// placeholder writes the nth positional parameter.
func placeholder(n int) string { return "$" + strconv.Itoa(n) }
