package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// provinceFund makes a fund without money for all communes of the province.
func provinceFund(t testing.TB, db *pgtest.DB, budget int64) string {
	t.Helper()
	id := postgres.NewID(aid.FundID)
	must(db.CreateFund(t.Context(), db.Staff(t, "treasurer1"), postgres.NewFund{ID: id, Code: id, Name: "Province", Area: "51", Currency: "VND",
		Budget: budget, Rails: map[string]string{"bank": "simulator"}}))(t)
	return id
}

// bind gives a fund money that is bound, and its purpose's id.
func bind(t testing.TB, db *pgtest.DB, fund string, n int, amount int64, programme, area string) string {
	t.Helper()
	given := must(db.Contribute(t.Context(), postgres.Contribution{ID: postgres.NewID(aid.ContributionID), FundID: fund, ExternalID: fmt.Sprint("bound ", n),
		Amount: amount, Currency: "VND", ReceivedOn: db.Clock.Now(), CreatedBy: "treasurer1",
		Purpose: postgres.Purpose{Programme: programme, Area: area}}, "Canary donor"))(t)
	return given.Purpose.ID
}

// asking brings a case of a programme to the moment before its last approval.
func asking(t testing.TB, db *pgtest.DB, i int, fund, programme string, amount int64) string {
	t.Helper()
	content := request(i)
	content.Programme = programme
	c := submit(t, db, "portal1", content)
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
		c.FundID, c.Amount = &fund, &amount
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		return tx.MoveCase(c, aid.EventVerify)
	})
	return c.ID
}

// left gives what of a fund's purposes is available, the free money last.
func left(t testing.TB, db *pgtest.DB, fund string) []string {
	t.Helper()
	return append(rows(t, db, `SELECT concat_ws(' ', nullif(programme, ''), area, available) FROM fund_purposes WHERE fund_id = $1 ORDER BY id`, fund),
		rows(t, db, `SELECT 'free ' || free FROM fund_balances WHERE fund_id = $1 AND available = free + (SELECT coalesce(sum(available), 0) FROM fund_purposes p WHERE p.fund_id = $1)`, fund)...)
}

func wantLeft(t testing.TB, db *pgtest.DB, fund string, want ...string) {
	t.Helper()
	if got := left(t, db, fund); !slices.Equal(got, want) {
		t.Fatalf("left %q, want %q", got, want)
	}
}

// Bound money is taken before free money, the narrowest first, and used for its
// purpose only; what is released goes back to where it came from, free money
// first.
func TestBoundMoneyIsTakenFirst(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	fund := provinceFund(t, db, 500_000_000)
	area := request(0).Area
	bind(t, db, fund, 1, 5, "medical", "")
	bind(t, db, fund, 2, 6, "", "51")
	bind(t, db, fund, 3, 7, "", area)
	bind(t, db, fund, 4, 8, "medical", "51")
	bind(t, db, fund, 5, 9, "schooling", "")
	bind(t, db, fund, 6, 10, "", "51005")
	give(t, db, fund, 1, 20)
	if request(0).Area == "51005" {
		t.Fatal("the test wants two communes")
	}
	c := asking(t, db, 0, fund, "medical", 30)
	if got, err := reserve(t, db, c); !got || err != nil {
		t.Fatal(got, err)
	}
	wantLeft(t, db, fund, "medical 0", "51 0", area+" 0", "medical 51 0", "schooling 9", "51005 10", "free 16")
	taken := rows(t, db, `SELECT concat_ws(' ', nullif(p.programme, ''), p.area, e.amount) FROM ledger_entries e JOIN ledger_transactions l ON l.id = e.transaction_id
		LEFT JOIN fund_purposes p ON p.id = e.purpose_id WHERE l.case_id = $1 AND e.account = 'available' ORDER BY e.n`, c)
	if want := []string{"medical 51 8", area + " 7", "51 6", "medical 5", "4"}; !slices.Equal(taken, want) {
		t.Fatalf("taken in the order %q, want %q", taken, want)
	}
	release := func(n int, amount int64) error {
		return db.Write(t.Context(), func(tx *postgres.Tx) error {
			c, err := tx.LockCase(c)
			if err != nil {
				return err
			}
			a, err := tx.AwardOf(c)
			if err != nil {
				return err
			}
			return tx.Post(ledger.Release(fund, money.Of(amount, "VND"), fmt.Sprint(a.ID, "/release/", n)), c.ID, "treasurer1")
		})
	}
	if err := release(1, 6); err != nil {
		t.Fatal(err)
	}
	wantLeft(t, db, fund, "medical 2", "51 0", area+" 0", "medical 51 0", "schooling 9", "51005 10", "free 20")
	wantCode(t, release(2, 25), "not_taken")
	if err := release(3, 24); err != nil {
		t.Fatal(err)
	}
	wantLeft(t, db, fund, "medical 5", "51 6", area+" 7", "medical 51 8", "schooling 9", "51005 10", "free 20")
	listed, f, err := db.Purposes(t.Context(), db.Staff(t, "auditor1"), fund, postgres.Page{Limit: 2})
	if err != nil || f.ID != fund || len(listed) != 2 || listed[0].Programme != "medical" || listed[0].Raised != 5 || listed[0].Promised() != 0 {
		t.Fatalf("%+v %v", listed, err)
	}
}

