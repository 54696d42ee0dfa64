package postgres

import (
	"database/sql"
	"errors"
	"math"
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

// number gives the cursor's sort value as a number, 0 at the start of the list.
//
// Errors: Invalid invalid_cursor.
func (p Page) number() (int, error) {
	if p.After == (Cursor{}) {
		return 0, nil
	}
	n, err := strconv.Atoi(p.After.Sort)
	if err != nil || n < 0 || n > math.MaxInt32 {
		return 0, badCursor()
	}
	return n, nil
}

// numberCursor is the place of the nth row of a numbered list.
func numberCursor(n int) Cursor { return Cursor{Sort: strconv.Itoa(n), ID: strconv.Itoa(n)} }

func badCursor() error { return aid.Refuse(aid.Invalid, "invalid_cursor") }

func atCursor(at time.Time, id string) Cursor {
	return Cursor{Sort: at.UTC().Format(time.RFC3339Nano), ID: id}
}

// inboxPlace is the place of a row in the inbox, as of the instant of the
// list's first page.
type inboxPlace struct {
	asOf time.Time
	rank int
	at   string // the deadline by the wall clock, as PostgreSQL writes it
	id   string // "" at the start of the list
}

func inboxCursor(asOf time.Time, rank int, due *time.Time, id string) Cursor {
	at := never
	if due != nil {
		at = due.UTC().Format(time.RFC3339Nano)
	}
	return Cursor{Sort: asOf.UTC().Format(time.RFC3339Nano) + "|" + strconv.Itoa(rank) + "|" + at, ID: id}
}

// parseInboxPlace gives the place after which a page begins; without a cursor
// it is the start of a list of now.
//
// Errors: Invalid invalid_cursor.
func parseInboxPlace(c Cursor, now time.Time) (inboxPlace, error) {
	if c == (Cursor{}) {
		return inboxPlace{asOf: now}, nil
	}
	parts := strings.Split(c.Sort, "|")
	if len(parts) != 3 || c.ID == "" {
		return inboxPlace{}, badCursor()
	}
	asOf, err := time.Parse(time.RFC3339Nano, parts[0])
	rank, err2 := strconv.Atoi(parts[1])
	var err3 error
	if parts[2] != never {
		_, err3 = time.Parse(time.RFC3339Nano, parts[2])
	}
	if err != nil || err2 != nil || err3 != nil || rank < 0 || rank >= ranks {
		return inboxPlace{}, badCursor()
	}
	return inboxPlace{asOf: asOf, rank: rank, at: parts[2], id: c.ID}, nil
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
