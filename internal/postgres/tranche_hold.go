package postgres

import (
	"context"
	"strconv"

	"github.com/aidflow/aidflow/aid"
)

// What persons do with a tranche that is not paid: they hold it, let it go, or
// give it up. None of it needs the engine: the facts are written here, and the
// workflow is told to look.

// HeldByReturn is why a tranche is held whose money came back from the bank.
// No person lets it go: resolve_payment does.
const HeldByReturn = "bank_return"

// HoldTranche keeps a tranche from being paid, with a coded reason, as a
// treasurer or a manager wants it: nothing of it is made due, queued or
// instructed until it is let go. What the household has to show for it may be
// shown meanwhile. Version is the one that the caller saw; 0 is not compared.
//
// Errors: NotFound tranche_not_found; Forbidden wrong_role,
// conflict_of_interest; Stale stale; Conflict wrong_state when the case is not
// being paid, wrong_tranche_state (params state) when it is paid, on its way or
// given up, tranche_held.
func (s *Store) HoldTranche(ctx context.Context, caller *Caller, id string, version int, reason string) (*TrancheRow, error) {
	return s.changeTranche(ctx, caller, id, version, func(tx *Tx, c *Case, _ *Award, t *Tranche) error {
		if err := tx.mayHold(c, caller, t); err != nil {
			return err
		}
		if t.Held {
			return aid.Refuse(aid.Conflict, "tranche_held")
		}
		if err := tx.Hold(t, reason); err != nil {
			return err
		}
		if err := tx.trancheEvent(c, caller, t, "tranche.held", reason); err != nil || t.State != "due" {
			return err
		}
		return tx.WaitForHold(c)
	})
}

// UnholdTranche lets a held tranche go; what was kept back is made due.
//
// Errors: as HoldTranche, but Conflict tranche_not_held, and bank_return_open
// while its money came back and two persons have not said what becomes of it.
func (s *Store) UnholdTranche(ctx context.Context, caller *Caller, id string, version int, reason string) (*TrancheRow, error) {
	return s.changeTranche(ctx, caller, id, version, func(tx *Tx, c *Case, a *Award, t *Tranche) error {
		if err := tx.mayHold(c, caller, t); err != nil {
			return err
		}
		if !t.Held {
			return aid.Refuse(aid.Conflict, "tranche_not_held")
		}
		if err := tx.Unhold(t); err != nil {
			return err
		}
		if err := tx.trancheEvent(c, caller, t, "tranche.unheld", reason); err != nil || t.State != "due" {
			return err
		}
		if err := tx.WaitForOpenTask(c, aid.OwnerOffice); err != nil {
			return err
		}
		return tx.Look(c, a)
	})
}

// SkipTranche gives a tranche up, with a coded reason: what is not paid of it
// goes back to the fund, and the award goes on with the next. A manager does it
// who holds no duty in the case: whoever has verified, approved or paid has a
// part in what was promised.
//
// Errors: as HoldTranche without tranche_held; Forbidden four_eyes; Conflict
// payment_contradicted while a rail contradicts the books, bank_return_open,
// change_open.
func (s *Store) SkipTranche(ctx context.Context, caller *Caller, id string, version int, reason string) (*TrancheRow, error) {
	return s.changeTranche(ctx, caller, id, version, func(tx *Tx, c *Case, a *Award, t *Tranche) error {
		if err := tx.maySkip(c, caller, t); err != nil {
			return err
		}
		if err := tx.forget(c, t, reason, caller.Actor()); err != nil {
			return err
		}
		if _, err := tx.giveUp(c, a, `t.id = $1`, t.ID, a.ID+"/"+strconv.Itoa(t.N)+"/skip", caller.Actor()); err != nil {
			return err
		}
		if err := tx.trancheEvent(c, caller, t, "tranche.skipped", reason); err != nil {
			return err
		}
		if err := tx.WaitForOpenTask(c, aid.OwnerOffice); err != nil {
			return err
		}
		return tx.Look(c, a)
	})
}

