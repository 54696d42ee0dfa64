package area_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid/area"
)

// row draws a row among few codes and years, so that they meet.
func row() *rapid.Generator[area.Row] {
	code := rapid.SampledFrom([]string{"A", "B", "C", "D", "E"})
	year := rapid.IntRange(2000, 2006)
	return rapid.Custom(func(t *rapid.T) area.Row {
		r := area.Row{Place: "/rows/" + strconv.Itoa(rapid.IntRange(2, 99).Draw(t, "line")), Code: code.Draw(t, "code")}
		from := year.Draw(t, "from")
		r.Period = area.Period{From: day(strconv.Itoa(from) + "-01-01"), Name: "n", Level: "l"}
		if rapid.Bool().Draw(t, "child") {
			r.Parent = code.Draw(t, "parent")
		}
		if rapid.Bool().Draw(t, "ends") {
			r.To = r.From.AddDate(rapid.IntRange(1, 4).Draw(t, "years"), 0, 0)
		}
		for _, pre := range rapid.SliceOfNDistinct(code, 0, 2, rapid.ID[string]).Draw(t, "predecessors") {
			r.Predecessors = append(r.Predecessors, area.Predecessor{Code: pre, Takes: rapid.IntRange(0, 3).Draw(t, "takes") == 0})
		}
		return r
	})
}

// Whatever lists come one after the other: a tree that took them is a tree on
// every day, and a list that was taken says nothing new when it comes again.
func TestWhatIsTakenIsATree(t *testing.T) {
	t.Parallel()
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		tree, today := &area.Tree{}, day(strconv.Itoa(rapid.IntRange(1999, 2007).Draw(t, "today"))+"-01-01")
		for range rapid.IntRange(1, 12).Draw(t, "lists") {
			rows := rapid.SliceOfN(row(), 1, 3).Draw(t, "rows")
			change, faults := tree.Plan(rows, today)
			if len(faults) > 0 {
				continue
			}
			taken++
			tree = change.After
			again, faults := tree.Plan(rows, today)
			require.Empty(t, said(faults))
			require.Equal(t, fmt.Sprint(len(rows), 0, 0, 0), fmt.Sprint(again.Same, len(again.Begun), len(again.Changed), len(again.Links)))
		}
		for y := 1999; y < 2012; y++ {
			isATree(t, tree, day(strconv.Itoa(y)+"-01-01"))
		}
	})
	require.Positive(t, taken)
}

func isATree(t *rapid.T, tree *area.Tree, at time.Time) {
	states := tree.On(at)
	for code, s := range states {
		_, there := tree.At(code, at)
		begun := !tree.Periods[code][0].From.After(at)
		require.Equal(t, begun && !there, s.Gone, "%s on %s", code, at)
		if p, _ := tree.At(code, at); there && p.Parent != "" {
			_, parentThere := tree.At(p.Parent, at)
			require.True(t, parentThere, "%s lies in nothing on %s", code, at)
		}
		if s.Successor != "" {
			require.True(t, s.Gone)
			next := states[s.Successor]
			require.True(t, !next.Gone || next.Successor == "", "not the end of the chain")
		}
		steps := 0
		for up := s.Parent; up != ""; up = states[up].Parent {
			steps++
			require.LessOrEqual(t, steps, len(states), "a cycle above %s on %s", code, at)
		}
		for _, choice := range tree.Choices(code, at) {
			require.False(t, states[choice].Gone)
		}
	}
}

// Reading whatever it is gives rows or a refusal, and never fails otherwise.
func FuzzReadCSV(f *testing.F) {
	f.Add(header + "1,a,b,,2020-01-01,,,\n")
	f.Add("code;name;level;parent;valid_from;valid_to;urban;predecessors\n\"1\n")
	f.Fuzz(func(t *testing.T, file string) {
		rows, err := area.ReadCSV(strings.NewReader(file))
		if err == nil {
			(&area.Tree{}).Plan(rows, day("2026-01-01"))
		} else if len(faults(err)) == 0 {
			t.Fatal(err)
		}
	})
}
