package bankfile

import (
	"strings"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// camt reads the statement of an account (camt.053) or its notices (camt.054),
// which differ in the name of their block and in the balances.
type camt struct {
	collector
	base    string // path of the block of an account
	blocks  int
	account string // of the block that is read
	paged   bool   // one page of several
	balance balance
	opening balances
	closing balances
	entry   entry
	sums    summary
	told    totals
}

func newCamt(format, base string) *camt {
	return &camt{collector: newCollector(format), base: base}
}

func (c *camt) start(path string) error {
	if path == c.base {
		if c.blocks++; c.blocks > 1 && c.Format == "camt.053" {
			return c.fault("several_statements")
		}
		c.account, c.sums, c.told = "", summary{}, totals{}
		return nil
	}
	below, ok := strings.CutPrefix(path, c.base+"/")
	if !ok {
		return nil
	}
	switch below {
	case "Bal":
		c.balance = balance{}
	case "Ntry":
		c.entry = entry{from: len(c.Lines)}
	case "Ntry/NtryDtls":
		c.entry.batch = batch{from: len(c.Lines)}
	case "Ntry/NtryDtls/TxDtls":
		c.entry.detail = detail{}
	case "Ntry/NtryDtls/TxDtls/RtrInf":
		c.entry.detail.returned = true
	}
	return nil
}

func (c *camt) end(path string, e element) error {
	if path == c.base {
		return c.endBlock()
	}
	below, ok := strings.CutPrefix(path, c.base+"/")
	if !ok {
		return c.ofGroup(path, e)
	}
	if tx, ok := strings.CutPrefix(below, "Ntry/NtryDtls/TxDtls/"); ok {
		return c.ofDetail(tx, e)
	}
	if in, ok := strings.CutPrefix(below, "Ntry/"); ok {
		return c.ofEntry(in, e)
	}
	if in, ok := strings.CutPrefix(below, "Bal/"); ok {
		return c.ofBalance(in, e)
	}
	if in, ok := strings.CutPrefix(below, "TxsSummry/"); ok {
		return c.told.take(in, e)
	}
	return c.ofBlock(below, e)
}

func (c *camt) ofGroup(path string, e element) error {
	root, _, _ := strings.Cut(c.base, "/")
	switch strings.TrimPrefix(path, root+"/GrpHdr/") {
	case "MsgId":
		return c.set(&c.ID, e)
	case "MsgPgntn/PgNb":
		c.paged = c.paged || e.text != "1"
	case "MsgPgntn/LastPgInd":
		c.paged = c.paged || e.text != "true"
	}
	return nil
}

func (c *camt) ofBlock(path string, e element) (err error) {
	switch path {
	case "Acct/Id/Othr/Id", "Acct/Id/IBAN":
		return c.set(&c.account, e)
	case "Acct":
		return c.endAccount()
	case "Acct/Ccy":
		return c.in(e.text)
	case "FrToDt/FrDtTm":
		c.From, err = c.moment(e.text)
	case "FrToDt/ToDtTm":
		c.To, err = c.moment(e.text)
	case "StmtPgntn/PgNb", "NtfctnPgntn/PgNb":
		c.paged = c.paged || e.text != "1"
	case "StmtPgntn/LastPgInd", "NtfctnPgntn/LastPgInd":
		c.paged = c.paged || e.text != "true"
	case "Bal":
		return c.endBalance()
	case "Ntry":
		return c.endEntry()
	}
	return err
}

func (c *camt) endAccount() error {
	switch {
	case c.account == "":
		return c.fault("malformed")
	case c.Account != "" && c.Account != c.account:
		return c.fault("two_accounts")
	}
	c.Account = c.account
	return nil
}

// endBlock compares what the bank counted with what stands there.
func (c *camt) endBlock() error {
	if c.account == "" {
		return c.fault("malformed")
	}
	if !c.told.hold(c.sums, c.Currency) {
		return unreadable("control_sum", 0)
	}
	return nil
}

// finish checks the balances. A statement is full when it has both balances,
// its period, one page and nothing that is still to be booked.
func (c *camt) finish() (*rails.Report, error) {
	if c.ID == "" || c.blocks == 0 {
		return nil, unreadable("malformed", 0)
	}
	if c.Format != "camt.053" || c.paged {
		c.From, c.To = time.Time{}, time.Time{}
		return &c.Report, nil
	}
	c.Opening, c.Closing = c.opening.best(), c.closing.best()
	if c.Opening == nil || c.Closing == nil {
		c.From, c.To = time.Time{}, time.Time{}
		return &c.Report, nil
	}
	if plus(*c.Opening, c.sums.net) != *c.Closing {
		return nil, unreadable("control_sum", 0)
	}
	c.Full = !c.From.IsZero() && !c.To.Before(c.From) && c.sums.waiting == 0
	if !c.Full {
		c.From, c.To = time.Time{}, time.Time{}
	}
	return &c.Report, nil
}

// balance is one balance as it is read.
type balance struct {
	code, side, amount string
	minor              int64
}

// balances are the booked ones by their code.
type balances map[string]int64

// best prefers the day's own opening to the previous day's closing.
func (b balances) best() *int64 {
	for _, code := range []string{"OPBD", "PRCD", "CLBD"} {
		if n, ok := b[code]; ok {
			return &n
		}
	}
	return nil
}

func (c *camt) ofBalance(path string, e element) (err error) {
	switch path {
	case "Tp/CdOrPrtry/Cd":
		return c.set(&c.balance.code, e)
	case "CdtDbtInd":
		return c.set(&c.balance.side, e)
	case "Amt":
		if err = c.set(&c.balance.amount, e); err == nil {
			c.balance.minor, err = c.amount(e)
		}
	}
	return err
}

func (c *camt) endBalance() error {
	b := c.balance
	credit, ok := direction(b.side)
	if !ok || b.amount == "" {
		return c.fault("malformed")
	}
	if !credit {
		b.minor = -b.minor
	}
	to := &c.closing
	switch b.code {
	case "OPBD", "PRCD":
		to = &c.opening
	case "CLBD":
	default:
		return nil
	}
	if _, twice := (*to)[b.code]; twice {
		return c.fault("malformed")
	}
	if *to == nil {
		*to = balances{}
	}
	(*to)[b.code] = b.minor
	return nil
}

// direction translates the sign of ISO 20022.
func direction(side string) (credit, ok bool) {
	return side == "CRDT", side == "CRDT" || side == "DBIT"
}
