package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// raw runs statements with the program's role in one transaction.
func raw(t testing.TB, db *pgtest.DB, statements ...string) error {
	t.Helper()
	return db.Write(t.Context(), func(tx *postgres.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(s); err != nil {
				return err
			}
		}
		return nil
	})
}

// refusesRole fails the test unless PostgreSQL says that the program's role
// may not do it (42501).
func refusesRole(t testing.TB, db *pgtest.DB, statement string) {
	t.Helper()
	if err := raw(t, db, statement); err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("%s: %v", statement, err)
	}
}

// breaks fails the test unless PostgreSQL refuses by this constraint.
func breaks(t testing.TB, db *pgtest.DB, constraint string, statements ...string) {
	t.Helper()
	err := raw(t, db, statements...)
	var e *aid.Error
	if !errors.As(err, &e) || e.Cause == nil || !strings.Contains(e.Cause.Error(), " "+constraint+" ") {
		t.Errorf("want %s: %v", constraint, err)
	}
}

// again writes a row of a table once more, with other values in some columns.
func again(table, other string) string {
	return `INSERT INTO ` + table + ` SELECT (jsonb_populate_record(r, '` + other + `')).* FROM ` + table + ` r LIMIT 1`
}

// Rows of money, and what stands for an act, are there once, also for somebody
// who writes them by hand.
func TestBusinessKeysAreUnique(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c, payment := reserved(t, db, 0)
	decide(t, db, taskOf(t, db, c.ID, aid.PreparePayment), db.Staff(t, "treasurer1"), aid.ActionConfirm, ``)
	key := must(db.Payment(t.Context(), db.Staff(t, "treasurer1"), payment))(t).Key()
	must(db.RecordCallback(t.Context(), "simulator", "msg-1", key, "settled"))(t)
	for constraint, statement := range map[string]string{
		"ledger_transactions_key_key":           again("ledger_transactions", `{"id": "x"}`),
		"ledger_entries_pkey":                   again("ledger_entries", `{}`),
		"contributions_fund_id_external_id_key": again("contributions", `{"id": "x"}`),
		"awards_case_id_round_key":              again("awards", `{"id": "x"}`),
		"tranches_award_id_n_key":               again("tranches", `{"id": "x"}`),
		"payments_tranche_id_n_key":             `UPDATE payments SET state = 'cancelled'; ` + again("payments", `{"id": "x", "state": "due"}`),
		"payments_within_tranche":               again("payments", `{"id": "x", "n": 2}`),
		"payments_one_of_case":                  again("tranches", `{"id": "t", "n": 2}`) + `; ` + again("payments", `{"id": "x", "tranche_id": "t"}`),
		"attempts_key_key":                      again("attempts", `{"id": "x", "state": "failed"}`),
		"attempts_one_open":                     again("attempts", `{"id": "x", "key": "x/1/1"}`),
		"callbacks_pkey":                        again("callbacks", `{}`),
		"cases_partner_id_external_id_key":      again("cases", `{"id": "x", "reference": "x", "tracking_hash": "\\x00", "programme": "housing_new"}`),
		"cases_one_open":                        again("cases", `{"id": "x", "reference": "x", "tracking_hash": "\\x00", "external_id": ""}`),
		"cases_reference_key":                   again("cases", `{"id": "x", "tracking_hash": "\\x00", "external_id": "", "programme": "housing_new"}`),
		"decisions_once":                        again("decisions", `{"id": "x"}`),
		"visits_case_id_round_n_key":            again("visits", `{"id": "x"}`),
		"tasks_once": `INSERT INTO tasks (id, case_id, workflow_id, kind, stage, round, review, level, subject, area, programme, urgent, state, opened_at)
			SELECT 'x', case_id, workflow_id, kind, stage, round, review, level, subject, area, programme, urgent, 'open', opened_at FROM tasks
			WHERE closed_at IS NULL LIMIT 1`,
		"withdrawals_pkey":     `INSERT INTO withdrawals (case_id, round, actor, reason_code, asked_at) SELECT id, 1, 'x', 'x', now() FROM cases, (VALUES (1), (2)) twice`,
		"intervals_open":       again("intervals", `{"n": 99, "to_at": null}`),
		"events_case_id_n_key": again("events", `{"id": "x"}`),
		"four_eyes":            again("case_duties", `{"duty": "release"}`),
		"workflows_pkey":       again("workflows", `{}`),
		"funds_code_key":       again("funds", `{"id": "x"}`),
	} {
		breaks(t, db, constraint, statement)
	}
}

