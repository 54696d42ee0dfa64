package postgres

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Counts of many tasks are told again for a while, to all who ask; few are
// counted each time, and what failed is not kept.
func TestManyTasksAreCountedOnce(t *testing.T) {
	t.Parallel()
	var kept keptCounts
	var asked atomic.Int64
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	count := func(name string, now time.Time, tasks int, fails error) TaskCounts {
		c, err := kept.of(name, now, func() (TaskCounts, error) {
			asked.Add(1)
			return TaskCounts{AsOf: now, By: []TaskCount{{Open: tasks}}}, fails
		})
		if !errors.Is(err, fails) {
			t.Errorf("%v, want %v", err, fails)
		}
		return c
	}
	expect := func(want int64) {
		t.Helper()
		if got := asked.Swap(0); got != want {
			t.Errorf("counted %d times, want %d", got, want)
		}
	}
	for range 3 {
		count("few", at, manyTasks, nil)
	}
	expect(3)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { count("many", at, manyTasks+1, nil) })
	}
	all.Wait()
	expect(1)
	if c := count("many", at.Add(countsKept), 1, nil); !c.AsOf.Equal(at) {
		t.Errorf("as of %s", c.AsOf)
	}
	expect(0)
	count("others", at, manyTasks+1, nil)
	expect(1)
	count("many", at.Add(countsKept+time.Second), manyTasks+1, errors.ErrUnsupported)
	count("many", at.Add(countsKept+time.Second), manyTasks+1, nil)
	expect(2)
	count("few", at.Add(time.Hour), 1, nil)
	if len(kept.all) > 1 {
		t.Errorf("%d are kept for ever", len(kept.all))
	}
}
