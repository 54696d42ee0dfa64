package postgres

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
)

// Post writes a balanced transaction into a fund's ledger. Its key is a
// business key: a second posting of the same event is refused. The key of what
// is posted about an award begins with the award's id: so the transaction finds
// the programme, the year's budget and, when money comes back to be available,
// the purposes from which it was taken. The balances follow by a trigger, the
// limits of fund, purpose and budget are CHECKs.
//
// Errors: Conflict money_short, budget_short, posting_exists, not_taken when
// more comes back than the award took, year_closed; those of ledger.Check.
func (tx *Tx) Post(t ledger.Transaction, caseID, actor string) error {
	if t.Kind == ledger.KindRelease || t.Kind == ledger.KindClawback {
		back, err := tx.giveBack(t)
		if err != nil {
			return err
		}
		t = back
	}
	return tx.post(posting{Transaction: t, id: NewID(aid.TransactionID), at: tx.Now, caseID: caseID, actor: actor})
}

// posting is a transaction of the ledger with what is known about it besides.
type posting struct {
	ledger.Transaction
	id                         string
	at                         time.Time
	caseID, actor              string
	reverts, reference, reason string
}

func (tx *Tx) post(all ...posting) error {
	for _, p := range all {
		if err := p.Check(); err != nil {
			return err
		}
		n, err := tx.exec(`INSERT INTO ledger_transactions (id, fund_id, kind, key, case_id, actor, at, reverts, reference, reason_code, award_id, programme, year)
			SELECT $1, $2, $3, $4, c.id, $6, $7, nullif($8, ''), $9, $10, a.id, c.programme, a.budget_year
			FROM (SELECT nullif($5::text, '') AS id, $11::text AS award) given LEFT JOIN cases c ON c.id = given.id LEFT JOIN awards a ON a.id = given.award
			ON CONFLICT (key) DO NOTHING`, p.id, p.Fund, p.Kind, p.Key, p.caseID, p.actor, p.at, p.reverts, p.reference, p.reason, awardOf(p.Transaction))
		if err != nil {
			return err
		}
		if n == 0 {
			return aid.Refuse(aid.Conflict, "posting_exists")
		}
	}
	query, args := insertEntries(all)
	_, err := tx.exec(query, args...)
	return err
}

// insertEntries writes the entries of all transactions by one statement: the
// balances are looked at once, when all are there.
func insertEntries(all []posting) (string, []any) {
	query := `INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency, purpose_id) VALUES `
	var args []any
	for _, p := range all {
		for i, e := range p.Entries {
			if len(args) > 0 {
				query += ", "
			}
			query += placeholders(len(args), 8)
			args = append(args, p.id, i+1, p.Fund, e.Set, e.Account, e.Amount, p.Currency, text(e.Purpose))
		}
	}
	return query, args
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
