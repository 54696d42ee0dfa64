package area_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid/area"
)

// list reads rows without the header.
func list(t require.TestingT, rows ...string) []area.Row {
	out, err := area.ReadCSV(strings.NewReader(header + strings.Join(rows, "\n") + "\n"))
	require.NoError(t, err)
	return out
}

// grown is a tree of rows.
func grown(t require.TestingT, rows ...string) *area.Tree {
	change, faults := (&area.Tree{}).Plan(list(t, rows...), day("2020-01-01"))
	require.Empty(t, said(faults))
	return change.After
}

// past is a province with a district and three communes, open to the end.
func past(t require.TestingT) *area.Tree {
	return grown(t, "P,Province,province,,1900-01-01,,,", "D,District,district,P,1900-01-01,,,",
		"A,Aa,commune,D,1900-01-01,,,", "B,Bb,commune,D,1900-01-01,,,", "C,Cc,commune,D,1900-01-01,,,")
}

// reform ends the districts: A goes on and takes B, C is split into E and F.
var reform = []string{"D,District,district,P,1900-01-01,2025-07-01,,",
	"A,Aa,commune,D,1900-01-01,2025-07-01,,", "A,Ab,commune,P,2025-07-01,,true,B",
	"B,Bb,commune,D,1900-01-01,2025-07-01,,", "C,Cc,commune,D,1900-01-01,2025-07-01,,",
	"E,Ee,commune,P,2025-07-01,,,C", "F,Ff,commune,P,2025-07-01,,,C"}

func TestReform(t *testing.T) {
	t.Parallel()
	before := past(t)
	change, faults := before.Plan(list(t, reform...), day("2025-06-01"))
	require.Empty(t, said(faults))
	require.Len(t, change.Begun, 3)
	require.Len(t, change.Changed, 4)
	require.Equal(t, []area.Link{{Area: "A", Predecessor: "B", At: day("2025-07-01"), Kind: area.Merged, Takes: true},
		{Area: "E", Predecessor: "C", At: day("2025-07-01"), Kind: area.Split}, {Area: "F", Predecessor: "C", At: day("2025-07-01"), Kind: area.Split}}, change.Links)
	require.Empty(t, before.Links, "the tree itself stays as it is")

	then, now := change.After.On(day("2025-06-30")), change.After.On(day("2025-07-01"))
	for code, want := range map[string][2]string{ // parents: then and now
		"P": {"", ""}, "D": {"P", "P gone"}, "A": {"D", "P urban"}, "B": {"D", "A gone to A"}, "C": {"D", "P gone"}, "E": {"P", "P"}, "F": {"P", "P"},
	} {
		require.Equal(t, want, [2]string{shown(then[code]), shown(now[code])}, code)
	}
	require.Equal(t, "Aa", then["A"].Name)
	require.Equal(t, "Ab", now["A"].Name)
	require.Equal(t, []string{"E", "F"}, change.After.Choices("C", day("2026-01-01")))
	require.Equal(t, []string{"A"}, change.After.Choices("B", day("2026-01-01")))
	require.Equal(t, []string{"C"}, change.After.Choices("C", day("2025-01-01")))
	require.Empty(t, change.After.Choices("D", day("2026-01-01")))

	again, faults := change.After.Plan(list(t, reform...), day("2026-01-01"))
	require.Empty(t, said(faults))
	require.Equal(t, len(reform), again.Same)
	require.Empty(t, again.Begun)
	require.Empty(t, again.Changed)
	require.Empty(t, again.Links)
}

func shown(s area.State) string {
	out := s.Parent
	if s.Urban {
		out += " urban"
	}
	if s.Gone {
		out += " gone"
	}
	if s.Successor != "" {
		out += " to " + s.Successor
	}
	return out
}

