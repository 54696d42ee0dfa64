package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
)

// FundYear is a business year of a fund's books that is closed.
type FundYear struct {
	FundID    string    `db:"fund_id"`
	Year      int       `db:"year"`
	EndsAt    time.Time `db:"ends_at"`    // first instant of the next
	ClosingID string    `db:"closing_id"` // transaction that takes the balances out
	OpeningID string    `db:"opening_id"` // transaction that brings them into the next
	ClosedBy  string    `db:"closed_by"`
	ClosedAt  time.Time `db:"closed_at"`
}

// Cursor gives the row's place in the list, newest first.
func (y FundYear) Cursor() Cursor { return Cursor{Sort: fmt.Sprintf("%04d", 9999-y.Year)} }

// yearCloses is how long after its end a year can be closed: by then everything
// that began in it is posted.
const yearCloses = 24 * time.Hour

// FundYears lists the years of a fund that are closed, the newest first.
//
// Errors: NotFound fund_not_found.
func (s *Store) FundYears(ctx context.Context, caller *Caller, fund string, p Page) ([]FundYear, error) {
	f, err := s.Fund(ctx, caller, fund)
	if err != nil {
		return nil, err
	}
	rows := []FundYear{}
	return rows, s.list(ctx, &rows, `SELECT fund_id, year, ends_at, closing_id, opening_id, closed_by, closed_at FROM fund_years
		WHERE fund_id = $1 AND to_char(9999 - year, 'FM0000') > $2 ORDER BY year DESC LIMIT $3`, f.ID, p.After.Sort, p.limit())
}

// CloseYear closes a business year of a fund, as a treasurer of its area: one
// transaction at its last instant takes every balance away, one at the first of
// the next brings the same back, to the same purposes. Nothing is posted into
// it any more. Years are closed in their order, from a day after their end, in
// the time zone of the areas.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area; Conflict year_not_over,
// year_closed, year_out_of_order (param year: the one to be closed first),
// nothing_to_close.
func (s *Store) CloseYear(ctx context.Context, caller *Caller, fund string, year int) (*FundYear, error) {
	f, err := s.keptFund(ctx, caller, fund)
	if err != nil {
		return nil, err
	}
	in := FundYear{FundID: f.ID, Year: year, EndsAt: time.Date(year+1, 1, 1, 0, 0, 0, 0, areaZone()),
		ClosingID: NewID(aid.TransactionID), OpeningID: NewID(aid.TransactionID), ClosedBy: caller.Actor()}
	err = s.Write(ctx, func(tx *Tx) error {
		in.ClosedAt = tx.Wall
		if tx.Wall.Before(in.EndsAt.Add(yearCloses)) {
			return aid.Refuse(aid.Conflict, "year_not_over")
		}
		if err := tx.lockFund(f.ID); err != nil {
			return err
		}
		if err := tx.yearInOrder(f.ID, year); err != nil {
			return err
		}
		if err := tx.carryOver(f, in); err != nil {
			return err
		}
		if err := tx.AddAudit(caller.Actor(), "close_year", f.ID+"/"+strconv.Itoa(year), "done", ""); err != nil {
			return err
		}
		return tx.WakeWaiting(f.ID) // the budgets of the new year hold now
	})
	return &in, err
}

// yearInOrder refuses a year that is not the one after the last closed one, or
// the first in which anything was posted.
func (tx *Tx) yearInOrder(fund string, year int) error {
	var next *int
	err := tx.get(&next, `SELECT coalesce((SELECT max(year) + 1 FROM fund_years WHERE fund_id = $1),
		(SELECT extract(year FROM min(at) AT TIME ZONE $2)::int FROM ledger_transactions WHERE fund_id = $1))`, fund, areaZone().String())
	switch {
	case err != nil:
		return err
	case next == nil:
		return aid.Refuse(aid.Conflict, "nothing_to_close")
	case year < *next:
		return aid.Refuse(aid.Conflict, "year_closed")
	case year > *next:
		return aid.Refuse(aid.Conflict, "year_out_of_order", "year", strconv.Itoa(*next))
	}
	return nil
}

func (tx *Tx) carryOver(f *FundRow, y FundYear) error {
	var rows []struct {
		Account string `db:"account"`
		Purpose string `db:"purpose"`
		Sum     int64  `db:"sum"`
	}
	err := tx.list(&rows, `SELECT e.account, coalesce(e.purpose_id, '') AS purpose, sum(e.amount)::bigint AS sum
		FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id WHERE e.fund_id = $1 AND t.at < $2
		GROUP BY e.account, e.purpose_id ORDER BY e.account, e.purpose_id`, f.ID, y.EndsAt)
	if err != nil {
		return err
	}
	sums, lines := map[ledger.Line]int64{}, []ledger.Line{}
	for _, r := range rows {
		line := ledger.Line{Account: ledger.Account(r.Account), Purpose: r.Purpose}
		lines, sums[line] = append(lines, line), r.Sum
	}
	closing, opening := ledger.Carry(f.ID, f.Currency, f.ID+"/"+strconv.Itoa(y.Year), sums, lines)
	if len(closing.Entries) == 0 {
		return aid.Refuse(aid.Conflict, "nothing_to_close")
	}
	err = tx.post(posting{Transaction: closing, id: y.ClosingID, at: y.EndsAt.Add(-time.Microsecond), actor: y.ClosedBy},
		posting{Transaction: opening, id: y.OpeningID, at: y.EndsAt, actor: y.ClosedBy})
	if err != nil {
		return err
	}
	return tx.one(`INSERT INTO fund_years (fund_id, year, ends_at, closing_id, opening_id, closed_by, closed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		y.FundID, y.Year, y.EndsAt, y.ClosingID, y.OpeningID, y.ClosedBy, y.ClosedAt)
}
