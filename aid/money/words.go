package money

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words writes the amount in words, in vi, en or id (any other language as en),
// with a capital: 57,000,000 VND is "Năm mươi bảy triệu đồng", "Fifty-seven
// million dong". What is below the major unit follows as a fraction: 12.50 USD
// is "Twelve US dollars and 50/100".
func (m Money) Words(lang string) string {
	digits, _ := Exponent(m.Currency)
	whole, fraction := split(m.Amount, digits)
	w := wordsOf(lang)
	text := w.zero
	if said := w.number(groups(whole)); said != "" {
		text = said
	}
	text += " " + w.currency(m.Currency)
	if strings.Trim(fraction, "0") != "" {
		text += " " + w.and + " " + fraction + "/1" + strings.Repeat("0", len(fraction))
	}
	if m.Amount < 0 {
		text = w.minus + " " + text
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// groups gives the digits of a number in threes, the last three first.
func groups(digits string) []int {
	var out []int
	for len(digits) > 0 {
		cut := max(0, len(digits)-3)
		n := 0
		for _, digit := range digits[cut:] {
			n = n*10 + int(digit-'0')
		}
		out, digits = append(out, n), digits[:cut]
	}
	return out
}

// words is how a language says numbers and money.
type words struct {
	zero, minus, and string
	number           func(groups []int) string // "" for zero
	currencies       map[string]string
}

func (w words) currency(code string) string {
	if name, ok := w.currencies[code]; ok {
		return name
	}
	return code
}

func wordsOf(lang string) words {
	switch lang {
	case "vi":
		return words{"không", "âm", "và", vietnamese, map[string]string{"VND": "đồng", "USD": "đô la Mỹ", "EUR": "euro", "IDR": "rupiah"}}
	case "id":
		return words{"nol", "minus", "dan", indonesian, map[string]string{"VND": "dong", "USD": "dolar AS", "EUR": "euro", "IDR": "rupiah"}}
	}
	return words{"zero", "minus", "and", english, map[string]string{"VND": "dong", "USD": "US dollars", "EUR": "euros", "IDR": "rupiah"}}
}

// scaled says each group that is not zero, with its scale behind it.
func scaled(groups []int, scales []string, say func(n int, first bool) string) string {
	var parts []string
	for i := len(groups) - 1; i >= 0; i-- {
		if groups[i] == 0 {
			continue
		}
		parts = append(parts, say(groups[i], len(parts) == 0))
		if scales[i] != "" {
			parts = append(parts, scales[i])
		}
	}
	return strings.Join(parts, " ")
}

var englishOnes = strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
var englishTens = strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety")

func english(groups []int) string {
	scales := []string{"", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"}
	return scaled(groups, scales, func(n int, _ bool) string {
		var parts []string
		if n >= 100 {
			parts = append(parts, englishOnes[n/100], "hundred")
		}
		switch rest := n % 100; {
		case rest == 0:
		case rest < 20:
			parts = append(parts, englishOnes[rest])
		case rest%10 == 0:
			parts = append(parts, englishTens[rest/10])
		default:
			parts = append(parts, englishTens[rest/10]+"-"+englishOnes[rest%10])
		}
		return strings.Join(parts, " ")
	})
}

var indonesianOnes = strings.Fields("nol satu dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas")

func indonesian(groups []int) string {
	scales := []string{"", "ribu", "juta", "miliar", "triliun", "kuadriliun", "kuintiliun"}
	text := " " + scaled(groups, scales, func(n int, _ bool) string { return indonesianGroup(n) })
	// One thousand is said in one word; one million is not.
	if len(groups) > 1 && groups[1] == 1 {
		text = strings.Replace(text, " satu ribu", " seribu", 1)
	}
	return strings.TrimSpace(text)
}

func indonesianGroup(n int) string {
	switch {
	case n < 12:
		return indonesianOnes[n]
	case n < 20:
		return indonesianOnes[n-10] + " belas"
	case n < 100:
		return indonesianRest(indonesianOnes[n/10]+" puluh", n%10)
	case n < 200:
		return indonesianRest("seratus", n-100)
	}
	return indonesianRest(indonesianOnes[n/100]+" ratus", n%100)
}

func indonesianRest(said string, rest int) string {
	if rest == 0 {
		return said
	}
	return said + " " + indonesianGroup(rest)
}
