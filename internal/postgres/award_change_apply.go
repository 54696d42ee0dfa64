package postgres

import (
	"encoding/json"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

// ChangeGoesOn tells what comes next for a change of which a decision has just
// been made: it opens the next levels, or gives true when all have approved and
// a new account is confirmed.
func (tx *Tx) ChangeGoesOn(c *Case, x *AwardChange) (bool, error) {
	var levels []aid.Level
	if err := json.Unmarshal(x.Levels, &levels); err != nil {
		return false, err
	}
	var asked []struct {
		Level string `db:"level"`
		Done  bool   `db:"done"`
	}
	err := tx.list(&asked, `SELECT level, closed_at IS NOT NULL AS done FROM tasks WHERE case_id = $1 AND subject = $2 AND kind IN ('approve', 'confirm_account')`, c.ID, x.ID)
	if err != nil {
		return false, err
	}
	done, open, approving := map[string]bool{}, 0, 0
	for _, t := range asked {
		switch {
		case t.Done:
			done[t.Level] = true
		case t.Level != "":
			approving++
			fallthrough
		default:
			open++
		}
	}
	if approving > 0 {
		return false, nil
	}
	rest := aid.Pick(levels, func(l aid.Level) bool { return !done[l.Name] })
	if len(rest) > 0 {
		return false, tx.AskLevelsOfChange(c, x.ID, aid.Group(rest, 0))
	}
	return open == 0, nil
}

// WaitForChange makes the decisions that a change still needs what the case
// waits for.
func (tx *Tx) WaitForChange(c *Case, x *AwardChange) error {
	var t struct {
		ID    string `db:"id"`
		Level string `db:"level"`
	}
	err := tx.get(&t, `SELECT id, level FROM tasks WHERE case_id = $1 AND subject = $2 AND closed_at IS NULL ORDER BY opened_at, id LIMIT 1`, c.ID, x.ID)
	if err != nil {
		return err
	}
	return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerOffice, Task: t.ID, Level: t.Level})
}

// EndChange rejects a change, or voids it: everything stays as it was.
func (tx *Tx) EndChange(c *Case, x *AwardChange, state, actor, reason string) error {
	x.State = state
	if err := tx.one(`UPDATE award_changes SET state = $2, ended_at = $3 WHERE id = $1 AND state = 'open'`, x.ID, state, tx.Now); err != nil {
		return err
	}
	if err := tx.EndTasksAbout(c, x.ID, "void"); err != nil {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "award.change_" + state, Actor: actor, Data: map[string]any{"change": x.ID, "kind": x.Kind, "amount": x.Amount, "reason_code": reason}})
}

// EndChanges voids what is open of changes of a case that ends.
func (tx *Tx) EndChanges(c *Case) error {
	_, err := tx.exec(`UPDATE award_changes SET state = 'void', ended_at = $2 WHERE case_id = $1 AND state = 'open'`, c.ID, tx.Now)
	return err
}

// ApplyChange makes an approved change a fact. It gives false, and rejects the
// change, when a tranche that it is about was paid or given up meanwhile.
//
// Errors: Conflict money_short when the fund has too little for a higher sum;
// the approval may be tried again.
func (tx *Tx) ApplyChange(c *Case, a *Award, x *AwardChange, actor string) (bool, error) {
	plan, tranches, err := tx.planOf(a, x)
	if err != nil {
		return false, err
	}
	if tranches == nil {
		return false, tx.EndChange(c, x, "rejected", System, "overtaken")
	}
	if err := tx.EndChange(c, x, "applied", actor, x.Reason); err != nil {
		return false, err
	}
	c.Review++ // so that the same milestone may be asked for again
	if x.AccountID != nil {
		return true, tx.applyPayee(c, a, x, actor)
	}
	return true, tx.applyPlan(c, a, x, plan, tranches, actor)
}

