package worker_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// The walk takes one case through a random matrix by random acts, on the real
// workflow, the real activities and a real PostgreSQL, beside the simple model;
// after each act both have to say the same.

// An act takes a minute and a second, and when time is to pass it is six hours
// or more and some minutes: no two instants that matter are one.
const (
	aMoment = 61 * time.Second
	aWhile  = 307 * time.Second

	testedRequest = 6_000_000
)

// walk is the two worlds.
type walk struct {
	tn     *town
	m      *simple
	c      string // the case
	roles  map[string][]postgres.StaffRole
	said   map[*decision]postgres.RecordedIntent
	crash  *crasher
	looked int
	seen   map[string]int // what happened
}

// begin makes both worlds and submits the case.
func begin(t *testing.T, s story, forgets ...string) *walk {
	t.Helper()
	tn := newTown(t)
	tn.decidesOn("medical", written(s.Matrix))
	wk := &walk{tn: tn, seen: map[string]int{}, said: map[*decision]postgres.RecordedIntent{}, roles: map[string][]postgres.StaffRole{}}
	always := [][]string{{"00:00", "24:00"}}
	_, err := tn.db.CreateCalendar(t.Context(), tn.db.Staff(t, "admin1"), worktime.Rules{Code: "always", Zone: "Asia/Ho_Chi_Minh", Week: map[string][][]string{
		"mon": always, "tue": always, "wed": always, "thu": always, "fri": always, "sat": always, "sun": always}}, []string{"51001"})
	require.NoError(t, err)
	wire := pgtest.NewCutter(t, tn.db.URL)
	store, err := postgres.Open(t.Context(), wire.URL, tn.db.Vault, tn.db.Clock.Now)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	tn.doing.Store = store
	store.SetClaimTime(s.Claims)
	tn.db.SetClaimTime(s.Claims)
	wk.crash = &crasher{wire: wire, again: repeater{t: t, doing: tn.doing, times: map[string]int{}}}
	tn.prepare = func(env *testsuite.TestWorkflowEnvironment) {
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{wk.crash}})
	}
	tn.change(`INSERT INTO staff_roles (subject, role, area, level) VALUES ('approver7', 'approver', '51', 'district')`)
	tn.poorFund(s.Money)
	wk.m = newSimple(s, forgets)
	wk.c = tn.submit(example(t, "medical"))
	tn.pass(time.Second)
	tn.pass(5 * time.Minute) // every workflow lives by itself for its first minute
	wk.m.verifies()
	wk.m.passes(5*time.Minute + time.Second)
	return wk
}

func newSimple(s story, forgets []string) *simple {
	m := &simple{forgets: map[string]bool{}, claims: s.Claims, money: s.Money, norm: testedRequest, payee: 1, review: 1, all: s.Matrix,
		duties: map[string]string{}, again: map[string]int{}, waited: map[aid.Owner]time.Duration{}, told: map[string]int{},
		clocks: map[string]*ladder{"case": {allowed: 25 * day}, "verification": {allowed: 8 * day}, "approval": {allowed: 9 * day}},
		staff: map[string]*member{"partner": {role: aid.RolePartner}, "manager1": {role: aid.RoleManager},
			"verifier1": {role: aid.RoleVerifier}, "verifier2": {role: aid.RoleVerifier}, "verifier3": {role: aid.RoleVerifier, away: true},
			"approver1": {role: aid.RoleApprover, level: "commune"}, "approver6": {role: aid.RoleApprover, level: "commune"},
			"approver7": {role: aid.RoleApprover, level: "commune district"}, "approver8": {role: aid.RoleApprover, level: "district"},
			"approver2": {role: aid.RoleApprover, level: "province", seat: true}, "approver3": {role: aid.RoleApprover, level: "province", seat: true},
			"approver4": {role: aid.RoleApprover, level: "province", seat: true, chair: true}, "approver5": {role: aid.RoleApprover, level: "province"}}}
	for _, f := range forgets {
		m.forgets[f] = true
	}
	return m
}

// play takes a story through both worlds; the error tells where they differ.
func play(t *testing.T, s story, forgets ...string) error {
	t.Helper()
	wk := begin(t, s, forgets...)
	defer wk.remember()
	if err := wk.plays(s.Acts); err != nil {
		return err
	}
	if len(forgets) == 0 {
		wk.lawful()
	}
	return nil
}

