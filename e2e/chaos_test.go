package e2e

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The size of the campaign: small where nothing is said, full by `make chaos`.
var (
	chaosCases   = flag.Int("chaos.cases", 10, "cases that are paid under failure")
	chaosKills   = flag.Int("chaos.kills", 4, "kill -9 of the worker at random moments")
	chaosOthers  = flag.Int("chaos.others", 1, "kill -9 of each of postgres, engine, simulator and api")
	chaosCrashes = flag.Int("chaos.crashes", 1, "how often the worker ends itself at each named moment")
	chaosSeed    = flag.Uint64("chaos.seed", 0, "seed; 0 draws one")
)

// moments are those at which the worker ends itself: around each activity that
// such cases come by, and around each word with the rail. "After" is after the
// commit, before Temporal knows.
func moments() []string {
	var all []string
	for _, at := range []string{"OpenVerification", "DecideVerification", "DecideApproval", "HandOver", "OpenDisbursement", "ConfirmMilestone",
		"DecideRelease", "Pay", "AfterPayment", "PlanVisit", "RetryPayment", "Withdraw", "rail.submit", "rail.ask"} {
		all = append(all, at+".before", at+".after")
	}
	return all
}

// hostile is the bank at its worst that still ends every payment.
func hostile(seed uint64) map[string]any {
	var rules []map[string]any
	for kind, probability := range map[string]float64{
		"error_before": .06, "error_after": .06, "timeout_before": .01, "timeout_after": .01, "hang": .01, "reset_before": .04, "reset_after": .04,
		"rate_limited": .05, "malformed": .04, "wrong_amount": .03, "wrong_currency": .03, "wrong_key": .03, "not_found": .2,
		"refuse": .03, "fail": .05, "duplicate_callback": .3, "late_callback": .1, "lost_callback": .2, "early_callback": .2, "forged_callback": .1,
	} {
		rule := map[string]any{"kind": kind, "probability": probability}
		switch kind {
		case "refuse", "fail":
			rule["code"] = "beneficiary_bank_rejected"
		case "late_callback":
			rule["delay_ms"] = 3000
		}
		rules = append(rules, rule)
	}
	for _, kind := range []string{"error_before", "reset_before", "malformed", "wrong_amount"} {
		rules = append(rules, map[string]any{"kind": kind, "probability": .05, "on": "ask"})
	}
	return map[string]any{"seed": seed % (1 << 50), "rules": rules}
}

// campaign is a stack in trouble, and what was done to it.
type campaign struct {
	s        *stack
	folder   string // of the moments
	finished atomic.Int64
	mu       sync.Mutex
	killed   map[string]int
}

// TestChaos pays cases through a hostile bank while the worker is killed at
// random and at named moments, and everything else now and then. In the end
// every payment has ended, the second opinion finds nothing, and the bank's own
// books are the ledger's.
func TestChaos(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64() >> 1
	}
	t.Logf("-chaos.seed %d -chaos.cases %d -chaos.kills %d -chaos.others %d -chaos.crashes %d", seed, *chaosCases, *chaosKills, *chaosOthers, *chaosCrashes)
	c := &campaign{folder: t.TempDir(), killed: map[string]int{}}
	dir := filepath.Join(built.work, "chaos")
	c.s = startStack(t, stackOptions{dir: dir, env: []string{"AIDFLOW_CRASH_AT=" + c.folder},
		args: []string{"--data-dir", dir, "--longest-pause", "500ms"}}).stopAtEnd(t)
	if r := c.s.bank().call(t, http.MethodPost, "/v1/faults", hostile(seed)); r.status != http.StatusNoContent {
		t.Fatalf("%s", r)
	}
	c.plant(t)
	stop := make(chan struct{})
	var killers sync.WaitGroup
	killers.Go(func() { c.kill(t, rand.New(rand.NewPCG(seed, 1)), stop) })
	t.Run("cases", func(t *testing.T) { c.pay(t, 8) })
	close(stop)
	killers.Wait()
	c.end(t)
}