// planOf gives the plan of a change and the tranches that it is about; none when
// one of them cannot be changed any more.
func (tx *Tx) planOf(a *Award, x *AwardChange) ([]ChangedTranche, map[string]Tranche, error) {
	var plan []ChangedTranche
	if x.Plan != nil {
		if err := json.Unmarshal(x.Plan, &plan); err != nil {
			return nil, nil, err
		}
	}
	open, err := tx.unpaid(a)
	if err != nil {
		return nil, nil, err
	}
	of := map[string]Tranche{}
	for _, t := range open {
		of[t.ID] = t
	}
	for _, p := range plan {
		if _, there := of[p.Tranche]; p.Tranche != "" && !there {
			return nil, nil, nil
		}
	}
	return plan, of, nil
}

func (tx *Tx) applyPayee(c *Case, a *Award, x *AwardChange, actor string) error {
	c.PayeeAccountID = x.AccountID
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	hash, err := tx.BoundHash(c)
	if err != nil {
		return err
	}
	a.BoundHash = hash
	if err := tx.one(`UPDATE awards SET bound_hash = $2 WHERE id = $1`, a.ID, hash); err != nil {
		return err
	}
	if err := tx.refreshKeys(c); err != nil {
		return err
	}
	if err := tx.FindConflicts(c); err != nil {
		return err
	}
	live, err := tx.LivePayment(c)
	if err != nil || live == nil {
		return err
	}
	return tx.callOff(c, live, "payee_changed", actor) // whoever prepares it anew prepares it for the new payee
}

func (tx *Tx) applyPlan(c *Case, a *Award, x *AwardChange, plan []ChangedTranche, of map[string]Tranche, actor string) error {
	more := x.Amount - a.Amount
	a.Amount, c.Amount = x.Amount, &x.Amount
	if err := tx.one(`UPDATE awards SET amount = $2 WHERE id = $1`, a.ID, a.Amount); err != nil {
		return err
	}
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	n := 0
	if err := tx.get(&n, `SELECT max(n) FROM tranches WHERE award_id = $1`, a.ID); err != nil {
		return err
	}
	for _, p := range plan {
		t, there := of[p.Tranche]
		if !there {
			n++
			err := tx.one(`INSERT INTO tranches (id, award_id, n, amount, milestone, state) VALUES ($1, $2, $3, $4, $5, 'planned')`,
				NewID(aid.TrancheID), a.ID, n, p.Amount, p.Milestone)
			if err != nil {
				return err
			}
			continue
		}
		if err := tx.replan(c, t, p, actor); err != nil {
			return err
		}
	}
	switch key := a.ID + "/" + x.ID; {
	case more > 0:
		return tx.reserveMore(c, a, more, key, actor)
	case more < 0:
		return tx.release(c, a, -more, key, actor)
	}
	return nil
}

// replan gives a tranche its new amount and milestone. Evidence that was seen
// is seen; another milestone is asked for in its turn.
func (tx *Tx) replan(c *Case, t Tranche, p ChangedTranche, actor string) error {
	if t.Amount == p.Amount && t.Milestone == p.Milestone {
		return nil
	}
	if p.Amount == 0 {
		if err := tx.forget(c, &t, "plan_changed", actor); err != nil {
			return err
		}
		return tx.one(`UPDATE tranches SET state = 'skipped', released = amount, held = false, held_reason = '' WHERE id = $1`, t.ID)
	}
	if t.State != "evidence_due" || t.Milestone != p.Milestone { // else the milestone that is asked for stays the question
		if err := tx.forget(c, &t, "plan_changed", actor); err != nil {
			return err
		}
	}
	state := t.State
	if t.Milestone != p.Milestone {
		state = "planned"
	}
	return tx.one(`UPDATE tranches SET amount = $2, milestone = $3, state = $4 WHERE id = $1`, t.ID, p.Amount, p.Milestone, state)
}

// reserveMore sets more money aside for an award, of the budget of its year.
//
// Errors: Conflict money_short.
func (tx *Tx) reserveMore(c *Case, a *Award, amount int64, key, actor string) error {
	year, err := tx.businessYear(c)
	if err != nil {
		return err
	}
	room, err := tx.room(c, a, year)
	if err != nil {
		return err
	}
	shares, ok := ledger.Take(amount, room.pots)
	if room.Closing || room.Room < amount || !ok {
		return aid.Refuse(aid.Conflict, "money_short")
	}
	return tx.Post(ledger.Reserve(a.FundID, money.Of(amount, a.Currency), key).From(shares...), c.ID, actor)
}
