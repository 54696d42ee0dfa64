// Package money holds amounts: integers in the minor unit of a currency, never
// floats.
package money

import (
	"math"

	"github.com/aidflow/aidflow/aid"
)

// Money is an amount in minor units of an ISO 4217 currency: 57,000,000 VND is
// {57000000, "VND"} because the dong has no minor unit; 12.50 USD is
// {1250, "USD"}.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Of makes a Money of minor units. It checks nothing.
func Of(amount int64, currency string) Money {
	return Money{Amount: amount, Currency: currency}
}

// Add gives the sum. Errors: currency_mismatch, amount_overflow.
func (m Money) Add(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, aid.Refuse(aid.Invalid, "currency_mismatch")
	}
	sum := m.Amount + o.Amount
	if (sum > m.Amount) != (o.Amount > 0) {
		return Money{}, aid.Refuse(aid.Invalid, "amount_overflow")
	}
	return Money{sum, m.Currency}, nil
}

// Sub gives the difference. Errors: currency_mismatch, amount_overflow.
func (m Money) Sub(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, aid.Refuse(aid.Invalid, "currency_mismatch")
	}
	difference := m.Amount - o.Amount
	if (difference < m.Amount) != (o.Amount > 0) {
		return Money{}, aid.Refuse(aid.Invalid, "amount_overflow")
	}
	return Money{difference, m.Currency}, nil
}

// Split divides the amount by percents. Every part is rounded down to the
// minor unit and the last takes the remainder, so that the parts always add up
// to the amount. The shares must be positive and add up to 100. A small amount
// may give parts of zero. Errors: shares_invalid, amount_negative.
func (m Money) Split(shares []int) ([]Money, error) {
	if !validShares(shares) {
		return nil, aid.Refuse(aid.Invalid, "shares_invalid")
	}
	if m.Amount < 0 {
		return nil, aid.Refuse(aid.Invalid, "amount_negative")
	}
	parts := make([]Money, len(shares))
	rest := m.Amount
	for i, share := range shares {
		part := percentOf(m.Amount, int64(share))
		if i == len(shares)-1 {
			part = rest
		}
		parts[i] = Money{part, m.Currency}
		rest -= part
	}
	return parts, nil
}

func validShares(shares []int) bool {
	sum := 0
	for _, share := range shares {
		if share <= 0 || share > 100 {
			return false
		}
		sum += share
	}
	return sum == 100
}

// percentOf rounds down. It splits the amount before multiplying, because
// amount*share may not fit.
func percentOf(amount, share int64) int64 {
	if amount <= math.MaxInt64/100 {
		return amount * share / 100
	}
	return amount/100*share + amount%100*share/100
}
