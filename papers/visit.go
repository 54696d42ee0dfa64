package papers

import (
	"encoding/json"
	"strconv"
	"time"
)

// visitMinutes tell what the verifiers saw beside what the household declared.
func (c *casePaper) visitMinutes() {
	visits := c.f.Visits
	last := visits[len(visits)-1]
	c.dateOf(last.At)
	c.say(c.words.Body)
	c.section("visitors")
	c.add(c.visitors())
	c.section("seen")
	recorded := false
	for _, v := range visits {
		recorded = c.seen(v) || recorded
	}
	if !recorded {
		c.add(Paragraph{Text: c.Label["no_record"]})
	}
	c.section("remarks")
	remarked := false
	for _, v := range visits {
		if v.Note != "" {
			remarked = true
			c.add(Paragraph{Text: v.By + ": " + c.personal(v.Note)})
		}
	}
	if !remarked {
		c.add(Paragraph{Text: c.Blank})
	}
	c.say(c.words.Close)
	c.basis()
	places := [][2]string{{"household"}, {"village"}}
	for _, v := range visits {
		places = append(places, [2]string{"verifier", v.By})
	}
	c.sign(places...)
}

func (c *casePaper) visitors() Table {
	t := Table{Caption: c.Section["visitors"], Columns: []Column{{c.Label["no"], 8, true}, {c.Label["verifier"], 46, false},
		{c.Label["at"], 32, false}, {c.Label["photos"], 14, true}}}
	for i, v := range c.f.Visits {
		t.Rows = append(t.Rows, []string{strconv.Itoa(i + 1), v.By, c.moment(v.At), strconv.Itoa(v.Photos)})
	}
	return t
}

// moment writes an instant with its time of day.
func (c *casePaper) moment(at time.Time) string {
	local := c.local(at)
	return local.Format("15:04") + ", " + c.date(local)
}

// seen lays what one visit recorded beside what was declared under the same
// name. False when it recorded nothing.
func (c *casePaper) seen(v Visit) bool {
	recorded := answersOf(v.Seen)
	if len(recorded) == 0 {
		return false
	}
	declared := answersOf(c.f.Answers)
	t := Table{Caption: c.Label["comparison"], Columns: []Column{{c.Label["question"], 40, false}, {c.Label["declared"], 27, false}, {c.Label["seen"], 33, false}}}
	if len(c.f.Visits) > 1 {
		t.Caption += " (" + v.By + ")"
	}
	for _, q := range c.visitQuestions(recorded) {
		was, is := c.reply(q, declared[q.Name], c.f.Currency), c.reply(q, recorded[q.Name], c.f.Currency)
		if is == "" {
			continue
		}
		if was != "" && was != is && !c.masked {
			is += " " + c.Label["different"]
		}
		t.Rows = append(t.Rows, []string{c.ask(q), c.personal(was), c.personal(is)})
	}
	c.add(t)
	return true
}

// visitQuestions gives the fields of the programme's form of the visit; of a
// visit without a form, or recorded under another one, the fields that are
// there.
func (c *casePaper) visitQuestions(recorded map[string]any) []question {
	names := map[string]bool{}
	out := questions(c.visitForm())
	for i, q := range out {
		names[q.Name] = true
		out[i] = c.sameAs(q)
	}
	rest := map[string]json.RawMessage{}
	for name := range recorded {
		if !names[name] {
			rest[name] = json.RawMessage(`{}`)
		}
	}
	schema, err := json.Marshal(map[string]any{"properties": rest})
	if err != nil {
		return out
	}
	for _, q := range questions(schema) {
		out = append(out, c.sameAs(q))
	}
	return out
}

// sameAs lends a question of the visit the words of the request's question of
// the same name where it has none of its own.
func (c *casePaper) sameAs(q question) question {
	for _, asked := range questions(c.def.Form) {
		if asked.Name == q.Name {
			if q.Title == "" {
				q.Title = asked.Title
			}
			if q.Titles == nil {
				q.Titles = asked.Titles
			}
			if q.Values == nil {
				q.Values = asked.Values
			}
			if q.Unit == "" {
				q.Unit = asked.Unit
			}
		}
	}
	return q
}

// visitForm gives the programme's form of the visit, nil when it has none.
func (c *casePaper) visitForm() json.RawMessage {
	if c.def.Visit == nil {
		return nil
	}
	return c.def.Visit.Form
}
