package worker_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/checker"
	"github.com/aidflow/aidflow/internal/postgres"
)

// breach is a fault that no path of the program makes: it is written past all
// triggers and constraints, seen by the second opinion, and taken back.
type breach struct {
	law    string
	tables string   // that are written
	sql    []string // $c is a case that was paid in full, $h one that is being paid, $a one under review, $d one whose payment is in doubt
}

// breaches has one or more for every law that PostgreSQL alone can answer.
var breaches = []breach{
	{"transaction_unbalanced", "ledger_entries", []string{`UPDATE ledger_entries SET amount = amount + 1 WHERE account = 'spent' AND transaction_id = (SELECT id FROM ledger_transactions WHERE case_id = $c AND kind LIKE 'settle%' LIMIT 1)`}},
	{"transaction_empty", "ledger_transactions", []string{`INSERT INTO ledger_transactions SELECT 'txn_planted', fund_id, kind, 'planted', case_id, actor, at FROM ledger_transactions LIMIT 1`}},
	{"transaction_empty", "ledger_entries", []string{`UPDATE ledger_entries SET currency = 'USD' WHERE transaction_id = (SELECT id FROM ledger_transactions WHERE case_id = $c AND kind = 'reserve')`}},
	{"balance_differs", "ledger_transactions ledger_entries", []string{`DELETE FROM ledger_entries WHERE transaction_id = (SELECT id FROM ledger_transactions WHERE case_id = $c AND kind LIKE 'settle%' LIMIT 1)`}},
	{"balance_differs", "fund_balances", []string{`DELETE FROM fund_balances WHERE spent > 0`}},
	{"money_nowhere", "ledger_entries", []string{`DELETE FROM ledger_entries WHERE book = 'books' AND transaction_id = (SELECT id FROM ledger_transactions WHERE case_id = $c AND kind LIKE 'settle%' LIMIT 1)`}},
	{"overspent", "fund_balances", []string{`ALTER TABLE fund_balances DROP CONSTRAINT fund_limit`, `UPDATE fund_balances SET budget = 1`}},
	{"below_zero", "ledger_transactions ledger_entries", []string{
		`INSERT INTO ledger_transactions SELECT 'txn_planted', fund_id, 'release', 'planted', NULL, 'x', at FROM ledger_transactions LIMIT 1`,
		`INSERT INTO ledger_entries SELECT 'txn_planted', 1, f.id, 'commitments', 'reserved', 900000000, 'VND' FROM ledger_transactions t JOIN funds f ON f.id = t.fund_id WHERE t.id = 'txn_planted'`,
		`INSERT INTO ledger_entries SELECT 'txn_planted', 2, f.id, 'commitments', 'available', -900000000, 'VND' FROM ledger_transactions t JOIN funds f ON f.id = t.fund_id WHERE t.id = 'txn_planted'`}},
	{"contribution_not_booked", "contributions", []string{`UPDATE contributions SET amount = amount + 1`}},
	{"contribution_not_booked", "contributions", []string{`DELETE FROM contributions`}},
	{"reserved_differs", "tranches", []string{`UPDATE tranches SET state = 'skipped' WHERE state = 'evidence_due' AND award_id IN (SELECT id FROM awards WHERE case_id = $h)`}},
	{"reserved_differs", "awards", []string{`UPDATE awards SET state = 'cancelled' WHERE case_id = $h`}},
	{"in_transit_differs", "payments", []string{`UPDATE payments SET state = 'failed' WHERE case_id = $d AND state IN ('instructed', 'unknown')`}},
	{"spent_differs", "payments", []string{`UPDATE payments SET state = 'returned' WHERE case_id = $c`}},
	{"spent_differs", "payments", []string{`DELETE FROM payments WHERE case_id = $c`}},
	{"reserved_for_nobody", "ledger_transactions", []string{`UPDATE ledger_transactions SET case_id = NULL WHERE case_id = $h AND kind = 'reserve'`}},
	{"paid_twice", "payments", []string{`DROP INDEX payments_one_live`,
		`INSERT INTO payments (id, case_id, award_id, tranche_id, fund_id, n, amount, currency, payee_account_id, rail, state, created_at)
		 SELECT 'pay_planted', case_id, award_id, tranche_id, fund_id, n + 1, amount, currency, payee_account_id, rail, 'settled', created_at FROM payments WHERE case_id = $c`}},
	{"payment_unbooked", "ledger_transactions", []string{`UPDATE ledger_transactions SET key = key || 'x' WHERE case_id = $c AND key LIKE '%/settle'`}},
	{"payment_unbooked", "ledger_transactions", []string{`UPDATE ledger_transactions SET key = key || 'x' WHERE case_id = $d AND key LIKE '%/instruct'`}},
	{"tranche_state", "tranches", []string{`UPDATE tranches SET state = 'settled' WHERE state = 'evidence_due'`}},
	{"tranche_state", "awards", []string{`UPDATE awards SET state = 'completed' WHERE case_id = $h`}},
	{"settled_without_word", "attempts", []string{`UPDATE attempts SET state = 'failed' WHERE payment_id IN (SELECT id FROM payments WHERE case_id = $c)`}},
	{"attempts_differ", "attempts", []string{`DROP INDEX attempts_one_open`,
		`INSERT INTO attempts (id, payment_id, key, state, started_at) SELECT 'att_planted', payment_id, key || '9', 'accepted', started_at FROM attempts LIMIT 1`}},
	{"attempt_stuck", "tasks attempts", []string{`UPDATE tasks SET state = 'void', closed_at = now(), assignee = NULL WHERE case_id = $d AND kind = 'resolve_payment'`,
		`UPDATE attempts SET sent_at = now() - interval '3 days' WHERE payment_id IN (SELECT id FROM payments WHERE case_id = $d)`}},
	{"paid_without_approval", "decisions", []string{`UPDATE decisions SET state = 'refused', decided_at = NULL WHERE case_id = $c AND action = 'approve'`}},
	{"paid_without_approval", "payments", []string{`UPDATE payments SET payee_account_id = (SELECT payee_account_id FROM payments WHERE case_id = $h LIMIT 1) WHERE case_id = $c`}},
	{"let_go_by_one", "decisions", []string{`UPDATE decisions SET actor = 'treasurer1' WHERE task_id IN (SELECT id FROM tasks WHERE case_id = $c AND kind = 'release_payment')`}},
	{"purpose_differs", "fund_balances", []string{`UPDATE fund_balances SET free = free - 1`}},
	{"purpose_differs", "fund_purposes", []string{`INSERT INTO fund_purposes (id, fund_id, programme, raised, available, created_at) SELECT 'pur_planted', id, 'medical', 1, 1, now() FROM funds LIMIT 1`}},
	{"budget_differs", "fund_budgets", []string{`UPDATE fund_budgets SET promised = promised + 1`}},
	{"stale_hash", "awards", []string{`UPDATE awards SET bound_hash = sha256('x') WHERE case_id = $d`}},
	{"too_few_approvals", "decisions", []string{`UPDATE decisions SET state = 'refused', decided_at = NULL WHERE task_id = (SELECT id FROM tasks WHERE case_id = $h AND kind = 'approve' AND rule ->> 'mode' = 'committee' LIMIT 1)`}},
	{"paid_against_decision", "tasks", []string{`UPDATE tasks SET outcome = 'rejected' WHERE id = (SELECT id FROM tasks WHERE case_id = $h AND kind = 'approve' ORDER BY closed_at LIMIT 1)`}},
	{"two_duties", "decisions", []string{`UPDATE decisions SET behalf = 'verifier1' WHERE case_id = $c AND action = 'approve' AND task_id IN (SELECT id FROM tasks WHERE kind = 'approve')`,
		`UPDATE decisions SET actor = 'verifier1' WHERE task_id IN (SELECT id FROM tasks WHERE case_id = $c AND duty = 'verify')`}},
	{"relative_decided", "case_recusals", []string{`INSERT INTO case_recusals (id, case_id, subject, reason_code, recorded_at)
		SELECT 'rec_planted', case_id, actor, 'family', decided_at FROM decisions WHERE case_id = $d AND action = 'approve' LIMIT 1`}},
	{"intervals_broken", "intervals", []string{`DELETE FROM intervals WHERE case_id = $c AND n = 2`}},
	{"awaits_nobody", "intervals", []string{`UPDATE intervals SET to_at = from_at WHERE case_id = $a AND to_at IS NULL`}},
	{"forgotten", "tasks", []string{`UPDATE tasks SET state = 'void', closed_at = now(), assignee = NULL WHERE case_id = $a AND closed_at IS NULL`}},
	{"task_of_ended_case", "tasks", []string{`UPDATE tasks SET case_id = $c, subject = 'planted' WHERE id = (SELECT id FROM tasks WHERE case_id = $a AND closed_at IS NULL LIMIT 1)`}},
	{"parked_differs", "cases", []string{`UPDATE cases SET parked = true WHERE id = $a`}},
	{"intent_stuck", "decisions", []string{`INSERT INTO decisions (id, task_id, case_id, actor, action, task_version, state, asked_at)
		SELECT 'dec_planted', id, case_id, 'verifier1', 'complete', 1, 'intent', now() - interval '1 day' FROM tasks WHERE case_id = $a AND closed_at IS NULL LIMIT 1`}},
	{"handover_stuck", "outbox", []string{`INSERT INTO outbox (kind, workflow_id, name, created_at) SELECT 'signal', workflow_id, 'look', now() - interval '1 day' FROM cases WHERE id = $a`}},
	{"handover_stuck", "workflows", []string{`UPDATE workflows SET started_at = NULL, wanted_at = now() - interval '1 day' WHERE case_id = $a`}},
	{"workflow_unnamed", "workflows", []string{`UPDATE workflows SET ended_at = now() WHERE case_id = $a`}},
}

