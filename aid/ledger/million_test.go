package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/aidflow/aidflow/aid/ledger"
)

// TestRandomLifeOfAFund takes a fund through AIDFLOW_LEDGER_OPS operations (a
// million by `make ledger`, 20,000 otherwise; what finds nothing to do is none): contributions to purposes, awards
// with everything that can happen to their money, transfers, corrections, years.
// A model of jars and stacks of coins says after each what is where; operations
// that the model cannot do have to be refused. The seed is fixed, or
// AIDFLOW_LEDGER_SEED.
func TestRandomLifeOfAFund(t *testing.T) {
	operations, seed := 20_000, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("AIDFLOW_LEDGER_OPS")); err == nil {
		operations = n
	}
	if n, err := strconv.ParseUint(os.Getenv("AIDFLOW_LEDGER_SEED"), 10, 64); err == nil {
		seed = n
	}
	l := newLife(seed)
	for i := 0; l.posted+l.refused < operations; i++ {
		fault := l.step()
		if fault == "" && (i%1000 == 0 || l.posted+l.refused >= operations) {
			fault = l.compare()
		}
		if fault != "" {
			t.Fatalf("seed %d, operation %d: %s", seed, i, fault)
		}
	}
	t.Logf("seed %d: %d operations, %d posted, %d refused, %d reverted, %d years carried over; %d awards", seed, l.posted+l.refused, l.posted, l.refused,
		l.reversals, l.years, l.made)
	if l.refused == 0 || l.years == 0 || l.reversals == 0 {
		t.Error("no operation was refused, no year carried over or nothing reverted: the test tried nothing")
	}
}

// coins are money of one purpose, in a stack of an award.
type coins struct {
	purpose string
	n       int64
}

// granted is an award as the model sees it: where its money is, and the stack
// of what it took.
type granted struct {
	set, moving, out int64
	taken            []coins
}

// life is a fund and its model.
type life struct {
	r                                      *rand.Rand
	balances                               ledger.Balances
	sums                                   map[ledger.Line]int64
	m                                      model
	raised, left                           map[string]int64 // by purpose
	awards                                 []*granted
	hand                                   []ledger.Transaction // what a person may take back
	key, posted, refused, years, reversals int
	made                                   int
}

func newLife(seed uint64) *life {
	return &life{r: rand.New(rand.NewPCG(seed, seed)), balances: ledger.Balances{Fund: fund, Currency: "VND"}, sums: map[ledger.Line]int64{},
		raised: map[string]int64{}, left: map[string]int64{}}
}

var purposesOfLife = []string{"", "area", "programme", "both"}

// post applies a transaction; can is what the model thinks of it.
func (l *life) post(t ledger.Transaction, can bool, do func()) string {
	after, err := l.balances.Apply(t)
	if can != (err == nil) {
		return fmt.Sprintf("%s: possible %v, error %v", t.Kind, can, err)
	}
	if err != nil {
		l.refused++
		return ""
	}
	l.balances = after
	sum(l.sums, t)
	do()
	l.posted++
	if l.balances != l.m.balances() {
		return fmt.Sprintf("%s: balances %+v, model %+v", t.Kind, l.balances, l.m.balances())
	}
	return ""
}

func (l *life) step() string {
	l.key++
	n, key := 1+l.r.Int64N(1000), strconv.Itoa(l.key)
	switch l.r.IntN(16) {
	case 0, 1:
		return l.contribute(n, key)
	case 2, 3:
		return l.award(n, key)
	case 4:
		return l.transfer(n, key)
	case 5:
		return l.reverse(key)
	case 6:
		if l.r.IntN(1000) == 0 {
			return l.carry(key)
		}
		return l.transfer(n, key)
	default:
		return l.goOn(n, key)
	}
}

func (l *life) contribute(n int64, key string) string {
	p := purposesOfLife[l.r.IntN(len(purposesOfLife))]
	t := ledger.Contribution(fund, vnd(n), key).From(ledger.Share{Purpose: p, Amount: n})
	return l.post(t, true, func() {
		l.m.bank, l.m.free, l.m.given = l.m.bank+n, l.m.free+n, l.m.given+n
		l.raised[p], l.left[p] = l.raised[p]+n, l.left[p]+n
		l.hand = append(l.hand, t)
	})
}

