package money

import (
	"strconv"
	"strings"
)

// Format writes the amount for people in vi, en or id (any other language as
// en): 57.000.000 ₫ in Vietnamese, 57,000,000 ₫ in English. The space
// does not break, so that a line never ends inside the amount.
func (m Money) Format(lang string) string {
	group, point := separators(lang)
	digits, _ := Exponent(m.Currency)
	whole, fraction := split(m.Amount, digits)
	text := grouped(whole, group)
	if fraction != "" {
		text += point + fraction
	}
	if m.Amount < 0 {
		text = "-" + text
	}
	return text + "\u00a0" + sign(m.Currency)
}

// split gives the digits before and after the point, without the minus sign.
// It works on text because the smallest int64 has no positive counterpart.
func split(amount int64, digits int) (whole, fraction string) {
	text := strings.TrimPrefix(strconv.FormatInt(amount, 10), "-")
	for len(text) <= digits {
		text = "0" + text
	}
	return text[:len(text)-digits], text[len(text)-digits:]
}

func grouped(whole, separator string) string {
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteRune(digit)
	}
	return b.String()
}

func separators(lang string) (group, point string) {
	if lang == "vi" || lang == "id" {
		return ".", ","
	}
	return ",", "."
}

func sign(currency string) string {
	if currency == "VND" {
		return "₫"
	}
	return currency
}
