package area

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aidflow/aidflow/aid"
)

// Row is one line of a list of areas: an area during one period, and whose
// place it takes on the period's first day.
type Row struct {
	Place string // JSON pointer of the row, for faults
	Code  string
	Period
	Predecessors []Predecessor
	Faults       []aid.Fault // what was wrong when it was read; its other rules are not looked at then
}

// Predecessor names an area whose place, or a part of it, a row's area takes.
type Predecessor struct {
	Code  string
	Takes bool // of all that share the predecessor, this one takes its open cases
}

// Change is what a list of areas changes. Every part is in the order of the
// codes.
type Change struct {
	Begun   []Dated // periods that were not there
	Changed []Dated // periods that were, as they are now; From is their key
	Links   []Link  // links that were not there, or are different now
	Same    int     // rows that say what is known
	After   *Tree   // everything as it will be
}

// Dated is a period with the code of its area.
type Dated struct {
	Code string
	Period
}

// Plan gives what rows change in the tree, or every fault of the rows at once;
// the tree itself stays as it is. What has begun before today is history: only
// its name may be corrected and its open end be set.
//
// Faults, by column of the row, besides those that the row came with: code,
// name, level, valid_from required, bad_code, too_long, formula; code
// duplicate_row; parent unknown_parent, parent_not_then, area_cycle (params
// path); valid_from, valid_to ends_before_it_begins, overlapping_validity,
// children_left (params child); valid_to, level, parent, urban past_fixed;
// predecessors/N predecessor_missing, predecessor_goes_on, own_predecessor,
// duplicate_row, two_targets, past_fixed.
func (t *Tree) Plan(rows []Row, today time.Time) (Change, []aid.Fault) {
	p := plan{before: t, today: today, after: t.copy(), rowOf: map[key]*Row{}, broken: map[string]bool{}}
	sound := make([]Row, 0, len(rows))
	for _, row := range rows {
		row.From, row.To = row.From.UTC(), row.To.UTC() // periods are compared as values
		if more := row.check(); len(row.Faults)+len(more) > 0 {
			p.faults, p.broken[row.Code] = append(append(p.faults, row.Faults...), more...), true
			continue
		}
		sound = append(sound, row)
	}
	for i := range sound {
		p.period(&sound[i])
	}
	p.overlaps()
	p.parents()
	p.links(sound)
	if len(p.faults) > 0 {
		return Change{}, p.faults
	}
	p.change.After = p.after
	p.sort()
	return p.change, nil
}

func (t *Tree) copy() *Tree {
	out := &Tree{Periods: make(map[string][]Period, len(t.Periods)), Links: append([]Link(nil), t.Links...)}
	for code, periods := range t.Periods {
		out.Periods[code] = append([]Period(nil), periods...)
	}
	return out
}

var codes = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// check looks at a row alone.
func (r *Row) check() []aid.Fault {
	if len(r.Faults) > 0 {
		return nil
	}
	var faults []aid.Fault
	add := func(column, code string, params ...string) {
		faults = append(faults, aid.Fault{Pointer: r.Place + "/" + column, Code: code, Params: aid.Refuse(aid.Invalid, code, params...).Params})
	}
	switch {
	case r.Code == "":
		add("code", "required")
	case !codes.MatchString(r.Code):
		add("code", "bad_code")
	}
	for _, column := range []struct {
		name, value string
		max         int
	}{{"name", r.Name, 200}, {"level", r.Level, 40}} {
		switch {
		case column.value == "":
			add(column.name, "required")
		case formula(column.value):
			add(column.name, "formula")
		case utf8.RuneCountInString(column.value) > column.max:
			add(column.name, "too_long", "limit", strconv.Itoa(column.max))
		}
	}
	switch {
	case r.From.IsZero():
		add("valid_from", "required")
	case !r.To.IsZero() && !r.To.After(r.From):
		add("valid_to", "ends_before_it_begins")
	}
	return faults
}

// formula tells whether a spreadsheet would take a text for something to
// compute.
func formula(s string) bool { return strings.IndexAny(s, "=+-@\t\r") == 0 }