// changeTranche locks the case of a tranche that the caller may see, and has
// somebody change the tranche.
func (s *Store) changeTranche(ctx context.Context, caller *Caller, id string, version int, change func(*Tx, *Case, *Award, *Tranche) error) (*TrancheRow, error) {
	row, err := s.Tranche(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.CaseID)
		if err != nil {
			return err
		}
		a, err := tx.AwardOf(c)
		if err != nil {
			return err
		}
		t, err := tx.TrancheOf(a, id)
		switch {
		case err != nil:
			return err
		case version != 0 && version != t.Version:
			return aid.Refuse(aid.Stale, "stale")
		}
		return change(tx, c, a, t)
	})
	if err != nil {
		return nil, err
	}
	return s.Tranche(ctx, caller, id)
}

func (tx *Tx) mayHold(c *Case, caller *Caller, t *Tranche) error {
	if !caller.HasFor(c.Area, c.Programme, aid.RoleTreasurer, aid.RoleManager) {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	return tx.notYetPaid(c, caller, t)
}

func (tx *Tx) maySkip(c *Case, caller *Caller, t *Tranche) error {
	if !caller.HasFor(c.Area, c.Programme, aid.RoleManager) {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	var holds bool
	if err := tx.get(&holds, `SELECT EXISTS (SELECT 1 FROM case_holders WHERE case_id = $1 AND person = $2)`, c.ID, caller.Actor()); err != nil {
		return err
	}
	if holds {
		return aid.Refuse(aid.Forbidden, "four_eyes")
	}
	if err := tx.notYetPaid(c, caller, t); err != nil {
		return err
	}
	var open bool
	if err := tx.get(&open, `SELECT EXISTS (SELECT 1 FROM award_changes WHERE case_id = $1 AND state = 'open')`, c.ID); err != nil {
		return err
	}
	if open {
		return aid.Refuse(aid.Conflict, "change_open")
	}
	return tx.refuseContradicted(c)
}

// notYetPaid refuses what a relative wants, and a tranche that no person can
// change any more.
func (tx *Tx) notYetPaid(c *Case, caller *Caller, t *Tranche) error {
	var related bool
	if err := tx.get(&related, `SELECT conflicted($1, $2)`, c.ID, caller.Actor()); err != nil {
		return err
	}
	switch {
	case related:
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	case c.Stage != aid.Disbursement:
		return aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
	case t.Over() || t.State == "paying":
		return aid.Refuse(aid.Conflict, "wrong_tranche_state", "state", t.State)
	case t.HeldReason == HeldByReturn:
		return aid.Refuse(aid.Conflict, "bank_return_open")
	}
	return nil
}

// Hold keeps a tranche from being paid, for a coded reason.
func (tx *Tx) Hold(t *Tranche, reason string) error {
	t.Held, t.HeldReason = true, reason
	return tx.one(`UPDATE tranches SET held = true, held_reason = $2 WHERE id = $1`, t.ID, reason)
}

// Unhold lets it go.
func (tx *Tx) Unhold(t *Tranche) error {
	t.Held, t.HeldReason = false, ""
	return tx.one(`UPDATE tranches SET held = false, held_reason = '' WHERE id = $1`, t.ID)
}

// WaitForHold makes whoever holds a tranche, the office, what the case waits
// for.
func (tx *Tx) WaitForHold(c *Case) error {
	return tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerOffice})
}

// forget ends what people are asked about a tranche that is not paid as it was
// planned, and calls off its payment.
func (tx *Tx) forget(c *Case, t *Tranche, reason, actor string) error {
	live, err := tx.paymentOf(t.ID, `'due', 'queued'`)
	if err != nil {
		return err
	}
	if live != nil {
		if err := tx.callOff(c, live, reason, actor); err != nil {
			return err
		}
	}
	_, err = tx.exec(`UPDATE tasks k SET state = 'void', closed_at = $3, attend_at = NULL, version = version + 1
		WHERE case_id = $1 AND closed_at IS NULL AND (subject = $2 OR kind = 'prepare_payment' AND subject IN (SELECT id FROM payments WHERE tranche_id = $2)
			OR kind = 'decide_stalled' AND subject IN (SELECT id FROM tasks m WHERE m.case_id = $1 AND m.subject = $2))`, c.ID, t.ID, tx.Now)
	return err
}

func (tx *Tx) trancheEvent(c *Case, caller *Caller, t *Tranche, kind, reason string) error {
	err := tx.AddEvent(c, Event{Kind: kind, Actor: caller.Actor(), Data: map[string]any{"tranche": t.N, "amount": t.Rest(), "reason_code": reason}})
	if err != nil {
		return err
	}
	return tx.AddAudit(caller.Actor(), kind, t.ID, "done", reason)
}
