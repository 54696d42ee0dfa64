package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// RunFilter says which payments a run is made of.
type RunFilter struct {
	Fund      string // id
	Programme string
	Area      string     // with everything below it
	DueUntil  *time.Time // by the clock of the case
}

// waitingPayment is a queued payment that waits for a run, and what stands in
// its way.
type waitingPayment struct {
	Payment   string `db:"payment"`
	Case      string `db:"of_case"`
	Fund      string `db:"fund_id"`
	Rail      string `db:"rail"`
	Currency  string `db:"currency"`
	Area      string `db:"area"`
	Programme string `db:"programme"`
	Amount    int64  `db:"amount"`
	Because   string `db:"because"`
}

// obstacle tells what stands in the way of a payment p of a case c in a run,
// for a person ($1) who takes a duty ($2) by it, at the wall clock $3; "" for
// nothing.
const obstacle = `CASE
	WHEN c.withdrawal_asked THEN 'withdrawal_asked'
	WHEN EXISTS (SELECT 1 FROM tranches t WHERE t.id = p.tranche_id AND (t.held OR t.state <> 'due')) THEN 'tranche_held'
	WHEN EXISTS (SELECT 1 FROM freezes z WHERE z.from_at <= $3::timestamptz + c.clock_offset AND z.until_at > $3::timestamptz + c.clock_offset
		AND (z.programmes = '{}' OR c.programme = ANY(z.programmes)) AND z.area IN (
			WITH RECURSIVE up AS (SELECT code, parent FROM areas WHERE code = c.area
				UNION ALL SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent) SELECT code FROM up)) THEN 'frozen'
	WHEN EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id AND t.kind = 'decide_objection' AND t.closed_at IS NULL) THEN 'objection_open'
	WHEN EXISTS (SELECT 1 FROM conditions d WHERE d.case_id = c.id AND d.round = c.round AND d.met_at IS NULL AND d.dropped_at IS NULL) THEN 'condition_open'
	WHEN EXISTS (SELECT 1 FROM payments q JOIN attempts a ON a.payment_id = q.id WHERE q.case_id = c.id AND a.contradicted_at IS NOT NULL) THEN 'payment_contradicted'
	WHEN EXISTS (SELECT 1 FROM conflicted_decisions x WHERE x.case_id = c.id AND NOT x.made_again AND NOT x.reviewed
		AND (x.kind NOT IN ('prepare_payment', 'release_payment') OR x.subject IN (p.id, p.retry_of))) THEN 'conflict_unreviewed'
	WHEN conflicted(c.id, $1::text) THEN 'conflict_of_interest'
	WHEN EXISTS (SELECT 1 FROM case_duties h WHERE h.case_id = c.id AND h.person = $1::text AND h.duty <> $2::text) THEN 'four_eyes'
	ELSE '' END`

// waitingForRun lists the payments that wait for a run and that the caller
// works on, the oldest first.
func (tx *Tx) waitingForRun(caller *Caller, f RunFilter) ([]waitingPayment, error) {
	var all []waitingPayment
	err := tx.list(&all, `SELECT p.id AS payment, p.case_id AS of_case, p.fund_id, p.rail, p.currency, c.area, c.programme, p.amount, `+obstacle+` AS because
		FROM payments p JOIN cases c ON c.id = p.case_id
		WHERE p.filed AND p.state = 'queued' AND NOT EXISTS (SELECT 1 FROM pay_run_lines l WHERE l.payment_id = p.id AND l.left_at IS NULL)
		  AND ($4::text IS NULL OR p.fund_id = (SELECT id FROM funds WHERE id = $4 OR code = $4)) AND ($5::text IS NULL OR c.programme = $5) AND ($6::timestamptz IS NULL OR p.created_at <= $6)
		  AND ($7::text IS NULL OR c.area = ANY(coalesce((`+areasBelow("$7")+`), '{}'))) AND c.area = ANY($8)
		ORDER BY p.created_at, p.id`, caller.Actor(), aid.DutyOf(aid.PreparePayment, ""), tx.Wall,
		text(f.Fund), text(f.Programme), f.DueUntil, text(f.Area), pq.Array(caller.MoneyAreas()))
	return slices.DeleteFunc(all, func(w waitingPayment) bool {
		return !caller.HasFor(w.Area, w.Programme, aid.RoleTreasurer, aid.RoleReleaser, aid.RoleManager, aid.RoleAuditor)
	}), err
}

// RunPreview tells what runs could be made of.
type RunPreview struct {
	Totals  []RunTotal
	LeftOut []RunObstacle
}

// RunTotal is the sum of one run that could be made.
type RunTotal struct {
	Fund     string
	Rail     string
	Currency string
	Lines    int
	Amount   int64 // minor units
}

// RunObstacle is a payment that no run takes, and why, as a code.
type RunObstacle struct {
	Payment string
	Case    string
	Code    string
}

