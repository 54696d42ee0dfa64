package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
)

// RunBatch is what a run's rail makes the file of.
type RunBatch struct {
	ID        string // message id
	CreatedAt time.Time
	ExecuteOn time.Time
	Account   FundAccount
	Currency  string
	Lines     []RunInstruction
}

// RunInstruction is one payment of a file. The account is in memory only.
type RunInstruction struct {
	N       int // line of the run
	Key     string
	Amount  int64 // minor units
	Purpose string
	Payee   PayeeAccount
}

// RunFile is the file of a released run.
type RunFile struct {
	Name  string
	Type  string
	Bytes []byte
}

// Release is a releaser's word on a run: exactly this content.
type Release struct {
	Version int    // that the releaser saw
	Hash    []byte // of the content
}

// ReleasePayRun instructs every payment of a prepared run and keeps the file
// that write makes of it, in one transaction: all of it, or nothing. Whoever
// releases has neither made nor prepared the run, and holds no other duty in
// any of its cases. A line that may not go is a fault at /lines/N with its
// code and payment, all of them at once.
//
// Errors: NotFound run_not_found; Stale stale; Conflict wrong_run_state (param
// state), run_changed when the content is not what was prepared and seen,
// run_lines_refused with a fault per line; Forbidden four_eyes; those of write.
func (s *Store) ReleasePayRun(ctx context.Context, caller *Caller, id string, in Release, write func(RunBatch) (RunFile, error)) (*PayRunRow, error) {
	if _, err := s.PayRun(ctx, caller, id); err != nil {
		return nil, err
	}
	err := s.Write(ctx, func(tx *Tx) error {
		cases, err := tx.lockCasesOfRun(id)
		if err != nil {
			return err
		}
		r, err := tx.lockRun(caller, id, in.Version)
		if err != nil {
			return err
		}
		job := &release{run: r, by: caller, cases: cases}
		if err := tx.mayRelease(job, in.Hash); err != nil {
			return err
		}
		if err := tx.refuseLines(job); err != nil {
			return err
		}
		file, err := write(job.batch(tx.Wall))
		if err != nil {
			return err
		}
		return tx.releaseRun(job, file)
	})
	if err != nil {
		return nil, err
	}
	return s.PayRun(ctx, caller, id)
}

// release is a run on its way out.
type release struct {
	run      *PayRun
	by       *Caller
	cases    map[string]*Case
	content  *runContent
	payments []*Payment // by line
	payees   []PayeeAccount
	hashes   [][]byte // what the approvals bind, by line
}

// lockCasesOfRun locks the cases of a run in the order of their ids, so that
// two runs never wait for each other.
func (tx *Tx) lockCasesOfRun(id string) (map[string]*Case, error) {
	var all []Case
	err := tx.list(&all, `SELECT `+caseColumns+` FROM cases c WHERE c.id IN (SELECT case_id FROM pay_run_lines WHERE run_id = $1 AND left_at IS NULL)
		ORDER BY c.id FOR NO KEY UPDATE`, id)
	tx.Wall = later(tx.Wall, tx.store.Now())
	cases := map[string]*Case{}
	for i := range all {
		cases[all[i].ID] = &all[i]
	}
	return cases, err
}

// of sets the transaction's clock to that of a case that is locked.
func (tx *Tx) of(c *Case) *Case {
	tx.Now, tx.locked = tx.Wall.Add(offsetOf(c)), c
	return c
}

func (tx *Tx) mayRelease(job *release, seen []byte) (err error) {
	r := job.run
	switch {
	case r.State != "prepared":
		return aid.Refuse(aid.Conflict, "wrong_run_state", "state", r.State)
	case r.CreatedBy == job.by.Actor() || (r.PreparedBy != nil && *r.PreparedBy == job.by.Actor()):
		return aid.Refuse(aid.Forbidden, "four_eyes")
	}
	if job.content, err = tx.runContent(r); err != nil {
		return err
	}
	if now := job.content.hash(); !bytes.Equal(now, r.Hash) || !bytes.Equal(now, seen) {
		return aid.Refuse(aid.Conflict, "run_changed")
	}
	return nil
}

// refuseLines refuses the run with all lines that may not go.
func (tx *Tx) refuseLines(job *release) error {
	obstacles, err := tx.lockLines(job)
	if err != nil {
		return err
	}
	var faults []aid.Fault
	for i, l := range job.content.Lines {
		code := obstacles[l.Payment]
		if code == "" {
			if code, err = tx.lineRefused(job, i); err != nil {
				return err
			}
		}
		if code != "" {
			faults = append(faults, lineFault(l.N, code, l.Payment))
		}
	}
	if len(faults) > 0 {
		return &aid.Error{Kind: aid.Conflict, Code: "run_lines_refused", Faults: faults}
	}
	return nil
}

