package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// StatementRow is a bank's file as readers see it.
type StatementRow struct {
	ID        string     `db:"id"`
	FundID    string     `db:"fund_id"`
	Rail      string     `db:"rail"`
	Format    string     `db:"format"`
	BankID    string     `db:"bank_id"`
	RunID     *string    `db:"run_id"`
	Full      bool       `db:"covers"`
	From      *time.Time `db:"from_on"`
	To        *time.Time `db:"to_on"`
	State     string     `db:"state"` // refused, received, applied
	Reason    string     `db:"reason"`
	Lines     int        `db:"lines"`
	Applied   int        `db:"applied"`
	Unmatched int        `db:"unmatched"`
	CreatedBy string     `db:"created_by"`
	CreatedAt time.Time  `db:"created_at"`
	AppliedAt *time.Time `db:"applied_at"`
}

// Cursor gives the row's place in the list, newest first.
func (r StatementRow) Cursor() Cursor { return atCursor(r.CreatedAt, r.ID) }

const statementQuery = `SELECT b.id, b.fund_id, b.rail, b.format, b.bank_id, b.run_id, b.covers, b.from_on, b.to_on, b.state, b.reason, b.lines,
	(SELECT count(*) FROM bank_statement_lines l WHERE l.statement_id = b.id AND l.state = 'applied') AS applied,
	(SELECT count(*) FROM bank_statement_lines l WHERE l.statement_id = b.id AND l.state = 'unmatched') AS unmatched,
	b.created_by, b.created_at, b.applied_at FROM bank_statements b JOIN funds f ON f.id = b.fund_id`

// BankStatements lists the files of the banks of the funds that the caller sees,
// newest first; the fund may narrow it.
//
// Errors: Invalid invalid_cursor.
func (s *Store) BankStatements(ctx context.Context, caller *Caller, fund string, p Page) ([]StatementRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	sees, mine := caller.seesFund()
	rows := []StatementRow{}
	err = s.list(ctx, &rows, statementQuery+` WHERE `+sees+` AND ($2::text IS NULL OR f.id = $2 OR f.code = $2)
		AND ($3::timestamptz IS NULL OR (b.created_at, b.id) < ($3, $4)) ORDER BY b.created_at DESC, b.id DESC LIMIT $5`,
		mine, text(fund), at, p.After.ID, p.limit())
	return rows, err
}

// Statement gives one file.
//
// Errors: NotFound statement_not_found.
func (s *Store) Statement(ctx context.Context, caller *Caller, id string) (*StatementRow, error) {
	var row StatementRow
	sees, mine := caller.seesFund()
	err := s.get(ctx, &row, statementQuery+` WHERE `+sees+` AND b.id = $2`, mine, id)
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "statement_not_found")
	}
	return &row, err
}

// BankLineRow is a line that moved no payment, and why, as a code.
type BankLineRow struct {
	N         int         `db:"n"`
	Said      string      `db:"said"`
	Returned  bool        `db:"returned"`
	Credit    bool        `db:"credit"`
	Amount    int64       `db:"amount"`
	Currency  string      `db:"currency"`
	BookedOn  *time.Time  `db:"booked_on"`
	Code      string      `db:"code"`
	Because   string      `db:"because"`
	PaymentID *string     `db:"payment_id"`
	Sealed    []byte      `db:"sealed"`
	Details   BankDetails `db:"-"`
}

// Cursor gives the line's place in its file.
func (l BankLineRow) Cursor() Cursor { return numberCursor(l.N) }

// Unmatched gives the lines of a file that moved no payment, with what the bank
// said of the other side.
//
// Errors: NotFound statement_not_found; Invalid invalid_cursor.
func (s *Store) Unmatched(ctx context.Context, caller *Caller, id string, p Page) ([]BankLineRow, error) {
	after, err := p.number()
	if err != nil {
		return nil, err
	}
	if _, err := s.Statement(ctx, caller, id); err != nil {
		return nil, err
	}
	rows := []BankLineRow{}
	err = s.Write(ctx, func(tx *Tx) error {
		rows = []BankLineRow{}
		err := tx.list(&rows, `SELECT n, said, returned, credit, amount, currency, booked_on, code, because, payment_id, sealed
			FROM bank_statement_lines WHERE statement_id = $1 AND state = 'unmatched' AND n > $2 ORDER BY n LIMIT $3`, id, after, p.limit())
		for i := range rows {
			if err == nil {
				err = tx.open("bank_statement_lines", "sealed", lineRow(id, rows[i].N), rows[i].Sealed, &rows[i].Details)
			}
		}
		return err
	})
	return rows, err
}