// PreviewPayRun gives the totals of the runs that could be made, per fund and
// rail, and what would be left out of them.
func (s *Store) PreviewPayRun(ctx context.Context, caller *Caller, f RunFilter) (RunPreview, error) {
	var out RunPreview
	err := s.Write(ctx, func(tx *Tx) error {
		waiting, err := tx.waitingForRun(caller, f)
		out = previewOf(waiting)
		return err
	})
	return out, err
}

func previewOf(waiting []waitingPayment) RunPreview {
	var out RunPreview
	place := map[[3]string]int{}
	for _, w := range waiting {
		if w.Because != "" {
			out.LeftOut = append(out.LeftOut, RunObstacle{Payment: w.Payment, Case: w.Case, Code: w.Because})
			continue
		}
		of := [3]string{w.Fund, w.Rail, w.Currency}
		i, known := place[of]
		if !known {
			i = len(out.Totals)
			place[of] = i
			out.Totals = append(out.Totals, RunTotal{Fund: w.Fund, Rail: w.Rail, Currency: w.Currency})
		}
		out.Totals[i].Lines++
		out.Totals[i].Amount += w.Amount
	}
	return out
}

// PayRunRow is a run as readers see it.
type PayRunRow struct {
	PayRun
	Lines  int   `db:"lines"`  // that are in it
	Left   int   `db:"left"`   // that were, and are no more
	Amount int64 `db:"amount"` // of those that are in it, in minor units
}

// Cursor gives the row's place in the list of runs, newest first.
func (r PayRunRow) Cursor() Cursor { return atCursor(r.CreatedAt, r.ID) }

const payRunQuery = `SELECT ` + payRunColumns + `, o.lines, o.gone AS left, o.amount FROM pay_runs r JOIN funds f ON f.id = r.fund_id CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE l.left_at IS NULL) AS lines, count(*) FILTER (WHERE l.left_at IS NOT NULL) AS gone,
	       coalesce(sum(l.amount) FILTER (WHERE l.left_at IS NULL), 0)::bigint AS amount FROM pay_run_lines l WHERE l.run_id = r.id) o`

// PayRuns lists the runs of the funds that the caller sees, newest first;
// state and fund may narrow it.
//
// Errors: Invalid invalid_cursor.
func (s *Store) PayRuns(ctx context.Context, caller *Caller, state, fund string, p Page) ([]PayRunRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	sees, mine := caller.seesFund()
	rows := []PayRunRow{}
	err = s.list(ctx, &rows, payRunQuery+` WHERE `+sees+` AND ($2::text IS NULL OR r.state = $2) AND ($3::text IS NULL OR f.id = $3 OR f.code = $3)
		AND ($4::timestamptz IS NULL OR (r.created_at, r.id) < ($4, $5)) ORDER BY r.created_at DESC, r.id DESC LIMIT $6`,
		mine, text(state), text(fund), at, p.After.ID, p.limit())
	return rows, err
}

// PayRun gives one run.
//
// Errors: NotFound run_not_found.
func (s *Store) PayRun(ctx context.Context, caller *Caller, id string) (*PayRunRow, error) {
	var row PayRunRow
	sees, mine := caller.seesFund()
	err := s.get(ctx, &row, payRunQuery+` WHERE `+sees+` AND r.id = $2`, mine, id)
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "run_not_found")
	}
	return &row, err
}

// PayRunLine is a line of a run as readers see it.
type PayRunLine struct {
	N         int              `db:"n"`
	PaymentID string           `db:"payment_id"`
	CaseID    string           `db:"case_id"`
	Amount    int64            `db:"amount"`
	State     aid.PaymentState `db:"state"`
	Reason    string           `db:"reason"`
	LeftAt    *time.Time       `db:"left_at"`
	Because   string           `db:"left_because"`
}

// Cursor gives the line's place in its run.
func (l PayRunLine) Cursor() Cursor { return numberCursor(l.N) }

// PayRunLines gives the lines of a run in their order.
//
// Errors: NotFound run_not_found; Invalid invalid_cursor.
func (s *Store) PayRunLines(ctx context.Context, caller *Caller, id string, p Page) ([]PayRunLine, error) {
	after, err := p.number()
	if err != nil {
		return nil, err
	}
	if _, err := s.PayRun(ctx, caller, id); err != nil {
		return nil, err
	}
	rows := []PayRunLine{}
	err = s.list(ctx, &rows, `SELECT l.n, l.payment_id, l.case_id, l.amount, p.state, p.reason, l.left_at, l.left_because
		FROM pay_run_lines l JOIN payments p ON p.id = l.payment_id WHERE l.run_id = $1 AND l.n > $2 ORDER BY l.n LIMIT $3`, id, after, p.limit())
	return rows, err
}
