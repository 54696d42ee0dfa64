package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// books is a fund in PostgreSQL beside the same fund in memory.
type books struct {
	t        *testing.T
	db       *pgtest.DB
	r        *rand.Rand
	fund     string
	memory   ledger.Balances
	pots     map[string]int64 // available by programme; "": free
	ids      map[string]string
	awards   []*grantedMoney
	cases, n int
	refused  int
}

// grantedMoney is an award in memory: its money, and what it took, the last on top.
type grantedMoney struct {
	id, caseID       string
	set, moving, out int64
	taken            []ledger.Share
}

// Random operations on PostgreSQL give what the ledger in memory gives: 400, or
// AIDFLOW_POSTINGS. What the one refuses the other refuses.
func TestRandomPostingsEqualTheLedgerInMemory(t *testing.T) {
	t.Parallel()
	operations, seed := 250, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("AIDFLOW_POSTINGS")); err == nil {
		operations = n
	}
	if n, err := strconv.ParseUint(os.Getenv("AIDFLOW_LEDGER_SEED"), 10, 64); err == nil {
		seed = n
	}
	db := pgtest.New(t)
	fund := provinceFund(t, db, 1_000_000_000)
	b := &books{t: t, db: db, r: rand.New(rand.NewPCG(seed, seed)), fund: fund, memory: ledger.Balances{Fund: fund, Currency: "VND"},
		pots: map[string]int64{}, ids: map[string]string{"": ""}}
	for b.n = range operations {
		b.step()
		if b.n%50 == 0 || b.n == operations-1 {
			b.compare()
		}
	}
	t.Logf("seed %d: %d operations, %d refused by both, %d cases", seed, operations, b.refused, b.cases)
	if b.refused == 0 {
		t.Error("nothing was refused")
	}
}

func (b *books) step() {
	amount := 1 + b.r.Int64N(100)
	switch k := b.r.IntN(12); {
	case k == 0:
		b.contribute(amount)
	case k == 1:
		b.approve(amount)
	case k < 4 || len(b.awards) == 0:
		kinds := []ledger.Kind{ledger.KindAdvanceOut, ledger.KindAdvanceIn, ledger.KindFee, ledger.KindFeeRepaid}
		b.post(ledger.Transfer(kinds[b.r.IntN(4)], b.fund, money.Of(amount, "VND"), fmt.Sprint(b.fund, "/", b.n)), "", nil, 1, 1)
	default:
		b.goOn(amount)
	}
}

func (b *books) contribute(amount int64) {
	programme := []string{"", "medical", "schooling"}[b.r.IntN(3)]
	b.ids[programme] = bind(b.t, b.db, b.fund, b.n, amount, programme, "")
	t := ledger.Contribution(b.fund, money.Of(amount, "VND"), "c")
	b.apply(t)
	b.pots[programme] += amount
}

func (b *books) approve(amount int64) {
	if b.cases == 60 {
		return
	}
	programme := []string{"medical", "schooling", "production"}[b.r.IntN(3)]
	id := asking(b.t, b.db, b.cases, b.fund, programme, amount)
	b.cases++
	shares, ok := ledger.Take(amount, []ledger.Share{{Purpose: programme, Amount: b.pots[programme]}, {Amount: b.pots[""]}})
	got, err := reserve(b.t, b.db, id)
	if got != ok || err != nil {
		b.t.Fatalf("operation %d: %d for %s of %v: %v %v", b.n, amount, programme, b.pots, got, err)
	}
	if !ok {
		b.refused++
		change(b.t, b.db, id, func(tx *postgres.Tx, c *postgres.Case) error { return tx.MoveCase(c, aid.EventWithdraw) })
		return
	}
	b.apply(ledger.Reserve(b.fund, money.Of(amount, "VND"), "r"))
	for _, s := range shares {
		b.pots[s.Purpose] -= s.Amount
	}
	b.awards = append(b.awards, &grantedMoney{id: rows(b.t, b.db, `SELECT id FROM awards WHERE case_id = $1`, id)[0], caseID: id, set: amount, taken: shares})
}

