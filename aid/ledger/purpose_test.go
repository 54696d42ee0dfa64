package ledger_test

import (
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"pgregory.net/rapid"
)

func total(shares []ledger.Share) (sum int64) {
	for _, s := range shares {
		sum += s.Amount
	}
	return sum
}

// TestTakeInOrder: what is taken is all that is asked for or all that is there,
// the first before the second, and no more of a purpose than it has.
func TestTakeInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pots []ledger.Share
		for i, n := range rapid.SliceOfN(rapid.Int64Range(0, 20), 0, 6).Draw(t, "pots") {
			pots = append(pots, ledger.Share{Purpose: string(rune('a' + i)), Amount: n})
		}
		amount := rapid.Int64Range(1, 80).Draw(t, "amount")
		taken, ok := ledger.Take(amount, pots)
		if ok != (amount <= total(pots)) || total(taken) != min(amount, total(pots)) {
			t.Fatalf("%d of %v: %v %v", amount, pots, taken, ok)
		}
		for _, pot := range pots { // every pot before the last taken one is empty
			i := slices.IndexFunc(taken, func(s ledger.Share) bool { return s.Purpose == pot.Purpose })
			if i >= 0 && i < len(taken)-1 && taken[i].Amount != pot.Amount {
				t.Fatalf("%v was taken of %v before it was empty", taken, pots)
			}
		}
		if !ok {
			return
		}
		transaction := ledger.Reserve(fund, vnd(amount), "key").From(taken...)
		if err := transaction.Check(); err != nil {
			t.Fatal(err)
		}
		back, ok := ledger.GiveBack(amount, taken)
		slices.Reverse(back)
		if !ok || !slices.Equal(back, taken) {
			t.Fatalf("all of %v given back: %v", taken, back)
		}
		if _, ok := ledger.GiveBack(amount+1, taken); ok {
			t.Fatal("more is given back than was taken")
		}
	})
}

// TestSharesAreChecked: a transaction names each purpose once, above zero, on
// the accounts that purposes divide and on all of them.
func TestSharesAreChecked(t *testing.T) {
	good := ledger.Contribution(fund, vnd(7), "key").From(ledger.Share{Purpose: "a", Amount: 3}, ledger.Share{Amount: 4})
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	if sums := sides(good); sums[ledger.Cash] != 7 || sums[ledger.Available] != -7 {
		t.Fatalf("%v", sums)
	}
	with := func(change func(*ledger.Transaction)) ledger.Transaction {
		out := good
		out.Entries = slices.Clone(good.Entries)
		change(&out)
		return out
	}
	for name, bad := range map[string]ledger.Transaction{
		"twice":            ledger.Reserve(fund, vnd(7), "key").From(ledger.Share{Purpose: "a", Amount: 3}, ledger.Share{Purpose: "a", Amount: 4}),
		"nothing":          ledger.Reserve(fund, vnd(7), "key").From(ledger.Share{Purpose: "a", Amount: 3}, ledger.Share{Amount: 0}),
		"less than that":   ledger.Reserve(fund, vnd(7), "key").From(ledger.Share{Purpose: "a", Amount: 8}, ledger.Share{Amount: -1}),
		"no share":         ledger.Reserve(fund, vnd(7), "key").From(),
		"of the bank":      with(func(t *ledger.Transaction) { t.Entries[0].Purpose = "a" }),
		"of one side":      with(func(t *ledger.Transaction) { t.Entries[1].Purpose = "" }),
		"of two purposes":  with(func(t *ledger.Transaction) { t.Entries[3].Purpose = "b" }),
		"divided transfer": ledger.Fee(fund, vnd(7), "key").From(ledger.Share{Purpose: "a", Amount: 3}, ledger.Share{Amount: 4}),
	} {
		if code := aid.CodeOf(bad.Check()); code != "ledger_kind" && code != "ledger_amount" && code != "ledger_incomplete" {
			t.Errorf("%s: %q", name, code)
		}
	}
}
