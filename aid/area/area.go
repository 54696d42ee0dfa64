// Package area holds how areas change: which there are on a day, what lies in
// what, and which took the place of which. An area has a code for ever and
// periods in which it is as it is; a period that has begun is history.
package area

import (
	"cmp"
	"slices"
	"time"
)

// Period is how an area is during a time. Dates are midnights in UTC.
type Period struct {
	From   time.Time // first day
	To     time.Time // first day on which it is no longer so; zero: not known yet
	Name   string
	Level  string // name of the level, such as commune; never a depth
	Parent string // code of the area one level up; "" at the top
	Urban  bool
}

// On tells whether a day is in the period.
func (p Period) On(day time.Time) bool {
	return !day.Before(p.From) && (p.To.IsZero() || day.Before(p.To))
}

// Kind says what became of a predecessor.
type Kind string

// The kinds of links. An area that loses a part and goes on is split as well.
const (
	Merged  Kind = "merged"
	Split   Kind = "split"
	Renamed Kind = "renamed"
)

// Link says that an area has taken the place, or a part, of another.
type Link struct {
	Area        string
	Predecessor string
	At          time.Time // first day of the area as successor
	Kind        Kind
	Takes       bool // open cases, roles, partners and funds of the predecessor go here
}

// Tree is all that is known about areas: past, present and what is decided for
// the future.
type Tree struct {
	Periods map[string][]Period // by code, in order
	Links   []Link
}

// Codes gives the codes of all areas, in order.
func (t *Tree) Codes() []string {
	codes := make([]string, 0, len(t.Periods))
	for code := range t.Periods {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// At gives the period of an area on a day; false when there is none.
func (t *Tree) At(code string, day time.Time) (Period, bool) {
	for _, p := range t.Periods[code] {
		if p.On(day) {
			return p, true
		}
	}
	return Period{}, false
}

// State is an area seen from one day: as it is then, or as it was last, or, if
// it begins later, as it will be first.
type State struct {
	Name   string
	Level  string
	Parent string // where it belongs: its parent, or what stands in its place
	Urban  bool
	From   time.Time // first day of its whole life
	To     time.Time // first day after it; zero: not known yet
	Gone   bool      // it has ended
	// Successor is the area to which the work of one that is gone has passed;
	// "" when it is there, was dissolved, or was split without a target. The
	// successor may itself be gone.
	Successor string
}

// On gives the state of every area on a day. An area that is gone belongs
// below its successor; one that was split, below what its successors have in
// common, so that whoever answers for all of them still sees its old cases.
func (t *Tree) On(day time.Time) map[string]State {
	links, gone := t.byPredecessor(), []string{}
	out := make(map[string]State, len(t.Periods))
	for code, periods := range t.Periods {
		s := stateOf(periods, day)
		if s.Gone {
			s.Successor, _ = t.next(links, code, day)
			gone = append(gone, code)
		}
		out[code] = s
	}
	// Successors end later than what they followed: they are placed first.
	slices.SortFunc(gone, func(a, b string) int {
		return cmp.Or(t.end(b, day).Compare(t.end(a, day)), cmp.Compare(a, b))
	})
	for _, code := range gone {
		s := out[code]
		s.Parent = t.place(out, links, code, day)
		if further := out[s.Successor].Successor; further != "" {
			s.Successor = further
		}
		out[code] = s
	}
	return out
}

func (t *Tree) byPredecessor() map[string][]Link {
	links := map[string][]Link{}
	for _, l := range t.Links {
		links[l.Predecessor] = append(links[l.Predecessor], l)
	}
	return links
}

func stateOf(periods []Period, day time.Time) State {
	shown := periods[0]
	for _, p := range periods {
		if !p.From.After(day) {
			shown = p
		}
	}
	return State{Name: shown.Name, Level: shown.Level, Parent: shown.Parent, Urban: shown.Urban,
		From: periods[0].From, To: periods[len(periods)-1].To, Gone: !shown.To.IsZero() && !day.Before(shown.To)}
}

// next gives the area that takes over directly from one that is gone, and all
// that share what it was.
func (t *Tree) next(links map[string][]Link, code string, day time.Time) (target string, all []string) {
	end := t.end(code, day)
	for _, l := range links[code] {
		if !l.At.Equal(end) {
			continue
		}
		all = append(all, l.Area)
		if l.Takes {
			target = l.Area
		}
	}
	slices.Sort(all)
	return target, all
}

// end gives the day on which an area ended before or on a day.
func (t *Tree) end(code string, day time.Time) time.Time {
	var end time.Time
	for _, p := range t.Periods[code] {
		if !p.From.After(day) {
			end = p.To
		}
	}
	return end
}

// place gives what an area that is gone belongs to.
func (t *Tree) place(states map[string]State, links map[string][]Link, code string, day time.Time) string {
	target, all := t.next(links, code, day)
	if target != "" {
		return target
	}
	if shared := common(states, all); shared != "" {
		return shared
	}
	return states[code].Parent
}

// common gives the nearest area above all of some areas; "" when there is none.
func common(states map[string]State, codes []string) string {
	if len(codes) == 0 {
		return ""
	}
	above := func(code string) []string {
		var up []string
		for parent := states[code].Parent; parent != "" && !slices.Contains(up, parent); parent = states[parent].Parent {
			up = append(up, parent)
		}
		return up
	}
	for _, candidate := range above(codes[0]) {
		shared := !states[candidate].Gone
		for _, other := range codes[1:] {
			shared = shared && slices.Contains(above(other), candidate)
		}
		if shared {
			return candidate
		}
	}
	return ""
}

// Choices gives the living areas that came out of one that is gone, in order:
// where its open cases may go when no target was stated.
func (t *Tree) Choices(code string, day time.Time) []string {
	links := t.byPredecessor()
	var found []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(code string) {
		if seen[code] {
			return
		}
		seen[code] = true
		if _, there := t.At(code, day); there {
			found = append(found, code)
			return
		}
		_, all := t.next(links, code, day)
		for _, next := range all {
			visit(next)
		}
	}
	visit(code)
	slices.Sort(found)
	return found
}
