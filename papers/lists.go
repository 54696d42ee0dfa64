package papers

import (
	"strconv"

	"github.com/aidflow/aidflow/aid/programme"
)

// Receipt makes the receipt of a contribution, in the shipped words: it
// belongs to no programme.
//
// Errors: NotFound paper_language_unknown.
func (p *Printer) Receipt(lang string, r Receipt) (Paper, error) {
	t, err := p.in(lang)
	if err != nil {
		return Paper{}, err
	}
	d := t.begin(DonorReceipt, nil, r.Fund, r.Masked)
	d.numbered(r.ID)
	d.dated(r.Area, r.ReceivedOn)
	d.say(d.words.Body)
	donor := r.Donor
	if donor == "" {
		donor = d.Label["anonymous"]
	}
	d.add(Fields{[]Field{
		d.field("donor", d.personal(donor)),
		d.field("amount", d.money(r.Amount, r.Currency)),
		d.field("amount_words", d.inWords(r.Amount, r.Currency)),
		d.field("received_on", d.date(r.ReceivedOn)),
		d.field("bank_reference", r.ExternalID),
		d.field("fund", r.Fund),
	}})
	d.say(d.words.Close)
	d.basis()
	d.sign([2]string{"treasurer", r.RecordedBy}, [2]string{"fund"})
	return d.end(), nil
}

// Posting makes the list that hangs in the village: names and amounts of those
// who are granted support and have not been paid yet. def is the programme of
// the list, nil for all programmes together.
//
// Errors: NotFound paper_language_unknown.
func (p *Printer) Posting(lang string, def *programme.Definition, l Posting) (Paper, error) {
	t, err := p.in(lang)
	if err != nil {
		return Paper{}, err
	}
	d := t.begin(PostingList, def, l.Fund, l.Masked)
	at := l.At
	if def != nil {
		at = at.In(def.Location())
	}
	d.dated(l.Province, at)
	d.paper.Foot.Reference = l.Area
	d.values["area"], d.values["province"], d.values["fund"] = l.Area, l.Province, l.Fund
	if def != nil {
		d.paper.Subtitle = def.Titles.In(lang)
	}
	d.say(d.words.Body)
	if len(l.Rows) == 0 {
		d.say(d.words.None)
	} else {
		d.add(d.households(l, def == nil))
	}
	d.say(d.words.Close)
	d.basis()
	d.sign([2]string{"village"}, [2]string{"commune"})
	return d.end(), nil
}

// households is the table of a posting, with the programme of each row where
// the list is not of one programme.
func (d *draft) households(l Posting, several bool) Table {
	t := Table{Caption: d.Label["households"], Columns: []Column{{d.Label["no"], 10, true}, {d.Label["full_name"], 60, false}, {d.Label["amount"], 30, true}}}
	if several {
		t.Columns = []Column{{d.Label["no"], 8, true}, {d.Label["full_name"], 34, false}, {d.Label["programme"], 34, false}, {d.Label["amount"], 24, true}}
	}
	var sum int64
	one := true // currency
	for i, row := range l.Rows {
		cells := []string{strconv.Itoa(i + 1), d.personal(row.Name)}
		if several {
			cells = append(cells, row.Programme)
		}
		t.Rows = append(t.Rows, append(cells, d.money(row.Amount, row.Currency)))
		sum, one = sum+row.Amount, one && row.Currency == l.Rows[0].Currency
	}
	if !one {
		return t
	}
	t.Total = make([]string, len(t.Columns))
	t.Total[1], t.Total[len(t.Total)-1] = d.Label["total"], d.money(sum, l.Rows[0].Currency)
	return t
}
