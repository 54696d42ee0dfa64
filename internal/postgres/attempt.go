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
	ID        string    `db:"id"`
	PaymentID string    `db:"payment_id"`
	Key       string    `db:"key"`
	State     string    `db:"state"`
	Reference string    `db:"reference"`
	Code      string    `db:"code"`
	StartedAt time.Time `db:"started_at"`
}

// OpenAttempt gives the payment's attempt, made now (fresh) or found. A found
// one may have reached the rail: ask before sending again.
func (tx *Tx) OpenAttempt(p *Payment) (a *Attempt, fresh bool, err error) {
	a = &Attempt{}
	err = tx.get(a, `SELECT id, payment_id, key, state, reference, code, started_at FROM attempts WHERE key = $1 FOR UPDATE`, p.Key())
	if !errors.Is(err, sql.ErrNoRows) {
		return a, false, err
	}
	*a = Attempt{ID: NewID(aid.AttemptID), PaymentID: p.ID, Key: p.Key(), State: "submitting", StartedAt: tx.Now}
	return a, true, tx.one(`INSERT INTO attempts (id, payment_id, key, state, started_at) VALUES ($1, $2, $3, $4, $5)`,
		a.ID, a.PaymentID, a.Key, a.State, a.StartedAt)
}

// MoveAttempt records what the rail said of an attempt that is not over.
func (tx *Tx) MoveAttempt(a *Attempt, state, reference, code string) error {
	over := state == "refused" || state == "failed" || state == "settled"
	n, err := tx.exec(`UPDATE attempts SET state = $2, reference = $3, code = $4, asked_at = $5, ended_at = CASE WHEN $6 THEN $5::timestamptz END
		WHERE id = $1 AND state IN ('submitting', 'accepted', 'unknown')`, a.ID, state, reference, code, tx.Now, over)
	if err == nil && n == 0 {
		return aid.Refuse(aid.Conflict, "attempt_over")
	}
	a.State = state
	return err
}

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

// EndAttempt ends the open attempt of a payment by word of persons.
func (tx *Tx) EndAttempt(p *Payment, state, code string) error {
	a, _, err := tx.OpenAttempt(p)
	if err != nil {
		return err
	}
	return tx.MoveAttempt(a, state, a.Reference, code)
}
