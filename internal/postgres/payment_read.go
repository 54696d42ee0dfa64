package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// PaymentRow is a payment as readers see it; where the money goes stays
// sealed.
type PaymentRow struct {
	Payment
	CaseReference *string      `db:"case_reference"`
	Milestone     string       `db:"milestone"`
	PayeeKind     string       `db:"payee_kind"`
	Method        string       `db:"method"`
	TaskID        *string      `db:"task_id"` // the open task about it
	Attempts      []AttemptRow `db:"-"`
	Return        *BankReturn  `db:"-"` // nil: the bank has returned nothing
}

// Cursor gives the row's place in a list of payments, newest first.
func (r PaymentRow) Cursor() Cursor { return atCursor(r.CreatedAt, r.ID) }

// AttemptRow is one try of a payment on its rail.
type AttemptRow struct {
	Attempt
	StartedAt time.Time  `db:"started_at"`
	AskedAt   *time.Time `db:"asked_at"`
	EndedAt   *time.Time `db:"ended_at"`
}

// PaymentFilter narrows a list of payments; zero values pass everything.
type PaymentFilter struct {
	Case  string // id or reference
	State string
	Fund  string // id
}

const paymentRowQuery = `SELECT ` + paymentColumns + `, c.reference AS case_reference, tr.milestone, acc.kind AS payee_kind, acc.method,
	(SELECT k.id FROM tasks k WHERE k.case_id = p.case_id AND k.subject = p.id AND k.closed_at IS NULL ORDER BY k.opened_at LIMIT 1) AS task_id
	FROM payments p JOIN cases c ON c.id = p.case_id JOIN tranches tr ON tr.id = p.tranche_id JOIN payee_accounts acc ON acc.id = p.payee_account_id`

// Payments lists the payments of the cases that the caller may see, newest
// first, each with its attempts.
//
// Errors: Invalid invalid_cursor.
func (s *Store) Payments(ctx context.Context, caller *Caller, f PaymentFilter, p Page) ([]PaymentRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	sees, mine := caller.seesCase()
	return s.payments(ctx, `$1::text IS NULL AND `+sees+`
		  AND ($3::timestamptz IS NULL OR (p.created_at, p.id) < ($3, $4))
		  AND ($5::text IS NULL OR p.case_id = (SELECT x.id FROM cases x WHERE x.id = $5 OR x.reference = $5))
		  AND ($6::text IS NULL OR p.state = $6) AND ($7::text IS NULL OR p.fund_id = $7)
		ORDER BY p.created_at DESC, p.id DESC LIMIT $8`,
		nil, mine, at, p.After.ID, text(f.Case), text(f.State), text(f.Fund), p.limit())
}

// Payment gives one payment.
//
// Errors: NotFound payment_not_found.
func (s *Store) Payment(ctx context.Context, caller *Caller, id string) (*PaymentRow, error) {
	sees, mine := caller.seesCase()
	rows, err := s.payments(ctx, `p.id = $1 AND `+sees, id, mine)
	if err == nil && len(rows) == 0 {
		err = aid.Refuse(aid.NotFound, "payment_not_found")
	}
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

func (s *Store) payments(ctx context.Context, where string, args ...any) ([]PaymentRow, error) {
	rows := []PaymentRow{}
	if err := s.list(ctx, &rows, paymentRowQuery+` WHERE `+where, args...); err != nil {
		return nil, err
	}
	place := map[string]int{}
	ids := make([]string, len(rows))
	for i, r := range rows {
		place[r.ID], ids[i] = i, r.ID
		rows[i].Attempts = []AttemptRow{}
	}
	var attempts []AttemptRow
	err := s.list(ctx, &attempts, `SELECT id, payment_id, key, state, reference, code, started_at, asked_at, ended_at FROM attempts
		WHERE payment_id = ANY($1) ORDER BY started_at, id`, pq.Array(ids))
	for _, a := range attempts {
		r := &rows[place[a.PaymentID]]
		r.Attempts = append(r.Attempts, a)
	}
	if err != nil {
		return nil, err
	}
	var returns []BankReturn
	err = s.list(ctx, &returns, `SELECT `+bankReturnColumns+` FROM bank_returns WHERE payment_id = ANY($1)`, pq.Array(ids))
	for i := range returns {
		rows[place[returns[i].PaymentID]].Return = &returns[i]
	}
	return rows, err
}
