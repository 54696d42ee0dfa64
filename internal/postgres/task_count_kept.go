package postgres

import (
	"sync"
	"time"
)

// countsKept is for how long counts of more than manyTasks are told again. It
// takes half a second to count a country, and what is on its way is never
// quite over.
const (
	countsKept = 15 * time.Second
	manyTasks  = 10_000
)

// keptCounts keeps counts of many tasks for a while. TaskCounts says of when
// they are.
type keptCounts struct {
	mu  sync.Mutex
	all map[string]*keptCount
}

type keptCount struct {
	mu     sync.Mutex // held while it is counted: of several who ask at once one counts
	counts TaskCounts
	many   bool
}

// of gives the counts of a name: those that are kept, or new ones.
func (k *keptCounts) of(name string, now time.Time, count func() (TaskCounts, error)) (TaskCounts, error) {
	k.mu.Lock()
	for other, c := range k.all { // few: those of many tasks stay
		if c.mu.TryLock() {
			if c.stale(now) {
				delete(k.all, other)
			}
			c.mu.Unlock()
		}
	}
	if k.all == nil {
		k.all = map[string]*keptCount{}
	}
	one, ok := k.all[name]
	if !ok {
		one = &keptCount{}
		k.all[name] = one
	}
	k.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	if !one.stale(now) {
		return one.counts, nil
	}
	counts, err := count()
	tasks := 0
	for _, c := range counts.By {
		tasks += c.Open
	}
	one.counts, one.many = counts, err == nil && tasks > manyTasks
	return counts, err
}

func (c *keptCount) stale(now time.Time) bool {
	return !c.many || now.Sub(c.counts.AsOf) > countsKept
}
