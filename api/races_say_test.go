package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/internal/racetest"
)

// tally counts what the acts of races were answered.
type tally struct {
	mu      sync.Mutex
	answers map[string]int
	acts    int
	longest time.Duration // act
	beside  int           // races in which two decisions were under way at the same instant
	begun   time.Time
}

func (t *tally) add(history []racetest.Done) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.answers == nil {
		t.answers, t.begun = map[string]int{}, time.Now()
	}
	t.acts += len(history)
	beside := false
	for i, d := range history {
		t.longest = max(t.longest, d.Returned-d.Called)
		said := d.Code
		if said == "" {
			said = "done"
		}
		t.answers[d.Kind+" "+said]++
		for _, o := range history[:i] {
			beside = beside || (d.Kind == racetest.Decide && o.Kind == racetest.Decide && d.Called < o.Returned && o.Called < d.Returned)
		}
	}
	if beside {
		t.beside++
	}
}

// say prints the sums, for the evidence.
func (t *tally) say(to *testing.T, races int, seed uint64) {
	to.Logf("%d races of seed %d in %s: %d acts, the longest of %s; in %d races two decisions were under way at once",
		races, seed, time.Since(t.begun).Round(time.Second), t.acts, t.longest.Round(time.Millisecond), t.beside)
	for _, name := range slices.Sorted(maps.Keys(t.answers)) {
		to.Logf("%6d %s", t.answers[name], name)
	}
}

// lines prints a history, by when its acts were called.
func lines(history []racetest.Done) string {
	history = slices.SortedFunc(slices.Values(history), func(a, b racetest.Done) int { return int(a.Called - b.Called) })
	var out strings.Builder
	for _, d := range history {
		fmt.Fprintf(&out, "\n  %8s to %8s %s %s of version %d by %s: %+v", d.Called.Round(time.Microsecond), d.Returned.Round(time.Microsecond), d.Kind, d.Action, d.Seen, d.Actor, d.Answer)
	}
	return out.String()
}
