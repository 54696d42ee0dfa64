package area

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// key names a period.
type key struct {
	code string
	from time.Time
}

// plan is a Plan being made.
type plan struct {
	before *Tree
	after  *Tree
	today  time.Time
	rowOf  map[key]*Row    // the row that speaks of a period
	broken map[string]bool // codes of rows that cannot be taken; what names them is not at fault
	change Change
	faults []aid.Fault
}

func (p *plan) fault(row *Row, column, code string, params ...string) {
	p.faults = append(p.faults, aid.Fault{Pointer: row.Place + "/" + column, Code: code, Params: aid.Refuse(aid.Invalid, code, params...).Params})
}

// period takes a row's period into the tree.
func (p *plan) period(row *Row) {
	k := key{row.Code, row.From}
	if p.rowOf[k] != nil {
		p.fault(row, "code", "duplicate_row")
		return
	}
	p.rowOf[k] = row
	periods := p.after.Periods[row.Code]
	i, there := slices.BinarySearchFunc(periods, row.From, func(q Period, at time.Time) int { return q.From.Compare(at) })
	switch {
	case !there:
		p.after.Periods[row.Code] = slices.Insert(periods, i, row.Period)
		p.change.Begun = append(p.change.Begun, Dated{row.Code, row.Period})
	case periods[i] == row.Period:
		p.change.Same++
	default:
		p.history(row, periods[i])
		periods[i] = row.Period
		p.change.Changed = append(p.change.Changed, Dated{row.Code, row.Period})
	}
}

// history refuses a row that says something else about what has begun.
func (p *plan) history(row *Row, was Period) {
	if was.From.After(p.today) {
		return
	}
	if was.Level != row.Level {
		p.fault(row, "level", "past_fixed")
	}
	if was.Parent != row.Parent {
		p.fault(row, "parent", "past_fixed")
	}
	if was.Urban != row.Urban {
		p.fault(row, "urban", "past_fixed")
	}
	if ended := !was.To.IsZero() && !was.To.After(p.today); ended && !was.To.Equal(row.To) {
		p.fault(row, "valid_to", "past_fixed")
	}
}

func (p *plan) overlaps() {
	p.each(func(row *Row, i int) {
		periods := p.after.Periods[row.Code]
		if i+1 < len(periods) && reaches(periods[i], periods[i+1]) {
			p.fault(row, "valid_to", "overlapping_validity")
		} else if i > 0 && reaches(periods[i-1], periods[i]) && p.rowOf[key{row.Code, periods[i-1].From}] == nil {
			p.fault(row, "valid_from", "overlapping_validity")
		}
	})
}

// reaches tells whether a period goes on when the next of its area begins.
func reaches(p, next Period) bool { return p.To.IsZero() || p.To.After(next.From) }

// each visits the rows in the order of their periods, with the place of the
// period among those of its area.
func (p *plan) each(visit func(row *Row, i int)) {
	for _, code := range p.after.Codes() {
		for i, q := range p.after.Periods[code] {
			if row := p.rowOf[key{code, q.From}]; row != nil {
				visit(row, i)
			}
		}
	}
}

func (p *plan) parents() {
	p.each(func(row *Row, _ int) {
		if row.Parent == "" || p.broken[row.Parent] {
			return
		}
		switch path := p.after.cycle(row.Code, row.Period); {
		case p.after.Periods[row.Parent] == nil:
			p.fault(row, "parent", "unknown_parent")
		case path != nil:
			p.fault(row, "parent", "area_cycle", "path", strings.Join(path, " > "))
		case !p.after.covers(row.Parent, row.Period):
			p.fault(row, "parent", "parent_not_then")
		}
	})
	p.children()
}

// children refuses rows that end an area while others, of which no row speaks,
// still lie in it.
func (p *plan) children() {
	lastRow := map[string]*Row{}
	p.each(func(row *Row, _ int) { lastRow[row.Code] = row })
	for _, code := range p.after.Codes() {
		for _, q := range p.after.Periods[code] {
			row := lastRow[q.Parent]
			if row != nil && p.rowOf[key{code, q.From}] == nil && !p.after.covers(q.Parent, q) {
				p.fault(row, "valid_to", "children_left", "child", code)
			}
		}
	}
}

// covers tells whether an area is there during the whole of a period.
func (t *Tree) covers(code string, during Period) bool {
	at := during.From
	for _, q := range t.Periods[code] {
		if !q.On(at) {
			continue
		}
		if q.To.IsZero() || (!during.To.IsZero() && !q.To.Before(during.To)) {
			return true
		}
		at = q.To
	}
	return false
}

// cycle gives the way from an area back to itself over parents that hold on a
// common day of a period; nil when there is none.
func (t *Tree) cycle(code string, during Period) []string {
	type step struct {
		code     string
		from, to time.Time
	}
	seen := map[step]bool{}
	var walk func(s step, path []string) []string
	walk = func(s step, path []string) []string {
		if s.code == code && len(path) > 1 {
			return path
		}
		if seen[s] {
			return nil
		}
		seen[s] = true
		for _, q := range t.Periods[s.code] {
			next := step{q.Parent, later(q.From, s.from), sooner(q.To, s.to)}
			if q.Parent == "" || (!next.to.IsZero() && !next.from.Before(next.to)) {
				continue
			}
			if found := walk(next, append(slices.Clone(path), q.Parent)); found != nil {
				return found
			}
		}
		return nil
	}
	return walk(step{during.Parent, during.From, during.To}, []string{code, during.Parent})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner is the earlier of two ends; a zero end is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func (p *plan) sort() {
	byCode := func(a, b Dated) int { return cmp.Or(cmp.Compare(a.Code, b.Code), a.From.Compare(b.From)) }
	slices.SortFunc(p.change.Begun, byCode)
	slices.SortFunc(p.change.Changed, byCode)
	slices.SortFunc(p.change.Links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Area, b.Area), a.At.Compare(b.At), cmp.Compare(a.Predecessor, b.Predecessor))
	})
}
