package bankfile

import (
	"time"

	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/rails"
)

// collector holds what all formats have in common: lines that are counted, of
// one currency, and none of them twice.
type collector struct {
	rails.Report
	seen map[movement]bool
}

// movement is what makes a line the same as another: the bank's reference, our
// id, direction, amount and day. A fee under its payment's reference differs.
type movement struct {
	reference, endToEnd string
	credit, returned    bool
	amount              int64
	on                  time.Time
}

func newCollector(format string) collector {
	return collector{Report: rails.Report{Format: format}, seen: map[movement]bool{}}
}

// fault says that the line which is being read is wrong.
func (c *collector) fault(code string) error { return unreadable(code, len(c.Lines)+1) }

// in takes the currency of an amount: a file has one.
func (c *collector) in(currency string) error {
	if currency == c.Currency && currency != "" {
		return nil
	}
	if _, known := money.Exponent(currency); !known {
		return c.fault("malformed")
	}
	if c.Currency != "" {
		return c.fault("two_currencies")
	}
	c.Currency = currency
	return nil
}

// amount reads an amount and its currency.
func (c *collector) amount(e element) (int64, error) {
	if err := c.in(e.currency); err != nil {
		return 0, err
	}
	n, ok := minor(e.text, e.currency)
	if !ok {
		return 0, c.fault("malformed")
	}
	return n, nil
}

// add takes a line and gives it its number.
func (c *collector) add(l rails.ReportLine) error {
	if len(c.Lines) >= maxLines {
		return c.fault("too_large")
	}
	if l.EndToEnd == "NOTPROVIDED" {
		l.EndToEnd = ""
	}
	l.N = len(c.Lines) + 1
	c.Lines = append(c.Lines, l)
	return nil
}

// once refuses a line that stands in the file already. A line that says
// nothing by which it could be known is not judged.
func (c *collector) once(l rails.ReportLine, reference string) error {
	if _, ours := rails.KeyOf(l.EndToEnd); reference == "" && !ours {
		return nil
	}
	m := movement{reference, l.EndToEnd, l.Credit, l.Returned, l.Amount, l.BookedOn}
	if c.seen[m] {
		return unreadable("duplicate_line", l.N)
	}
	c.seen[m] = true
	return nil
}

// set keeps the text of an element that a message has once.
func (c *collector) set(to *string, e element) error {
	if *to != "" {
		return c.fault("malformed")
	}
	*to = e.text
	return nil
}

// date reads the day of an ISO date or time, as the bank wrote it.
func (c *collector) date(text string) (time.Time, error) {
	if len(text) < len(time.DateOnly) {
		return time.Time{}, c.fault("malformed")
	}
	t, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	if err != nil {
		return time.Time{}, c.fault("malformed")
	}
	return t, nil
}

// moment reads an ISO time. One without a zone keeps the bank's hours.
func (c *collector) moment(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, c.fault("malformed")
}

// plus adds amounts that a file may make as large as it likes.
func plus(a, b int64) int64 {
	if sum := a + b; sum <= 1<<60 && sum >= -1<<60 {
		return sum
	}
	return 1 << 60
}
