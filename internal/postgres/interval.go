package postgres

import (
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Wait is what a case waits for from now on.
type Wait struct {
	Stage   aid.Stage
	Owner   aid.Owner
	Task    string
	Level   string
	Claimed bool
}

// BeginWait closes the open interval of the case and opens the next one, so
// that the intervals of a case always sum to its elapsed time. The clocks of
// the case follow. It does nothing when the case already waits for the same
// thing.
func (tx *Tx) BeginWait(caseID string, w Wait) error {
	var was struct {
		Stage aid.Stage `db:"stage"`
		Owner aid.Owner `db:"owner"`
	}
	err := tx.get(&was, `
		WITH was AS (SELECT stage, owner FROM intervals WHERE case_id = $1 AND to_at IS NULL),
		same AS (
			SELECT 1 FROM intervals WHERE case_id = $1 AND to_at IS NULL AND stage = $2 AND owner = $3
			       AND task_id IS NOT DISTINCT FROM nullif($4, '') AND level = $5 AND claimed = $6),
		ended AS (
			UPDATE intervals SET to_at = greatest(from_at, $7) WHERE case_id = $1 AND to_at IS NULL
			       AND NOT EXISTS (SELECT 1 FROM same) RETURNING n, to_at),
		begun AS (
			INSERT INTO intervals (case_id, n, stage, task_id, level, claimed, owner, from_at)
			SELECT $1, coalesce((SELECT n FROM ended), 0) + 1, $2, nullif($4, ''), $5, $6, $3, coalesce((SELECT to_at FROM ended), $7)
			WHERE NOT EXISTS (SELECT 1 FROM same))
		SELECT coalesce((SELECT stage FROM was), '') AS stage, coalesce((SELECT owner FROM was), '') AS owner`,
		caseID, w.Stage, w.Owner, w.Task, w.Level, w.Claimed, tx.Now)
	if err != nil || (was.Stage == w.Stage && standsFor(was.Owner) == standsFor(w.Owner)) {
		return err
	}
	return tx.turnClocks(caseID, w)
}

// standsFor gives for whom the office's clock stands still while somebody is
// awaited; "" when it runs.
func standsFor(owner aid.Owner) aid.Owner {
	if pauses(owner) {
		return owner
	}
	return ""
}

// EndWait closes the open interval of a case that has ended, and its clocks.
func (tx *Tx) EndWait(caseID string) error {
	if _, err := tx.exec(`UPDATE intervals SET to_at = greatest(from_at, $2) WHERE case_id = $1 AND to_at IS NULL`, caseID, tx.Now); err != nil {
		return err
	}
	return tx.turnClocks(caseID, Wait{Stage: aid.Ended})
}

// bridge counts the time in which a case was closed as waiting for nobody, when
// it goes on: its intervals still sum to its elapsed time.
func (tx *Tx) bridge(caseID string) error {
	_, err := tx.exec(`INSERT INTO intervals (case_id, n, stage, task_id, level, claimed, owner, from_at)
		SELECT case_id, n + 1, $2, NULL, '', false, $3, to_at FROM (SELECT case_id, n, to_at FROM intervals WHERE case_id = $1 ORDER BY n DESC LIMIT 1) last
		WHERE to_at IS NOT NULL`, caseID, aid.Ended, aid.OwnerSystem)
	return err
}

// Interval is one stored wait of a case.
type Interval struct {
	CaseID  string     `db:"case_id"`
	N       int        `db:"n"`
	Stage   aid.Stage  `db:"stage"`
	TaskID  *string    `db:"task_id"`
	Level   string     `db:"level"`
	Claimed bool       `db:"claimed"`
	Owner   aid.Owner  `db:"owner"`
	From    time.Time  `db:"from_at"`
	To      *time.Time `db:"to_at"`
}