// award reserves for a case that may use some of the purposes.
func (l *life) award(n int64, key string) string {
	mine := [][]string{{"both", "area", "programme", ""}, {"area", ""}, {"programme", ""}, {""}}[l.r.IntN(4)]
	var pots []ledger.Share
	var there int64
	for _, p := range mine {
		pots = append(pots, ledger.Share{Purpose: p, Amount: l.left[p]})
		there += l.left[p]
	}
	shares, ok := ledger.Take(n, pots)
	if ok != (n <= there) {
		return fmt.Sprintf("take %d of %v: %v", n, pots, ok)
	}
	if !ok {
		l.refused++
		return ""
	}
	return l.post(ledger.Reserve(fund, vnd(n), key).From(shares...), true, func() {
		a := &granted{set: n}
		for want, i := n, 0; want > 0; i++ { // the model takes coin by coin, as it were
			c := coins{mine[i], min(want, l.left[mine[i]])}
			if c.n > 0 {
				a.taken, l.left[c.purpose], want = append(a.taken, c), l.left[c.purpose]-c.n, want-c.n
			}
		}
		l.m.free, l.m.set = l.m.free-n, l.m.set+n
		l.awards, l.made = append(l.awards, a), l.made+1
	})
}

// putBack takes coins from the top of an award's stack and puts them back.
func (l *life) putBack(a *granted, n int64) {
	for n > 0 {
		top := &a.taken[len(a.taken)-1]
		c := min(n, top.n)
		top.n, n, l.left[top.purpose] = top.n-c, n-c, l.left[top.purpose]+c
		if top.n == 0 {
			a.taken = a.taken[:len(a.taken)-1]
		}
	}
}

func (a *granted) shares() []ledger.Share {
	var out []ledger.Share
	for _, c := range a.taken {
		out = append(out, ledger.Share{Purpose: c.purpose, Amount: c.n})
	}
	return out
}

// goOn moves the money of an award on, somehow.
func (l *life) goOn(n int64, key string) string {
	if len(l.awards) == 0 {
		return ""
	}
	i := l.r.IntN(len(l.awards))
	a, m := l.awards[i], &l.m
	if a.set+a.moving == 0 && (a.out == 0 || l.r.IntN(3) > 0) { // over
		l.awards[i] = l.awards[len(l.awards)-1]
		l.awards = l.awards[:len(l.awards)-1]
		return ""
	}
	some := func(of int64) int64 { return min(n, max(of, 1)) }
	switch l.r.IntN(6) {
	case 0:
		n = some(a.set)
		shares, ok := ledger.GiveBack(n, a.shares())
		if a.set == 0 {
			return ""
		}
		if !ok {
			return fmt.Sprintf("%d of %+v cannot be given back", n, a)
		}
		return l.post(ledger.Release(fund, vnd(n), key).From(shares...), true, func() { a.set, m.set, m.free = a.set-n, m.set-n, m.free+n; l.putBack(a, n) })
	case 1:
		if n = some(a.set); a.set == 0 {
			return ""
		}
		return l.post(ledger.Instruct(fund, vnd(n), key), true, func() { a.set, a.moving, m.set, m.moving = a.set-n, a.moving+n, m.set-n, m.moving+n })
	case 2:
		if n = some(a.moving); a.moving == 0 {
			return ""
		}
		return l.post(ledger.FailBeforeSettlement(fund, vnd(n), key), true, func() { a.set, a.moving, m.set, m.moving = a.set+n, a.moving-n, m.set+n, m.moving-n })
	case 3:
		if n = some(a.moving); a.moving == 0 {
			return ""
		}
		paid := func(from *int64) func() {
			return func() {
				*from, a.moving, a.out, m.moving, m.out, m.paid = *from-n, a.moving-n, a.out+n, m.moving-n, m.out+n, m.paid+n
			}
		}
		if l.r.IntN(2) == 0 {
			return l.post(ledger.SettleFromAdvance(fund, vnd(n), key), m.communes >= n, paid(&m.communes))
		}
		return l.post(ledger.SettleFromBank(fund, vnd(n), key), m.bank >= n, paid(&m.bank))
	case 4:
		if n = some(a.out); a.out == 0 {
			return ""
		}
		return l.post(ledger.ReturnAfterSettlement(fund, vnd(n), key, ledger.Cash), m.paid >= n, func() {
			a.out, a.set, m.out, m.paid, m.bank, m.set = a.out-n, a.set+n, m.out-n, m.paid-n, m.bank+n, m.set+n
		})
	}
	if n = some(a.out); a.out == 0 {
		return ""
	}
	shares, ok := ledger.GiveBack(n, a.shares())
	if !ok {
		return fmt.Sprintf("%d of %+v cannot be given back", n, a)
	}
	return l.post(ledger.Clawback(fund, vnd(n), key).From(shares...), true, func() {
		a.out, m.out, m.clawed, m.bank, m.free = a.out-n, m.out-n, m.clawed+n, m.bank+n, m.free+n
		l.putBack(a, n)
	})
}

