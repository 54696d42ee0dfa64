package area

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// split is a predecessor at the day on which others took its place.
type split struct {
	predecessor string
	at          time.Time
}

// naming is where a row names a predecessor.
type naming struct {
	row    *Row
	column string
}

// links takes the predecessors of the rows into the tree and finds out what
// became of each.
func (p *plan) links(rows []Row) {
	was := map[split][]Link{}
	for _, l := range p.before.Links {
		s := split{l.Predecessor, l.At}
		was[s] = append(was[s], l)
	}
	now, rowsOf := map[split][]Link{}, map[split][]naming{}
	for i := range rows {
		p.named(&rows[i], now, rowsOf)
	}
	for _, s := range ordered(now) {
		p.share(s, was[s], now[s], rowsOf[s])
	}
}

// named collects the predecessors that a row names.
func (p *plan) named(row *Row, now map[split][]Link, rowsOf map[split][]naming) {
	dayBefore := row.From.AddDate(0, 0, -1)
	for i, pre := range row.Predecessors {
		column := "predecessors/" + strconv.Itoa(i)
		if p.broken[pre.Code] {
			continue
		}
		s := split{pre.Code, row.From}
		_, there := p.after.At(pre.Code, dayBefore)
		_, goesOn := p.after.At(pre.Code, row.From)
		switch {
		case pre.Code == row.Code:
			p.fault(row, column, "own_predecessor")
		case !there:
			p.fault(row, column, "predecessor_missing")
		case pre.Takes && goesOn:
			p.fault(row, column, "predecessor_goes_on")
		case slices.ContainsFunc(now[s], func(l Link) bool { return l.Area == row.Code }):
			p.fault(row, column, "duplicate_row")
		default:
			now[s] = append(now[s], Link{Area: row.Code, Predecessor: pre.Code, At: row.From, Takes: pre.Takes})
			rowsOf[s] = append(rowsOf[s], naming{row, column})
		}
	}
}

// share decides who takes what from one predecessor: with one successor all
// goes there, with several it goes where a row says, else nowhere by itself.
func (p *plan) share(s split, was, named []Link, rows []naming) {
	all := slices.Clone(named)
	for _, l := range was {
		if !slices.ContainsFunc(all, func(n Link) bool { return n.Area == l.Area }) {
			all = append(all, l)
		}
	}
	_, goesOn := p.after.At(s.predecessor, s.at)
	alone, targets := len(all) == 1 && !goesOn, 0
	for i, l := range all {
		switch {
		case alone:
			all[i].Takes, all[i].Kind = true, Merged
			if p.renames(l.Area, s.at) {
				all[i].Kind = Renamed
			}
		default:
			all[i].Kind = Split
		}
		if all[i].Takes {
			targets++
		}
	}
	if targets > 1 {
		p.fault(rows[0].row, rows[0].column, "two_targets")
		return
	}
	for _, l := range all {
		if slices.Contains(was, l) {
			continue
		}
		if len(was) > 0 && !s.at.After(p.today) { // it has taken effect
			p.fault(rows[0].row, rows[0].column, "past_fixed")
			return
		}
		p.change.Links = append(p.change.Links, l)
		if len(was) > 0 { // it is said anew
			p.after.Links = slices.DeleteFunc(p.after.Links, func(o Link) bool {
				return o.Area == l.Area && o.Predecessor == l.Predecessor && o.At.Equal(l.At)
			})
		}
		p.after.Links = append(p.after.Links, l)
	}
}

// renames tells whether an area is new on a day and has one predecessor only.
func (p *plan) renames(code string, at time.Time) bool {
	row := p.rowOf[key{code, at}]
	return row != nil && len(row.Predecessors) == 1 && p.after.Periods[code][0].From.Equal(at)
}

func ordered(all map[split][]Link) []split {
	keys := make([]split, 0, len(all))
	for s := range all {
		keys = append(keys, s)
	}
	slices.SortFunc(keys, func(a, b split) int { return cmp.Or(cmp.Compare(a.predecessor, b.predecessor), a.at.Compare(b.at)) })
	return keys
}
