package papers

import (
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
)

// draft is a paper in the making.
type draft struct {
	*texts
	paper  Paper
	words  wording
	values map[string]string // of placeholders
	masked bool
	marked bool // a text bears [?]
}

// mark is how a text says that nobody has checked it.
const mark = "[?]"

// begin starts a paper. A letterhead of the programme replaces the name of the
// organisation, which is otherwise the fund's, and the motto.
func (t *texts) begin(kind Kind, def *programme.Definition, organisation string, masked bool) *draft {
	d := &draft{texts: t, words: t.wording(kind, def), values: map[string]string{}, masked: masked}
	for _, name := range programme.PaperPlaceholders() {
		d.values[name] = "" // what this paper does not know is a line to write on
	}
	motto := t.Motto
	if def != nil {
		own, _ := def.Paper("letterhead")
		if own.Titles != nil {
			organisation = own.Titles.In(t.lang)
		}
		if own.Body != nil {
			motto = lines(own.Body.In(t.lang))
		}
		d.values["programme"] = def.Titles.In(t.lang)
	}
	d.values["organisation"] = organisation
	d.paper = Paper{Kind: kind, Lang: t.lang, Title: d.words.Title, Head: Head{Motto: motto, Organisation: lines(strings.ToUpper(organisation))},
		Foot: Foot{Page: t.Page}}
	return d
}

// dated sets the date that the paper bears, and the place before it. A paper
// that is not complete leaves the day to be written.
func (d *draft) dated(place string, at time.Time) {
	d.paper.Date = at
	values := map[string]string{"place": place, "day": "", "month": "", "month_name": "", "year": ""}
	if !at.IsZero() {
		values["day"], values["month"] = at.Format("02"), at.Format("01")
		values["month_name"], values["year"] = d.month(at), at.Format("2006")
		if d.lang != "vi" {
			values["day"] = at.Format("2")
		}
	}
	short := *d.texts
	short.Blank = "……"
	d.paper.Head.PlaceDate = short.fill(d.PlaceDate, values)
	d.values["date"], d.values["year"] = d.date(at), values["year"]
}

// numbered sets the number of the paper: that of its case or contribution,
// and what the office calls such papers.
func (d *draft) numbered(reference string) {
	d.paper.Foot.Reference = reference
	if reference != "" {
		d.paper.Head.Number = d.fill(d.Number, map[string]string{"number": reference + "/" + d.words.Suffix})
	}
}

// end gives the finished paper.
func (d *draft) end() Paper {
	if d.marked {
		d.paper.Foot.Note = d.Check
	}
	return d.paper.cleaned()
}

func (d *draft) add(blocks ...Block) { d.paper.Blocks = append(d.paper.Blocks, blocks...) }

// section begins a part of the paper.
func (d *draft) section(name string) { d.add(Heading{d.Section[name]}) }

// say adds the paragraphs of a text with its placeholders filled.
func (d *draft) say(text string) { d.sayWith(text, false) }

func (d *draft) sayWith(text string, strong bool) {
	for _, paragraph := range strings.Split(d.marks(text), "\n\n") { // before it is filled: a name makes no paragraph and no mark
		if strings.TrimSpace(paragraph) != "" {
			d.add(Paragraph{Text: d.fill(paragraph, d.values), Strong: strong})
		}
	}
}

// marks shows what nobody has checked as the note at the foot names it.
func (d *draft) marks(text string) string {
	if strings.Contains(text, mark) {
		d.marked = true
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, " "+mark, mark), mark, "\u00a0(*)")
}

// basis says what the paper rests on.
func (d *draft) basis() {
	if d.words.Law != "" {
		d.say(d.Law + ": " + d.words.Law)
	}
}

// personal is a fact that a masked paper leaves out.
func (d *draft) personal(value string) string {
	if d.masked {
		return d.Hidden
	}
	return value
}

// field is a fact with its label; an empty one is a line to write on.
func (d *draft) field(label, value string) Field {
	if value == "" {
		value = d.Blank
	}
	return Field{Label: d.Label[label], Value: value}
}

// money writes an amount, "" for none.
func (d *draft) money(amount int64, currency string) string {
	if amount == 0 {
		return ""
	}
	name := currency
	if d.lang == "vi" && currency == "VND" {
		name = "đồng"
	}
	return d.grouped(amount, currency) + "\u00a0" + name
}

// grouped writes an amount without its currency. The sign of the dong is in
// few fonts, and papers say the name.
func (d *draft) grouped(amount int64, currency string) string {
	text, _, _ := strings.Cut(money.Of(amount, currency).Format(d.lang), "\u00a0")
	return text
}

func (d *draft) inWords(amount int64, currency string) string {
	if amount == 0 {
		return ""
	}
	return money.Of(amount, currency).Words(d.lang)
}

// sign adds places to sign; of each the role's key and the name below it.
func (d *draft) sign(places ...[2]string) {
	var s Signatures
	for _, p := range places {
		hint := d.Sign["hint"]
		if p[0] == "commune" || p[0] == "fund" {
			hint = d.Sign["hint_stamp"]
		}
		s.Places = append(s.Places, Signature{Role: d.Sign[p[0]], Hint: hint, Name: p[1]})
	}
	d.add(s)
}

// lines splits a text at its line ends, without empty ones.
func lines(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
