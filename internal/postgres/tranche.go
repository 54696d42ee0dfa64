package postgres

import (
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

// Tranche is one instalment of an award.
type Tranche struct {
	ID        string `db:"id"`
	AwardID   string `db:"award_id"`
	N         int    `db:"n"`
	Amount    int64  `db:"amount"` // minor units of the award's currency
	Milestone string `db:"milestone"`
	State     string `db:"state"`
	Held      bool   `db:"held"`
}

const trancheColumns = `id, award_id, n, amount, milestone, state, held`

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
	err := tx.list(&all, `SELECT `+trancheColumns+` FROM tranches WHERE award_id = $1 ORDER BY n`, a.ID)
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
	err = tx.get(&released, `WITH skipped AS (
			UPDATE tranches SET state = 'skipped' WHERE award_id = $1 AND state IN ('planned', 'evidence_due', 'due') RETURNING amount)
		SELECT coalesce(sum(amount), 0)::bigint FROM skipped`, a.ID)
	if err != nil || released == 0 {
		return released, err
	}
	err = tx.Post(ledger.Release(a.FundID, money.Of(released, a.Currency), a.ID+"/release"), c.ID, actor)
	if err != nil {
		return released, err
	}
	return released, tx.WakeWaiting(a.FundID)
}

// AnythingPaid tells whether a tranche of the award was settled.
func (tx *Tx) AnythingPaid(a *Award) (bool, error) {
	var paid bool
	err := tx.get(&paid, `SELECT EXISTS (SELECT 1 FROM tranches WHERE award_id = $1 AND state = 'settled')`, a.ID)
	return paid, err
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
