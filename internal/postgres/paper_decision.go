package postgres

import (
	"database/sql"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/papers"
)

// paperDecision finds what was decided on the request: that it waits for an
// answer, that it was rejected, or the award that stands. An award that waits
// for money, or that was cancelled, is told in no letter.
func (tx *Tx) paperDecision(f *papers.Facts, c *Case) error {
	switch c.Status {
	case aid.ActionNeeded:
		return tx.lastDecision(f, c, papers.Decision{Result: aid.ResultReturned}, aid.ActionReturn)
	case aid.Rejected:
		d := papers.Decision{Result: aid.ResultRejected, Reason: c.ReasonCode}
		if c.ClosedAt != nil {
			d.At = *c.ClosedAt
		}
		return tx.lastDecision(f, c, d, aid.ActionReject)
	}
	award, err := tx.AwardOf(c)
	if aid.CodeOf(err) == "award_not_found" {
		return nil
	}
	if err != nil || award.State == "proposed" || award.State == "cancelled" {
		return err
	}
	f.Amount = award.Amount
	return tx.lastDecision(f, c, papers.Decision{Result: aid.ResultApproved}, aid.ActionApprove)
}

// lastDecision adds who decided last, and when; an automatic check has nobody.
func (tx *Tx) lastDecision(f *papers.Facts, c *Case, d papers.Decision, action aid.Action) error {
	var row struct {
		ID     string    `db:"id"`
		By     string    `db:"by"`
		Reason string    `db:"reason_code"`
		At     time.Time `db:"decided_at"`
	}
	err := tx.get(&row, `
		SELECT d.id, coalesce(s.name, d.actor) AS by, d.reason_code, d.decided_at
		FROM decisions d JOIN tasks t ON t.id = d.task_id LEFT JOIN staff s ON s.subject = d.actor
		WHERE d.case_id = $1 AND t.round = $2 AND d.state = 'applied' AND d.action = $3 AND t.stage IN ('verification', 'approval')
		ORDER BY d.decided_at DESC, d.id DESC LIMIT 1`, c.ID, c.Round, action)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if d.At.IsZero() && c.DecidedAt != nil {
			d.At = *c.DecidedAt
		}
		f.Decision = &d
		return nil
	case err != nil:
		return err
	}
	d.Decision, d.By, d.At = row.ID, row.By, row.At
	if d.Reason == "" {
		d.Reason = row.Reason
	}
	f.Decision = &d
	return nil
}

// openDecision opens what a return asks for. The note of a rejection is for
// the office, but where the coded reason says no more than "see the note".
func (tx *Tx) openDecision(f *papers.Facts) error {
	d := f.Decision
	if d == nil || d.Decision == "" || d.Result == aid.ResultApproved || (d.Result == aid.ResultRejected && d.Reason != "other") {
		return nil
	}
	content, err := tx.Content(d.Decision)
	if err != nil {
		return err
	}
	d.Note = content.Note
	if d.Result == aid.ResultReturned {
		for _, item := range namedItems(content.Data) {
			d.Items = append(d.Items, papers.Item{Kind: item.Kind, Problem: item.Problem})
		}
	}
	return nil
}

// paperTranches reads the instalments of the award that stands.
func (tx *Tx) paperTranches(f *papers.Facts, c *Case) error {
	if f.Amount == 0 {
		return nil
	}
	award, err := tx.AwardOf(c)
	if err != nil {
		return err
	}
	tranches, err := tx.Tranches(award)
	for _, t := range tranches {
		f.Tranches = append(f.Tranches, papers.Tranche{N: t.N, Amount: t.Amount, Milestone: t.Milestone, State: t.State})
	}
	return err
}
