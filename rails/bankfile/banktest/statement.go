package banktest

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"time"
)

// Statement is the day's statement of the account, a camt.053: every movement,
// with the balances and sums that follow from what stands in it.
func (b *Books) Statement() []byte {
	return message(b.version("camt.053", "02", "08"), b.day.Old, func(p *page) {
		p.in("BkToCstmrStmt", func() {
			b.header(p, b.id("S"))
			p.in("Stmt", func() {
				b.account(p, "S")
				b.balance(p, "OPBD", b.day.Opening)
				b.balance(p, "CLBD", b.Closing())
				b.totals(p)
				b.entries(p)
			})
		})
	})
}

// Notices are the day's movements as a camt.054, without balances.
func (b *Books) Notices() []byte {
	return message(b.version("camt.054", "02", "08"), b.day.Old, func(p *page) {
		p.in("BkToCstmrDbtCdtNtfctn", func() {
			b.header(p, b.id("N"))
			p.in("Ntfctn", func() {
				b.account(p, "N")
				b.totals(p)
				b.entries(p)
			})
		})
	})
}

func (b *Books) account(p *page, kind string) {
	p.put("Id", b.id(kind))
	p.put("CreDtTm", b.evening().Format(moment))
	p.in("FrToDt", func() {
		p.put("FrDtTm", b.morning().Format(moment))
		p.put("ToDtTm", b.evening().Format(moment))
	})
	p.in("Acct", func() {
		p.in("Id/Othr", func() { p.put("Id", b.day.Account.Number) })
		p.put("Ccy", b.day.Currency)
	})
}

func (b *Books) balance(p *page, code string, amount int64) {
	p.in("Bal", func() {
		p.in("Tp/CdOrPrtry", func() { p.put("Cd", code) })
		p.amount("Amt", max(amount, -amount), b.day.Currency)
		p.side(amount >= 0)
		p.in("Dt", func() { p.put("Dt", b.on()) })
	})
}

func (b *Books) on() string { return b.day.On.Format(time.DateOnly) }

// together gives the entries that a batch booking holds: the payments.
func (b *Books) together() (batch, single []Entry) {
	for _, e := range b.Entries {
		if b.day.Batch && !e.Credit && e.EndToEnd != "" {
			batch = append(batch, e)
		} else {
			single = append(single, e)
		}
	}
	return batch, single
}

func (b *Books) totals(p *page) {
	batch, single := b.together()
	number, credits, debits := len(single), 0, 0
	if len(batch) > 0 {
		number, debits = number+1, 1
	}
	in, out := int64(0), int64(0)
	for _, e := range b.Entries {
		if e.Credit {
			in += e.Amount
		} else {
			out += e.Amount
		}
	}
	for _, e := range single {
		if e.Credit {
			credits++
		} else {
			debits++
		}
	}
	p.in("TxsSummry", func() {
		for _, t := range []struct {
			name   string
			number int
			sum    int64
		}{{"TtlNtries", number, in + out}, {"TtlCdtNtries", credits, in}, {"TtlDbtNtries", debits, out}} {
			p.in(t.name, func() {
				p.put("NbOfNtries", strconv.Itoa(t.number))
				p.put("Sum", decimal(t.sum, b.day.Currency))
			})
		}
	})
}

func (b *Books) entries(p *page) {
	batch, single := b.together()
	if len(batch) > 0 {
		sum := int64(0)
		for _, e := range batch {
			sum += e.Amount
		}
		b.entry(p, Entry{Reference: b.id("B"), Amount: sum}, batch)
	}
	for _, e := range single {
		b.entry(p, e, []Entry{e})
	}
}

func (b *Books) entry(p *page, e Entry, details []Entry) {
	p.in("Ntry", func() {
		p.amount("Amt", e.Amount, b.day.Currency)
		p.side(e.Credit)
		if e.Returned {
			p.put("RvslInd", "true")
		}
		if b.day.Old {
			p.put("Sts", "BOOK")
		} else {
			p.in("Sts", func() { p.put("Cd", "BOOK") })
		}
		p.in("BookgDt", func() { p.put("Dt", b.on()) })
		p.put("AcctSvcrRef", e.Reference)
		p.in("BkTxCd/Prtry", func() { p.put("Cd", "TRF") })
		p.in("NtryDtls", func() {
			if len(details) > 1 {
				p.in("Btch", func() {
					p.put("NbOfTxs", strconv.Itoa(len(details)))
					p.amount("TtlAmt", e.Amount, b.day.Currency)
				})
			}
			for _, d := range details {
				b.detail(p, d)
			}
		})
	})
}

func (b *Books) detail(p *page, e Entry) {
	p.in("TxDtls", func() {
		p.in("Refs", func() {
			p.put("AcctSvcrRef", e.Reference)
			end := e.EndToEnd
			if end == "" {
				end = "NOTPROVIDED"
			}
			p.put("EndToEndId", end)
		})
		if b.day.Old {
			p.in("AmtDtls/TxAmt", func() { p.amount("Amt", e.Amount, b.day.Currency) })
		} else {
			p.amount("Amt", e.Amount, b.day.Currency)
			p.side(e.Credit)
		}
		p.in("RltdPties", func() {
			if e.Credit && !e.Returned {
				p.party("Dbtr", e.Name)
				p.account("DbtrAcct", e.Account)
				return
			}
			p.account("DbtrAcct", b.day.Account.Number)
			p.party("Cdtr", e.Name)
			p.account("CdtrAcct", e.Account)
		})
		if e.Text != "" {
			p.in("RmtInf", func() { p.put("Ustrd", e.Text) })
		}
		if e.Returned {
			p.in("RtrInf/Rsn", func() { p.put("Cd", e.Reason) })
		}
	})
}

// CSV is the statement as a Vietnamese bank's portal exports it: semicolons,
// day before month, thousands parted by points, a running balance and a total.
func (b *Books) CSV() []byte {
	var out bytes.Buffer
	out.WriteString("\ufeff")
	w := csv.NewWriter(&out)
	w.Comma, w.UseCRLF = ';', true
	rows := [][]string{{"STT", "Ngày giao dịch", "Số bút toán", "Mã đối chiếu", "Ghi nợ", "Ghi có", "Số dư", "Tên đối ứng", "Tài khoản đối ứng", "Nội dung", "Tài khoản"}}
	balance, in, outgoing := b.day.Opening, int64(0), int64(0)
	for i, e := range b.Entries {
		row := []string{strconv.Itoa(i + 1), b.day.On.Format("02/01/2006"), e.Reference, e.EndToEnd, "", "", "", e.Name, e.Account, e.Text, b.day.Account.Number}
		if balance += e.signed(); e.Credit {
			row[5], in = grouped(e.Amount), in+e.Amount
		} else {
			row[4], outgoing = grouped(e.Amount), outgoing+e.Amount
		}
		row[6] = grouped(balance)
		rows = append(rows, row)
	}
	rows = append(rows, []string{"Tổng cộng " + strconv.Itoa(len(b.Entries)), "", "", "", grouped(outgoing), grouped(in), "", "", "", "", ""})
	_ = w.WriteAll(rows)
	return out.Bytes()
}

// grouped parts thousands by points.
func grouped(amount int64) string {
	text, sign := strconv.FormatInt(max(amount, -amount), 10), ""
	if amount < 0 {
		sign = "-"
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "." + text[i:]
	}
	return sign + text
}
