package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// PendingWithdrawal is a partner's wish to end a case that its workflow has
// not answered.
type PendingWithdrawal struct {
	Withdrawal aid.Withdrawal // under the one id of the case's round
	Workflow   string         // the workflow that moves the case now
}

// WithdrawalID is the id of a round's withdrawal, also that of the workflow's
// update: wishing again adds nothing to a history.
func WithdrawalID(caseID string, round int) string {
	return "withdraw/" + caseID + "/" + strconv.Itoa(round)
}

// Wish is what a partner says when it withdraws a case.
type Wish struct {
	Reason string // one of the programme's reasons to withdraw
	By     string // the person at the partner, as the partner names them; may be empty
}

// AskWithdrawal stores a partner's wish to end a case, before its workflow
// hears of it: from here on nothing new is instructed, and the wish is not
// lost. A wish that is there already stays one; a later reason counts until
// the workflow answers.
//
// Errors: NotFound case_not_found; Forbidden wrong_role; Conflict wrong_state
// for a case that cannot be withdrawn (any more).
func (s *Store) AskWithdrawal(ctx context.Context, caller *Caller, caseID string, wish Wish) (PendingWithdrawal, error) {
	var out PendingWithdrawal
	err := s.Write(ctx, func(tx *Tx) error {
		c, err := tx.lockOwn(caller, caseID, 0)
		if err != nil {
			return err
		}
		if err := tx.MayWithdraw(c); err != nil {
			return err
		}
		out = PendingWithdrawal{Workflow: c.WorkflowID, Withdrawal: aid.Withdrawal{ID: WithdrawalID(c.ID, c.Round), Actor: c.PartnerID, Reason: wish.Reason}}
		n, err := tx.storeWish(c, wish)
		if err != nil || n == 0 || (c.WithdrawalAsked && c.ReasonCode == wish.Reason) {
			return err
		}
		c.WithdrawalAsked, c.ReasonCode = true, wish.Reason
		return tx.SaveCase(c)
	})
	return out, err
}

// MayWithdraw refuses the withdrawal of a case that has ended, or that was
// paid: while it pays again what a bank returned, two persons give that up.
//
// Errors: Conflict wrong_state.
func (tx *Tx) MayWithdraw(c *Case) error {
	if _, err := aid.Move(c.Place(), aid.EventWithdraw); err != nil {
		return err
	}
	former, err := tx.Former(c)
	if err == nil && former != "" {
		return aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status), "stage", string(c.Stage), "event", aid.EventWithdraw)
	}
	return err
}

// storeWish keeps the wish of the case's round, and tells whether it is a new
// one or a changed one (1) or one that was answered (0).
func (tx *Tx) storeWish(c *Case, wish Wish) (int64, error) {
	return tx.exec(`INSERT INTO withdrawals (case_id, round, actor, reason_code, asked_at, submitted_by) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (case_id, round) DO UPDATE SET reason_code = $4, submitted_by = $6 WHERE withdrawals.answered_at IS NULL`,
		c.ID, c.Round, c.PartnerID, wish.Reason, tx.Wall, wish.By)
}

// AnswerWithdrawal marks the wish of the case's round, if there is one, as
// taken by the workflow.
func (tx *Tx) AnswerWithdrawal(c *Case) error {
	_, err := tx.exec(`UPDATE withdrawals SET answered_at = $3 WHERE case_id = $1 AND round = $2 AND answered_at IS NULL`, c.ID, c.Round, tx.Wall)
	return err
}

// PendingWithdrawals gives wishes older than age that no workflow has answered
// and whose cases still go on, for the sweep.
func (s *Store) PendingWithdrawals(ctx context.Context, age time.Duration) ([]PendingWithdrawal, error) {
	var rows []struct {
		Case     string `db:"case_id"`
		Round    int    `db:"round"`
		Actor    string `db:"actor"`
		Reason   string `db:"reason_code"`
		Workflow string `db:"workflow_id"`
	}
	err := s.list(ctx, &rows, `
		SELECT w.case_id, w.round, w.actor, w.reason_code, c.workflow_id
		FROM withdrawals w JOIN cases c ON c.id = w.case_id AND c.round = w.round
		WHERE w.answered_at IS NULL AND w.asked_at <= $1 AND c.status NOT IN ('rejected', 'paid', 'following_up', 'closed', 'withdrawn')
		ORDER BY w.asked_at LIMIT 100`, s.Now().Add(-age))
	var out []PendingWithdrawal
	for _, r := range rows {
		out = append(out, PendingWithdrawal{Workflow: r.Workflow, Withdrawal: aid.Withdrawal{ID: WithdrawalID(r.Case, r.Round), Actor: r.Actor, Reason: r.Reason}})
	}
	return out, err
}
