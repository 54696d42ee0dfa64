package postgres_test

import (
	"sync"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// arrived makes a case whose payment has arrived, and which is closed.
func arrived(t *testing.T, db *pgtest.DB, i int) (c *postgres.CreatedCase, payment string) {
	t.Helper()
	c, payment = reserved(t, db, i)
	_, err := db.SQL(t).Exec(`ALTER TABLE payments DISABLE TRIGGER USER; UPDATE payments SET state = 'settled', instructed_at = created_at, ended_at = created_at;
		ALTER TABLE payments ENABLE TRIGGER USER; UPDATE tranches SET state = 'settled'; UPDATE awards SET state = 'completed'`)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(c.ID)
		if err != nil {
			return err
		}
		p, err := tx.LockPayment(c, payment)
		if err != nil {
			return err
		}
		for _, post := range []ledger.Transaction{ledger.Instruct(p.FundID, p.Money(), p.Key()+"/instruct"), ledger.SettleFromBank(p.FundID, p.Money(), p.Key()+"/settle")} {
			if err := tx.Post(post, c.ID, postgres.System); err != nil {
				return err
			}
		}
		for _, event := range []string{aid.EventInstruct, aid.EventPaid, aid.EventClose} {
			if err := tx.MoveCase(c, event); err != nil {
				return err
			}
		}
		if err := tx.EndTasks(c, "void"); err != nil {
			return err
		}
		return tx.EndWait(c.ID)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, payment
}

// saysReturned writes what persons say of a return; second is who confirmed,
// and when, as SQL.
func saysReturned(second string) string {
	return `INSERT INTO bank_returns (payment_id, case_id, reference, returned_on, reason_code, source, recorded_by, recorded_at, confirmed_by, confirmed_at)
		SELECT id, case_id, 'FT1', '2026-03-02', 'other', 'persons', 'treasurer1', now(), ` + second + ` FROM payments`
}

// No payment is returned by word of one person, whoever writes the rows, and
// what was said stays.
func TestTheDatabaseAloneKeepsReturnsTrue(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, payment := arrived(t, db, 0)
	const returned = `UPDATE payments SET state = 'returned'`
	breaks(t, db, "payments_returned_by_two", returned)
	breaks(t, db, "payments_returned_by_two", saysReturned(`NULL, NULL`), returned)
	breaks(t, db, "bank_returns_two_persons", saysReturned(`'treasurer1', now()`))
	breaks(t, db, "bank_returns_two_persons", saysReturned(`'releaser1', NULL`))
	breaks(t, db, "bank_returns_stay", saysReturned(`'releaser1', now()`), returned, `UPDATE bank_returns SET reference = 'FT2'`)
	refusesRole(t, db, `UPDATE bank_returns SET payment_id = payment_id`)
	refusesRole(t, db, `DELETE FROM bank_returns WHERE payment_id = '`+payment+`'`)
}

// However many say it at once, a payment comes back once: by two persons, and
// by a statement beside them.
func TestACrowdReturnsOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c, payment := arrived(t, db, 0)
	said := postgres.NewReturn{Reference: "FT1", ReturnedOn: db.Now().Format("2006-01-02"), Reason: "other", Amount: money.Of(6_000_000, "VND")}
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, who := range []string{"treasurer1", "treasurer2", "releaser1", "manager1"} {
		caller := db.Staff(t, who)
		for range 4 {
			all.Go(func() {
				<-start
				if _, _, err := db.RecordReturn(t.Context(), caller, payment, said); err != nil && aid.CodeOf(err) != "wrong_payment_state" {
					t.Error(err)
				}
			})
			all.Go(func() {
				<-start
				err := db.Write(t.Context(), func(tx *postgres.Tx) error {
					c, err := tx.LockCase(c.ID)
					if err != nil {
						return err
					}
					p, err := tx.LockPayment(c, payment)
					if err != nil {
						return err
					}
					return tx.Return(c, p, postgres.BankReturn{Reference: "FT9", ReturnedOn: tx.Now, Reason: "other", RecordedBy: caller.Actor()})
				})
				if err != nil && aid.CodeOf(err) != "wrong_payment_state" {
					t.Error(err)
				}
			})
		}
	}
	close(start)
	all.Wait()
	var got string
	err := db.SQL(t).QueryRow(`SELECT (SELECT count(*) FROM ledger_transactions WHERE kind = 'return') || ' ' || (SELECT count(*) FROM events WHERE kind = 'payment.returned')
		|| ' ' || (SELECT count(*) FROM workflows WHERE kind = 'recovery') || ' ' || (SELECT count(*) FROM tasks WHERE kind = 'resolve_payment')
		|| ' ' || (SELECT reserved || '/' || spent || '/' || cash FROM fund_balances)`).Scan(&got)
	if err != nil || got != "1 1 1 1 6000000/0/500000000" {
		t.Errorf("%s, %v", got, err)
	}
}
