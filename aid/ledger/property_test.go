package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid/ledger"
	"pgregory.net/rapid"
)

// model is a fund as a child would keep it: three jars of coins, and a note
// for each coin saying what it is promised to. It shares nothing with the
// ledger's tables.
type model struct {
	bank, communes, owed     int64 // where the money is
	free, set, moving        int64 // what it is promised to
	given, paid, clawed, out int64
}

// step is one operation of the model; ok says whether it is possible.
type step struct {
	make maker
	ok   func(m model, n int64) bool
	do   func(m *model, n int64)
}

var steps = map[string]step{
	"contribution": {ledger.Contribution,
		func(model, int64) bool { return true },
		func(m *model, n int64) { m.bank += n; m.free += n; m.given += n }},
	"reserve": {ledger.Reserve,
		func(m model, n int64) bool { return n <= m.free },
		func(m *model, n int64) { m.free -= n; m.set += n }},
	"release": {ledger.Release,
		func(m model, n int64) bool { return n <= m.set },
		func(m *model, n int64) { m.set -= n; m.free += n }},
	"instruct": {ledger.Instruct,
		func(m model, n int64) bool { return n <= m.set },
		func(m *model, n int64) { m.set -= n; m.moving += n }},
	"settle from the bank": {ledger.SettleFromBank,
		func(m model, n int64) bool { return n <= m.moving && n <= m.bank },
		func(m *model, n int64) { m.moving -= n; m.bank -= n; m.paid += n; m.out += n }},
	"settle from an advance": {ledger.SettleFromAdvance,
		func(m model, n int64) bool { return n <= m.moving && n <= m.communes },
		func(m *model, n int64) { m.moving -= n; m.communes -= n; m.paid += n; m.out += n }},
	"fail": {ledger.FailBeforeSettlement,
		func(m model, n int64) bool { return n <= m.moving },
		func(m *model, n int64) { m.moving -= n; m.set += n }},
	"return to the bank": {returnTo(ledger.Cash),
		func(m model, n int64) bool { return n <= m.out && n <= m.paid },
		func(m *model, n int64) { m.paid -= n; m.out -= n; m.bank += n; m.set += n }},
	"return to a commune": {returnTo(ledger.Advances),
		func(m model, n int64) bool { return n <= m.out && n <= m.paid },
		func(m *model, n int64) { m.paid -= n; m.out -= n; m.communes += n; m.set += n }},
	"advance out": {ledger.AdvanceOut,
		func(m model, n int64) bool { return n <= m.bank },
		func(m *model, n int64) { m.bank -= n; m.communes += n }},
	"advance in": {ledger.AdvanceIn,
		func(m model, n int64) bool { return n <= m.communes },
		func(m *model, n int64) { m.communes -= n; m.bank += n }},
	"fee": {ledger.Fee,
		func(m model, n int64) bool { return n <= m.bank },
		func(m *model, n int64) { m.bank -= n; m.owed += n }},
	"fee repaid": {ledger.FeeRepaid,
		func(m model, n int64) bool { return n <= m.owed },
		func(m *model, n int64) { m.owed -= n; m.bank += n }},
	"clawback": {ledger.Clawback,
		func(m model, n int64) bool { return n <= m.out },
		func(m *model, n int64) { m.out -= n; m.clawed += n; m.bank += n; m.free += n }},
}

func (m model) balances() ledger.Balances {
	return ledger.Balances{Fund: fund, Currency: "VND",
		Cash: m.bank, Advances: m.communes, Receivable: m.owed,
		Contributions: m.given, AidPaid: m.paid, Recovered: m.clawed,
		Funding: m.given, Available: m.free, Reserved: m.set, InTransit: m.moving, Spent: m.out}
}

// TestRandomOperationsEqualTheModel applies operations in any order: what the
// model can do succeeds and gives equal balances, what it cannot do is refused
// and changes nothing, and the invariants hold all the time.
func TestRandomOperationsEqualTheModel(t *testing.T) {
	names := make([]string, 0, len(steps))
	for name := range steps {
		names = append(names, name)
	}
	// rapid wants the same order every time, to replay a seed.
	slices.Sort(names)
	rapid.Check(t, func(t *rapid.T) {
		m := model{}
		b := m.balances()
		sums := map[ledger.Account]int64{}
		for i := range rapid.IntRange(1, 60).Draw(t, "operations") {
			name := rapid.SampledFrom(names).Draw(t, "operation")
			n := rapid.Int64Range(1, 50).Draw(t, "amount")
			transaction := steps[name].make(fund, vnd(n), fmt.Sprint(i))
			after, err := b.Apply(transaction)
			if possible := steps[name].ok(m, n); possible != (err == nil) {
				t.Fatalf("%s %d: possible %v, error %v", name, n, possible, err)
			}
			if err == nil {
				steps[name].do(&m, n)
				for _, entry := range transaction.Entries {
					sums[entry.Account] += entry.Amount
				}
			}
			b = after
			compare(t, b, m, sums)
		}
	})
}

func compare(t *rapid.T, b ledger.Balances, m model, sums map[ledger.Account]int64) {
	t.Helper()
	if b != m.balances() {
		t.Fatalf("balances %+v\nmodel %+v", b, m.balances())
	}
	if got := ledger.FromSums(fund, "VND", sums); got != b {
		t.Fatalf("sums of entries give %+v\nbalances are %+v", got, b)
	}
	if err := b.Check(); err != nil {
		t.Fatalf("invariant: %v", err)
	}
	// What was given is the most that can be promised, so no reservation that
	// Apply accepts breaks the limit of a budget that is high enough.
	if err := b.CheckLimit(m.given); err != nil {
		t.Fatalf("limit: %v", err)
	}
}

// TestRoomIsExact: what Room allows keeps the limit, one more breaks it or is
// not there.
func TestRoomIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given, budget := rapid.Int64Range(1, 100).Draw(t, "given"), rapid.Int64Range(0, 150).Draw(t, "budget")
		b, err := ledger.Balances{Fund: fund, Currency: "VND"}.Apply(ledger.Contribution(fund, vnd(given), "c"))
		if err != nil {
			t.Fatal(err)
		}
		room := b.Room(budget)
		if after, err := b.Apply(ledger.Reserve(fund, vnd(room), "r")); room > 0 && (err != nil || after.CheckLimit(budget) != nil) {
			t.Fatalf("room %d cannot be reserved: %v", room, err)
		}
		if after, err := b.Apply(ledger.Reserve(fund, vnd(room+1), "r")); err == nil && after.CheckLimit(budget) == nil {
			t.Fatalf("room %d is too small", room)
		}
	})
}
