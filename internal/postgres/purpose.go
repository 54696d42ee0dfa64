package postgres

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
)

// Purpose is what money of a fund is bound to: a programme, an area with
// everything below it, or both. With neither it is free money.
type Purpose struct {
	ID        string `db:"id"` // "" of free money
	Programme string `db:"programme"`
	Area      string `db:"area"`
	Raised    int64  `db:"raised"`    // minor units
	Available int64  `db:"available"` // of that, promised to nobody
}

// Cursor gives the row's place in the list.
func (p Purpose) Cursor() Cursor { return Cursor{ID: p.ID} }

// Promised is reserved, in transit or spent, of what was raised for it.
func (p Purpose) Promised() int64 { return p.Raised - p.Available }

func (p Purpose) bound() bool { return p.Programme != "" || p.Area != "" }

// Purposes lists what a fund's money is bound to, the oldest first, with what
// was raised for it and what is still available.
//
// Errors: NotFound fund_not_found.
func (s *Store) Purposes(ctx context.Context, caller *Caller, fund string, p Page) ([]Purpose, *FundRow, error) {
	f, err := s.Fund(ctx, caller, fund)
	if err != nil {
		return nil, nil, err
	}
	rows := []Purpose{}
	return rows, f, s.list(ctx, &rows, `SELECT id, programme, coalesce(area, '') AS area, raised, available FROM fund_purposes
		WHERE fund_id = $1 AND id > $2 ORDER BY id LIMIT $3`, f.ID, p.After.ID, p.limit())
}

// purposeFaults checks that a purpose names a programme that there is and an
// area in which the fund pays.
func (tx *Tx) purposeFaults(fund string, p Purpose) ([]aid.Fault, error) {
	if !p.bound() {
		return nil, nil
	}
	var known struct {
		Programme bool `db:"programme"`
		Area      bool `db:"area"`
	}
	err := tx.get(&known, `SELECT $2 = '' OR EXISTS (SELECT 1 FROM programmes WHERE code = $2) AS programme,
		$3 = '' OR EXISTS (SELECT 1 FROM areas a WHERE a.code = $3 AND NOT a.gone
			AND EXISTS (SELECT 1 FROM areas_over($3) o JOIN funds f ON f.area = o.code WHERE f.id = $1)) AS area`, fund, p.Programme, p.Area)
	var faults []aid.Fault
	if !known.Programme {
		faults = append(faults, aid.Fault{Pointer: "/purpose/programme", Code: "unknown_programme"})
	}
	if !known.Area {
		faults = append(faults, aid.Fault{Pointer: "/purpose/area", Code: "unknown_area"})
	}
	return faults, err
}

// namePurpose finds the fund's row for a purpose, or makes it, and fills in its
// id. Free money has none.
func (tx *Tx) namePurpose(fund string, p *Purpose) error {
	if !p.bound() {
		return nil
	}
	_, err := tx.exec(`INSERT INTO fund_purposes (id, fund_id, programme, area, created_at) VALUES ($1, $2, $3, nullif($4, ''), $5)
		ON CONFLICT (fund_id, programme, coalesce(area, '')) DO NOTHING`, NewID(aid.PurposeID), fund, p.Programme, p.Area, tx.Wall)
	if err != nil {
		return err
	}
	return tx.get(&p.ID, `SELECT id FROM fund_purposes WHERE fund_id = $1 AND programme = $2 AND coalesce(area, '') = $3`, fund, p.Programme, p.Area)
}

// room is what a case may take of its fund.
type room struct {
	Closing bool           `db:"closing"`
	Room    int64          `db:"room"` // within the limits of the fund and of the year's budget
	Pots    []byte         `db:"pots"`
	pots    []ledger.Share // what is available for it, in the order in which it is taken
}

// room locks the fund's balances and tells what a case may take of them.
func (tx *Tx) room(c *Case, a *Award, year int) (*room, error) {
	var r room
	err := tx.get(&r, `SELECT closing, room, pots FROM fund_room($1, $2, $3, $4, $5)`, a.FundID, c.ID, c.Urgent, c.DecidedAt, year)
	if err != nil {
		return nil, err
	}
	return &r, json.Unmarshal(r.Pots, &r.pots)
}

// giveBack divides what becomes available again over the purposes from which
// the award took it, free money first.
//
// Errors: Conflict not_taken.
func (tx *Tx) giveBack(t ledger.Transaction) (ledger.Transaction, error) {
	var taken []ledger.Share
	err := tx.list(&taken, `SELECT coalesce(e.purpose_id, '') AS purpose, sum(e.amount)::bigint AS amount
		FROM ledger_transactions l JOIN ledger_entries e ON e.transaction_id = l.id AND e.account = 'available'
		WHERE l.award_id = $1 GROUP BY e.purpose_id HAVING sum(e.amount) > 0
		ORDER BY e.purpose_id IS NULL, min(l.at), min(l.id), min(e.n)`, awardOf(t))
	if err != nil {
		return t, err
	}
	shares, ok := ledger.GiveBack(t.Entries[0].Amount, taken)
	if !ok {
		return t, aid.Refuse(aid.Conflict, "not_taken")
	}
	return t.From(shares...), nil
}

// awardOf gives the award that a transaction is about: its key begins with it.
func awardOf(t ledger.Transaction) string {
	award, _, _ := strings.Cut(t.Key, "/")
	return award
}

// businessYear is the year on whose budget a case is reserved now: today's, in
// the time zone of its programme.
func (tx *Tx) businessYear(c *Case) (int, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return 0, err
	}
	return tx.Now.In(def.Location()).Year(), nil
}