func (l *life) transfer(n int64, key string) string {
	m := &l.m
	kinds := []struct {
		kind     ledger.Kind
		from, to *int64
	}{{ledger.KindAdvanceOut, &m.bank, &m.communes}, {ledger.KindAdvanceIn, &m.communes, &m.bank}, {ledger.KindFee, &m.bank, &m.owed}, {ledger.KindFeeRepaid, &m.owed, &m.bank}}
	k := kinds[l.r.IntN(len(kinds))]
	t := ledger.Transfer(k.kind, fund, vnd(n), key)
	return l.post(t, *k.from >= n, func() { *k.from, *k.to = *k.from-n, *k.to+n; l.hand = append(l.hand, t) })
}

// reverse takes back something that a person posted, where the money is still
// there; of a purpose, that is for whoever keeps the purposes to see.
func (l *life) reverse(key string) string {
	if len(l.hand) == 0 {
		return ""
	}
	i := l.r.IntN(len(l.hand))
	was, m := l.hand[i], &l.m
	n := was.Entries[0].Amount
	undo := func(from, to *int64) string {
		return l.post(ledger.Reverse(was, key), *from >= n, func() { *from, *to = *from-n, *to+n; l.forget(i) })
	}
	switch was.Kind {
	case ledger.KindAdvanceOut:
		return undo(&m.communes, &m.bank)
	case ledger.KindAdvanceIn:
		return undo(&m.bank, &m.communes)
	case ledger.KindFee:
		return undo(&m.owed, &m.bank)
	case ledger.KindFeeRepaid:
		return undo(&m.bank, &m.owed)
	}
	p := was.Entries[1].Purpose
	if l.left[p] < n {
		return ""
	}
	return l.post(ledger.Reverse(was, key), m.bank >= n && m.free >= n, func() {
		m.bank, m.free, m.given = m.bank-n, m.free-n, m.given-n
		l.raised[p], l.left[p] = l.raised[p]-n, l.left[p]-n
		l.forget(i)
	})
}

func (l *life) forget(i int) {
	l.hand[i] = l.hand[len(l.hand)-1]
	l.hand, l.reversals = l.hand[:len(l.hand)-1], l.reversals+1
}

// carry closes a year and opens the next: nothing changes.
func (l *life) carry(key string) string {
	closing, opening := ledger.Carry(fund, "VND", key, l.sums, lines(purposesOfLife[1:]...))
	if err := closing.Check(); err != nil {
		return err.Error()
	}
	if err := opening.Check(); err != nil {
		return err.Error()
	}
	sum(l.sums, closing)
	for line, n := range l.sums {
		if n != 0 {
			return fmt.Sprintf("%v is %d in a closed year", line, n)
		}
	}
	sum(l.sums, opening)
	l.years++
	return l.compare()
}

// compare looks at the invariants and at every line.
func (l *life) compare() string {
	if err := l.balances.Check(); err != nil {
		return err.Error()
	}
	if err := l.balances.CheckLimit(l.m.given); err != nil {
		return err.Error()
	}
	for _, p := range purposesOfLife {
		available, given := -l.sums[ledger.Line{Account: ledger.Available, Purpose: p}], -l.sums[ledger.Line{Account: ledger.Contributions, Purpose: p}]
		if available != l.left[p] || given != l.raised[p] || available < 0 || available > given {
			return fmt.Sprintf("purpose %q: %d of %d, model %d of %d", p, available, given, l.left[p], l.raised[p])
		}
	}
	sums := map[ledger.Account]int64{}
	for line, n := range l.sums {
		sums[line.Account] += n
	}
	if got := ledger.FromSums(fund, "VND", sums); got != l.balances {
		return fmt.Sprintf("sums of entries %+v, balances %+v", got, l.balances)
	}
	return ""
}
