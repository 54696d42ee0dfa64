package programme

import (
	"math"
	"math/big"
)

var (
	smallest = big.NewInt(math.MinInt64)
	largest  = big.NewInt(math.MaxInt64)
	one      = big.NewInt(1)
)

// interval is every value that a whole number can have, both ends included.
type interval struct{ lo, hi *big.Int }

func span(lo, hi int64) interval { return interval{big.NewInt(lo), big.NewInt(hi)} }

func (i interval) has(n int64) bool {
	return i.lo.Cmp(big.NewInt(n)) <= 0 && i.hi.Cmp(big.NewInt(n)) >= 0
}

// fits tells whether no value overflows.
func (i interval) fits() bool { return i.lo.Cmp(smallest) >= 0 && i.hi.Cmp(largest) <= 0 }

func (i interval) join(o interval) interval { return interval{smaller(i.lo, o.lo), larger(i.hi, o.hi)} }

// meet gives the common values; ok is false when there are none.
func (i interval) meet(o interval) (both interval, ok bool) {
	both = interval{larger(i.lo, o.lo), smaller(i.hi, o.hi)}
	return both, both.lo.Cmp(both.hi) <= 0
}

func (i interval) plus(o interval) interval {
	return interval{new(big.Int).Add(i.lo, o.lo), new(big.Int).Add(i.hi, o.hi)}
}

func (i interval) minus(o interval) interval {
	return interval{new(big.Int).Sub(i.lo, o.hi), new(big.Int).Sub(i.hi, o.lo)}
}

func (i interval) times(o interval) interval {
	return hull((*big.Int).Mul, []*big.Int{i.lo, i.hi}, []*big.Int{o.lo, o.hi})
}

// over divides as CEL does, towards zero. The divisor is never zero: its ends
// next to zero count instead.
func (i interval) over(o interval) interval {
	return hull((*big.Int).Quo, []*big.Int{i.lo, i.hi}, o.divisors())
}

// divisors gives the values between which a quotient is monotone.
func (i interval) divisors() []*big.Int {
	var ends []*big.Int
	for _, end := range []*big.Int{i.lo, i.hi} {
		if end.Sign() != 0 {
			ends = append(ends, end)
		}
	}
	if i.lo.Sign() <= 0 && i.hi.Sign() > 0 {
		ends = append(ends, one)
	}
	if i.lo.Sign() < 0 && i.hi.Sign() >= 0 {
		ends = append(ends, big.NewInt(-1))
	}
	return ends
}

// modulo has the sign of the dividend and is smaller than the divisor.
func (i interval) modulo(o interval) interval {
	most := new(big.Int).Sub(larger(new(big.Int).Abs(o.lo), new(big.Int).Abs(o.hi)), one)
	out := interval{new(big.Int).Neg(most), most}
	if i.lo.Sign() >= 0 {
		out.lo = new(big.Int)
	}
	if i.hi.Sign() <= 0 {
		out.hi = new(big.Int)
	}
	return out
}

func (i interval) least(o interval) interval {
	return interval{smaller(i.lo, o.lo), smaller(i.hi, o.hi)}
}

func (i interval) most(o interval) interval { return interval{larger(i.lo, o.lo), larger(i.hi, o.hi)} }

// hull gives the smallest interval around all results.
func hull(operate func(z, x, y *big.Int) *big.Int, left, right []*big.Int) interval {
	var out interval
	for _, l := range left {
		for _, r := range right {
			n := operate(new(big.Int), l, r)
			if out.lo == nil {
				out = interval{n, n}
				continue
			}
			out = interval{smaller(out.lo, n), larger(out.hi, n)}
		}
	}
	return out
}