// A ledger transaction that does not balance is refused at its COMMIT; one
// that goes beyond what there is, at once.
func TestTheLedgerGuardsItself(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	reserved(t, db, 0)
	const head = `INSERT INTO ledger_transactions (id, fund_id, kind, key, actor, at) SELECT 'x', id, 'reserve', 'x', 'x', now() FROM funds`
	entry := func(n, book, account, amount, currency string) string {
		return `INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency)
			SELECT 'x', ` + n + `, id, '` + book + `', '` + account + `', ` + amount + `, '` + currency + `' FROM funds`
	}
	for name, tc := range map[string]struct {
		constraint string
		entries    []string
	}{
		"one side":          {"ledger_balanced", []string{entry("1", "commitments", "funding", "1", "VND")}},
		"two sets":          {"ledger_balanced", []string{entry("1", "books", "aid_paid", "5", "VND"), entry("2", "commitments", "funding", "-5", "VND")}},
		"two currencies":    {"ledger_balanced", []string{entry("1", "commitments", "funding", "5", "VND"), entry("2", "commitments", "funding", "-5", "IDR")}},
		"not the sum":       {"ledger_balanced", []string{entry("1", "books", "aid_paid", "5", "VND"), entry("2", "books", "recovered", "-4", "VND")}},
		"a wrong set":       {"ledger_entries_check", []string{entry("1", "books", "available", "5", "VND")}},
		"nothing":           {"ledger_entries_amount_check", []string{entry("1", "commitments", "available", "0", "VND")}},
		"cash from nowhere": {"fund_money_is_somewhere", []string{entry("1", "books", "cash", "5", "VND"), entry("2", "books", "recovered", "-5", "VND")}},
		"more than there is": {"free_limit", []string{`INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency)
			SELECT 'x', n, id, 'commitments', account, amount, 'VND' FROM funds, (VALUES (1, 'available', 600000000), (2, 'reserved', -600000000)) v (n, account, amount)`}},
	} {
		t.Run(name, func(t *testing.T) { breaks(t, db, tc.constraint, append([]string{head}, tc.entries...)...) })
	}
	if n := count(t, db, `SELECT count(*) FROM ledger_transactions WHERE id = 'x'`); n != 0 {
		t.Fatal("a refused transaction is there")
	}
	breaks(t, db, "fund_limit", `UPDATE fund_balances SET budget = 5999999`)
	if err := raw(t, db, `UPDATE fund_balances SET budget = 6000000`); err != nil {
		t.Fatalf("the budget of exactly what is promised: %v", err)
	}
	for _, column := range []string{"cash", "contributions", "available", "reserved", "in_transit", "spent", "fund_id"} {
		refusesRole(t, db, `UPDATE fund_balances SET `+column+` = `+column)
	}
}

// A posting of the same event is refused, and the sum of the entries is the
// balance.
func TestPostOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var fund string
	if err := db.SQL(t).QueryRow(`SELECT id FROM funds`).Scan(&fund); err != nil {
		t.Fatal(err)
	}
	post := func() error {
		return db.Write(t.Context(), func(tx *postgres.Tx) error {
			return tx.Post(ledger.Reserve(fund, money.Of(7, "VND"), "once"), "", "somebody")
		})
	}
	done := 0
	for _, err := range crowd(8, func(int) error { return post() }) {
		if err == nil {
			done++
			continue
		}
		wantCode(t, err, "posting_exists")
	}
	if reserved := count(t, db, `SELECT reserved FROM fund_balances`); done != 1 || reserved != 7 {
		t.Fatalf("%d postings, %d reserved", done, reserved)
	}
}

// The program's role may change these tables; every other is written once. A
// new table has to be put on one of the two sides.
func TestWhatMayBeChanged(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	const changeable = `partners partner_keys staff staff_roles staff_relations persons households household_members payee_accounts reference_counters
		cases case_words case_documents case_checks workflows tasks decisions intervals idempotency_keys outbox funds fund_balances fund_budgets awards
		award_changes tranches payments attempts visits withdrawals postings imports household_reviews household_review_members household_totals programmes programme_drafts document_files
		calendars area_calendars freezes clocks recounts delegations staff_contacts messages notifications conditions pay_runs pay_run_lines bank_statements bank_statement_lines task_batches task_batch_items task_rechecks notices bank_returns`
	rows, err := db.SQL(t).Query(`SELECT tablename, tablename = ANY(string_to_array($1, ' ')),
			(SELECT min(column_name) FROM information_schema.columns WHERE table_name = tablename AND is_identity = 'NO')
		FROM pg_tables WHERE schemaname = 'public'`, strings.Join(strings.Fields(changeable), " "))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	kept := 0
	for rows.Next() {
		var table, column string
		var changes bool
		if err := rows.Scan(&table, &changes, &column); err != nil {
			t.Fatal(err)
		}
		refusesRole(t, db, `TRUNCATE `+table)
		if !strings.Contains("idempotency_keys outbox case_words staff_roles import_chunks match_people person_differences document_files file_chunks area_calendars task_rechecks notices messages notifications", table) {
			refusesRole(t, db, `DELETE FROM `+table)
		}
		if !changes {
			kept++
			refusesRole(t, db, `UPDATE `+table+` SET `+column+` = `+column)
		}
	}
	if err := rows.Err(); err != nil || kept < 11 {
		t.Fatalf("%d tables are written once, %v", kept, err)
	}
}

