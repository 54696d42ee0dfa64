package postgres_test

import (
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// award reserves the money: the disbursement begins.
func (l *life) award() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.MoveCase(c, aid.EventAward); err != nil {
			return err
		}
		return l.waits(tx, c, aid.OwnerOffice)
	})
}

// The disbursement awaits the household for a milestone, the bank for a payment
// that is on its way, the office for the next one, and for a moment the program.
func (l *life) household() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error { return l.waits(tx, c, aid.OwnerHousehold) })
}
func (l *life) program() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error { return l.waits(tx, c, aid.OwnerSystem) })
}

func (l *life) bank() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		if c.Status == aid.Approved {
			if err := tx.MoveCase(c, aid.EventInstruct); err != nil {
				return err
			}
		}
		return l.waits(tx, c, aid.OwnerRail)
	})
}

func (l *life) pay() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		_, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.RecoverMoney, Workflow: c.WorkflowID, Subject: postgres.NewID(aid.PaymentID), Rule: map[string]any{}})
		if err != nil {
			return err
		}
		return tx.WaitForOpenTask(c, aid.OwnerOffice)
	})
}

func (l *life) waits(tx *postgres.Tx, c *postgres.Case, owner aid.Owner) error {
	if err := tx.EndTasks(c, "void"); err != nil {
		return err
	}
	return tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: owner})
}
