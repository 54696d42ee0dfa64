package postgres

import (
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/lib/pq"

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

// post writes transactions with all their entries by one statement: the
// balances are looked at once, when all are there.
func (tx *Tx) post(all ...posting) error {
	var heads, entries []string
	var args []any
	for _, p := range all {
		if err := p.Check(); err != nil {
			return err
		}
		heads = append(heads, typed(&args, "text text text text text text timestamptz text text text text",
			p.id, p.Fund, p.Kind, p.Key, text(p.caseID), p.actor, p.at, text(p.reverts), p.reference, p.reason, awardOf(p.Transaction)))
		for i, e := range p.Entries {
			entries = append(entries, typed(&args, "text integer text text text bigint text text",
				p.id, i+1, p.Fund, e.Set, e.Account, e.Amount, p.Currency, text(e.Purpose)))
		}
	}
	n, err := tx.exec(`WITH head AS (INSERT INTO ledger_transactions (id, fund_id, kind, key, case_id, actor, at, reverts, reference, reason_code, award_id, programme, year)
			SELECT g.id, g.fund, g.kind, g.key, g.about, g.actor, g.at, g.reverts, g.reference, g.reason, a.id, c.programme, a.budget_year
			FROM (VALUES `+strings.Join(heads, ", ")+`) g (id, fund, kind, key, about, actor, at, reverts, reference, reason, award)
			LEFT JOIN cases c ON c.id = g.about LEFT JOIN awards a ON a.id = g.award
			ON CONFLICT (key) DO NOTHING RETURNING id)
		INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency, purpose_id)
		SELECT e.* FROM (VALUES `+strings.Join(entries, ", ")+`) e (id, n, fund, book, account, amount, currency, purpose)
		JOIN head ON head.id = e.id ORDER BY e.id, e.n`, args...)
	if err == nil && int(n) != len(entries) {
		return aid.Refuse(aid.Conflict, "posting_exists")
	}
	return err
}

// typed adds the values of a row to the arguments and gives the row, with the
// types that PostgreSQL cannot tell from a list of rows.
func typed(args *[]any, types string, values ...any) string {
	row := strings.Fields(types)
	for i, v := range values {
		*args = append(*args, v)
		row[i] = placeholder(len(*args)) + "::" + row[i]
	}
	return "(" + strings.Join(row, ", ") + ")"
}

// FundOf gives the fund that pays for a case: of the funds that its programme
// lists, or without a list of all, as FundFor; so does one without a programme,
// which stands for its area.
//
// Errors: Conflict no_fund.
func (tx *Tx) FundOf(c *Case) (string, error) {
	if c.Programme == "" {
		return tx.FundFor(c.Area, c.Currency)
	}
	def, err := tx.Rules(c)
	if err != nil {
		return "", err
	}
	return tx.FundFor(c.Area, c.Currency, def.Funds...)
}

// FundFor gives the open fund that pays for an area: the first of those named
// by their codes that is kept for the area or for one above it; when none is
// named, the one of the area itself or of the nearest area above.
//
// Errors: Conflict no_fund.
func (tx *Tx) FundFor(area, currency string, named ...string) (string, error) {
	var id string
	err := tx.get(&id, `
		WITH RECURSIVE up AS (
			SELECT code, parent, 0 AS depth FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent)
		SELECT f.id FROM funds f JOIN up ON up.code = f.area WHERE f.currency = $2 AND NOT f.closing AND (cardinality($3::text[]) = 0 OR f.code = ANY($3))
		ORDER BY array_position($3, f.code), depth, f.id LIMIT 1`, area, currency, pq.StringArray(append([]string{}, named...)))
	if errors.Is(err, sql.ErrNoRows) {
		return "", aid.Refuse(aid.Conflict, "no_fund")
	}
	return id, err
}

func fields(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Fields(s)
}
