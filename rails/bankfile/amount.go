package bankfile

import (
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid/money"
)

// decimal writes an amount of minor units as banks write it: 57000000 VND as
// 57000000, 1250 USD as 12.50. The amount is not negative and the currency
// known.
func decimal(amount int64, currency string) string {
	digits, _ := money.Exponent(currency)
	text := strconv.FormatInt(amount, 10)
	if digits == 0 {
		return text
	}
	for len(text) <= digits {
		text = "0" + text
	}
	return text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// minor reads a plain decimal number into minor units: digits, and a point
// before decimals. Decimals beyond the minor unit must be zero: a bank may
// write 1000.00 VND, and half a dong is no amount.
func minor(text, currency string) (amount int64, ok bool) {
	digits, known := money.Exponent(currency)
	whole, fraction, point := strings.Cut(text, ".")
	if !known || whole == "" || point && fraction == "" || len(text) > 32 {
		return 0, false
	}
	for len(fraction) < digits {
		fraction += "0"
	}
	if strings.Trim(fraction[digits:], "0") != "" {
		return 0, false
	}
	return number(whole + fraction[:digits])
}

// number reads digits; a number of more than 15 is no amount of money.
func number(digits string) (int64, bool) {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n <= maxSum
}
