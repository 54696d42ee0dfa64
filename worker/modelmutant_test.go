package worker_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A model that forgets a rule is refuted by a few acts that need it, and the
// whole model is not: the comparison sees what it is for. Here the real side is
// right and the model wrong; the other way round the two differ as well.
func TestAModelThatForgetsIsRefuted(t *testing.T) {
	verified := []deed{{Do: "decide", Fit: true}, {Do: "decide", Fit: true}}
	then := func(more ...deed) []deed { return append(verified[:2:2], more...) }
	anyAny := []tier{{name: "commune", mode: "any"}, {name: "province", mode: "any", group: 1}}
	twoOf := []tier{{name: "commune", mode: "n_of_m", n: 2}}
	districtToo := []tier{{name: "commune", mode: "any"}, {name: "district", mode: "any", group: 1}}
	tests := []struct {
		forgets string
		matrix  []tier
		acts    []deed
	}{
		{"no chains", anyAny, []deed{{Do: "delegate", Who: 0, Task: 1, Pick: 1}, {Do: "delegate", Who: 1, Task: 2, Pick: 1}}},
		{"four eyes", districtToo, then(deed{Do: "decide", Who: 6}, deed{Do: "decide", Who: 6})},
		{"one vote", twoOf, then(deed{Do: "delegate", Who: 0, Task: 5, Pick: 1}, deed{Do: "decide", Who: 5, Behalf: 1}, deed{Do: "decide", Who: 0})},
		{"what stands", anyAny, then(deed{Do: "decide", Fit: true}, deed{Do: "decide", Fit: true, Pick: 7}, deed{Do: "decide", Fit: true})},
		{"versions", anyAny, []deed{{Do: "lose", Fit: true}, {Do: "claim", Who: 11}, {Do: "release"}, {Do: "bring"}}},
		{"the hour", anyAny, []deed{{Do: "time", Pick: 6}}},
	}
	for _, tt := range tests {
		t.Run(tt.forgets, func(t *testing.T) {
			t.Parallel()
			s := story{Matrix: tt.matrix, Money: 100_000_000, Acts: tt.acts}
			require.NoError(t, in(t, "the model", func(t *testing.T) error { return play(t, s) }))
			require.Error(t, in(t, "the forgetful model", func(t *testing.T) error { return play(t, s, tt.forgets) }))
		})
	}
}

// What random walks come to rarely: work that is taken from whoever has it, a
// partner who never answers, and a vote in another's name.
func TestRareWalks(t *testing.T) {
	verified := []deed{{Do: "decide", Fit: true}, {Do: "decide", Fit: true}}
	then := func(more ...deed) []deed { return append(verified[:2:2], more...) }
	tests := []struct {
		name string
		acts []deed
		seen map[string]int
	}{
		{"taken from whoever has it, once", []deed{{Do: "claim", Who: 10}, {Do: "time", Pick: 5}, {Do: "time", Pick: 5}, {Do: "time", Pick: 6}},
			map[string]int{"told: task.reassigned": 1, "told: task.escalated": 2}},
		{"no answer, twice, and the end", then(deed{Do: "decide", Fit: true, Pick: 7}, deed{Do: "time", Pick: 7}, deed{Do: "time", Pick: 7}, deed{Do: "time", Pick: 7},
			deed{Do: "decide", Fit: true, Task: 1}, deed{Do: "time", Pick: 7}, deed{Do: "time", Pick: 7}, deed{Do: "time", Pick: 7}, deed{Do: "decide", Fit: true, Task: 1, Pick: 3}),
			map[string]int{"told: task.partner_reminded": 2, "told: case.no_answer": 2, "case ends as withdrawn": 1}},
		{"in another's name", then(deed{Do: "delegate", Who: 0, Task: 5, Pick: 1}, deed{Do: "decide", Who: 5, Behalf: 1}),
			map[string]int{"decision made in another's name": 1, "case ends as approved": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wk := begin(t, story{Matrix: []tier{{name: "commune", mode: "any"}}, Money: 100_000_000})
			require.NoError(t, wk.plays(tt.acts))
			wk.remember()
			for what, n := range tt.seen {
				require.Equal(t, n, wk.seen[what], what)
			}
		})
	}
}

// Whoever acts for somebody with two roles is told what is nearest: that the
// delegation does not reach so far, not that the other role is of another level.
func TestTheNearestRefusalIsTold(t *testing.T) {
	t.Parallel()
	acts := []deed{{Do: "decide", Fit: true}, {Do: "decide", Fit: true}, {Do: "delegate", Who: 6, Pick: 5}, {Do: "decide", Behalf: 1}}
	require.NoError(t, play(t, story{Matrix: []tier{{name: "commune", mode: "any"}}, Money: 100_000_000, Acts: acts}))
}