// What took the place of what took its place: the work goes to the end of the
// chain, a stated target of a split counts, and an area may come back.
func TestChains(t *testing.T) {
	t.Parallel()
	tree := grown(t, "P,Province,province,,1900-01-01,,,",
		"A,Aa,commune,P,1900-01-01,2000-01-01,,", "B,Bb,commune,P,1950-01-01,2010-01-01,,A", // a part of A at first
		"A,Aa,commune,P,2010-01-01,,,B", "X,Xx,commune,P,1900-01-01,2005-01-01,,",
		"Y,Yy,commune,P,2005-01-01,2012-01-01,,X", "Z,Zz,commune,P,2012-01-01,,,Y*", "W,Ww,commune,P,2012-01-01,,,Y")
	now := tree.On(day("2020-01-01"))
	require.Equal(t, "P", shown(now["A"]))
	require.Equal(t, "A gone to A", shown(now["B"]))
	require.Equal(t, "Y gone to Z", shown(now["X"]))
	require.Equal(t, "Z gone to Z", shown(now["Y"]))
	require.Equal(t, []string{"W", "Z"}, tree.Choices("X", day("2020-01-01")))
	require.Equal(t, "P gone", shown(tree.On(day("2005-01-01"))["A"]), "in between")
	kinds := map[string]area.Kind{}
	for _, l := range tree.Links {
		kinds[l.Predecessor+l.Area] = l.Kind
	}
	require.Equal(t, map[string]area.Kind{"AB": area.Split, "BA": area.Merged, "XY": area.Renamed, "YZ": area.Split, "YW": area.Split}, kinds)
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rows []string
		want []string
	}{
		"unknown parent":       {[]string{"X,x,commune,Q,2000-01-01,,,"}, []string{"/rows/2/parent unknown_parent"}},
		"parent begins later":  {[]string{"Q,q,province,,2001-01-01,,,", "X,x,commune,Q,2000-01-01,,,"}, []string{"/rows/3/parent parent_not_then"}},
		"parent ends sooner":   {[]string{"Q,q,province,,2000-01-01,2010-01-01,,", "X,x,commune,Q,2000-01-01,,,"}, []string{"/rows/3/parent parent_not_then"}},
		"parent has a gap":     {[]string{"Q,q,province,,2000-01-01,2010-01-01,,", "Q,q,province,,2011-01-01,,,", "X,x,commune,Q,2000-01-01,,,"}, []string{"/rows/4/parent parent_not_then"}},
		"children left behind": {[]string{"D,District,district,P,1900-01-01,2030-01-01,,"}, []string{"/rows/2/valid_to children_left A", "/rows/2/valid_to children_left B", "/rows/2/valid_to children_left C"}},
		"itself":               {[]string{"X,x,commune,X,2000-01-01,,,"}, []string{"/rows/2/parent area_cycle X > X"}},
		"each other": {[]string{"X,x,commune,Y,2000-01-01,,,", "Y,y,commune,X,2000-01-01,,,"},
			[]string{"/rows/2/parent area_cycle X > Y > X", "/rows/3/parent area_cycle Y > X > Y"}},
		"each other for a year": {[]string{"X,x,commune,P,2000-01-01,2005-01-01,,", "X,x,commune,Y,2005-01-01,,,", "Y,y,commune,X,2000-01-01,2006-01-01,,", "Y,y,commune,P,2006-01-01,,,"},
			[]string{"/rows/3/parent area_cycle X > Y > X", "/rows/4/parent area_cycle Y > X > Y"}},
		"the same row twice":    {[]string{"X,x,commune,P,2000-01-01,,,", "X,x,commune,P,2000-01-01,,,"}, []string{"/rows/3/code duplicate_row"}},
		"two at once":           {[]string{"X,x,commune,P,2000-01-01,,,", "X,x,commune,P,2010-01-01,,,"}, []string{"/rows/2/valid_to overlapping_validity"}},
		"over what is known":    {[]string{"A,Aa,commune,P,2010-01-01,,,"}, []string{"/rows/2/valid_from overlapping_validity"}},
		"before what is known":  {[]string{"A,Aa,commune,P,1800-01-01,1950-01-01,,"}, []string{"/rows/2/parent parent_not_then", "/rows/2/valid_to overlapping_validity"}},
		"another past":          {[]string{"A,Aa,ward,P,1900-01-01,,true,"}, []string{"/rows/2/level past_fixed", "/rows/2/parent past_fixed", "/rows/2/urban past_fixed"}},
		"predecessor unknown":   {[]string{"X,x,commune,P,2030-01-01,,,Q"}, []string{"/rows/2/predecessors/0 predecessor_missing"}},
		"predecessor not then":  {[]string{"Q,q,commune,P,2000-01-01,2010-01-01,,", "X,x,commune,P,2030-01-01,,,Q"}, []string{"/rows/3/predecessors/0 predecessor_missing"}},
		"its own predecessor":   {[]string{"X,x,commune,P,2030-01-01,,,X"}, []string{"/rows/2/predecessors/0 own_predecessor"}},
		"predecessor twice":     {[]string{"B,Bb,commune,D,1900-01-01,2030-01-01,,", "X,x,commune,P,2030-01-01,,,B B"}, []string{"/rows/3/predecessors/1 duplicate_row"}},
		"target of one that is": {[]string{"X,x,commune,P,2030-01-01,,,B*"}, []string{"/rows/2/predecessors/0 predecessor_goes_on"}},
		"two targets": {[]string{"B,Bb,commune,D,1900-01-01,2030-01-01,,", "X,x,commune,P,2030-01-01,,,B*", "Y,y,commune,P,2030-01-01,,,B*"},
			[]string{"/rows/3/predecessors/0 two_targets"}},
		"what names a broken row is not at fault": {[]string{"Q,q,province,,x,,,", "X,x,commune,Q,2030-01-01,,,Q"}, []string{"/rows/2/valid_from bad_date"}},
		"everything at once": {[]string{"X,x,commune,Q,2000-01-01,,,", "Y,y,commune,P,2000-01-01,,,Y Z", "Z,,commune,P,2000-01-01,,,"},
			[]string{"/rows/2/parent unknown_parent", "/rows/3/predecessors/0 own_predecessor", "/rows/4/name required"}},
	} {
		_, got := past(t).Plan(list(t, tc.rows...), day("2026-01-01"))
		require.ElementsMatch(t, tc.want, said(got), name)
	}
}