// The second opinion finds every kind of breach in a living world: one case is
// paid and closed, one is being paid, one is under review, one has a payment
// that is in doubt.
func TestCheckFindsEveryBreach(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	closed, paying := tn.submit(example(t, "medical")), tn.submit(another(example(t, "housing_new"), 2))
	slow := func(r postgres.TaskRow, waited time.Duration) *move {
		if r.CaseID == paying && r.Kind == aid.ConfirmMilestone && tn.events(paying, "payment.settled") > 0 {
			return nil
		}
		return willing(r, waited)
	}
	tn.liveUntil(slow, func() bool { return tn.status(closed) == aid.Closed && tn.events(paying, "payment.settled") == 1 })
	tn.patient.asks = 0 // of a payment that the bank never ends
	doubtful := tn.submit(another(payable(t, "990009"), 3))
	tn.liveUntil(slow, tn.open(doubtful, aid.ResolvePayment))
	review := tn.submit(another(example(t, "schooling"), 4))
	tn.liveUntil(people(slow).never(aid.VerifyDocuments), tn.is(review, aid.InReview))
	tn.past(`UPDATE workflows SET started_at = wanted_at WHERE started_at IS NULL`) // the town starts them as the API does, and marks none
	tn.findsBreaches(map[string]string{"$c": closed, "$h": paying, "$d": doubtful, "$a": review})
	tn.findsBreachesOfBooks()
}

