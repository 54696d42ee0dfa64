package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// Kinds of workflows.
const (
	CaseWorkflow         = "case"
	DisbursementWorkflow = "disbursement"
	FollowUpWorkflow     = "followup"
	RecoveryWorkflow     = "recovery"
)

// Workflow is a run of the process that a case needs. The row is written in
// the transaction that makes it necessary; whoever starts it marks it, and the
// sweep starts what nobody has started.
type Workflow struct {
	ID        string          `db:"id"`
	CaseID    string          `db:"case_id"`
	Kind      string          `db:"kind"`
	Input     json.RawMessage `db:"input"`
	WantedAt  time.Time       `db:"wanted_at"`
	StartedAt *time.Time      `db:"started_at"`
	EndedAt   *time.Time      `db:"ended_at"`
}

const workflowColumns = `id, case_id, kind, input, wanted_at, started_at, ended_at`

// WantWorkflow writes down that a workflow has to run.
func (tx *Tx) WantWorkflow(id, caseID, kind string, input any) error {
	raw, err := json.Marshal(input)
	if err != nil {
		return err
	}
	return tx.one(`INSERT INTO workflows (id, case_id, kind, input, wanted_at) VALUES ($1, $2, $3, $4, $5)`, id, caseID, kind, raw, tx.Wall)
}

// EndWorkflow marks a workflow as having nothing more to do.
func (tx *Tx) EndWorkflow(id string) error {
	_, err := tx.exec(`UPDATE workflows SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL`, id, tx.Wall)
	return err
}

// Workflow gives the row of a workflow.
//
// Errors: NotFound.
func (s *Store) Workflow(ctx context.Context, id string) (Workflow, error) {
	var w Workflow
	err := s.get(ctx, &w, `SELECT `+workflowColumns+` FROM workflows WHERE id = $1`, id)
	return w, err
}

// RunningWorkflows gives the workflows of a case that were started and have
// not ended.
func (s *Store) RunningWorkflows(ctx context.Context, caseID string) ([]Workflow, error) {
	var all []Workflow
	err := s.list(ctx, &all, `SELECT `+workflowColumns+` FROM workflows WHERE case_id = $1 AND started_at IS NOT NULL AND ended_at IS NULL ORDER BY wanted_at`, caseID)
	return all, err
}

// Unstarted gives workflows that were wanted at least age ago, that nobody has
// started, and that have something to do.
func (s *Store) Unstarted(ctx context.Context, age time.Duration) ([]Workflow, error) {
	var all []Workflow
	err := s.list(ctx, &all, `SELECT `+workflowColumns+` FROM workflows WHERE started_at IS NULL AND ended_at IS NULL AND wanted_at <= $1 ORDER BY wanted_at LIMIT 100`, s.Now().Add(-age))
	return all, err
}

// MarkStarted records that Temporal has the workflow. It does not wait for the
// disk: when the mark is lost, the sweep starts what runs already, in vain.
func (s *Store) MarkStarted(ctx context.Context, id string) error {
	return s.Write(ctx, func(tx *Tx) error {
		if err := tx.unhurried(); err != nil {
			return err
		}
		_, err := tx.exec(`UPDATE workflows SET started_at = $2 WHERE id = $1 AND started_at IS NULL`, id, tx.Wall)
		return err
	})
}

// CaseWorkflowID names the workflow of a case's round.
func CaseWorkflowID(caseID string, round int) string {
	return "case/" + caseID + "/" + strconv.Itoa(round)
}

// FollowUpID names the workflow of a round's visits.
func FollowUpID(caseID string, round int) string {
	return "followup/" + caseID + "/" + strconv.Itoa(round)
}

// RecoveryID names the workflow that makes a returned payment good.
func RecoveryID(payment string) string { return "recovery/" + payment }