// What has begun is history; what has not may be changed.
func TestHistoryIsFixed(t *testing.T) {
	t.Parallel()
	tree, today := past(t), day("2026-01-01")
	for _, tc := range []struct {
		name string
		rows []string
		want []string
	}{
		{"a name may be corrected", []string{"A,Áá,commune,D,1900-01-01,,,"}, []string{}},
		{"an open end may be set, late", []string{"B,Bb,commune,D,1900-01-01,2025-07-01,,", "A2,Áá,commune,P,2025-07-01,,,B"}, []string{}},
		{"not twice", []string{"B,Bb,commune,D,1900-01-01,2025-08-01,,"}, []string{"/rows/2/valid_to past_fixed"}},
		{"not opened again", []string{"B,Bb,commune,D,1900-01-01,,,"}, []string{"/rows/2/valid_to past_fixed"}},
		{"nor shared out anew", []string{"B2,b,commune,P,2025-07-01,,,B"}, []string{"/rows/2/predecessors/0 past_fixed"}},
		{"a future is planned", []string{"C,Cc,commune,D,1900-01-01,2027-01-01,,", "C2,Cd,commune,P,2027-01-01,,,C"}, []string{}},
		{"and changed", []string{"C2,Ce,ward,D,2027-01-01,2040-01-01,true,C", "C3,Cf,commune,P,2027-01-01,,,C*"}, []string{}},
	} {
		change, got := tree.Plan(list(t, tc.rows...), today)
		require.ElementsMatch(t, tc.want, said(got), tc.name)
		if change.After != nil {
			tree = change.After
		}
	}
	now := tree.On(day("2027-01-01"))
	require.Equal(t, "C3 gone to C3", shown(now["C"]))
	require.Equal(t, "A2 gone to A2", shown(now["B"]))
	require.Equal(t, "ward", now["C2"].Level)
	require.Equal(t, "Áá", now["A"].Name)
	require.Len(t, tree.Links, 3)
}
