package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// PayRun is the row of a pay run: payments of one fund that go to its bank in
// one file.
type PayRun struct {
	ID         string     `db:"id"`
	FundID     string     `db:"fund_id"`
	Rail       string     `db:"rail"`
	Currency   string     `db:"currency"`
	Programme  string     `db:"programme"` // what it was narrowed to; "" for all
	Area       string     `db:"area"`
	DueUntil   *time.Time `db:"due_until"`
	ExecuteOn  time.Time  `db:"execute_on"`
	State      string     `db:"state"` // draft, prepared, released, exported, partly_settled, closed, cancelled
	Hash       []byte     `db:"hash"`  // of the content that may be released; nil while it is to be prepared
	MessageID  string     `db:"message_id"`
	Settled    int        `db:"settled"`
	Failed     int        `db:"failed"`
	CreatedBy  string     `db:"created_by"`
	CreatedAt  time.Time  `db:"created_at"`
	PreparedBy *string    `db:"prepared_by"`
	PreparedAt *time.Time `db:"prepared_at"`
	ReleasedBy *string    `db:"released_by"`
	ReleasedAt *time.Time `db:"released_at"`
	ExportedAt *time.Time `db:"exported_at"`
	Downloads  int        `db:"downloads"`
	EndedAt    *time.Time `db:"ended_at"`
	Version    int        `db:"version"`
}

const payRunColumns = `r.id, r.fund_id, r.rail, r.currency, r.programme, r.area, r.due_until, r.execute_on, r.state, r.hash, r.message_id,
	r.settled, r.failed, r.created_by, r.created_at, r.prepared_by, r.prepared_at, r.released_by, r.released_at, r.exported_at, r.downloads, r.ended_at, r.version`

// mostLines is how many payments a run holds at most: its release is one
// transaction.
const mostLines = 5000

// NewPayRun is a run to make.
type NewPayRun struct {
	ID        string
	Rail      string
	ExecuteOn time.Time // a date; zero for today
	RunFilter
	LeaveOut []string // payments that are not taken
}

