package postgres

import (
	"crypto/sha256"
	"database/sql"
	"errors"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

// Award is what the approvals of a case's round grant.
type Award struct {
	ID        string `db:"id"`
	CaseID    string `db:"case_id"`
	Round     int    `db:"round"`
	FundID    string `db:"fund_id"`
	Amount    int64  `db:"amount"` // minor units
	Currency  string `db:"currency"`
	BoundHash []byte `db:"bound_hash"`
	State     string `db:"state"`
	Changed   bool   `db:"changed"` // a person has changed its tranches, and its workflow has not looked since
}

const awardColumns = `id, case_id, round, fund_id, amount, currency, bound_hash, state`

// Money gives the award's amount with its currency.
func (a *Award) Money() money.Money { return money.Of(a.Amount, a.Currency) }

// BoundHash is what an approval binds besides the amount: payee, account,
// fund and currency. Any change of them voids it.
func (tx *Tx) BoundHash(c *Case) ([]byte, error) {
	account, err := tx.payeeHash(c)
	return (&footing{account: account}).boundHash(c), err
}

// payeeHash gives the keyed hash of the payee's account; nil without one.
func (tx *Tx) payeeHash(c *Case) (account []byte, err error) {
	if c.PayeeAccountID != nil {
		err = tx.get(&account, `SELECT account_hash FROM payee_accounts WHERE id = $1`, *c.PayeeAccountID)
	}
	return account, err
}

// boundHash is BoundHash with what was read for a decision.
func (g *footing) boundHash(c *Case) []byte {
	h := sha256.New()
	h.Write(g.account)
	if c.FundID != nil {
		h.Write([]byte(*c.FundID))
	}
	h.Write([]byte(c.Currency))
	return h.Sum(nil)
}

// ProposeAward records what the last level granted; a proposal that was never
// reserved is replaced.
func (tx *Tx) ProposeAward(c *Case) (*Award, error) {
	hash, err := tx.BoundHash(c)
	if err != nil {
		return nil, err
	}
	a := Award{ID: NewID(aid.AwardID), CaseID: c.ID, Round: c.Round, FundID: *c.FundID, Amount: c.Asking(), Currency: c.Currency,
		BoundHash: hash, State: "proposed"}
	return &a, tx.get(&a.ID, `INSERT INTO awards (`+awardColumns+`, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (case_id, round) DO UPDATE SET fund_id = $4, amount = $5, bound_hash = $7 WHERE awards.state = 'proposed' RETURNING id`,
		a.ID, a.CaseID, a.Round, a.FundID, a.Amount, a.Currency, a.BoundHash, a.State, tx.Now)
}

// AwardOf gives the award of the case's current round.
//
// Errors: NotFound award_not_found.
func (tx *Tx) AwardOf(c *Case) (*Award, error) {
	var a Award
	err := tx.get(&a, `SELECT `+awardColumns+`, changed FROM awards WHERE case_id = $1 AND round = $2`, c.ID, c.Round)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, aid.Refuse(aid.NotFound, "award_not_found")
	}
	return &a, err
}

// Reserve sets the award's money aside. It gives false, and changes nothing,
// when the fund, the year's budget of the programme or the purposes of the money
// leave too little, or when another case of the waiting list comes first: the
// decision stands and the case waits.
//
// Bound money is taken before free money: what is bound to the programme and an
// area first, then to an area, the nearest first, then to the programme.
//
// Order of the list: urgent cases first, then the time of the decision. Who
// stands further behind gets only what nobody before may use. A case that was
// skipped holds back nobody while the money does not suffice for it; one whose
// programme's budget does not suffice holds back its own programme only.
//
// A fund that is closing takes no new reservation. A case that waits for it
// waits on; one that is being decided goes to another fund.
//
// Errors: Conflict fund_closing.
func (tx *Tx) Reserve(c *Case, a *Award, actor string) (bool, error) {
	year, err := tx.businessYear(c)
	if err != nil {
		return false, err
	}
	room, err := tx.room(c, a, year) // locks the fund: two approvals cannot both be first
	if err != nil {
		return false, err
	}
	if room.Closing && c.Status != aid.WaitingFunds {
		return false, aid.Refuse(aid.Conflict, "fund_closing")
	}
	shares, ok := ledger.Take(a.Amount, room.pots)
	if room.Closing || room.Room < a.Amount || !ok {
		return false, nil
	}
	a.State = "reserved"
	if err := tx.one(`UPDATE awards SET state = $2, budget_year = $3 WHERE id = $1`, a.ID, a.State, year); err != nil {
		return false, err
	}
	return true, tx.Post(ledger.Reserve(a.FundID, a.Money(), a.ID+"/reserve").From(shares...), c.ID, actor)
}

func (tx *Tx) setAward(a *Award, state string) error {
	a.State = state
	return tx.one(`UPDATE awards SET state = $2 WHERE id = $1`, a.ID, state)
}

// StartAward and the two after it move an award along its life.
func (tx *Tx) StartAward(a *Award) error { return tx.setAward(a, "running") }

// CompleteAward marks an award as paid: every tranche of it is settled or
// skipped. PostgreSQL looks itself.
//
// Errors: Conflict tranches_open.
func (tx *Tx) CompleteAward(a *Award) error {
	n, err := tx.exec(`UPDATE awards SET state = 'completed' WHERE id = $1
		AND NOT EXISTS (SELECT 1 FROM tranches WHERE award_id = $1 AND state NOT IN ('settled', 'skipped'))`, a.ID)
	if err == nil && n == 0 {
		return aid.Refuse(aid.Conflict, "tranches_open")
	}
	a.State = "completed"
	return err
}

// Look has the workflow of an award look at its tranches: a person has changed
// them.
func (tx *Tx) Look(c *Case, a *Award) error {
	a.Changed = true
	if err := tx.one(`UPDATE awards SET changed = true WHERE id = $1`, a.ID); err != nil {
		return err
	}
	return tx.SendSignal(c.WorkflowID, SignalLook)
}

// Looked records that the workflow has.
func (tx *Tx) Looked(a *Award) error {
	a.Changed = false
	return tx.one(`UPDATE awards SET changed = false WHERE id = $1`, a.ID)
}

// CancelAward ends an award before it was paid in full.
func (tx *Tx) CancelAward(a *Award) error { return tx.setAward(a, "cancelled") }
