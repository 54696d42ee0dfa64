package papers

import (
	"strconv"
	"strings"
)

// requestForm is the filled request, for the applicant to sign. It bears the
// day of the submission; a draft leaves the day to be written.
func (c *casePaper) requestForm() {
	f := c.f
	c.paper.Head.Organisation = nil // the applicant writes
	c.dateOf(f.SubmittedAt)
	c.say(c.words.Body)
	c.section("applicant")
	c.add(Fields{[]Field{
		c.field("full_name", c.personal(f.Applicant.FullName)),
		c.field("birth_date", c.personal(c.day(f.Applicant.BirthDate))),
		c.field("sex", c.known(f.Applicant.Sex)),
		c.field("national_id", c.personal(f.Applicant.NationalID)),
		c.field("phone", c.personal(f.Applicant.Phone)),
		c.field("address", c.personal(f.Applicant.Address)),
		c.field("area", f.Area),
	}})
	c.section("household")
	c.add(Fields{[]Field{c.field("household", f.Household)}})
	c.members()
	c.section("request")
	c.answers()
	c.section("payee")
	c.payee()
	c.section("documents")
	c.documents()
	c.section("consent")
	c.consent()
	c.say(c.words.Close)
	c.basis()
	c.sign([2]string{"commune"}, [2]string{"applicant", c.personal(f.Applicant.FullName)})
}

// known says a code; "" stays.
func (c *casePaper) known(code string) string {
	if code == "" {
		return ""
	}
	return c.value(code)
}

func (c *casePaper) members() {
	if len(c.f.Members) == 0 {
		c.add(Paragraph{Text: c.Label["no_members"]})
		return
	}
	t := Table{Caption: c.Label["members"], Columns: []Column{{c.Label["no"], 8, true}, {c.Label["full_name"], 40, false},
		{c.Label["birth_date"], 20, false}, {c.Label["sex"], 14, false}, {c.Label["relation"], 18, false}}}
	for i, m := range c.f.Members {
		t.Rows = append(t.Rows, []string{strconv.Itoa(i + 1), c.personal(m.FullName), c.personal(c.day(m.BirthDate)), c.known(m.Sex), c.known(m.Relation)})
	}
	c.add(t)
}

func (c *casePaper) answers() {
	f := c.f
	given := answersOf(f.Answers)
	var rows []Field
	for _, q := range questions(c.def.Form) {
		value := c.reply(q, given[q.Name], f.Currency)
		if f.Masked {
			value = c.Hidden
		}
		if value != "" {
			rows = append(rows, Field{c.ask(q), value})
		}
	}
	urgent := "ordinary"
	if f.Urgent {
		urgent = "urgent"
	}
	rows = append(rows, c.field("requested", c.values["requested"]), c.field("requested_words", c.values["requested_words"]),
		c.field("urgent", c.value(urgent)))
	c.add(Fields{rows})
}

func (c *casePaper) payee() {
	p := c.f.Payee
	rows := []Field{c.field("payee_kind", c.known(p.Kind)), c.field("method", c.known(p.Method))}
	if p.Method != "cash" {
		rows = append(rows, c.field("bank_bin", c.personal(p.BankBIN)), c.field("account_number", c.personal(p.AccountNumber)),
			c.field("account_name", c.personal(p.AccountName)))
	}
	c.add(Fields{rows})
}

func (c *casePaper) documents() {
	if len(c.f.Documents) == 0 {
		c.add(Paragraph{Text: c.Label["no_documents"]})
		return
	}
	var items []string
	for _, d := range c.f.Documents {
		parts := []string{c.document(d.Kind)}
		if d.Dated != "" {
			parts = append(parts, c.fill(c.Label["dated"], map[string]string{"date": c.day(d.Dated)}))
		}
		if d.Location != "" && !c.masked {
			parts = append(parts, d.Location)
		}
		items = append(items, strings.Join(parts, ", "))
	}
	c.add(List{items})
}

// document gives the name of a kind of document in the programme's words.
func (c *casePaper) document(kind string) string {
	for _, d := range c.def.Documents {
		if d.Kind == kind {
			return d.Titles.In(c.lang)
		}
	}
	return capital(c.value(kind))
}

func (c *casePaper) consent() {
	f := c.f
	purposes := make([]string, len(f.Consent.Purposes))
	for i, purpose := range f.Consent.Purposes {
		purposes[i] = c.value(purpose)
	}
	c.say(c.fill(c.Label["consent"], map[string]string{"organisation": c.values["organisation"], "purposes": strings.Join(purposes, ", ")}))
	var rows []Field
	if !f.Consent.GivenAt.IsZero() {
		rows = append(rows, c.field("consent_date", c.onDay(f.Consent.GivenAt)))
	}
	if f.Partner != "" {
		rows = append(rows, c.field("partner", f.Partner))
	}
	if f.SubmittedBy != "" && !f.Masked {
		rows = append(rows, c.field("submitted_by", f.SubmittedBy))
	}
	if len(rows) > 0 {
		c.add(Fields{rows})
	}
}