// CreatePayRun binds the payments that wait for a run of a fund, the oldest
// first, as a draft. What stands in the way of a payment leaves it out, as the
// preview tells. The same id again gives the run that is there.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area; Conflict run_empty.
func (s *Store) CreatePayRun(ctx context.Context, caller *Caller, in NewPayRun) (*PayRunRow, error) {
	fund, err := s.Fund(ctx, caller, in.Fund)
	if err != nil {
		return nil, err
	}
	if !caller.Has(aid.RoleTreasurer, "") {
		return nil, aid.Refuse(aid.Forbidden, "wrong_area")
	}
	in.Fund = fund.ID
	err = s.Write(ctx, func(tx *Tx) error {
		var there bool
		if err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM pay_runs WHERE id = $1)`, in.ID); err != nil || there {
			return err
		}
		waiting, err := tx.waitingForRun(caller, in.RunFilter)
		if err != nil {
			return err
		}
		lines := slices.DeleteFunc(waiting, func(w waitingPayment) bool {
			return w.Because != "" || w.Rail != in.Rail || slices.Contains(in.LeaveOut, w.Payment) || !caller.HasFor(w.Area, w.Programme, aid.RoleTreasurer)
		})
		if len(lines) == 0 {
			return aid.Refuse(aid.Conflict, "run_empty")
		}
		return tx.insertRun(caller, in, fund.Currency, lines[:min(len(lines), mostLines)])
	})
	if err != nil {
		return nil, err
	}
	return s.PayRun(ctx, caller, in.ID)
}

func (tx *Tx) insertRun(caller *Caller, in NewPayRun, currency string, lines []waitingPayment) error {
	if in.ExecuteOn.IsZero() {
		in.ExecuteOn = tx.Wall
	}
	message := strings.ToUpper(strings.TrimPrefix(in.ID, string(aid.PayRunID)+"_")) // 26 letters and digits
	err := tx.one(`INSERT INTO pay_runs (id, fund_id, rail, currency, programme, area, due_until, execute_on, state, message_id, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'draft', $9, $10, $11)`,
		in.ID, in.Fund, in.Rail, currency, in.Programme, in.Area, in.DueUntil, in.ExecuteOn, message, caller.Actor(), tx.Wall)
	if err != nil {
		return err
	}
	payments, cases, amounts := make([]string, len(lines)), make([]string, len(lines)), make([]int64, len(lines))
	for i, l := range lines {
		payments[i], cases[i], amounts[i] = l.Payment, l.Case, l.Amount
	}
	_, err = tx.exec(`INSERT INTO pay_run_lines (run_id, n, payment_id, case_id, amount)
		SELECT $1, n, payment, of_case, amount FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS l (payment, of_case, amount, n)`,
		in.ID, pq.Array(payments), pq.Array(cases), pq.Array(amounts))
	if err != nil {
		return err
	}
	return tx.AddAudit(caller.Actor(), "create_pay_run", in.ID, "done", "")
}

// lockRun locks a run that the caller sees. Whoever moves its payments has
// locked their cases before, and books in its fund after.
//
// Errors: NotFound run_not_found; Stale stale.
func (tx *Tx) lockRun(caller *Caller, id string, version int) (*PayRun, error) {
	var r PayRun
	sees, mine := caller.seesFund()
	err := tx.get(&r, `SELECT `+payRunColumns+` FROM pay_runs r JOIN funds f ON f.id = r.fund_id WHERE `+sees+` AND r.id = $2 FOR UPDATE OF r`, mine, id)
	switch {
	case notFound(err):
		return nil, aid.Refuse(aid.NotFound, "run_not_found")
	case err == nil && version != 0 && r.Version != version:
		return nil, aid.Refuse(aid.Stale, "stale")
	}
	return &r, err
}

// PreparePayRun says that a run is as it should be: from here on it may be
// released, by another person, exactly as it is. Payments that are queued no
// more leave it. A run that has changed since is prepared again.
//
// Errors: NotFound run_not_found; Forbidden wrong_area; Stale stale; Conflict
// wrong_run_state (param state), no_fund_account, run_empty.
func (s *Store) PreparePayRun(ctx context.Context, caller *Caller, id string, version int) (*PayRunRow, error) {
	err := s.Write(ctx, func(tx *Tx) error {
		r, err := tx.lockRun(caller, id, version)
		if err != nil {
			return err
		}
		if r.State != "draft" && r.State != "prepared" {
			return aid.Refuse(aid.Conflict, "wrong_run_state", "state", r.State)
		}
		_, err = tx.exec(`UPDATE pay_run_lines l SET left_at = $2, left_because = p.state FROM payments p
			WHERE l.run_id = $1 AND l.left_at IS NULL AND p.id = l.payment_id AND p.state <> 'queued'`, r.ID, tx.Wall)
		if err != nil {
			return err
		}
		content, err := tx.runContent(r)
		if err != nil {
			return err
		}
		if err := mayPrepare(caller, content); err != nil {
			return err
		}
		err = tx.one(`UPDATE pay_runs SET state = 'prepared', hash = $2, prepared_by = $3, prepared_at = $4, version = version + 1 WHERE id = $1`,
			r.ID, content.hash(), caller.Actor(), tx.Wall)
		if err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "prepare_pay_run", r.ID, "done", "")
	})
	if err != nil {
		return nil, err
	}
	return s.PayRun(ctx, caller, id)
}

func mayPrepare(caller *Caller, content *runContent) error {
	switch {
	case len(content.Lines) == 0:
		return aid.Refuse(aid.Conflict, "run_empty")
	case content.Account.Number == "":
		return aid.Refuse(aid.Conflict, "no_fund_account")
	}
	for _, l := range content.Lines {
		if !caller.HasFor(l.area, l.programme, aid.RoleTreasurer) {
			return aid.Refuse(aid.Forbidden, "wrong_area")
		}
	}
	return nil
}

// runContent is everything that a release binds: each of it is in the hash.
type runContent struct {
	Run       string
	Fund      string
	Rail      string
	Currency  string
	ExecuteOn string
	Message   string
	Account   FundAccount
	Lines     []runLine
}

// runLine is one payment of a run.
type runLine struct {
	N           int
	Payment     string
	Key         string
	Amount      int64
	Account     string // id of the payee's account
	AccountHash []byte

	of, area, programme, award string
}

func (c *runContent) hash() []byte {
	raw, _ := json.Marshal(c) // texts and numbers
	sum := sha256.Sum256(raw)
	return sum[:]
}

// runContent reads the content of a run as it is now.
func (tx *Tx) runContent(r *PayRun) (*runContent, error) {
	out := &runContent{Run: r.ID, Fund: r.FundID, Rail: r.Rail, Currency: r.Currency, ExecuteOn: r.ExecuteOn.Format(time.DateOnly), Message: r.MessageID}
	err := tx.get(&out.Account, `SELECT account_holder, account_bin, account_number, result_days FROM funds WHERE id = $1`, r.FundID)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Payment
		LineN       int    `db:"line_n"`
		Area        string `db:"area"`
		Programme   string `db:"programme"`
		AccountHash []byte `db:"account_hash"`
	}
	err = tx.list(&rows, `SELECT `+paymentColumns+`, l.n AS line_n, c.area, c.programme, acc.account_hash
		FROM pay_run_lines l JOIN payments p ON p.id = l.payment_id JOIN cases c ON c.id = l.case_id JOIN payee_accounts acc ON acc.id = p.payee_account_id
		WHERE l.run_id = $1 AND l.left_at IS NULL ORDER BY l.n`, r.ID)
	for _, row := range rows {
		out.Lines = append(out.Lines, runLine{N: row.LineN, Payment: row.ID, Key: row.Key(), Amount: row.Amount, Account: row.PayeeAccountID,
			AccountHash: row.AccountHash, of: row.CaseID, area: row.Area, programme: row.Programme, award: row.AwardID})
	}
	return out, err
}

// outOfRun tells the run of a payment, if it is in one, that it is over.
func (tx *Tx) outOfRun(p *Payment) error {
	switch p.State {
	case aid.PaymentCancelled:
		return tx.leaveRun(p)
	case aid.PaymentSettled, aid.PaymentFailed:
		return tx.endLine(p, p.State == aid.PaymentSettled)
	}
	return nil
}

// leaveRun takes a payment that is cancelled out of the run that it waited in:
// what was prepared is to be prepared again.
func (tx *Tx) leaveRun(p *Payment) error {
	_, err := tx.exec(`WITH gone AS (
			UPDATE pay_run_lines SET left_at = $2, left_because = $3 WHERE payment_id = $1 AND left_at IS NULL RETURNING run_id)
		UPDATE pay_runs r SET hash = NULL, version = r.version + 1 FROM gone WHERE r.id = gone.run_id`, p.ID, tx.Wall, p.Reason)
	return err
}

// endLine counts a line of a released run that has ended, as settled or as
// failed. The last one closes the run.
func (tx *Tx) endLine(p *Payment, settled bool) error {
	_, err := tx.exec(`UPDATE pay_runs r SET settled = r.settled + $2, failed = r.failed + 1 - $2, version = r.version + 1, `+afterLine+`
		FROM (SELECT l.run_id, (SELECT count(*) FROM pay_run_lines n WHERE n.run_id = l.run_id AND n.left_at IS NULL) AS lines
		      FROM pay_run_lines l WHERE l.payment_id = $1 AND l.left_at IS NULL) o
		WHERE r.id = o.run_id`, p.ID, map[bool]int{true: 1}[settled], tx.Wall)
	return err
}

// afterLine is where a run r of o.lines lines stands when one more has ended at
// $3: a file that nobody has taken answers nothing.
const afterLine = `state = CASE WHEN r.state NOT IN ('exported', 'partly_settled') THEN r.state
		WHEN r.settled + r.failed + 1 >= o.lines THEN 'closed' ELSE 'partly_settled' END,
	ended_at = CASE WHEN r.state IN ('exported', 'partly_settled') AND r.settled + r.failed + 1 >= o.lines THEN $3::timestamptz ELSE r.ended_at END`