func (b *books) goOn(amount int64) {
	a := b.awards[b.r.IntN(len(b.awards))]
	m, key := money.Of(amount, "VND"), fmt.Sprint(a.id, "/", b.n)
	switch b.r.IntN(7) {
	case 0:
		b.post(ledger.Release(b.fund, m, key), a.caseID, a, a.set, b.memory.Reserved)
	case 1:
		b.post(ledger.Instruct(b.fund, m, key), a.caseID, a, a.set, b.memory.Reserved)
	case 2:
		b.post(ledger.FailBeforeSettlement(b.fund, m, key), a.caseID, a, a.moving, b.memory.InTransit)
	case 3:
		b.post(ledger.SettleFromBank(b.fund, m, key), a.caseID, a, a.moving, b.memory.InTransit)
	case 4:
		b.post(ledger.SettleFromAdvance(b.fund, m, key), a.caseID, a, a.moving, b.memory.InTransit)
	case 5:
		b.post(ledger.ReturnAfterSettlement(b.fund, m, key, ledger.Cash), a.caseID, a, a.out, b.memory.Spent)
	case 6:
		b.post(ledger.Clawback(b.fund, m, key), a.caseID, a, a.out, b.memory.Spent)
	}
}

// post tries a transaction on both sides. The ledger does not know how much of
// an account is which award's: an operation that the award has not enough for
// is left out where the whole fund would have.
func (b *books) post(t ledger.Transaction, caseID string, a *grantedMoney, has, all int64) {
	amount := t.Entries[0].Amount
	if a != nil && amount > has && amount <= all {
		return
	}
	_, err := b.memory.Apply(t)
	posted := b.db.Write(b.t.Context(), func(tx *postgres.Tx) error { return tx.Post(t, caseID, "treasurer1") })
	if (err == nil) != (posted == nil) {
		b.t.Fatalf("operation %d, %s of %d: memory %v, PostgreSQL %v; %+v %+v", b.n, t.Kind, amount, err, posted, b.memory, a)
	}
	if err != nil {
		b.refused++
		return
	}
	b.apply(t)
	if a == nil {
		return
	}
	switch t.Kind {
	case ledger.KindRelease:
		a.set -= amount
	case ledger.KindInstruct:
		a.set, a.moving = a.set-amount, a.moving+amount
	case ledger.KindFail:
		a.set, a.moving = a.set+amount, a.moving-amount
	case ledger.KindSettleBank, ledger.KindSettleAdvance:
		a.moving, a.out = a.moving-amount, a.out+amount
	case ledger.KindReturn:
		a.out, a.set = a.out-amount, a.set+amount
	case ledger.KindClawback:
		a.out -= amount
	}
	for t.Kind == ledger.KindRelease || t.Kind == ledger.KindClawback {
		if amount == 0 {
			return
		}
		top := &a.taken[len(a.taken)-1]
		n := min(amount, top.Amount)
		top.Amount, amount, b.pots[top.Purpose] = top.Amount-n, amount-n, b.pots[top.Purpose]+n
		if top.Amount == 0 {
			a.taken = a.taken[:len(a.taken)-1]
		}
	}
}

func (b *books) apply(t ledger.Transaction) {
	after, err := b.memory.Apply(t)
	if err != nil {
		b.t.Fatalf("operation %d, %s: %v", b.n, t.Kind, err)
	}
	b.memory = after
}

// compare holds the running balances, and the sums of the entries, against the
// memory.
func (b *books) compare() {
	b.t.Helper()
	if got := balancesOf(b.t, b.db, b.fund); got != b.memory {
		b.t.Fatalf("operation %d: PostgreSQL %+v, memory %+v", b.n, got, b.memory)
	}
	sums := map[ledger.Account]int64{}
	for _, row := range must(b.db.LedgerBalances(b.t.Context(), b.db.Staff(b.t, "auditor1"), b.fund))(b.t) {
		sums[ledger.Account(row.Account)] = row.Balance * ledger.Normal(ledger.Account(row.Account))
	}
	if got := ledger.FromSums(b.fund, "VND", sums); got != b.memory {
		b.t.Fatalf("operation %d: entries %+v, memory %+v", b.n, got, b.memory)
	}
	for programme, n := range b.pots {
		got := count(b.t, b.db, `SELECT CASE WHEN $2 = '' THEN (SELECT free FROM fund_balances WHERE fund_id = $1)
			ELSE (SELECT available FROM fund_purposes WHERE fund_id = $1 AND programme = $2) END`, b.fund, programme)
		if int64(got) != n {
			b.t.Fatalf("operation %d: %d available for %q, memory %d", b.n, got, programme, n)
		}
	}
	if n := count(b.t, b.db, `SELECT coalesce(sum(promised), 0) FROM fund_budgets WHERE fund_id = $1`, b.fund); int64(n) != b.memory.Reserved+b.memory.InTransit+b.memory.Spent {
		b.t.Fatalf("operation %d: %d promised by programmes, %+v", b.n, n, b.memory)
	}
}
