package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// WaitingRow is a case on a fund's waiting list, in its place.
type WaitingRow struct {
	Place     int       `db:"place"` // from 1
	CaseID    string    `db:"case_id"`
	Reference string    `db:"reference"`
	Programme string    `db:"programme"`
	Area      string    `db:"area"`
	Amount    int64     `db:"amount"` // minor units
	Currency  string    `db:"currency"`
	Urgent    bool      `db:"urgent"`
	DecidedAt time.Time `db:"decided_at"`
	Skipped   bool      `db:"skipped"`
	Order     string    `db:"sort"`
}

// Cursor gives the row's place in the list.
func (r WaitingRow) Cursor() Cursor { return Cursor{Sort: r.Order, ID: r.CaseID} }

// WaitingList lists the cases that wait for a fund's money, as they will be
// served: urgent ones first, then by the time of the decision.
//
// Errors: NotFound fund_not_found.
func (s *Store) WaitingList(ctx context.Context, caller *Caller, fund string, p Page) ([]WaitingRow, error) {
	f, err := s.Fund(ctx, caller, fund)
	if err != nil {
		return nil, err
	}
	rows := []WaitingRow{}
	return rows, s.list(ctx, &rows, `SELECT * FROM (
		SELECT row_number() OVER (ORDER BY NOT c.urgent, c.decided_at, c.id) AS place, c.id AS case_id, c.reference, c.programme, c.area,
			a.amount, a.currency, c.urgent, c.decided_at, c.skipped,
			(NOT c.urgent)::int || to_char(c.decided_at AT TIME ZONE 'UTC', ' YYYY-MM-DD HH24:MI:SS.US') AS sort
		FROM cases c JOIN awards a ON a.case_id = c.id AND a.round = c.round
		WHERE c.fund_id = $1 AND c.status = 'waiting_funds') list
		WHERE (sort, case_id) > ($2, $3) ORDER BY place LIMIT $4`, f.ID, p.After.Sort, p.After.ID, p.limit())
}

// SkipWaiting lets the cases behind one pass on the fund's waiting list, or no
// longer, as a manager of the fund's area wants it. The case keeps its place:
// as soon as the money suffices for it, it is served before those behind.
// Nobody changes the order of a list on which a relative waits. Version is the
// one that the caller saw; 0 is not compared. A case that is so already stays as
// it is.
//
// Errors: NotFound case_not_found; Forbidden wrong_area, conflict_of_interest;
// Stale stale; Conflict wrong_state when the case does not wait for money.
func (s *Store) SkipWaiting(ctx context.Context, caller *Caller, idOrRef string, version int, skipped bool, reason string) (*CaseRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.ID)
		switch {
		case err != nil:
			return err
		case version != 0 && c.Version != version:
			return aid.Refuse(aid.Stale, "stale")
		case c.Status != aid.WaitingFunds:
			return aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
		}
		return tx.skip(c, caller, skipped, reason)
	})
	if err != nil {
		return nil, err
	}
	return s.CaseByID(ctx, caller, row.ID)
}

func (tx *Tx) skip(c *Case, caller *Caller, skipped bool, reason string) error {
	var area string
	if err := tx.get(&area, `SELECT area FROM funds WHERE id = $1`, *c.FundID); err != nil {
		return err
	}
	if !caller.Has(aid.RoleManager, area) {
		return aid.Refuse(aid.Forbidden, "wrong_area")
	}
	var related bool
	err := tx.get(&related, `SELECT EXISTS (SELECT 1 FROM cases WHERE fund_id = $1 AND status = 'waiting_funds' AND conflicted(id, $2))`, *c.FundID, caller.Actor())
	if err != nil {
		return err
	}
	if related {
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	}
	n, err := tx.exec(`UPDATE cases SET skipped = $2 WHERE id = $1 AND skipped <> $2`, c.ID, skipped)
	if err != nil || n == 0 {
		return err
	}
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	err = tx.AddEvent(c, Event{Kind: "case.skipped", Actor: caller.Actor(), Data: map[string]any{"skipped": skipped, "reason_code": reason}})
	if err != nil {
		return err
	}
	if err := tx.AddAudit(caller.Actor(), "skip_waiting", c.ID, "done", reason); err != nil {
		return err
	}
	return tx.WakeWaiting(*c.FundID)
}
