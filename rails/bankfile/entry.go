package bankfile

import (
	"slices"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// entry is one entry of an account: a movement, or a batch of them that the
// bank booked as one.
type entry struct {
	from                    int // its first line
	amount, side, status    string
	reversal, ref, own      string // own: the bank's reference; ref: of this statement only
	text                    string
	minor                   int64
	bookedOn                time.Time
	batch                   batch
	detail                  detail
	details, without, fixed int   // how many movements are told; those without an amount, and with a reference of their own
	sum                     int64 // of the movements, in the direction of the entry
}

// reversed tells whether the bank takes an earlier entry back.
func (n *entry) reversed() bool { return n.reversal == "true" || n.reversal == "1" }

// batch is what the bank says of a group of movements.
type batch struct {
	from        int
	number, sum string
	minor       int64
}

// detail is one movement of an entry.
type detail struct {
	line          rails.ReportLine
	side          string
	debtor        party
	creditor      party
	amount        string
	tx            int64 // amount of the transaction where older versions have it
	returned, own bool
	other         string // what the bank adds in words
}

type party struct{ name, account string }

func (c *camt) ofEntry(path string, e element) (err error) {
	n := &c.entry
	switch path {
	case "Amt":
		if err = c.set(&n.amount, e); err == nil {
			n.minor, err = c.amount(e)
		}
	case "CdtDbtInd":
		return c.set(&n.side, e)
	case "RvslInd":
		return c.set(&n.reversal, e)
	case "Sts", "Sts/Cd":
		if e.text != "" {
			return c.set(&n.status, e)
		}
	case "BookgDt/Dt", "BookgDt/DtTm":
		n.bookedOn, err = c.date(e.text)
	case "AcctSvcrRef":
		return c.set(&n.own, e)
	case "NtryRef":
		return c.set(&n.ref, e)
	case "AddtlNtryInf":
		return c.set(&n.text, e)
	case "NtryDtls/Btch/NbOfTxs":
		return c.set(&n.batch.number, e)
	case "NtryDtls/Btch/TtlAmt":
		if err = c.set(&n.batch.sum, e); err == nil {
			n.batch.minor, err = c.amount(e)
		}
	case "NtryDtls/TxDtls":
		return c.endDetail()
	case "NtryDtls":
		return c.endBatch()
	}
	return err
}

func (c *camt) ofDetail(path string, e element) (err error) {
	d := &c.entry.detail
	switch path {
	case "Refs/EndToEndId":
		return c.set(&d.line.EndToEnd, e)
	case "Refs/AcctSvcrRef":
		d.own = true
		return c.set(&d.line.Reference, e)
	case "Amt":
		if err = c.set(&d.amount, e); err == nil {
			d.line.Amount, err = c.amount(e)
		}
	case "AmtDtls/TxAmt/Amt":
		d.tx, err = c.amount(e)
	case "CdtDbtInd":
		return c.set(&d.side, e)
	case "RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm":
		return c.set(&d.debtor.name, e)
	case "RltdPties/Cdtr/Nm", "RltdPties/Cdtr/Pty/Nm":
		return c.set(&d.creditor.name, e)
	case "RltdPties/DbtrAcct/Id/Othr/Id", "RltdPties/DbtrAcct/Id/IBAN":
		return c.set(&d.debtor.account, e)
	case "RltdPties/CdtrAcct/Id/Othr/Id", "RltdPties/CdtrAcct/Id/IBAN":
		return c.set(&d.creditor.account, e)
	case "RmtInf/Ustrd":
		d.line.Text = joined(d.line.Text, e.text)
	case "AddtlTxInf":
		d.other = e.text
	case "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry":
		return c.set(&d.line.Code, e)
	}
	return err
}

// endDetail takes one movement of an entry. Its amount, and what it has from
// the entry, are completed when the entry ends.
func (c *camt) endDetail() error {
	n, d := &c.entry, c.entry.detail
	credit, ok := direction(n.side)
	if !ok || n.amount == "" {
		return c.fault("malformed")
	}
	l := d.line
	l.Credit = credit
	if d.side != "" {
		if l.Credit, ok = direction(d.side); !ok {
			return c.fault("malformed")
		}
	}
	l.Returned = d.returned || n.reversed()
	them := other(d, l.Credit, c.Account)
	l.Name, l.Account = them.name, them.account
	if l.Text == "" {
		l.Text = d.other
	}
	if d.amount == "" {
		n.without++
		l.Amount = d.tx
	} else if l.Amount == 0 {
		return c.fault("malformed")
	}
	if !d.own {
		l.Reference = ""
	} else {
		n.fixed++
	}
	n.details++
	if l.Credit == credit {
		n.sum = plus(n.sum, l.Amount)
	} else {
		n.sum = plus(n.sum, -l.Amount)
	}
	return c.add(l)
}

// other gives the other side of a movement. In a return banks name the parties
// of the first payment, or those of the return: ours is never the other side.
func other(d detail, credit bool, ours string) party {
	first, second := d.creditor, d.debtor
	if credit {
		first, second = second, first
	}
	if first.account == ours && second.account != ours && second.account != "" {
		return second
	}
	return first
}

// endBatch compares a group of movements with what the bank says of it.
func (c *camt) endBatch() error {
	b := c.entry.batch
	told := c.Lines[b.from:]
	if len(told) == 0 {
		return nil
	}
	if b.number != "" {
		if n, err := strconv.Atoi(b.number); err != nil || n != len(told) {
			return c.fault("control_sum")
		}
	}
	if b.sum == "" {
		return nil
	}
	sum := int64(0)
	for _, l := range told {
		if l.Amount == 0 {
			return nil // the entry ends it: one movement without an amount
		}
		sum = plus(sum, l.Amount)
	}
	if sum != b.minor {
		return c.fault("control_sum")
	}
	return nil
}

// endEntry completes the lines of an entry and counts it.
func (c *camt) endEntry() error {
	n := &c.entry
	credit, ok := direction(n.side)
	if !ok || n.amount == "" || !slices.Contains([]string{"", "true", "false", "1", "0"}, n.reversal) {
		return c.fault("malformed")
	}
	booked := n.status == "BOOK"
	if booked && n.bookedOn.IsZero() || !booked && n.status != "PDNG" && n.status != "INFO" && n.status != "FUTR" {
		return c.fault("malformed")
	}
	c.sums.add(n.minor, credit, booked)
	if n.minor == 0 && n.details == 0 {
		return nil // banks book fees of nothing; no money moved
	}
	if n.details == 0 {
		l := rails.ReportLine{Credit: credit, Returned: n.reversed(), Amount: n.minor}
		if err := c.add(l); err != nil {
			return err
		}
	}
	if n.details == 1 && n.without == 1 {
		c.Lines[n.from].Amount, n.sum = n.minor, n.minor
	}
	if n.details > 0 && n.sum != n.minor {
		return unreadable("control_sum", n.from+1)
	}
	return c.complete(credit, booked)
}

// complete writes into the lines of an entry what they have from it.
func (c *camt) complete(credit, booked bool) error {
	n := &c.entry
	shared := n.own
	if shared == "" {
		shared = n.ref
	}
	for i := n.from; i < len(c.Lines); i++ {
		l := &c.Lines[i]
		if l.Amount == 0 {
			return unreadable("malformed", l.N)
		}
		l.Currency, l.State = c.Currency, rails.Accepted
		if booked {
			l.State, l.BookedOn = rails.Settled, n.bookedOn
		}
		if l.Text == "" {
			l.Text = n.text
		}
		known := l.Reference
		if l.Reference == "" {
			l.Reference = shared
			if n.details < 2 || l.EndToEnd != "" {
				known = shared
			}
		}
		if err := c.once(*l, known); err != nil {
			return err
		}
	}
	return c.whole(shared, credit)
}

// whole refuses a batch that stands in the file twice.
func (c *camt) whole(reference string, credit bool) error {
	n := &c.entry
	if n.details < 2 || n.own == "" {
		return nil
	}
	return c.once(rails.ReportLine{N: n.from + 1, Credit: credit, Amount: n.minor, BookedOn: n.bookedOn}, "batch "+reference)
}