// plant puts a file for each time that the worker is to end itself.
func (c *campaign) plant(t *testing.T) {
	t.Helper()
	for _, moment := range moments() {
		for n := range *chaosCrashes {
			if err := os.WriteFile(filepath.Join(c.folder, fmt.Sprintf("%s~%d", moment, n)), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// pay takes all cases through their payments, some at a time.
func (c *campaign) pay(t *testing.T, drivers int) {
	next := make(chan int, *chaosCases)
	for i := range *chaosCases {
		next <- i
	}
	close(next)
	for d := range drivers {
		t.Run(fmt.Sprint("driver ", d), func(t *testing.T) {
			t.Parallel()
			for i := range next {
				c.payOne(t, i)
				c.finished.Add(1)
			}
		})
	}
}

func (c *campaign) payOne(t *testing.T, i int) {
	programme, amount := "medical", 100_000
	if i%5 == 4 {
		programme, amount = "housing_new", 3_000_000
	}
	r := newRequest(t, c.s, programme)
	r.in("payee")["account_number"] = fmt.Sprintf("0077%06d", i)
	r.in("requested")["amount"] = amount
	made := submit(t, c.s, r)
	d := &drive{s: c.s, id: made.ID}
	for deadline := time.Now().Add(caseLimit + time.Duration(*chaosKills)*5*time.Second); ; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("case %s is not paid: %+v\n%s", made.ID, c.s.caseOf(t, made.ID), c.s.tail())
		}
		one := c.s.caseOf(t, made.ID)
		switch one.Status {
		case "paid", "following_up", "closed":
			return
		case "rejected", "withdrawn", "waiting_funds", "action_needed":
			t.Fatalf("case %s came to %s", made.ID, one.Status)
		}
		d.step(t)
	}
}

// kill ends processes, spread over the whole campaign, and waits each time
// until the part is back.
func (c *campaign) kill(t *testing.T, r *rand.Rand, stop <-chan struct{}) {
	var victims []string
	for range *chaosKills {
		victims = append(victims, "worker")
	}
	for _, part := range []string{"postgres", "engine", "simulator", "api"} {
		for range *chaosOthers {
			victims = append(victims, part)
		}
	}
	r.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	for n, part := range victims {
		for due := int64(n * *chaosCases / (len(victims) + 1)); c.finished.Load() < due; time.Sleep(50 * time.Millisecond) {
			select {
			case <-stop:
				return
			default:
			}
		}
		time.Sleep(time.Duration(r.IntN(1500)) * time.Millisecond)
		c.s.awaitBack(t, part, c.s.kill(t, part))
		c.mu.Lock()
		c.killed[part]++
		c.mu.Unlock()
	}
}

// end waits until every payment has ended, and looks at everything.
func (c *campaign) end(t *testing.T) {
	begun := time.Now()
	open := func() (n int) {
		if err := c.s.database(t).QueryRow(`SELECT count(*) FROM payments WHERE state IN ('due', 'queued', 'instructed', 'unknown')`).Scan(&n); err != nil {
			return -1
		}
		return n
	}
	c.s.await(t, 2*time.Minute, "the end of every payment", func() bool { return open() == 0 })
	t.Logf("every payment had ended %s after the last case", time.Since(begun).Round(time.Millisecond))
	c.s.checkMoney(t)
	c.s.checkIsClean(t)
	c.report(t)
}

// report tells what was done and what became of it.
func (c *campaign) report(t *testing.T) {
	left := map[string]int{}
	names, _ := filepath.Glob(filepath.Join(c.folder, "*~*"))
	for _, name := range names {
		moment, _, _ := strings.Cut(filepath.Base(name), "~")
		left[moment]++
	}
	crashes := 0
	for _, moment := range moments() {
		met := *chaosCrashes - left[moment]
		crashes += met
		t.Logf("%4d of %d times ended at %s", met, *chaosCrashes, moment)
	}
	for _, part := range slices.Sorted(maps.Keys(c.killed)) {
		t.Logf("%4d times killed: %s", c.killed[part], part)
	}
	if c.killed["worker"] != *chaosKills {
		t.Errorf("the worker was killed %d of %d times", c.killed["worker"], *chaosKills)
	}
	if *chaosCrashes > 0 && crashes < len(moments())/3 {
		t.Errorf("the worker ended itself %d times only", crashes)
	}
	for _, query := range []string{
		`SELECT 'payments ' || state || ' ' || count(*) FROM payments GROUP BY state ORDER BY state`,
		`SELECT 'attempts ' || state || ' ' || count(*) FROM attempts GROUP BY state ORDER BY state`,
		`SELECT 'cases ' || status || ' ' || count(*) FROM cases GROUP BY status ORDER BY status`,
	} {
		for _, line := range texts(t, c.s.database(t), query) {
			t.Log(line)
		}
	}
	t.Logf("the bank moved %d payments", len(c.s.books(t).Movements))
}