// No payment reaches a rail without a treasurer and a releaser, whoever writes
// its row.
func TestTheDatabaseAloneKeepsPaymentsBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c, payment := reserved(t, db, 0)
	for _, state := range []string{"queued", "instructed", "unknown", "settled"} {
		breaks(t, db, "payments_begin_due", again("payments", `{"id": "x", "n": 2, "state": "`+state+`"}`))
	}
	breaks(t, db, "payments_of_tranche", `UPDATE payments SET state = 'cancelled'`, again("payments", `{"id": "x", "n": 2, "state": "due", "amount": 6000001}`))
	to := func(state string) string {
		return `UPDATE payments SET state = '` + state + `' WHERE id = '` + payment + `'`
	}
	for _, state := range []string{"instructed", "unknown", "settled", "returned"} {
		breaks(t, db, "payments_two_persons", to(state))
		breaks(t, db, "payments_two_persons", to("queued"), to(state))
	}
	for _, column := range []string{"amount", "currency", "payee_account_id", "tranche_id", "rail", "n"} {
		refusesRole(t, db, `UPDATE payments SET `+column+` = `+column)
	}
	prepare := taskOf(t, db, c.ID, aid.PreparePayment)
	release := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.ReleasePayment, Subject: payment})
	votes := func(prepares, releases string) error {
		return db.Write(t.Context(), func(tx *postgres.Tx) error {
			if err := errors.Join(vote(tx, prepare, prepares, false), vote(tx, release, releases, true)); err != nil {
				return err
			}
			_, err := tx.Exec(`UPDATE payments SET state = 'queued'`)
			return err
		})
	}
	wantCode(t, votes("somebody", "somebody"), "four_eyes")
	if err := votes("somebody", "another"); err != nil {
		t.Fatal(err)
	}
	breaks(t, db, "payments_as_approved", to("instructed"))
	verified(t, db, c.ID, "a verifier")
	breaks(t, db, "payments_as_approved", to("instructed"))
	approved(t, db, c.ID, "an approver")
	if err := raw(t, db, to("instructed"), to("unknown"), to("settled"), saysReturned(`'releaser1', now()`), to("returned")); err != nil {
		t.Fatalf("with two persons: %v", err)
	}
}

// verified and approved write what a payment needs behind it, past every check
// of the program.
func verified(t testing.TB, db *pgtest.DB, caseID, by string) {
	t.Helper()
	task := openTask(t, db, caseID, postgres.NewTask{Kind: aid.VerifyDocuments})
	if err := db.Write(t.Context(), func(tx *postgres.Tx) error { return vote(tx, task, by, false) }); err != nil {
		t.Fatal(err)
	}
}

func approved(t testing.TB, db *pgtest.DB, caseID, by string) {
	t.Helper()
	task := openTask(t, db, caseID, postgres.NewTask{Kind: aid.Approve, Level: "commune", Rule: aid.Level{Name: "commune", Mode: aid.ModeAny}})
	exec(t, db, `INSERT INTO decisions (id, task_id, case_id, actor, action, amount, bound_hash, task_version, state, asked_at, decided_at)
		SELECT 'dec_'||$1, $1, case_id, $2, 'approve', amount, bound_hash, 1, 'applied', now(), now() FROM awards WHERE case_id = $3`, task, by, caseID)
	exec(t, db, `UPDATE tasks SET state = 'done', outcome = 'approved', closed_at = now() WHERE id = $1`, task)
}

// No payment moves on while the village is asked, whoever writes its row; one
// that has arrived in spite of that, as two persons have seen, is booked.
func TestTheDatabaseAloneAsksTheVillage(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c, payment := reserved(t, db, 0)
	to := `UPDATE payments SET state = 'queued' WHERE id = '` + payment + `'`
	open := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.PostPublicly})
	breaks(t, db, "payments_after_posting", to)
	wantCode(t, raw(t, db, to), "objection_open")
	decide(t, db, open, db.Staff(t, "verifier1"), aid.ActionComplete, `{"date": "2026-03-02", "place": "here"}`)
	closed := `UPDATE tasks SET state = 'done', closed_at = now() WHERE id = '` + open + `'`
	hangs := `INSERT INTO postings (award_id, case_id, decision_id, posted_on, until, recorded_at)
		SELECT a.id, a.case_id, d.id, now(), now(), now() FROM awards a, decisions d`
	breaks(t, db, "payments_after_posting", closed, hangs, to)
	breaks(t, db, "postings_pkey", closed, hangs, hangs)
	over := `UPDATE postings SET over_at = now()`
	if err := raw(t, db, closed, hangs, over); err != nil {
		t.Fatal(err)
	}
	refusesRole(t, db, `UPDATE postings SET until = now()`)
	hear := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.DecideObjection})
	breaks(t, db, "payments_after_posting", to)
	if err := raw(t, db, `UPDATE tasks SET state = 'void', closed_at = now() WHERE id = '`+hear+`'`, to); err != nil {
		t.Fatalf("nobody objects any more: %v", err)
	}
}
