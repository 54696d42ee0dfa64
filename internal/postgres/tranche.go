package postgres

import (
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

// Tranche is one instalment of an award.
type Tranche struct {
	ID         string `db:"id"`
	AwardID    string `db:"award_id"`
	N          int    `db:"n"`
	Amount     int64  `db:"amount"` // minor units of the award's currency
	Milestone  string `db:"milestone"`
	State      string `db:"state"`
	Held       bool   `db:"held"`
	HeldReason string `db:"held_reason"` // a code; "" when it is not held
	Released   int64  `db:"released"`    // what of the amount was given back to the fund
	Paid       int64  `db:"paid"`        // what of the amount has arrived
	Version    int    `db:"version"`
}

const trancheColumns = `t.id, t.award_id, t.n, t.amount, t.milestone, t.state, t.held, t.held_reason, t.released, t.version,
	(SELECT coalesce(sum(amount), 0) FROM payments WHERE tranche_id = t.id AND state = 'settled')::bigint AS paid`

// Rest gives what is still to be paid of the tranche.
func (t *Tranche) Rest() int64 { return t.Amount - t.Released - t.Paid }

// PlanTranches writes the instalments of an award, as the programme plans
// them.
func (tx *Tx) PlanTranches(c *Case, a *Award) error {
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	plan, err := def.Tranches(a.Amount)
	if err != nil {
		return err
	}
	for _, p := range plan {
		err := tx.one(`INSERT INTO tranches (id, award_id, n, amount, milestone, state) VALUES ($1, $2, $3, $4, $5, 'planned')`,
			NewID(aid.TrancheID), a.ID, p.No, p.Amount.Amount, p.Milestone)
		if err != nil {
			return err
		}
	}
	return nil
}

// Tranches gives the instalments of an award in their order.
func (tx *Tx) Tranches(a *Award) ([]Tranche, error) {
	var all []Tranche
	err := tx.list(&all, `SELECT `+trancheColumns+` FROM tranches t WHERE award_id = $1 ORDER BY n`, a.ID)
	return all, err
}

// MoveTranche takes a tranche from one state to another, or refuses.
//
// Errors: Conflict wrong_tranche_state.
func (tx *Tx) MoveTranche(id, from, to string) error {
	n, err := tx.exec(`UPDATE tranches SET state = $3 WHERE id = $1 AND state = $2`, id, from, to)
	if err == nil && n == 0 {
		return aid.Refuse(aid.Conflict, "wrong_tranche_state", "wanted", from)
	}
	return err
}

// SkipRest gives up every tranche that is not paid and not being paid, and
// gives their money back to the fund, together with the award's reservation.
func (tx *Tx) SkipRest(c *Case, a *Award, actor string) (released int64, err error) {
	return tx.giveUp(c, a, `award_id = $1 AND state IN ('planned', 'evidence_due', 'due')`, a.ID, a.ID+"/release", actor)
}

// giveUp ends tranches t that fit a condition on $1: one of which a part was
// paid is settled with that, every other is skipped. What they would have paid
// goes back to the fund under a key, and wakes its waiting list.
func (tx *Tx) giveUp(c *Case, a *Award, which, argument, key, actor string) (released int64, err error) {
	err = tx.get(&released, `WITH ends AS (
			SELECT t.id, t.amount - t.released - p.paid AS rest, p.paid FROM tranches t,
				LATERAL (SELECT coalesce(sum(amount), 0)::bigint AS paid FROM payments WHERE tranche_id = t.id AND state = 'settled') p WHERE `+which+`),
		ended AS (
			UPDATE tranches t SET state = CASE WHEN e.paid > 0 THEN 'settled' ELSE 'skipped' END, released = t.released + e.rest, held = false, held_reason = ''
			FROM ends e WHERE t.id = e.id RETURNING e.rest)
		SELECT coalesce(sum(rest), 0)::bigint FROM ended`, argument)
	if err != nil || released == 0 {
		return released, err
	}
	return released, tx.release(c, a, released, key, actor)
}

// release gives reserved money of an award back to its fund.
func (tx *Tx) release(c *Case, a *Award, amount int64, key, actor string) error {
	if err := tx.Post(ledger.Release(a.FundID, money.Of(amount, a.Currency), key), c.ID, actor); err != nil {
		return err
	}
	return tx.WakeWaiting(a.FundID)
}

// Paid gives how much of the award has arrived.
func (tx *Tx) Paid(a *Award) (int64, error) {
	var paid int64
	return paid, tx.get(&paid, `SELECT coalesce(sum(amount), 0)::bigint FROM payments WHERE award_id = $1 AND state = 'settled'`, a.ID)
}

// AnythingPaid tells whether a payment of the award has arrived.
func (tx *Tx) AnythingPaid(a *Award) (bool, error) {
	paid, err := tx.Paid(a)
	return paid > 0, err
}

// TrancheOf gives one tranche of an award.
//
// Errors: NotFound tranche_not_found.
func (tx *Tx) TrancheOf(a *Award, id string) (*Tranche, error) {
	tranches, err := tx.Tranches(a)
	if err != nil {
		return nil, err
	}
	for i := range tranches {
		if tranches[i].ID == id {
			return &tranches[i], nil
		}
	}
	return nil, aid.Refuse(aid.NotFound, "tranche_not_found")
}

// Over tells whether nothing more is paid of a tranche.
func (t *Tranche) Over() bool { return t.State == "settled" || t.State == "skipped" }
