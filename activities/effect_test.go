package activities_test

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// script says what happens to the COMMITs of an activity that is run until it
// answers. One transaction: the first two runs are broken. Two transactions:
// the first of them is broken in two runs, the second in the next two.
var script = []int{pgtest.CutCommit, pgtest.CutAnswer, pgtest.CutNothing, pgtest.CutCommit, pgtest.CutNothing, pgtest.CutAnswer}

// crowd is how many workers run the same activity at once.
const crowd = 8

// twice runs an activity, keeps what it did, and runs it again: it answers the
// same and leaves every row as it is.
func twice(w *world, name string, call func() string) {
	first := call()
	w.keep(name, first)
	rows := w.rows()
	require.Equal(w.t, first, call(), "the answer of the second run of %s", name)
	require.Equal(w.t, rows, w.rows(), "the rows after the second run of %s", name)
}

// together runs an activity in a crowd; all get the same answer.
func together(w *world, name string, call func() string) {
	var all sync.WaitGroup
	start, said := make(chan struct{}), make([]string, crowd)
	for i := range said {
		all.Go(func() {
			<-start
			said[i] = call()
		})
	}
	close(start)
	all.Wait()
	for _, other := range said {
		require.Equal(w.t, said[0], other, "the answers of a crowd to %s", name)
	}
	w.keep(name, said[0])
}

// broken breaks each transaction of an activity at its COMMIT: before
// PostgreSQL has heard of it, and before its answer.
func broken(w *world, name string, call func() string) {
	w.wire.Arm(script...)
	said := call()
	if cuts := w.wire.Disarm(); !strings.Contains(said, `"refused":`) {
		require.GreaterOrEqual(w.t, cuts, 2, "%s was not cut", name)
	}
	w.keep(name, said)
}

// torn gives a way that breaks the connection in the middle of what PostgreSQL
// says to each activity, by FIN and by RST in turn, each time before another
// message: in run n of many, every message of every activity has its turn.
func torn(n int) runner {
	calls := n
	return func(w *world, name string, call func() string) {
		calls++
		w.wire.Tear(1+(calls*37)%lastMessage, calls%2 == 0)
		said := call()
		tears.Add(int64(w.wire.Disarm()))
		w.keep(name, said)
	}
}

// lastMessage is more than PostgreSQL says to one activity. It is a prime, so
// that steps of 37 come by every number.
const lastMessage = 211

// tears counts the connections that were torn in this process.
var tears atomic.Int64

// torns is how many times a story is told with torn connections: once, or as
// often as AIDFLOW_TORN says; 422 times tear every message of every activity, by
// FIN and by RST.
func torns() int {
	if n, err := strconv.Atoi(os.Getenv("AIDFLOW_TORN")); err == nil {
		return n
	}
	return 1
}

// TestEveryActivityHasOneEffect tells every story in every way: however often
// an activity is run, and wherever it is broken off, its answer and every row
// of the database are those of the story in which it has just run once.
func TestEveryActivityHasOneEffect(t *testing.T) {
	var told atomic.Int32
	t.Run("stories", func(t *testing.T) {
		for name, story := range stories() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				told.Add(1)
				first := &trace{learns: true}
				// In a test of its own: its world ends with it, and all stories together
				// have no more connections than PostgreSQL gives.
				if !t.Run("twice", func(t *testing.T) { newWorld(t, twice, first).tells(story) }) {
					return
				}
				ways := map[string]runner{"together": together, "broken": broken}
				for n := range torns() {
					ways["torn "+strconv.Itoa(n)] = torn(n)
				}
				for way, run := range ways {
					t.Run(way, func(t *testing.T) {
						t.Parallel()
						again := &trace{moments: first.moments}
						newWorld(t, run, again).tells(story)
						require.Len(t, first.moments, again.next, "the story was not told to its end")
					})
				}
			})
		}
	})
	t.Logf("%d connections were torn", tears.Load())
	require.NotZero(t, tears.Load())
	if int(told.Load()) < len(stories()) {
		return // only some were asked for
	}
	kind := reflect.TypeFor[*activities.Activities]()
	for i := range kind.NumMethod() {
		if _, is := called.Load(kind.Method(i).Name); !is {
			t.Errorf("no story calls %s", kind.Method(i).Name)
		}
	}
}

// tells lets the cases of a story happen one after the other.
func (w *world) tells(story []func(*world)) {
	w.t.Helper()
	for _, one := range story {
		one(w)
	}
	w.agreesWithTheBank()
}

// agreesWithTheBank compares the payments with the bank's own books.
func (w *world) agreesWithTheBank() {
	w.t.Helper()
	books, err := w.bank.Books(w.t.Context())
	require.NoError(w.t, err)
	require.True(w.t, books.Balanced)
	var moved []string
	for _, m := range books.Movements {
		moved = append(moved, fmt.Sprintf("%s %d", m.Key, m.Amount))
	}
	require.ElementsMatch(w.t, w.settled(), moved, "the bank's movements beside the payments")
}

// settled are the attempts that the rail has settled, with their amounts. What
// persons said of a payment is not the bank's word.
func (w *world) settled() []string {
	w.t.Helper()
	all := w.text(`SELECT coalesce(string_agg(a.key || ' ' || p.amount, ','), '') FROM attempts a JOIN payments p ON p.id = a.payment_id
		WHERE a.state = 'settled' AND a.code <> 'resolved_by_persons'`)
	return strings.FieldsFunc(all, func(r rune) bool { return r == ',' })
}
