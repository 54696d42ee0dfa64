package postgres

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Attempt is one try of a payment on its rail.
type Attempt struct {
	ID             string     `db:"id"`
	PaymentID      string     `db:"payment_id"`
	Key            string     `db:"key"`
	State          string     `db:"state"`
	Reference      string     `db:"reference"`
	Code           string     `db:"code"`
	SentAt         *time.Time `db:"sent_at"`         // wall clock; nil: it certainly never reached the rail
	SendingUntil   *time.Time `db:"sending_until"`   // wall clock; the lease of whoever may be sending it
	ContradictedAt *time.Time `db:"contradicted_at"` // the rail said something else than the payment's end
}

const attemptColumns = `id, payment_id, key, state, reference, code, sent_at, sending_until, contradicted_at`

// OpenAttempt gives the payment's attempt, made now (fresh) or found. A found
// one may have reached the rail: ask before sending again.
func (tx *Tx) OpenAttempt(p *Payment) (a *Attempt, fresh bool, err error) {
	a = &Attempt{}
	err = tx.get(a, `SELECT `+attemptColumns+` FROM attempts WHERE key = $1 FOR UPDATE`, p.Key())
	if !errors.Is(err, sql.ErrNoRows) {
		return a, false, err
	}
	*a = Attempt{ID: NewID(aid.AttemptID), PaymentID: p.ID, Key: p.Key(), State: "submitting"}
	return a, true, tx.one(`INSERT INTO attempts (id, payment_id, key, state, started_at) VALUES ($1, $2, $3, $4, $5)`,
		a.ID, a.PaymentID, a.Key, a.State, tx.Now)
}

// SendTime is how long a sender may take to hand an attempt to its rail. Its
// lease is a little longer, for clocks that differ.
const SendTime = 12 * time.Second

const leaseTime = SendTime + 3*time.Second

// LeaseAttempt is asked before every sending: it lets the caller hand the
// attempt to its rail, within SendTime from before this transaction, and
// nobody else. It gives false while another may be at it.
//
// Until the lease is over, or given back, no person can say that the payment
// has failed.
func (tx *Tx) LeaseAttempt(a *Attempt) (bool, error) {
	if a.BeingSent(tx.Wall) {
		return false, nil
	}
	until := tx.Wall.Add(leaseTime)
	a.SendingUntil = &until
	if a.SentAt == nil {
		a.SentAt = &tx.Wall
	}
	return true, tx.one(`UPDATE attempts SET sending_until = $2, sent_at = $3 WHERE id = $1`, a.ID, a.SendingUntil, a.SentAt)
}

// BeingSent tells whether somebody may be handing the attempt to its rail.
func (a *Attempt) BeingSent(now time.Time) bool {
	return a.SendingUntil != nil && a.SendingUntil.After(now)
}

// EndLease writes the lease as the caller has left it in a, for a sender about
// whose sending nothing else is to be recorded. Unsent says that the rail
// certainly has not heard of the attempt from anybody.
func (tx *Tx) EndLease(a *Attempt, unsent bool) error {
	if unsent {
		a.SentAt = nil
	}
	return tx.one(`UPDATE attempts SET sending_until = $2, sent_at = $3 WHERE id = $1`, a.ID, a.SendingUntil, a.SentAt)
}

// ReleaseLease ends the lease that a still has, if it was given and nobody has
// taken another since. Unsent as in EndLease.
func (tx *Tx) ReleaseLease(a *Attempt, unsent bool) error {
	_, err := tx.exec(`UPDATE attempts SET sending_until = NULL, sent_at = CASE WHEN $3 THEN NULL ELSE sent_at END
		WHERE key = $1 AND sending_until = $2`, a.Key, a.SendingUntil, unsent)
	return err
}

// MoveAttempt records what the rail said of an attempt that is not over. A
// state that the rail knows ends every lease; a doubt ends the lease of the
// attempt only where the caller has cleared it in a.
//
// Errors: Conflict attempt_over.
func (tx *Tx) MoveAttempt(a *Attempt, state, reference, code string) error {
	if state != "unknown" {
		a.SendingUntil = nil
	}
	n, err := tx.exec(`UPDATE attempts SET state = $2, reference = $3, code = $4, asked_at = $5, sending_until = $7,
			ended_at = CASE WHEN $6 THEN $5::timestamptz END
		WHERE id = $1 AND state IN ('submitting', 'accepted', 'unknown')`, a.ID, state, reference, code, tx.Now, over(state), a.SendingUntil)
	if err == nil && n == 0 {
		return aid.Refuse(aid.Conflict, "attempt_over")
	}
	a.State = state
	return err
}

func over(state string) bool { return state == "refused" || state == "failed" || state == "settled" }

// PayeeAccount is where the money goes, in clear text: it lives in memory only,
// on its way to the rail.
type PayeeAccount struct {
	Method        string `json:"method"`
	BankBIN       string `json:"bank_bin"`
	AccountNumber string `json:"account_number"`
	AccountName   string `json:"account_name"`
}

// PayeeAccount opens the sealed account of a payment.
func (tx *Tx) PayeeAccount(id string) (PayeeAccount, error) {
	var row struct {
		Method string `db:"method"`
		Sealed []byte `db:"sealed"`
	}
	var out PayeeAccount
	if err := tx.get(&row, `SELECT method, sealed FROM payee_accounts WHERE id = $1`, id); err != nil {
		return out, err
	}
	plain, err := tx.vault.Open("payee_accounts", "sealed", id, row.Sealed)
	if err != nil {
		return out, err
	}
	err = json.Unmarshal(plain, &out)
	out.Method = row.Method
	return out, err
}

// PayeeMethod gives how the payee of a payment is paid: bank or cash.
func (tx *Tx) PayeeMethod(p *Payment) (string, error) {
	var method string
	return method, tx.get(&method, `SELECT method FROM payee_accounts WHERE id = $1`, p.PayeeAccountID)
}

// EndAttempt ends the open attempt of a payment by word of persons. They
// cannot say that it has failed while somebody may be handing it to the rail.
//
// Errors: Conflict payment_being_sent, attempt_over.
func (tx *Tx) EndAttempt(p *Payment, state, code string) error {
	a, _, err := tx.OpenAttempt(p)
	if err != nil {
		return err
	}
	if state == "failed" && a.BeingSent(tx.Wall) {
		return aid.Refuse(aid.Conflict, "payment_being_sent")
	}
	return tx.MoveAttempt(a, state, a.Reference, code)
}
