package papers

import (
	"strconv"
	"strings"
)

// decisionLetter tells the household what was decided, why, and how to appeal.
func (c *casePaper) decisionLetter() {
	d := c.f.Decision
	c.dateOf(d.At)
	c.paper.Subtitle = c.Outcome[d.Result]
	c.say(c.words.Body)
	switch d.Result {
	case "approved":
		c.sayWith(c.words.Approved, true)
		c.plan()
	case "rejected":
		c.sayWith(c.words.Rejected, true)
		c.remark(d.Note)
	case "returned":
		c.sayWith(c.words.Returned, true)
		c.missing(d)
		c.remark(d.Note)
		c.say(c.words.Answer)
	}
	if d.Result != "returned" && strings.TrimSpace(c.words.Appeal) != "" {
		c.add(Heading{c.Appeal})
		c.say(c.words.Appeal)
	}
	c.basis()
	c.sign([2]string{"recipient"}, [2]string{"fund", d.By})
}

func (c *casePaper) remark(note string) {
	if note != "" {
		c.add(Fields{[]Field{c.field("remark", c.personal(note))}})
	}
}

// plan shows when which part of the award is paid.
func (c *casePaper) plan() {
	if len(c.f.Tranches) == 0 {
		return
	}
	c.add(Heading{c.Section["plan"]})
	t := Table{Caption: c.Label["plan"], Columns: []Column{{c.Label["instalment"], 30, false}, {c.Label["condition"], 42, false}, {c.Label["amount"], 28, true}}}
	for _, tranche := range c.f.Tranches {
		t.Rows = append(t.Rows, []string{c.instalment(tranche.N), c.condition(tranche.Milestone), c.money(tranche.Amount, c.f.Currency)})
	}
	t.Total = []string{c.Label["total"], "", c.values["amount"]}
	c.add(t)
}

// instalment names the nth instalment in the programme's words.
func (c *casePaper) instalment(n int) string {
	if n >= 1 && n <= len(c.def.Instalments) {
		return c.def.Instalments[n-1].Titles.In(c.lang)
	}
	return strconv.Itoa(n)
}

func (c *casePaper) condition(milestone string) string {
	if milestone == "" {
		return c.Label["at_once"]
	}
	for _, m := range c.def.Milestones {
		if m.Code == milestone {
			return m.Titles.In(c.lang)
		}
	}
	return c.value(milestone)
}

// missing lists what a return asks for.
func (c *casePaper) missing(d *Decision) {
	if len(d.Items) == 0 {
		return
	}
	c.add(Heading{c.Section["missing"]})
	var items []string
	for _, item := range d.Items {
		text := c.document(item.Kind)
		if item.Problem != "" {
			text += ": " + c.value(item.Problem)
		}
		items = append(items, text)
	}
	c.add(List{items})
}