// Money that is bound to something else is not there for a case, and a head
// that waits holds back only what it may use itself.
func TestWhoMayNotUseTheMoneyLetsOthersPass(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	fund := provinceFund(t, db, 500_000_000)
	woken := func() []string { return rows(t, db, `DELETE FROM outbox WHERE name = 'funds' RETURNING workflow_id`) }
	run := func(id string) string {
		return rows(t, db, `SELECT workflow_id FROM cases WHERE id = $1`, id)[0]
	}
	bind(t, db, fund, 1, 40, "schooling", "")
	medical, school := asking(t, db, 0, fund, "medical", 30), asking(t, db, 1, fund, "schooling", 30)
	next := asking(t, db, 2, fund, "schooling", 11)
	if got, err := reserve(t, db, medical); got || err != nil {
		t.Fatalf("a house for pupils' money: %v %v", got, err)
	}
	db.Clock.Advance(time.Minute)
	if got, err := reserve(t, db, school); !got || err != nil {
		t.Fatalf("the pupil waits for money that only pupils may use: %v %v", got, err)
	}
	db.Clock.Advance(time.Minute)
	give(t, db, fund, 1, 29)
	if got, err := reserve(t, db, next); got || err != nil {
		t.Fatalf("11 of which 1 would be free money that the head waits for: %v %v", got, err)
	}
	woken()
	bind(t, db, fund, 2, 1, "schooling", "")
	if got := woken(); !slices.Equal(got, []string{run(medical), run(next)}) {
		t.Fatalf("woken: %q", got)
	}
	if got, err := reserve(t, db, next); !got || err != nil {
		t.Fatalf("bound money suffices: %v %v", got, err)
	}
	wantLeft(t, db, fund, "schooling 0", "free 29")
	give(t, db, fund, 2, 1)
	if got, err := reserve(t, db, medical); !got || err != nil {
		t.Fatalf("the head: %v %v", got, err)
	}
	wantLeft(t, db, fund, "schooling 0", "free 0")
}

