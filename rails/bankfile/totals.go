package bankfile

import "strconv"

// summary counts the entries of a block.
type summary struct {
	number, credits, debits int64
	all, in, out            int64 // sums
	net                     int64 // of what is booked
	waiting                 int64 // entries that are not booked
}

func (s *summary) add(amount int64, credit, booked bool) {
	s.number++
	s.all = plus(s.all, amount)
	signed := amount
	if credit {
		s.credits++
		s.in = plus(s.in, amount)
	} else {
		s.debits++
		s.out = plus(s.out, amount)
		signed = -amount
	}
	if booked {
		s.net = plus(s.net, signed)
	} else {
		s.waiting++
	}
}

// totals are the counts and sums that a bank writes above its entries.
type totals struct{ number, sum, credits, in, debits, out string }

func (t *totals) take(path string, e element) error {
	to := map[string]*string{
		"TtlNtries/NbOfNtries": &t.number, "TtlNtries/Sum": &t.sum,
		"TtlCdtNtries/NbOfNtries": &t.credits, "TtlCdtNtries/Sum": &t.in,
		"TtlDbtNtries/NbOfNtries": &t.debits, "TtlDbtNtries/Sum": &t.out,
	}[path]
	if to != nil {
		*to = e.text
	}
	return nil
}

// hold tells whether the totals are those of the entries.
func (t *totals) hold(s summary, currency string) bool {
	if currency == "" {
		currency = "VND" // no entry had one: nothing is nothing in any
	}
	for _, c := range []struct {
		told string
		is   int64
	}{{t.number, s.number}, {t.credits, s.credits}, {t.debits, s.debits}} {
		if n, err := strconv.ParseInt(c.told, 10, 64); c.told != "" && (err != nil || n != c.is) {
			return false
		}
	}
	for _, c := range []struct {
		told string
		is   int64
	}{{t.sum, s.all}, {t.in, s.in}, {t.out, s.out}} {
		if n, ok := minor(c.told, currency); c.told != "" && (!ok || n != c.is) {
			return false
		}
	}
	return true
}
