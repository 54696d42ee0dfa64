package papers

import "strconv"

// committeeMinutes tell who voted what, whether there was a quorum, who was in
// the chair, and the result.
func (c *casePaper) committeeMinutes() {
	m := c.f.Committee
	c.dateOf(m.At)
	c.basis()
	c.say(c.words.Body)
	c.section("committee")
	c.add(c.votes())
	c.section("result")
	c.add(Fields{c.result()})
	c.overrides()
	c.say(c.words.Close)
	chair := ""
	for _, v := range m.Votes {
		if v.Chair {
			chair = v.Name
		}
	}
	c.sign([2]string{"secretary"}, [2]string{"chair", chair})
}

// committee names the committee by its level and area.
func (c *casePaper) committee() string {
	name := c.value(c.f.Committee.Level)
	if c.f.Committee.Area != "" {
		name += " " + c.f.Committee.Area
	}
	return name
}

func (c *casePaper) votes() Table {
	t := Table{Caption: c.Label["votes"], Columns: []Column{{c.Label["no"], 8, true}, {c.Label["member"], 34, false}, {c.Label["role"], 18, false},
		{c.Label["vote"], 40, false}}}
	for i, v := range c.f.Committee.Votes {
		role := c.Label["ordinary"]
		if v.Chair {
			role = c.Label["chair"]
		}
		vote := c.value(v.Action)
		if v.Reason != "" {
			result := map[string]string{"reject": "rejected", "return": "returned"}[v.Action]
			vote += " (" + c.reason(&Decision{Result: result, Reason: v.Reason}) + ")"
		}
		t.Rows = append(t.Rows, []string{strconv.Itoa(i + 1), v.Name, role, vote})
	}
	return t
}

// howItDecides says by which rule the votes are counted: whoever reads the
// minutes can count them again.
func (c *casePaper) howItDecides() []Field {
	m := c.f.Committee
	by := "decides_majority"
	if m.Unanimity {
		by = "decides_unanimity"
	}
	rows := []Field{c.field("decides", c.Label[by])}
	if m.Tie != "" && !m.Unanimity {
		rows = append(rows, c.field("tie", c.Label["tie_"+m.Tie]))
	}
	if m.Veto && !m.Unanimity {
		rows = append(rows, c.field("veto", c.Label["veto_says"]))
	}
	return rows
}

func (c *casePaper) result() []Field {
	m := c.f.Committee
	count, chaired := map[string]int{}, false
	for _, v := range m.Votes {
		count[v.Action]++
		chaired = chaired || v.Chair
	}
	tally := map[string]string{}
	for _, action := range []string{"approve", "reject", "return", "abstain"} {
		tally[action] = strconv.Itoa(count[action])
	}
	rows := append(c.howItDecides(), c.field("quorum", strconv.Itoa(m.Quorum)), c.field("took_part", strconv.Itoa(len(m.Votes))))
	if m.ChairNeeded {
		rows = append(rows, c.field("chair_part", c.value(strconv.FormatBool(chaired))))
	}
	rows = append(rows, c.field("count", c.fill(c.Label["tally"], tally)))
	if m.Result == "" {
		return append(rows, c.field("result", c.Label["voting"]))
	}
	rows = append(rows, c.field("result", c.value(m.Result)))
	if m.Result == "approved" {
		rows = append(rows, c.field("amount", c.money(m.Amount, c.f.Currency)), c.field("amount_words", c.inWords(m.Amount, c.f.Currency)))
	}
	return rows
}

// overrides tell in spite of what the request was approved, why and by whom:
// never in silence.
func (c *casePaper) overrides() {
	if len(c.f.Overrides) == 0 {
		return
	}
	c.section("overrides")
	var items []string
	for _, o := range c.f.Overrides {
		why := c.value(o.Reason)
		for _, r := range c.def.Reasons["override"] {
			if r.Code == o.Reason {
				why = r.Titles.In(c.lang)
			}
		}
		items = append(items, c.rule(o.Finding)+": "+why+" ("+o.By+")")
	}
	c.add(List{items})
}
