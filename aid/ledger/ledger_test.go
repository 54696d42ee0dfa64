package ledger_test

import (
	"maps"
	"math"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
)

const fund = "fund_a"

func vnd(amount int64) money.Money { return money.Of(amount, "VND") }

type maker func(fund string, m money.Money, key string) ledger.Transaction

func returnTo(account ledger.Account) maker {
	return func(fund string, m money.Money, key string) ledger.Transaction {
		return ledger.ReturnAfterSettlement(fund, m, key, account)
	}
}

// sides is the signed sum per account, for comparing without order.
func sides(t ledger.Transaction) map[ledger.Account]int64 {
	sums := map[ledger.Account]int64{}
	for _, entry := range t.Entries {
		sums[entry.Account] += entry.Amount
	}
	return sums
}

// TestPostings is the table of postings, event by event: debit positive,
// credit negative.
func TestPostings(t *testing.T) {
	tests := []struct {
		kind ledger.Kind
		make maker
		want map[ledger.Account]int64
	}{
		{"contribution", ledger.Contribution, map[ledger.Account]int64{"cash": 7, "contributions": -7, "funding": 7, "available": -7}},
		{"reserve", ledger.Reserve, map[ledger.Account]int64{"available": 7, "reserved": -7}},
		{"release", ledger.Release, map[ledger.Account]int64{"reserved": 7, "available": -7}},
		{"instruct", ledger.Instruct, map[ledger.Account]int64{"reserved": 7, "in_transit": -7}},
		{"settle_bank", ledger.SettleFromBank, map[ledger.Account]int64{"aid_paid": 7, "cash": -7, "in_transit": 7, "spent": -7}},
		{"settle_advance", ledger.SettleFromAdvance, map[ledger.Account]int64{"aid_paid": 7, "advances": -7, "in_transit": 7, "spent": -7}},
		{"fail", ledger.FailBeforeSettlement, map[ledger.Account]int64{"in_transit": 7, "reserved": -7}},
		{"return", returnTo(ledger.Cash), map[ledger.Account]int64{"cash": 7, "aid_paid": -7, "spent": 7, "reserved": -7}},
		{"return", returnTo(ledger.Advances), map[ledger.Account]int64{"advances": 7, "aid_paid": -7, "spent": 7, "reserved": -7}},
		{"advance_out", ledger.AdvanceOut, map[ledger.Account]int64{"advances": 7, "cash": -7}},
		{"advance_in", ledger.AdvanceIn, map[ledger.Account]int64{"cash": 7, "advances": -7}},
		{"fee", ledger.Fee, map[ledger.Account]int64{"receivable": 7, "cash": -7}},
		{"fee_repaid", ledger.FeeRepaid, map[ledger.Account]int64{"cash": 7, "receivable": -7}},
		{"clawback", ledger.Clawback, map[ledger.Account]int64{"cash": 7, "recovered": -7, "spent": 7, "available": -7}},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind), func(t *testing.T) {
			got := tt.make(fund, vnd(7), "key")
			if err := got.Check(); err != nil {
				t.Fatal(err)
			}
			if got.Kind != tt.kind || got.Fund != fund || got.Currency != "VND" || got.Key != "key" {
				t.Errorf("head: %+v", got)
			}
			if !maps.Equal(sides(got), tt.want) {
				t.Errorf("entries %v, want %v", sides(got), tt.want)
			}
			for _, amount := range []int64{0, -7, math.MinInt64} {
				if code := aid.CodeOf(tt.make(fund, vnd(amount), "key").Check()); code != "ledger_amount" {
					t.Errorf("amount %d: code %q", amount, code)
				}
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	good := ledger.Contribution(fund, vnd(7), "key")
	with := func(change func(*ledger.Transaction)) ledger.Transaction {
		t := good
		t.Entries = append([]ledger.Entry(nil), good.Entries...)
		change(&t)
		return t
	}
	tests := []struct {
		name, code string
		t          ledger.Transaction
	}{
		{"running costs", "running_costs_refused", ledger.RunningCosts(fund, vnd(7), "key")},
		{"no key", "ledger_incomplete", ledger.Reserve(fund, vnd(7), "")},
		{"no fund", "ledger_incomplete", ledger.Reserve("", vnd(7), "key")},
		{"no currency", "currency_unknown", ledger.Reserve(fund, money.Of(7, ""), "key")},
		{"no entries", "ledger_incomplete", with(func(t *ledger.Transaction) { t.Entries = nil })},
		{"unbalanced", "ledger_unbalanced", with(func(t *ledger.Transaction) { t.Entries[0].Amount++ })},
		{"unbalanced across sets", "ledger_unbalanced", with(func(t *ledger.Transaction) { t.Entries[0].Amount++; t.Entries[3].Amount-- })},
		{"wrong set", "ledger_account_unknown", with(func(t *ledger.Transaction) { t.Entries[0].Set = ledger.Commitments })},
		{"unknown account", "ledger_account_unknown", with(func(t *ledger.Transaction) { t.Entries[0].Account = "petty" })},
		{"no set", "ledger_account_unknown", with(func(t *ledger.Transaction) { t.Entries[0] = ledger.Entry{Amount: 7} })},
		{"too much", "ledger_amount", with(func(t *ledger.Transaction) {
			t.Entries[0].Amount, t.Entries[1] = math.MaxInt64, ledger.Entry{Set: ledger.Books, Account: ledger.Cash, Amount: 1}
		})},
		{"other kind", "ledger_kind", with(func(t *ledger.Transaction) { t.Kind = ledger.KindReserve })},
		{"unknown kind", "ledger_kind", with(func(t *ledger.Transaction) { t.Kind = "gift" })},
		{"return to a wrong account", "ledger_kind", ledger.ReturnAfterSettlement(fund, vnd(7), "key", ledger.Receivable)},
		{"return to another set", "ledger_unbalanced", ledger.ReturnAfterSettlement(fund, vnd(7), "key", ledger.Available)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.t.Check(); aid.CodeOf(err) != tt.code {
				t.Errorf("Check = %v, want %s", err, tt.code)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	start, err := ledger.Balances{Fund: fund, Currency: "VND"}.Apply(ledger.Contribution(fund, vnd(100), "c"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, code string
		kind       aid.Kind
		t          ledger.Transaction
	}{
		{"more than there is", "money_short", aid.Conflict, ledger.Reserve(fund, vnd(101), "k")},
		{"release of nothing", "balance_negative", aid.Conflict, ledger.Release(fund, vnd(1), "k")},
		{"settle without instruction", "balance_negative", aid.Conflict, ledger.SettleFromBank(fund, vnd(1), "k")},
		{"other fund", "ledger_other_fund", aid.Invalid, ledger.Reserve("fund_b", vnd(1), "k")},
		{"other currency", "ledger_other_fund", aid.Invalid, ledger.Reserve(fund, money.Of(1, "USD"), "k")},
		{"does not fit", "ledger_amount", aid.Invalid, ledger.Contribution(fund, vnd(math.MaxInt64), "k")},
		{"running costs", "running_costs_refused", aid.Invalid, ledger.RunningCosts(fund, vnd(1), "k")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, err := start.Apply(tt.t)
			if aid.CodeOf(err) != tt.code || aid.KindOf(err) != tt.kind {
				t.Errorf("Apply = %v, want %s %s", err, tt.kind, tt.code)
			}
			if after != start {
				t.Errorf("a refused transaction changed the balances: %+v", after)
			}
		})
	}
}

// TestAHouse follows one award of 57 m in three tranches, the second of which
// fails once and the third of which comes back once.
func TestAHouse(t *testing.T) {
	b := ledger.Balances{Fund: fund, Currency: "VND"}
	steps := []ledger.Transaction{
		ledger.Contribution(fund, vnd(500), "c"),
		ledger.Reserve(fund, vnd(57), "a"),
		ledger.Instruct(fund, vnd(23), "a/1/1"), ledger.SettleFromBank(fund, vnd(23), "a/1/1"),
		ledger.Instruct(fund, vnd(23), "a/2/1"), ledger.FailBeforeSettlement(fund, vnd(23), "a/2/1"),
		ledger.Instruct(fund, vnd(23), "a/2/2"), ledger.SettleFromBank(fund, vnd(23), "a/2/2"),
		ledger.Instruct(fund, vnd(11), "a/3/1"), ledger.SettleFromBank(fund, vnd(11), "a/3/1"),
		ledger.ReturnAfterSettlement(fund, vnd(11), "a/3/1", ledger.Cash),
		ledger.Instruct(fund, vnd(11), "a/3/2"), ledger.SettleFromBank(fund, vnd(11), "a/3/2"),
	}
	for _, step := range steps {
		var err error
		if b, err = b.Apply(step); err != nil {
			t.Fatalf("%s %s: %v", step.Kind, step.Key, err)
		}
		if err := b.Check(); err != nil {
			t.Fatalf("after %s %s: %v", step.Kind, step.Key, err)
		}
	}
	want := ledger.Balances{Fund: fund, Currency: "VND", Cash: 443, Contributions: 500, AidPaid: 57,
		Funding: 500, Available: 443, Spent: 57}
	if b != want {
		t.Errorf("balances %+v\nwant %+v", b, want)
	}
}

func TestLimitAndRoom(t *testing.T) {
	b := ledger.Balances{Contributions: 100, Available: 40, Reserved: 30, InTransit: 20, Spent: 10}
	tests := []struct {
		budget, room int64
		code         string
	}{
		{1000, 40, ""}, {100, 40, ""}, {75, 15, ""}, {60, 0, ""}, {59, 0, "limit_exceeded"}, {0, 0, "limit_exceeded"},
	}
	for _, tt := range tests {
		if got := b.Room(tt.budget); got != tt.room {
			t.Errorf("Room(%d) = %d, want %d", tt.budget, got, tt.room)
		}
		if err := b.CheckLimit(tt.budget); aid.CodeOf(err) != tt.code {
			t.Errorf("CheckLimit(%d) = %v, want %q", tt.budget, err, tt.code)
		}
	}
	b.Contributions = 59
	if err := b.CheckLimit(1000); aid.CodeOf(err) != "limit_exceeded" {
		t.Errorf("more promised than raised: %v", err)
	}
}

func TestBalancesCheck(t *testing.T) {
	good := ledger.Balances{Cash: 90, AidPaid: 10, Contributions: 100, Funding: 100, Available: 90, Spent: 10}
	tests := []struct {
		name, code string
		change     func(*ledger.Balances)
	}{
		{"good", "", func(*ledger.Balances) {}},
		{"negative", "balance_negative", func(b *ledger.Balances) { b.Cash = -1 }},
		{"overdrawn", "money_short", func(b *ledger.Balances) { b.Available = -1 }},
		{"books", "ledger_unbalanced", func(b *ledger.Balances) { b.Cash++ }},
		{"commitments", "ledger_unbalanced", func(b *ledger.Balances) { b.Reserved++ }},
		{"out of step", "ledger_out_of_step", func(b *ledger.Balances) { b.Cash--; b.AidPaid++ }},
	}
	for _, tt := range tests {
		b := good
		tt.change(&b)
		if err := b.Check(); aid.CodeOf(err) != tt.code {
			t.Errorf("%s: Check = %v, want %q", tt.name, err, tt.code)
		}
	}
}