func lineFault(n int, code, payment string) aid.Fault {
	return aid.Fault{Pointer: fmt.Sprintf("/lines/%d", n), Code: code, Params: map[string]string{"payment": payment, "line": strconv.Itoa(n)}}
}

// lockLines locks the payments of a run, opens the accounts that they go to
// and tells what stands in their way.
func (tx *Tx) lockLines(job *release) (map[string]string, error) {
	var rows []struct {
		Payment
		Method  string `db:"method"`
		Sealed  []byte `db:"sealed"`
		Because string `db:"because"`
	}
	err := tx.list(&rows, `SELECT `+paymentColumns+`, acc.method, acc.sealed, CASE WHEN p.state <> 'queued' THEN 'wrong_payment_state' ELSE `+obstacle+` END AS because
		FROM pay_run_lines l JOIN payments p ON p.id = l.payment_id JOIN cases c ON c.id = l.case_id JOIN payee_accounts acc ON acc.id = p.payee_account_id
		WHERE l.run_id = $4 AND l.left_at IS NULL ORDER BY l.n FOR UPDATE OF p`,
		job.by.Actor(), aid.DutyOf(aid.ReleasePayment, ""), tx.Wall, job.run.ID)
	if err != nil {
		return nil, err
	}
	because := map[string]string{}
	for i := range rows {
		var payee PayeeAccount
		if err := tx.open("payee_accounts", "sealed", rows[i].PayeeAccountID, rows[i].Sealed, &payee); err != nil {
			return nil, err
		}
		payee.Method = rows[i].Method
		job.payments, job.payees = append(job.payments, &rows[i].Payment), append(job.payees, payee)
		because[rows[i].ID] = rows[i].Because
	}
	job.hashes = make([][]byte, len(rows))
	return because, nil
}

// lineRefused asks of one line what only its approvals can tell.
func (tx *Tx) lineRefused(job *release, i int) (string, error) {
	l := job.content.Lines[i]
	c := tx.of(job.cases[l.of])
	if !job.by.HasFor(c.Area, c.Programme, aid.RoleReleaser) {
		return "wrong_area", nil
	}
	award, err := tx.AwardOf(c)
	switch {
	case err != nil:
		return "", err
	case award.ID != l.award || award.State != "running":
		return "wrong_award_state", nil
	}
	if job.hashes[i], err = tx.BoundHash(c); err != nil {
		return "", err
	}
	err = tx.CheckApprovals(c, award)
	if aid.CodeOf(err) == "not_approved" {
		return "not_approved", nil
	}
	return "", err
}

func (job *release) batch(now time.Time) RunBatch {
	out := RunBatch{ID: job.run.MessageID, CreatedAt: now, ExecuteOn: job.run.ExecuteOn, Account: job.content.Account, Currency: job.run.Currency}
	for i, p := range job.payments {
		purpose := p.Key()
		if c := job.cases[p.CaseID]; c.Reference != nil {
			purpose = *c.Reference
		}
		out.Lines = append(out.Lines, RunInstruction{N: job.content.Lines[i].N, Key: p.Key(), Amount: p.Amount, Purpose: purpose, Payee: job.payees[i]})
	}
	return out
}

// releaseRun writes a release down: for every line the releaser's decision and
// its duty, the payment on its way and its money in transit; then the file.
func (tx *Tx) releaseRun(job *release, file RunFile) error {
	if err := tx.decideLines(job); err != nil {
		return err
	}
	if err := tx.instructLines(job); err != nil {
		return err
	}
	for _, p := range job.payments {
		if err := tx.lineReleased(job, p); err != nil {
			return err
		}
	}
	if err := tx.keepRunFile(job.run, file); err != nil {
		return err
	}
	err := tx.one(`UPDATE pay_runs SET state = 'released', released_by = $2, released_at = $3, version = version + 1 WHERE id = $1`,
		job.run.ID, job.by.Actor(), tx.Wall)
	if err != nil {
		return err
	}
	return tx.AddAudit(job.by.Actor(), "release_pay_run", job.run.ID, "done", "")
}

