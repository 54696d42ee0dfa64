package postgres

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
)

// Post writes a balanced transaction into a fund's ledger. Its key is a
// business key: a second posting of the same event is refused. The balances
// follow by a trigger, the limit of the fund is a CHECK.
//
// Errors: Conflict money_short, posting_exists; those of ledger.Check.
func (tx *Tx) Post(t ledger.Transaction, caseID, actor string) error {
	if err := t.Check(); err != nil {
		return err
	}
	id := NewID(aid.TransactionID)
	n, err := tx.exec(`INSERT INTO ledger_transactions (id, fund_id, kind, key, case_id, actor, at) VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7)
		ON CONFLICT (key) DO NOTHING`, id, t.Fund, t.Kind, t.Key, caseID, actor, tx.Now)
	if err != nil {
		return err
	}
	if n == 0 {
		return aid.Refuse(aid.Conflict, "posting_exists")
	}
	query, args := insertEntries(id, t)
	_, err = tx.exec(query, args...)
	return err
}

func insertEntries(id string, t ledger.Transaction) (string, []any) {
	query := `INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency) VALUES `
	var args []any
	for i, e := range t.Entries {
		if i > 0 {
			query += ", "
		}
		query += placeholders(len(args), 7)
		args = append(args, id, i+1, t.Fund, e.Set, e.Account, e.Amount, t.Currency)
	}
	return query, args
}

// room tells how much a fund may still reserve, and whether it is closing, and
// locks its balances.
func (tx *Tx) room(fund string) (room int64, closing bool, err error) {
	var row struct {
		Room    int64 `db:"room"`
		Closing bool  `db:"closing"`
	}
	err = tx.get(&row, `SELECT least(b.available, b.budget - b.reserved - b.in_transit - b.spent) AS room, f.closing
		FROM fund_balances b JOIN funds f ON f.id = b.fund_id WHERE b.fund_id = $1 FOR UPDATE OF b`, fund)
	return row.Room, row.Closing, err
}

// FundFor gives the open fund that pays for an area: the one of the area
// itself or of the nearest area above.
//
// Errors: Conflict no_fund.
func (tx *Tx) FundFor(area, currency string) (string, error) {
	var id string
	err := tx.get(&id, `
		WITH RECURSIVE up AS (
			SELECT code, parent, 0 AS depth FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent)
		SELECT f.id FROM funds f JOIN up ON up.code = f.area WHERE f.currency = $2 AND NOT f.closing ORDER BY depth, f.id LIMIT 1`, area, currency)
	if errors.Is(err, sql.ErrNoRows) {
		return "", aid.Refuse(aid.Conflict, "no_fund")
	}
	return id, err
}

func placeholders(from, n int) string {
	s := "("
	for i := range n {
		if i > 0 {
			s += ", "
		}
		s += "$" + strconv.Itoa(from+i+1)
	}
	return s + ")"
}

func fields(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Fields(s)
}
