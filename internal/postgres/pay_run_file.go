package postgres

import (
	"context"
	"crypto/sha256"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// keepRunFile keeps the bytes of a run's file, for ever.
func (tx *Tx) keepRunFile(r *PayRun, file RunFile) error {
	sum := sha256.Sum256(file.Bytes)
	sealed, err := tx.vault.Seal("pay_run_files", "sealed", r.ID, file.Bytes)
	if err != nil {
		return err
	}
	return tx.one(`INSERT INTO pay_run_files (run_id, name, type, hash, sealed, made_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		r.ID, file.Name, file.Type, sum[:], sealed, tx.Wall)
}

// ExportPayRun gives the file of a released run, the same bytes every time, and
// tells whether somebody has taken it before. Who takes it is in the audit.
//
// Errors: NotFound run_not_found; Conflict wrong_run_state (param state) while
// it is not released, run_overtaken when a payment of it has ended before
// anybody took the file.
func (s *Store) ExportPayRun(ctx context.Context, caller *Caller, id string) (file RunFile, again bool, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		r, err := tx.lockRun(caller, id, 0)
		if err != nil {
			return err
		}
		if again, err = tx.exported(caller, r); err != nil {
			return err
		}
		var row struct {
			Name   string `db:"name"`
			Type   string `db:"type"`
			Sealed []byte `db:"sealed"`
		}
		if err := tx.get(&row, `SELECT name, type, sealed FROM pay_run_files WHERE run_id = $1`, id); err != nil {
			return err
		}
		plain, err := tx.vault.Open("pay_run_files", "sealed", id, row.Sealed)
		file = RunFile{Name: row.Name, Type: row.Type, Bytes: plain}
		return err
	})
	return file, again, err
}

// exported records that somebody takes the file of a run.
func (tx *Tx) exported(caller *Caller, r *PayRun) (again bool, err error) {
	if r.ReleasedAt == nil || r.State == "cancelled" {
		return false, aid.Refuse(aid.Conflict, "wrong_run_state", "state", r.State)
	}
	code := ""
	if again = r.Downloads > 0; again {
		code = "downloaded_before"
	}
	if !again && r.Settled+r.Failed > 0 { // persons have ended a payment of it: it may be on its way in another file
		return false, aid.Refuse(aid.Conflict, "run_overtaken")
	}
	if err := tx.AddAudit(caller.Actor(), "download_pay_run", r.ID, "done", code); err != nil {
		return again, err
	}
	_, err = tx.exec(`UPDATE pay_runs SET downloads = downloads + 1, version = version + 1, exported_at = coalesce(exported_at, $2),
		state = CASE WHEN state = 'released' THEN 'exported' ELSE state END WHERE id = $1`, r.ID, tx.Wall)
	if err != nil || again {
		return again, err
	}
	_, err = tx.exec(`UPDATE attempts a SET sent_at = $2 FROM pay_run_lines l WHERE l.run_id = $1 AND l.left_at IS NULL AND a.payment_id = l.payment_id
		AND a.sent_at IS NULL`, r.ID, tx.Wall)
	return again, err
}

// CancelPayRun gives a run up. Before its release its payments wait for
// another; after it, as long as nobody has taken the file, they fail, and a
// treasurer of each case is asked to pay anew.
//
// Errors: NotFound run_not_found; Forbidden wrong_area; Stale stale; Conflict
// wrong_run_state (param state).
func (s *Store) CancelPayRun(ctx context.Context, caller *Caller, id string, version int) (*PayRunRow, error) {
	if _, err := s.PayRun(ctx, caller, id); err != nil {
		return nil, err
	}
	err := s.Write(ctx, func(tx *Tx) error {
		cases, err := tx.lockCasesOfRun(id)
		if err != nil {
			return err
		}
		r, err := tx.lockRun(caller, id, version)
		if err != nil {
			return err
		}
		if err := tx.mayCancelRun(caller, cases); err != nil {
			return err
		}
		switch r.State {
		case "draft", "prepared":
			_, err = tx.exec(`UPDATE pay_run_lines SET left_at = $2, left_because = 'run_cancelled' WHERE run_id = $1 AND left_at IS NULL`, r.ID, tx.Wall)
		case "released":
			err = tx.failLines(caller, r, cases)
		default:
			err = aid.Refuse(aid.Conflict, "wrong_run_state", "state", r.State)
		}
		if err != nil {
			return err
		}
		err = tx.one(`UPDATE pay_runs SET state = 'cancelled', ended_at = $2, version = version + 1 WHERE id = $1`, r.ID, tx.Wall)
		if err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "cancel_pay_run", r.ID, "done", r.State)
	})
	if err != nil {
		return nil, err
	}
	return s.PayRun(ctx, caller, id)
}

func (tx *Tx) mayCancelRun(caller *Caller, cases map[string]*Case) error {
	for _, c := range cases {
		if !caller.HasFor(c.Area, c.Programme, aid.RoleTreasurer, aid.RoleReleaser, aid.RoleManager) {
			return aid.Refuse(aid.Forbidden, "wrong_area")
		}
	}
	return nil
}

// failLines fails the payments of a run whose file nobody has taken: the bank
// certainly has not heard of them.
func (tx *Tx) failLines(caller *Caller, r *PayRun, cases map[string]*Case) error {
	var ids []string
	err := tx.list(&ids, `SELECT p.id FROM pay_run_lines l JOIN payments p ON p.id = l.payment_id
		WHERE l.run_id = $1 AND l.left_at IS NULL AND p.state IN ('instructed', 'unknown') ORDER BY l.n`, r.ID)
	if err != nil {
		return err
	}
	var all []Payment
	if err := tx.list(&all, `SELECT `+paymentColumns+` FROM payments p WHERE p.id = ANY($1) ORDER BY p.id FOR UPDATE`, pq.Array(ids)); err != nil {
		return err
	}
	for i := range all {
		c := tx.of(cases[all[i].CaseID])
		if err := tx.EndAttempt(&all[i], "failed", "run_cancelled"); err != nil {
			return err
		}
		if err := tx.Fail(c, &all[i], "run_cancelled", caller.Actor()); err != nil {
			return err
		}
		if err := tx.SendSignal(c.WorkflowID, SignalLook); err != nil {
			return err
		}
	}
	return nil
}
