package papers

import "strconv"

// paymentVoucher is for one payment: what, to whom, who prepared and who
// released it, a place where the receiver signs, and its number as a code for
// who files it or looks it up. It is no code to pay by: the rail pays, once.
func (c *casePaper) paymentVoucher() {
	p, f := c.f.Payment, c.f
	c.dateOf(p.PreparedAt)
	number := f.Reference + "-" + strconv.Itoa(p.TrancheN)
	if p.N > 1 {
		number += "." + strconv.Itoa(p.N)
	}
	c.numbered(number)
	c.values["amount"], c.values["amount_words"] = c.money(p.Amount, f.Currency), c.inWords(p.Amount, f.Currency)
	c.say(c.words.Body)
	purpose := c.fill(c.Label["voucher_purpose"], map[string]string{"programme": c.def.Titles.In(c.lang), "case": f.Reference,
		"n": c.instalment(p.TrancheN)})
	receiver := f.Payee.AccountName
	if receiver == "" && f.Payee.Kind == "household" {
		receiver = f.Applicant.FullName
	}
	rows := []Field{
		c.field("receiver", c.personal(receiver)),
		c.field("payee_kind", c.known(f.Payee.Kind)),
		c.field("full_name", c.personal(f.Applicant.FullName)),
		c.field("address", c.personal(f.Applicant.Address)),
		c.field("area", f.Area),
		c.field("purpose", purpose),
		c.field("amount", c.values["amount"]),
		c.field("amount_words", c.values["amount_words"]),
		c.field("fund", f.Fund),
		c.field("method", c.known(f.Payee.Method)),
	}
	rows[2].Label = c.Sign["applicant"]
	if f.Payee.Method == "bank" {
		rows = append(rows, c.field("bank_bin", c.personal(f.Payee.BankBIN)), c.field("account_number", c.personal(f.Payee.AccountNumber)))
	}
	state := p.State
	if state == "returned" {
		state = "returned_payment"
	}
	rows = append(rows, c.field("state", c.value(state)))
	if p.State == "settled" {
		rows = append(rows, c.field("paid_at", c.onDay(p.EndedAt)))
	}
	c.add(Fields{rows})
	c.add(Code{Text: number, Caption: c.Label["voucher_code"] + ": " + number})
	c.basis()
	receiverName := ""
	if f.Payee.Kind == "household" {
		receiverName = c.personal(receiver)
	}
	c.sign([2]string{"treasurer", p.PreparedBy}, [2]string{"releaser", p.ReleasedBy}, [2]string{"receiver", receiverName})
}