// A purpose names what there is, and the database itself keeps bound money
// apart, for the program's role.
func TestPurposesAreKept(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	fund := provinceFund(t, db, 500_000_000)
	in := postgres.Contribution{ID: postgres.NewID(aid.ContributionID), FundID: fund, ExternalID: "x", Amount: 1, Currency: "VND", ReceivedOn: db.Clock.Now(),
		CreatedBy: "treasurer1"}
	for pointer, purpose := range map[string]postgres.Purpose{"/purpose/programme": {Programme: "canary"}, "/purpose/area": {Programme: "medical", Area: "48"}} {
		in.Purpose = purpose
		_, err := db.Contribute(t.Context(), in, "")
		wantFault(t, err, pointer, "unknown_"+pointer[len("/purpose/"):])
	}
	purpose := bind(t, db, fund, 1, 50, "schooling", "")
	if again := bind(t, db, fund, 2, 10, "schooling", ""); again != purpose {
		t.Fatalf("two rows for one purpose: %s %s", purpose, again)
	}
	give(t, db, fund, 1, 40)
	c := asking(t, db, 0, fund, "medical", 30)
	head := `INSERT INTO ledger_transactions (id, fund_id, kind, key, case_id, actor, at) VALUES ('x', '` + fund + `', 'reserve', 'x', '` + c + `', 'x', now())`
	take := func(purpose string, amount int) string {
		return fmt.Sprintf(`INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency, purpose_id) VALUES
			('x', 1, '%[1]s', 'commitments', 'available', %[2]d, 'VND', %[3]s), ('x', 2, '%[1]s', 'commitments', 'reserved', -%[2]d, 'VND', NULL)`, fund, amount, purpose)
	}
	breaks(t, db, "purpose_kept", head, take("'"+purpose+"'", 5))
	breaks(t, db, "free_limit", head, take("NULL", 41))
	breaks(t, db, "purpose_limit", head, take("'"+purpose+"'", 61))
	breaks(t, db, "ledger_entries_check1", head, `INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency, purpose_id)
		VALUES ('x', 1, '`+fund+`', 'commitments', 'reserved', 1, 'VND', '`+purpose+`')`)
	breaks(t, db, "ledger_entries_purpose_id_fund_id_fkey", `INSERT INTO ledger_transactions (id, fund_id, kind, key, actor, at) SELECT 'x', id, 'reserve', 'x', 'x', now() FROM funds WHERE id <> '`+fund+`'`,
		`INSERT INTO ledger_entries (transaction_id, n, fund_id, book, account, amount, currency, purpose_id) SELECT 'x', 1, id, 'commitments', 'available', 1, 'VND', '`+purpose+`' FROM funds WHERE id <> '`+fund+`'`)
	for _, column := range []string{"raised", "available", "programme", "area"} {
		refusesRole(t, db, `UPDATE fund_purposes SET `+column+` = `+column)
	}
	refusesRole(t, db, `INSERT INTO fund_purposes (id, fund_id, programme, raised, available, created_at) VALUES ('x', '`+fund+`', 'x', 1, 1, now())`)
	refusesRole(t, db, `UPDATE fund_balances SET free = free`)
}

