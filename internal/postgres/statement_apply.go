package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// waitingLine is a line of a believed file that is still to be applied.
type waitingLine struct {
	Statement string  `db:"statement_id"`
	N         int     `db:"n"`
	Fund      string  `db:"fund_id"`
	Run       *string `db:"run_id"`
	Key       string  `db:"key"`
	Said      string  `db:"said"`
	Returned  bool    `db:"returned"`
	Credit    bool    `db:"credit"`
	Amount    int64   `db:"amount"`
	Currency  string  `db:"currency"`
	Code      string  `db:"code"`
	State     string  `db:"state"`

	BookedOn  *time.Time `db:"booked_on"`
	Booking   []byte     `db:"booking"`
	Sealed    []byte     `db:"sealed"`
	CreatedBy string     `db:"created_by"`
	CreatedAt time.Time  `db:"created_at"`
}

const waitingLineColumns = `l.statement_id, l.n, b.fund_id, b.run_id, l.key, l.said, l.returned, l.credit, l.amount, l.currency, l.code, l.state,
	l.booked_on, l.booking, l.sealed, b.created_by, b.created_at`

// ApplyStatements applies lines of received files to the payments that they
// name, oldest first and each in a transaction of its own, so that a machine
// that dies in between goes on where it was. A line that cannot be applied
// moves nothing and is kept as unmatched, with the code why. It gives how many
// lines it looked at.
func (s *Store) ApplyStatements(ctx context.Context, limit int) (int, error) {
	var lines []waitingLine
	err := s.list(ctx, &lines, `SELECT `+waitingLineColumns+` FROM bank_statements b JOIN bank_statement_lines l ON l.statement_id = b.id
		WHERE b.state = 'received' AND l.state = 'waiting' ORDER BY b.created_at, b.id, l.n LIMIT $1`, limit)
	if err != nil {
		return 0, err
	}
	for _, l := range lines {
		if err := s.applyLine(ctx, l); err != nil {
			return 0, err
		}
	}
	return len(lines), s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`UPDATE bank_statements b SET state = 'applied', applied_at = $1 WHERE b.state = 'received'
			AND NOT EXISTS (SELECT 1 FROM bank_statement_lines l WHERE l.statement_id = b.id AND l.state = 'waiting')`, tx.Wall)
		return err
	})
}

// applyLine applies one line. A refusal is why it is unmatched.
func (s *Store) applyLine(ctx context.Context, l waitingLine) error {
	err := s.Write(ctx, func(tx *Tx) error { return tx.applyLine(l) })
	var refusal *aid.Error
	if !errors.As(err, &refusal) || refusal.Kind == aid.Unavailable || refusal.Kind == aid.Unknown {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error { return tx.endBankLine(l, refusal.Code, "") })
}

func (tx *Tx) endBankLine(l waitingLine, because, payment string) error {
	state := "applied"
	if because != "" {
		state = "unmatched"
	}
	_, err := tx.exec(`UPDATE bank_statement_lines SET state = $3, because = $4, payment_id = nullif($5, '') WHERE statement_id = $1 AND n = $2 AND state = 'waiting'`,
		l.Statement, l.N, state, because, payment)
	return err
}

func (tx *Tx) applyLine(l waitingLine) error {
	var of struct {
		Payment string  `db:"id"`
		Case    string  `db:"case_id"`
		Run     *string `db:"run_id"`
	}
	err := tx.get(&of, `SELECT p.id, p.case_id, n.run_id FROM attempts a JOIN payments p ON p.id = a.payment_id
		LEFT JOIN pay_run_lines n ON n.payment_id = p.id AND n.left_at IS NULL WHERE a.key = $1 AND p.fund_id = $2 AND p.filed`, l.Key, l.Fund)
	switch {
	case notFound(err) && l.Key == "":
		return tx.endBankLine(l, "no_reference", "")
	case notFound(err):
		return tx.endBankLine(l, "unknown_reference", "")
	case err != nil:
		return err
	case l.Run != nil && (of.Run == nil || *of.Run != *l.Run):
		return tx.endBankLine(l, "other_run", of.Payment)
	}
	c, err := tx.LockCase(of.Case)
	if err != nil {
		return err
	}
	p, err := tx.LockPayment(c, of.Payment)
	if err != nil {
		return err
	}
	if err := tx.get(&l.State, `SELECT state FROM bank_statement_lines WHERE statement_id = $1 AND n = $2 FOR UPDATE`, l.Statement, l.N); err != nil || l.State != "waiting" {
		return err // another worker was first
	}
	because, err := tx.hear(c, p, l)
	if err != nil {
		return err
	}
	return tx.endBankLine(l, because, p.ID)
}

