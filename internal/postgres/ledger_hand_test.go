package postgres_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// moved posts a transfer by treasurer1.
func moved(t testing.TB, db *pgtest.DB, fund string, kind ledger.Kind, n int, amount int64) (*postgres.LedgerRow, error) {
	t.Helper()
	return db.Transfer(t.Context(), db.Staff(t, "treasurer1"), postgres.Transfer{ID: postgres.NewID(aid.TransactionID), FundID: fund, Kind: kind,
		Amount: money.Of(amount, "VND"), External: fmt.Sprint("paper ", n)})
}

// balancesOf gives the running balances of a fund.
func balancesOf(t testing.TB, db *pgtest.DB, fund string) ledger.Balances {
	t.Helper()
	b := ledger.Balances{Fund: fund, Currency: "VND"}
	err := db.SQL(t).QueryRow(`SELECT cash, advances, receivable, contributions, aid_paid, recovered, funding, available, reserved, in_transit, spent
		FROM fund_balances WHERE fund_id = $1`, fund).Scan(&b.Cash, &b.Advances, &b.Receivable, &b.Contributions, &b.AidPaid, &b.Recovered, &b.Funding,
		&b.Available, &b.Reserved, &b.InTransit, &b.Spent)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Cash goes out to communes and comes back, fees are owed by the operator;
// running costs are refused and the refusal is in the audit.
func TestTransfers(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	fund := fundOf(t, db, 100, 100)
	must(moved(t, db, fund, ledger.KindAdvanceOut, 1, 60))(t)
	must(moved(t, db, fund, ledger.KindAdvanceIn, 1, 20))(t)
	must(moved(t, db, fund, ledger.KindFee, 1, 5))(t)
	must(moved(t, db, fund, ledger.KindFeeRepaid, 1, 2))(t)
	if b := balancesOf(t, db, fund); b.Cash != 57 || b.Advances != 40 || b.Receivable != 3 || b.Available != 100 || b.Check() != nil {
		t.Fatalf("%+v", b)
	}
	for name, tc := range map[string]struct {
		kind   ledger.Kind
		n      int
		amount int64
		code   string
	}{
		"twice": {ledger.KindFee, 1, 5, "duplicate_external_id"}, "more cash than there is": {ledger.KindAdvanceOut, 2, 58, "money_short"},
		"more back than went out": {ledger.KindAdvanceIn, 2, 41, "money_short"}, "more repaid than owed": {ledger.KindFeeRepaid, 2, 4, "money_short"},
		"running costs": {ledger.KindRunningCosts, 2, 1, "invalid_content"}, "nothing": {ledger.KindFee, 2, 0, "ledger_amount"},
		"aid": {ledger.KindSettleBank, 2, 1, "ledger_incomplete"},
	} {
		if _, err := moved(t, db, fund, tc.kind, tc.n, tc.amount); aid.CodeOf(err) != tc.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM audit WHERE outcome = 'refused' AND code = 'running_costs_refused' AND object = $1`, fund); n != 1 {
		t.Errorf("%d refusals of running costs", n)
	}
	_, err := db.Transfer(t.Context(), db.Staff(t, "manager1"), postgres.Transfer{ID: "trx_x", FundID: fund, Kind: ledger.KindFee, Amount: money.Of(1, "VND")})
	wantCode(t, err, "wrong_area")
}

// What a person posted is taken back once, by somebody else; what a case
// posted, a year or a reversal is not taken back by hand.
func TestReversals(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	fund, second := fundOf(t, db, 100, 100), db.Staff(t, "treasurer2")
	bind(t, db, fund, 1, 50, "medical", "")
	given := rows(t, db, `SELECT id FROM ledger_transactions WHERE fund_id = $1 AND kind = 'contribution' ORDER BY id`, fund)
	back := func(id string) (*postgres.LedgerRow, error) {
		return db.Reverse(ctx, second, id, postgres.NewID(aid.TransactionID), "typed_wrong")
	}
	_, err := db.Reverse(ctx, db.Staff(t, "treasurer1"), given[0], "trx_x", "typed_wrong")
	wantCode(t, err, "second_person")
	_, err = db.Reverse(ctx, db.Staff(t, "manager1"), given[0], "trx_x", "typed_wrong")
	wantCode(t, err, "wrong_area")
	_, err = back("trx_none")
	wantCode(t, err, "transaction_not_found")
	c := asking(t, db, 0, fund, "medical", 1)
	if got, err := reserve(t, db, c); !got || err != nil {
		t.Fatal(got, err)
	}
	_, err = back(given[1])
	wantCode(t, err, "money_short") // one of its fifty is promised
	_, err = back(rows(t, db, `SELECT id FROM ledger_transactions WHERE case_id = $1`, c)[0])
	wantCode(t, err, "not_reversible")
	made := must(back(given[0]))(t)
	if made.Kind != "reversal" || *made.Reverts != given[0] || made.Reason != "typed_wrong" || len(made.Entries) != 4 {
		t.Fatalf("%+v", made)
	}
	if again := must(db.Reverse(ctx, second, given[0], made.ID, "typed_wrong"))(t); again.ID != made.ID {
		t.Fatal("the same request posts again")
	}
	_, err = back(given[0])
	wantCode(t, err, "reverted_already")
	_, err = db.Reverse(ctx, db.Staff(t, "treasurer1"), made.ID, "trx_x", "typed_wrong")
	wantCode(t, err, "not_reversible")
	fee := must(moved(t, db, fund, ledger.KindFee, 1, 7))(t)
	must(back(fee.ID))(t)
	wantLeft(t, db, fund, "medical 49", "free 0")
	if b := balancesOf(t, db, fund); b.Check() != nil || b.Cash != 50 || b.Contributions != 50 || b.Receivable != 0 {
		t.Fatalf("%+v", b)
	}
	reversal := func(kind, reverts string) string {
		return `INSERT INTO ledger_transactions (id, fund_id, kind, key, actor, at, reverts) VALUES ('x', '` + fund + `', '` + kind + `', 'x', 'x', now(), ` + reverts + `)`
	}
	breaks(t, db, "ledger_transactions_reverts_key", reversal("reversal", "'"+given[0]+"'"))
	breaks(t, db, "reversal_mirrors", reversal("reversal", "'"+given[1]+"'"))
	breaks(t, db, "reversal_mirrors", reversal("reversal", "'"+made.ID+"'"))
	breaks(t, db, "ledger_transactions_check", reversal("reversal", "NULL"))
	breaks(t, db, "ledger_transactions_check", reversal("fee", "'"+given[1]+"'"))
}

// Each of 500 transactions is taken back by two persons at once: exactly 500
// reversals, and the fund is as if nothing had been.
func TestEachIsRevertedOnce(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	n := 60
	if all, err := strconv.Atoi(os.Getenv("AIDFLOW_REVERSALS")); err == nil {
		n = all
	}
	fund := fundOf(t, db, 1, 1)
	before := balancesOf(t, db, fund)
	ids := make([]string, n)
	kinds := []ledger.Kind{ledger.KindAdvanceOut, ledger.KindFee}
	for i := range ids {
		give(t, db, fund, i, 10)
		if i%3 == 0 {
			ids[i] = rows(t, db, `SELECT id FROM ledger_transactions WHERE fund_id = $1 AND kind = 'contribution' ORDER BY id DESC LIMIT 1`, fund)[0]
			continue
		}
		ids[i] = must(moved(t, db, fund, kinds[i%2], i, 7))(t).ID
	}
	two := []*postgres.Caller{db.Staff(t, "treasurer2"), db.Staff(t, "treasurer1")}
	if _, err := db.SQL(t).Exec(`UPDATE ledger_transactions SET actor = 'somebody' WHERE fund_id = $1`, fund); err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, err := range crowd(2*n, func(i int) error {
		_, err := db.Reverse(ctx, two[i%2], ids[i/2], postgres.NewID(aid.TransactionID), "typed_wrong")
		return err
	}) {
		if err == nil {
			done++
			continue
		}
		wantCode(t, err, "reverted_already")
	}
	posted := count(t, db, `SELECT count(DISTINCT reverts) FROM ledger_transactions WHERE fund_id = $1 AND kind = 'reversal'`, fund)
	after := balancesOf(t, db, fund)
	left := int64(n-(n+2)/3) * 10 // contributions that stay
	after.Cash, after.Contributions, after.Funding, after.Available = after.Cash-left, after.Contributions-left, after.Funding-left, after.Available-left
	if done != n || posted != n || after != before {
		t.Fatalf("%d of %d succeeded, %d reversals; %+v, before %+v", done, n, posted, after, before)
	}
	t.Logf("%d transactions, each reverted by two at once: %d reversals", n, done)
}

// A fund brings the balances of older books, once, before anything else.
func TestOpeningBalances(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	fund, treasurer := provinceFund(t, db, 100), db.Staff(t, "treasurer1")
	for name, in := range map[string]postgres.Opening{
		"more paid": {Raised: 10, Paid: 11}, "more lent": {Raised: 10, Paid: 5, Advances: 6}, "more recovered": {Raised: 10, Paid: 5, Recovered: 6},
	} {
		if _, err := db.Open(ctx, treasurer, fund, "trx_x", in); aid.CodeOf(err) != "invalid_content" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := db.Open(ctx, treasurer, fund, "trx_x", postgres.Opening{Raised: 200, Paid: 101})
	wantCode(t, err, "money_short") // above the budget
	id := postgres.NewID(aid.TransactionID)
	in := postgres.Opening{Raised: 100, Paid: 40, Recovered: 5, Advances: 10, Receivable: 1}
	for range 2 {
		must(db.Open(ctx, treasurer, fund, id, in))(t)
	}
	if b := balancesOf(t, db, fund); b.Check() != nil || b.Cash != 54 || b.Available != 65 || b.Spent != 35 || b.Contributions != 100 {
		t.Fatalf("%+v", b)
	}
	_, err = db.Open(ctx, treasurer, fund, postgres.NewID(aid.TransactionID), in)
	wantCode(t, err, "fund_in_use")
	_, err = db.Open(ctx, db.Staff(t, "manager1"), fund, "trx_x", in)
	wantCode(t, err, "wrong_area")
}

// A year is closed when it is over: its balances go out of it and come into the
// next, and nothing is posted into it any more, also by SQL.
func TestAYearIsClosed(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	fund, treasurer := provinceFund(t, db, 1000), db.Staff(t, "treasurer1")
	year := db.Clock.Now().Year()
	_, err := db.CloseYear(ctx, treasurer, fund, year-1)
	wantCode(t, err, "nothing_to_close")
	bind(t, db, fund, 1, 60, "medical", "")
	give(t, db, fund, 1, 40)
	c := asking(t, db, 0, fund, "medical", 70)
	if got, err := reserve(t, db, c); !got || err != nil {
		t.Fatal(got, err)
	}
	_, err = db.CloseYear(ctx, treasurer, fund, year)
	wantCode(t, err, "year_not_over")
	db.Clock.Advance(366 * 24 * time.Hour)
	_, err = db.CloseYear(ctx, db.Staff(t, "manager1"), fund, year)
	wantCode(t, err, "wrong_area")
	give(t, db, fund, 2, 5) // in the next year
	before, pots := balancesOf(t, db, fund), left(t, db, fund)
	errs := crowd(4, func(int) error { _, err := db.CloseYear(ctx, treasurer, fund, year); return err })
	closed := 0
	for _, err := range errs {
		if err == nil {
			closed++
			continue
		}
		wantCode(t, err, "year_closed")
	}
	if after := balancesOf(t, db, fund); closed != 1 || after != before {
		t.Fatalf("%d closings; %+v, before %+v", closed, after, before)
	}
	wantLeft(t, db, fund, pots...)
	list := must(db.FundYears(ctx, db.Staff(t, "auditor1"), fund, postgres.Page{}))(t)
	if len(list) != 1 || list[0].Year != year || list[0].ClosedBy != "treasurer1" {
		t.Fatalf("%+v", list)
	}
	out, in := must(db.LedgerTransaction(ctx, treasurer, list[0].ClosingID))(t), must(db.LedgerTransaction(ctx, treasurer, list[0].OpeningID))(t)
	if out.Kind != "year_close" || !out.At.Before(list[0].EndsAt) || in.Kind != "year_open" || !in.At.Equal(list[0].EndsAt) || len(out.Entries) != len(in.Entries) {
		t.Fatalf("%+v %+v", out, in)
	}
	for i, e := range in.Entries {
		if o := out.Entries[i]; o.Account != e.Account || o.Purpose != e.Purpose || o.Amount != -e.Amount {
			t.Errorf("%+v goes out, %+v comes in", o, e)
		}
	}
	if n := count(t, db, `SELECT coalesce(sum(abs(s)), 0) FROM (SELECT sum(e.amount) AS s FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
		WHERE e.fund_id = $1 AND t.at < $2 GROUP BY e.account, e.purpose_id) x`, fund, list[0].EndsAt); n != 0 {
		t.Fatalf("%d is left in the closed year", n)
	}
	_, err = db.CloseYear(ctx, treasurer, fund, year+2)
	wantCode(t, err, "year_not_over")
	_, err = db.Reverse(ctx, db.Staff(t, "treasurer2"), list[0].OpeningID, "trx_x", "typed_wrong")
	wantCode(t, err, "not_reversible")
	breaks(t, db, "ledger_year_closed", `INSERT INTO ledger_transactions (id, fund_id, kind, key, actor, at) VALUES ('x', '`+fund+`', 'fee', 'x', 'x', '`+list[0].EndsAt.Add(-time.Second).UTC().Format(time.RFC3339)+`')`,
		`INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency) VALUES ('x', 1, '`+fund+`', 'books', 'receivable', 1, 'VND'), ('x', 2, '`+fund+`', 'books', 'cash', -1, 'VND')`)
	breaks(t, db, "fund_years_in_order", `INSERT INTO fund_years SELECT fund_id, year - 1, ends_at - interval '1 year', opening_id, closing_id, 'x', now() FROM fund_years`)
	db.Clock.Advance(366 * 24 * time.Hour)
	_, err = db.CloseYear(ctx, treasurer, fund, year+2)
	wantCode(t, err, "year_not_over")
	db.Clock.Advance(366 * 24 * time.Hour)
	_, err = db.CloseYear(ctx, treasurer, fund, year+2)
	wantCode(t, err, "year_out_of_order")
	must(db.CloseYear(ctx, treasurer, fund, year+1))(t)
	if after := balancesOf(t, db, fund); after != before {
		t.Fatalf("%+v, before %+v", after, before)
	}
}
