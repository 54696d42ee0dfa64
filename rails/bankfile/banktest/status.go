package banktest

import "strconv"

// Status is the bank's answer to the file, a pain.002: refused lines with
// their reason, the others as settled. A lost line is not in it, and what is
// sent back later is settled here.
func (b *Books) Status() []byte {
	refused, settled := b.sorted()
	return message(b.version("pain.002", "03", "10"), b.day.Old, func(p *page) {
		p.in("CstmrPmtStsRpt", func() {
			b.header(p, b.id("P"))
			p.in("OrgnlGrpInfAndSts", func() {
				p.put("OrgnlMsgId", b.Batch)
				p.put("OrgnlMsgNmId", "pain.001.001.09")
				p.put("OrgnlNbOfTxs", strconv.Itoa(b.Number))
				p.put("OrgnlCtrlSum", decimal(b.Sum, b.day.Currency))
				p.put("GrpSts", "PART")
				b.total(p, "RJCT", refused)
				b.total(p, "ACSC", settled)
			})
			p.in("OrgnlPmtInfAndSts", func() {
				p.put("OrgnlPmtInfId", b.Batch)
				b.results(p, "RJCT", refused)
				b.results(p, "ACSC", settled)
			})
		})
	})
}

// Rejection is the answer of a bank that turns the whole file away.
func (b *Books) Rejection(reason string) []byte {
	return message(b.version("pain.002", "03", "10"), b.day.Old, func(p *page) {
		p.in("CstmrPmtStsRpt", func() {
			b.header(p, b.id("Q"))
			p.in("OrgnlGrpInfAndSts", func() {
				p.put("OrgnlMsgId", b.Batch)
				p.put("OrgnlMsgNmId", "pain.001.001.09")
				p.put("GrpSts", "RJCT")
				p.in("StsRsnInf/Rsn", func() { p.put("Cd", reason) })
			})
		})
	})
}

// sorted gives the orders that the answer refuses, and those that it settles.
func (b *Books) sorted() (refused, settled []order) {
	for _, o := range b.orders {
		switch b.Fates[o.endToEnd] {
		case Refused:
			refused = append(refused, o)
		case Lost:
		default:
			settled = append(settled, o)
		}
	}
	return refused, settled
}

func (b *Books) total(p *page, status string, orders []order) {
	sum := int64(0)
	for _, o := range orders {
		sum += o.amount
	}
	p.in("NbOfTxsPerSts", func() {
		p.put("DtldNbOfTxs", strconv.Itoa(len(orders)))
		p.put("DtldSts", status)
		p.put("DtldCtrlSum", decimal(sum, b.day.Currency))
	})
}

func (b *Books) results(p *page, status string, orders []order) {
	for _, o := range orders {
		p.in("TxInfAndSts", func() {
			p.put("OrgnlEndToEndId", o.endToEnd)
			p.put("TxSts", status)
			if status == "RJCT" {
				p.in("StsRsnInf", func() { p.in("Rsn", func() { p.put("Cd", "AC01") }) })
			}
			p.in("OrgnlTxRef", func() {
				p.in("Amt", func() { p.amount("InstdAmt", o.amount, b.day.Currency) })
				p.party("Cdtr", o.name)
				p.account("CdtrAcct", o.account)
			})
		})
	}
}