// decideLines enters, for each line, that the releaser has approved it: as a
// task that is done and its decision, by which four eyes and conflicts are
// judged as everywhere.
func (tx *Tx) decideLines(job *release) error {
	n := len(job.payments)
	tasks, decisions, payments, sealed, nows := make([]string, n), make([]string, n), make([]string, n), make([][]byte, n), make([]time.Time, n)
	for i, p := range job.payments {
		tasks[i], decisions[i], payments[i] = NewID(aid.TaskID), NewID(aid.DecisionID), p.ID
		nows[i] = tx.Wall.Add(offsetOf(job.cases[p.CaseID]))
		var err error
		if sealed[i], err = tx.seal("decisions", "sealed", decisions[i], IntentContent{}); err != nil {
			return err
		}
	}
	_, err := tx.exec(`INSERT INTO tasks (id, case_id, workflow_id, kind, stage, round, review, subject, duty, rule, area, programme, urgent, state, opened_at, closed_at, outcome)
		SELECT l.task, c.id, c.workflow_id, $4, c.stage, c.round, c.review, p.id, $5, jsonb_build_object('because', 'pay_run', 'run', $6::text), c.area, c.programme,
		       c.urgent, 'done', l.now, l.now, 'approve'
		FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS l (task, payment, now) JOIN payments p ON p.id = l.payment JOIN cases c ON c.id = p.case_id`,
		pq.Array(tasks), pq.Array(payments), pq.Array(nows), aid.ReleasePayment, aid.DutyOf(aid.ReleasePayment, ""), job.run.ID)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO decisions (id, task_id, case_id, actor, action, bound_hash, sealed, task_version, state, asked_at, decided_at)
		SELECT l.id, l.task, p.case_id, $6, 'approve', l.bound, l.sealed, 1, 'applied', $8, l.now
		FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $7::timestamptz[]) AS l (id, task, payment, bound, sealed, now)
		     JOIN payments p ON p.id = l.payment`,
		pq.Array(decisions), pq.Array(tasks), pq.Array(payments), pq.Array(job.hashes), pq.Array(sealed), job.by.Actor(), pq.Array(nows), tx.Wall)
	return err
}

// instructLines moves payments and tranches, and writes the attempts down.
func (tx *Tx) instructLines(job *release) error {
	n := len(job.payments)
	ids, tranches, attempts, keys, nows, due := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]time.Time, n), make([]time.Time, n)
	for i, p := range job.payments {
		c := tx.of(job.cases[p.CaseID])
		calendar, err := tx.calendarOf(c)
		if err != nil {
			return err
		}
		ids[i], tranches[i], attempts[i], keys[i], nows[i] = p.ID, p.TrancheID, NewID(aid.AttemptID), p.Key(), tx.Now
		due[i] = calendar.AddDays(tx.Now, job.content.Account.ResultDays).UTC()
		p.State, p.Version, p.InstructedAt, p.ResultDue = aid.PaymentInstructed, p.Version+1, &nows[i], &due[i]
	}
	moved, err := tx.exec(`UPDATE payments p SET state = 'instructed', version = version + 1, instructed_at = l.now, result_due = l.due
		FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS l (id, now, due) WHERE p.id = l.id AND p.state = 'queued'`,
		pq.Array(ids), pq.Array(nows), pq.Array(due))
	if err != nil || moved != int64(n) {
		return conflictUnless(err, "run_changed")
	}
	moved, err = tx.exec(`UPDATE tranches SET state = 'paying' WHERE id = ANY($1) AND state = 'due'`, pq.Array(slices.Sorted(slices.Values(tranches))))
	if err != nil || moved != int64(n) {
		return conflictUnless(err, "run_changed")
	}
	_, err = tx.exec(`INSERT INTO attempts (id, payment_id, key, state, started_at) SELECT id, payment, key, 'submitting', now
		FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS l (id, payment, key, now)`,
		pq.Array(attempts), pq.Array(ids), pq.Array(keys), pq.Array(nows))
	return err
}

// conflictUnless gives an error, or a conflict where there is none.
func conflictUnless(err error, code string) error {
	if err != nil {
		return err
	}
	return aid.Refuse(aid.Conflict, code)
}

// lineReleased tells the case of a payment that it is on its way.
func (tx *Tx) lineReleased(job *release, p *Payment) error {
	c := tx.of(job.cases[p.CaseID])
	if err := tx.Post(ledger.Instruct(p.FundID, p.Money(), p.Key()+"/instruct"), c.ID, job.by.Actor()); err != nil {
		return err
	}
	if c.Status == aid.Approved {
		if err := tx.MoveCase(c, aid.EventInstruct); err != nil {
			return err
		}
	}
	if err := tx.paymentEvent(c, p, "payment.instructed", job.by.Actor()); err != nil {
		return err
	}
	if err := tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerRail}); err != nil {
		return err
	}
	return tx.SendSignal(c.WorkflowID, SignalLook)
}