// A programme promises no more in a year than its budget; one whose budget is
// used up holds back nobody else; raising it serves the list.
func TestBudgetsOfProgrammes(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	fund, manager := fundOf(t, db, 1000, 1000), db.Staff(t, "manager1")
	year := db.Clock.Now().Year()
	medical := func(amount int64) postgres.Budget {
		return postgres.Budget{FundID: fund, Programme: "medical", Year: year, Budget: &amount, Currency: "VND"}
	}
	ids := []string{asking(t, db, 0, fund, "medical", 30), asking(t, db, 1, fund, "medical", 30), asking(t, db, 2, fund, "schooling", 30)}
	if got, err := reserve(t, db, ids[0]); !got || err != nil {
		t.Fatal(got, err)
	}
	_, err := db.CreateBudget(ctx, manager, medical(29))
	wantCode(t, err, "budget_below_promised")
	_, err = db.ChangeBudget(ctx, db.Staff(t, "treasurer1"), medical(59), "decree")
	wantCode(t, err, "wrong_area")
	b := must(db.CreateBudget(ctx, manager, medical(59)))(t)
	if b.Promised != 30 || *b.Budget != 59 || b.Version != 2 {
		t.Fatalf("%+v", b)
	}
	_, err = db.CreateBudget(ctx, manager, medical(60))
	wantCode(t, err, "budget_exists")
	if got, err := reserve(t, db, ids[1]); got || err != nil {
		t.Fatalf("59 of which 30 are promised are not enough: %v %v", got, err)
	}
	db.Clock.Advance(time.Minute)
	if got, err := reserve(t, db, ids[2]); !got || err != nil {
		t.Fatalf("another programme passes: %v %v", got, err)
	}
	rows(t, db, `DELETE FROM outbox WHERE name = 'funds' RETURNING workflow_id`)
	in := medical(60)
	_, err = db.ChangeBudget(ctx, manager, in, "decree")
	wantCode(t, err, "stale")
	in.Version = b.Version
	must(db.ChangeBudget(ctx, manager, in, "decree"))(t)
	if woken := rows(t, db, `DELETE FROM outbox WHERE name = 'funds' RETURNING workflow_id`); len(woken) != 1 {
		t.Fatalf("woken: %q", woken)
	}
	if got, err := reserve(t, db, ids[1]); !got || err != nil {
		t.Fatal(got, err)
	}
	breaks(t, db, "budget_limit", `UPDATE fund_budgets SET budget = 59 WHERE programme = 'medical'`)
	refusesRole(t, db, `UPDATE fund_budgets SET promised = 0`)
	refusesRole(t, db, `INSERT INTO fund_budgets (fund_id, programme, year, promised) VALUES ('`+fund+`', 'x', 2026, 0)`)
	list := must(db.Budgets(ctx, db.Staff(t, "auditor1"), fund, postgres.Page{Limit: 1}))(t)
	rest := must(db.Budgets(ctx, db.Staff(t, "auditor1"), fund, postgres.Page{After: list[0].Cursor()}))(t)
	if len(list) != 1 || len(rest) != 1 || *list[0].Budget != 60 || list[0].Promised != 60 || rest[0].Budget != nil || rest[0].Promised != 30 {
		t.Fatalf("%+v %+v", list, rest)
	}
	if n := count(t, db, `SELECT count(*) FROM fund_budget_changes WHERE fund_id = $1 AND actor = 'manager1'`, fund); n != 2 {
		t.Fatalf("%d changes are kept", n)
	}
	wrong := medical(1)
	wrong.Programme, wrong.Currency = "canary", "USD"
	if _, err := db.CreateBudget(ctx, manager, wrong); aid.CodeOf(err) != "invalid_content" {
		t.Fatal(err)
	}
	_, err = db.BudgetOf(ctx, manager, fund, "medical", year+1)
	wantCode(t, err, "budget_not_found")
}

// A fund's budget follows its manager, never below what is promised; a closing
// fund takes nobody, and raising the budget serves the list.
func TestAFundChanges(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	fund, manager := fundOf(t, db, 1000, 30), db.Staff(t, "manager1")
	ids := []string{asking(t, db, 0, fund, "medical", 30), asking(t, db, 1, fund, "medical", 30), asking(t, db, 2, fund, "medical", 30)}
	if got, err := reserve(t, db, ids[0]); !got || err != nil {
		t.Fatal(got, err)
	}
	if got, err := reserve(t, db, ids[1]); got || err != nil {
		t.Fatal(got, err)
	}
	budget := func(n int64) postgres.FundChange {
		return postgres.FundChange{Budget: &n, Currency: "VND", Reason: "decree"}
	}
	f := must(db.Fund(ctx, manager, fund))(t)
	_, err := db.ChangeFund(ctx, manager, fund, f.Version-1, budget(60))
	wantCode(t, err, "stale")
	_, err = db.ChangeFund(ctx, manager, fund, f.Version, budget(29))
	wantCode(t, err, "budget_below_promised")
	_, err = db.ChangeFund(ctx, db.Staff(t, "treasurer1"), fund, f.Version, budget(60))
	wantCode(t, err, "wrong_area")
	f = must(db.ChangeFund(ctx, manager, fund, f.Version, budget(60)))(t)
	if f.Budget != 60 || f.Room != 30 {
		t.Fatalf("%+v", f)
	}
	if got, err := reserve(t, db, ids[1]); !got || err != nil {
		t.Fatal(got, err)
	}
	closing, name := true, "Closed"
	f = must(db.Fund(ctx, manager, fund))(t)
	f = must(db.ChangeFund(ctx, manager, fund, f.Version, postgres.FundChange{Name: name, Closing: &closing, Reason: "ended"}))(t)
	if !f.Closing || f.Name != name || f.Budget != 60 {
		t.Fatalf("%+v", f)
	}
	_, err = reserve(t, db, ids[2])
	wantCode(t, err, "fund_closing")
}