func (tn *town) findsBreaches(cases map[string]string) {
	names := strings.NewReplacer("$c", quoted(cases["$c"]), "$h", quoted(cases["$h"]), "$d", quoted(cases["$d"]), "$a", quoted(cases["$a"]))
	require.Empty(tn.t, tn.opinion(tn.books).Findings, "before anything is planted")
	for _, b := range breaches {
		undo := tn.keep(strings.Fields(b.tables))
		for _, statement := range b.sql {
			tn.past(names.Replace(statement))
		}
		assert.Contains(tn.t, tn.opinion(tn.books).Laws(), b.law, b.sql[0])
		undo()
	}
	require.Empty(tn.t, tn.opinion(tn.books).Findings, "when everything was taken back")
}

func quoted(id string) string { return "'" + id + "'" }

// opinion is what the checker says, with the time that it gives to whatever is
// under way taken by the wall clock: everything here is long ago.
func (tn *town) opinion(books *checker.Rail) *checker.Report {
	report, err := checker.Check(context.Background(), checker.Config{Database: tn.db.OwnerURL, Rail: books})
	require.NoError(tn.t, err)
	return report
}

// past writes past triggers and foreign keys, as a fault of the machine or a
// superuser would.
func (tn *town) past(statement string) {
	_, err := tn.conn.Exec(`BEGIN; SET LOCAL session_replication_role = replica; ` + statement + `; COMMIT`)
	require.NoError(tn.t, err, statement)
}