// plays makes one act after the other, and brings in the end what was lost.
func (wk *walk) plays(acts []deed) error {
	if err := wk.same(); err != nil {
		return fmt.Errorf("submitted: %w", err)
	}
	for i, a := range acts {
		if !wk.m.open() {
			break
		}
		if err := wk.does(a); err != nil {
			return fmt.Errorf("act %d, %+v: %w", i, a, err)
		}
	}
	for len(wk.m.pending) > 0 {
		if err := errors.Join(wk.bring(wk.m.pending[0], false), wk.same()); err != nil {
			return fmt.Errorf("at the end: %w", err)
		}
	}
	return nil
}

// does makes one act in both worlds, and compares them.
func (wk *walk) does(a deed) error {
	wk.crash.set(a.Crash)
	wk.seen["act "+a.Do]++
	if a.Crash > 0 {
		wk.seen["activities of an act break"]++
	}
	acts := map[string]func(deed) error{"decide": wk.decide, "lose": wk.decide, "twice": wk.decide, "bring": wk.brings, "time": wk.time, "claim": wk.claim,
		"release": wk.release, "delegate": wk.delegate, "revoke": wk.revoke, "role": wk.role, "give": wk.give, "withdraw": wk.withdraw}
	if err := acts[a.Do](a); err != nil {
		return err
	}
	wk.crash.set(nothingWrong)
	return wk.same()
}

// pass lets time pass in both worlds, with what the program does by itself.
func (wk *walk) pass(d time.Duration) error {
	wk.m.passes(d)
	wk.tn.pass(d)
	ctx := wk.tn.t.Context()
	_, err := wk.tn.db.LapseClaims(ctx)
	_, other := wk.tn.db.SettleDelegations(ctx, 20)
	wk.m.sweeps()
	wk.tn.dispatch()
	wk.tn.pass(aMoment) // what comes next comes after it on every clock
	wk.m.passes(aMoment)
	return errors.Join(err, other)
}

// lawful looks at what must hold after every walk, whatever the model says.
func (wk *walk) lawful() {
	tn := wk.tn
	tn.dispatch()
	tn.check()
	require.Empty(tn.t, tn.texts(`SELECT person FROM case_holders WHERE case_id = $1 GROUP BY person HAVING count(DISTINCT duty) > 1`, wk.c), "two duties in one hand")
	require.Empty(tn.t, tn.texts(`SELECT kind FROM events WHERE case_id = $1 AND kind IN `+lateWork+` AND data->>'alarm_at' IS NOT NULL
		GROUP BY kind, task_id, data->>'scope', data->>'alarm_at' HAVING count(*) > 1`, wk.c), "a rung that rang twice")
	if tn.is(wk.c, aid.Approved)() {
		for _, level := range wk.m.all {
			require.True(tn.t, wk.m.stands(level), "money was reserved without the approval of %s", level.name)
		}
	} else {
		require.Zero(tn.t, tn.fund().reserved)
	}
}

// remembered is what happened in all walks.
var remembered = struct {
	sync.Mutex
	n map[string]int
}{n: map[string]int{}}

func (wk *walk) remember() {
	remembered.Lock()
	defer remembered.Unlock()
	wk.seen["case ends as "+string(wk.m.status)]++
	wk.seen["reviews"] += wk.m.review
	for _, w := range wk.m.works {
		if w.parked {
			wk.seen["nobody was left to decide"]++
		}
	}
	for what, n := range wk.m.told {
		wk.seen["told: "+strings.Fields(what)[0]] += n
	}
	for what, n := range wk.seen {
		remembered.n[what] += n
	}
}

// in runs a walk in a test of its own, which clears up behind it.
func in(t *testing.T, name string, fn func(t *testing.T) error) (err error) {
	t.Helper()
	if !t.Run(name, func(t *testing.T) { err = fn(t) }) && err == nil {
		err = errors.New("a law is broken")
	}
	return err
}

// Random walks against the simple model. `make model` takes more of them, and
// -v tells what happened in them.
func TestModel(t *testing.T) {
	walks := flag.Lookup("rapid.checks")
	if walks.Value.String() == walks.DefValue {
		require.NoError(t, flag.Set("rapid.checks", "12"))
		t.Cleanup(func() { _ = flag.Set("rapid.checks", walks.DefValue) })
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := stories().Draw(rt, "story")
		n++
		if err := in(t, fmt.Sprint("walk ", n), func(t *testing.T) error { return play(t, s) }); err != nil {
			rt.Fatalf("%v", err)
		}
	})
	require.NotZero(t, remembered.n["decision made"])
	for _, what := range slices.Sorted(maps.Keys(remembered.n)) {
		t.Logf("%6d %s", remembered.n[what], what)
	}
}