// silent tells whether the line is an answer that does not repeat amount and
// currency.
func (l waitingLine) silent() bool {
	return l.Run != nil && l.Amount == 0 && l.Currency == "" && l.BookedOn == nil
}

// hear moves a payment to what its bank says of it, or tells why not. What is
// said of one attempt moves no other.
func (tx *Tx) hear(c *Case, p *Payment, l waitingLine) (because string, err error) {
	a, fresh, err := tx.OpenAttempt(p)
	switch {
	case err != nil:
		return "", err
	case l.silent(): // an answer to the run: its content is what was sent
	case p.Currency != l.Currency:
		return "currency_differs", nil
	case p.Amount != l.Amount:
		return "amount_differs", nil
	}
	switch {
	case l.Returned && p.State == aid.PaymentSettled:
		return "", tx.sentBack(c, p, l)
	case l.Returned && p.State == aid.PaymentReturned:
		return "", nil // it says again what is known
	case l.Returned:
		return "returned", nil
	case l.Credit:
		return "money_came_in", nil
	case fresh || a.SentAt == nil:
		return "not_exported", nil
	case p.OnItsWay():
		return "", tx.believe(c, p, a, l)
	}
	return tx.hearLate(c, p, a, l)
}

// believe ends a payment that is on its way as its bank says.
func (tx *Tx) believe(c *Case, p *Payment, a *Attempt, l waitingLine) error {
	if l.Said == "accepted" {
		return tx.MoveAttempt(a, "accepted", "", l.Code)
	}
	if err := tx.MoveAttempt(a, l.Said, "", l.Code); err != nil {
		return err
	}
	var err error
	if l.Said == "settled" {
		err = tx.Settle(c, p, System)
	} else {
		err = tx.Fail(c, p, "bank_"+l.Said, System)
	}
	if err != nil {
		return err
	}
	return tx.SendSignal(c.WorkflowID, SignalLook)
}

// sentBack books that a bank has returned a payment after it had settled it.
func (tx *Tx) sentBack(c *Case, p *Payment, l waitingLine) error {
	var details BankDetails
	if err := tx.open("bank_statement_lines", "sealed", lineRow(l.Statement, l.N), l.Sealed, &details); err != nil {
		return err
	}
	on := l.CreatedAt
	if l.BookedOn != nil {
		on = *l.BookedOn
	}
	return tx.Return(c, p, BankReturn{Reference: details.Reference, ReturnedOn: on, Reason: returnReason(l.Code), RecordedBy: l.CreatedBy})
}

// returnReason names a bank's reason (ISO 20022) in the words of a return.
func returnReason(code string) string {
	switch code {
	case "AC04", "AC07":
		return "account_closed"
	case "AC01", "AC02", "AC03":
		return "account_unknown"
	case "BE01", "BE06":
		return "account_name_mismatch"
	case "MS02":
		return "refused_by_payee"
	}
	return "other"
}

// hearLate takes what a bank says of a payment that has ended. It never moves
// it; where the bank and the books differ, persons look.
func (tx *Tx) hearLate(c *Case, p *Payment, a *Attempt, l waitingLine) (because string, err error) {
	paid := l.Said == "settled" || l.Said == "accepted"
	if twice, err := tx.bookedTwice(p, l); err != nil || twice {
		return "booked_twice", err
	}
	switch {
	case p.State == aid.PaymentSettled && paid, p.State == aid.PaymentFailed && !paid:
		return "", nil // it says again what is known
	case p.State == aid.PaymentSettled:
		return "payment_contradicted", tx.TellContradiction(c, p, l.Said)
	case p.State == aid.PaymentFailed && a.State != l.Said:
		return "payment_contradicted", tx.Contradict(c, p, a, l.Said, "", l.Code)
	}
	return "wrong_payment_state", nil
}

// bookedTwice tells whether a bank has booked a payment that had settled once
// more, as another movement: it has paid it twice. Another file with the same
// movement says again what is known.
func (tx *Tx) bookedTwice(p *Payment, l waitingLine) (bool, error) {
	if l.Said != "settled" || l.Booking == nil || p.State != aid.PaymentSettled {
		return false, nil
	}
	var other bool
	return other, tx.get(&other, `SELECT EXISTS (SELECT 1 FROM bank_statement_lines WHERE payment_id = $1 AND state = 'applied' AND said = 'settled'
		AND NOT credit AND booking IS NOT NULL AND booking <> $2)`, p.ID, l.Booking)
}