// keep copies tables; undo puts them back as they were, with what keeps them
// together.
func (tn *town) keep(tables []string) (undo func()) {
	for _, table := range tables {
		tn.past(`CREATE TABLE kept_` + table + ` AS TABLE ` + table)
	}
	return func() {
		for _, table := range tables {
			columns := strings.Join(tn.texts(`SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_generated = 'NEVER'`, table), ", ")
			tn.past(`DELETE FROM ` + table + `; INSERT INTO ` + table + ` (` + columns + `) OVERRIDING SYSTEM VALUE SELECT ` + columns + ` FROM kept_` + table + `; DROP TABLE kept_` + table)
		}
	}
}

// booksBreaches changes what the rail's books say; the law that is broken then.
var booksBreaches = map[string]func(b map[string]any){
	"rail_unbalanced": func(b map[string]any) { b["balanced"] = false },
	"moved_twice": func(b map[string]any) {
		b["movements"] = append(movements(b), movements(b)[0])
	},
	"moved_without_payment": func(b map[string]any) {
		b["movements"] = append(movements(b), map[string]any{"key": "awd_none/1/1", "amount": 1, "currency": "VND"})
	},
	"moved_differs":     func(b map[string]any) { movements(b)[0].(map[string]any)["amount"] = 1 },
	"settled_not_moved": func(b map[string]any) { b["movements"] = movements(b)[1:] },
}

func movements(b map[string]any) []any { return b["movements"].([]any) }

// findsBreachesOfBooks shows the checker the real books, each time with one
// thing changed.
func (tn *town) findsBreachesOfBooks() {
	for law, change := range booksBreaches {
		wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			books, err := tn.bank.Books(r.Context())
			assert.NoError(tn.t, err)
			b := map[string]any{}
			raw, err := json.Marshal(books)
			assert.NoError(tn.t, err)
			assert.NoError(tn.t, json.Unmarshal(raw, &b))
			change(b)
			assert.NoError(tn.t, json.NewEncoder(w).Encode(b))
		}))
		require.Equal(tn.t, []string{law}, tn.opinion(&checker.Rail{Name: tn.books.Name, URL: wrong.URL}).Laws())
		wrong.Close()
	}
}

// Every law has its breach: here, or in e2e where Temporal runs.
func TestEveryLawHasItsBreach(t *testing.T) {
	t.Parallel()
	inTemporal := []string{"case_without_workflow", "workflow_without_case"}
	for _, law := range checker.Laws() {
		here := slices.ContainsFunc(breaches, func(b breach) bool { return b.law == law.Code })
		if _, books := booksBreaches[law.Code]; !here && !books && !slices.Contains(inTemporal, law.Code) {
			t.Errorf("no breach of %s is planted", law.Code)
		}
	}
}

// Books that do not answer, and a login that may not become the checker, are
// no verdict.
func TestCheckSaysWhenItCannotLook(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	_, err := checker.Check(context.Background(), checker.Config{Database: tn.db.OwnerURL, Rail: &checker.Rail{Name: tn.books.Name, URL: tn.books.URL, Secret: "wrong"}})
	require.ErrorContains(t, err, "401")
	report, err := checker.Check(context.Background(), checker.Config{Database: tn.db.OwnerURL})
	require.NoError(t, err)
	require.Equal(t, []string{"rail", "workflows"}, report.NotLooked)
	_, err = tn.conn.Exec(`CREATE ROLE a_stranger LOGIN PASSWORD 'strange'`)
	require.NoError(t, err)
	stranger, err := url.Parse(tn.db.OwnerURL)
	require.NoError(t, err)
	stranger.User = url.UserPassword("a_stranger", "strange")
	_, err = checker.Check(context.Background(), checker.Config{Database: stranger.String()})
	_, dropped := tn.conn.Exec(`DROP ROLE a_stranger`)
	require.NoError(t, dropped)
	require.ErrorContains(t, err, "GRANT aidflow_check")
}

// The checker's role changes nothing and reads nothing that is personal.
func TestCheckersRoleOnlyReads(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	require.Empty(t, tn.texts(`SELECT c.relname || '.' || p FROM pg_class c CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege('aidflow_check', c.oid, p)`))
	require.Empty(t, tn.texts(`SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = 'public'::regnamespace AND has_column_privilege('aidflow_check', c.oid, a.attnum, 'SELECT')
			AND (a.attname IN ('sealed', 'donor', 'national_id_hash', 'tracking_hash') OR c.relname IN ('persons', 'household_members', 'match_keys'))`))
}
