package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// tally counts what was found of what was planted.
type tally struct {
	order  []string
	plants map[string]*planted
	kinds  map[string]*kindTally
	took   []time.Duration
	hits   int
	wrong  int // hits between cases that have nothing to do with each other
	found  int
	there  int // planted duplicates
}

type planted struct {
	same     bool
	n, found int
	any      int // found by any hit, also of another kind
}

type kindTally struct{ planted, found, hits, right int }

func newTally() *tally {
	t := &tally{plants: map[string]*planted{}, kinds: map[string]*kindTally{}}
	for _, kind := range programme.HitKinds() {
		t.kinds[kind] = &kindTally{}
	}
	return t
}

// count takes in the hits of one request. A hit is right when it is about the
// case that the request was made from, and the two really belong together.
func (t *tally) count(r request, about string, hits []postgres.Hit, took time.Duration) {
	t.took = append(t.took, took)
	p := t.plants[r.plant]
	if p == nil {
		p = &planted{same: r.same}
		t.plants[r.plant], t.order = p, append(t.order, r.plant)
	}
	p.n++
	found, anyHit := false, false
	for _, h := range hits {
		k := t.kinds[h.Kind]
		k.hits++
		t.hits++
		mine := h.About == about
		if mine && r.same {
			k.right++
		} else {
			t.wrong++
		}
		found = found || mine && slices.Contains(r.kinds, h.Kind)
		anyHit = anyHit || mine
	}
	if anyHit {
		p.any++
	}
	if found {
		p.found++
	}
	if r.same {
		t.there++
		t.kinds[r.kinds[0]].planted++
		if found {
			t.found++
			t.kinds[r.kinds[0]].found++
		}
	}
}

func (t *tally) recall() float64    { return ratio(t.found, t.there) }
func (t *tally) precision() float64 { return ratio(t.hits-t.wrong, t.hits) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// at gives the pth percentile of the times.
func (t *tally) at(p int) time.Duration {
	sorted := slices.Clone(t.took)
	slices.Sort(sorted)
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

func (t *tally) print(out io.Writer) {
	fmt.Fprintf(out, "## planted duplicates\n%-34s %8s %8s %8s\n", "how it was typed", "planted", "found", "recall")
	for _, name := range t.order {
		if p := t.plants[name]; p.same {
			fmt.Fprintf(out, "%-34s %8d %8d %8.3f\n", name, p.n, p.found, ratio(p.found, p.n))
		}
	}
	fmt.Fprintf(out, "\n## different people and houses that look alike\n%-34s %8s %8s\n", "how", "planted", "hit")
	for _, name := range t.order {
		if p := t.plants[name]; !p.same {
			fmt.Fprintf(out, "%-34s %8d %8d\n", name, p.n, p.any)
		}
	}
	fmt.Fprintf(out, "\n## by kind of hit\n%-20s %8s %8s %8s %8s %8s %10s\n", "kind", "planted", "found", "recall", "hits", "right", "precision")
	for _, kind := range programme.HitKinds() {
		if k := t.kinds[kind]; k.hits+k.planted > 0 {
			fmt.Fprintf(out, "%-20s %8d %8d %8.3f %8d %8d %10.3f\n", kind, k.planted, k.found, ratio(k.found, k.planted), k.hits, k.right, ratio(k.right, k.hits))
		}
	}
	fmt.Fprintf(out, "\n## all\nplanted %d, found %d, recall %.4f; hits %d, of them wrong %d, precision %.4f\n", t.there, t.found, t.recall(), t.hits, t.wrong, t.precision())
	fmt.Fprintf(out, "time of one search: p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, longest %.1f ms, of %d\n\n", ms(t.at(50)), ms(t.at(95)), ms(t.at(99)), ms(t.at(100)), len(t.took))
}
