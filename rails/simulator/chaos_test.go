package simulator

import (
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// TestKillsAtRandomMomentsMoveEachInstructionOnce kills the process again and
// again while many callers pay through it, with faults on top. Each caller
// follows the rules of package rails: the same key until the answer is final.
func TestKillsAtRandomMomentsMoveEachInstructionOnce(t *testing.T) {
	const payments, callers, kills = 120, 8, 6
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	cfg := Config{Books: filepath.Join(t.TempDir(), "books"), SettleAfter: 5 * time.Millisecond}
	p := startProcess(t, cfg)
	mustScript(t, newClient(t, p.url),
		Rule{Kind: ErrorAfter, Probability: 0.2, PerKey: 2},
		Rule{Kind: ResetBefore, Probability: 0.2, PerKey: 2},
		Rule{Kind: WrongAmount, Probability: 0.1, PerKey: 1},
		Rule{Kind: Hide, Probability: 0.3, PerKey: 2},
	)
	var mu sync.RWMutex
	current := func() *Client {
		mu.RLock()
		defer mu.RUnlock()
		return newClient(t, p.url)
	}
	work := make(chan int)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := range work {
				pay(t, current, instruction(n))
			}
		})
	}
	for n := 1; n <= payments; n++ {
		work <- n
		if n%(payments/(kills+1)) == 0 {
			time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
			mu.Lock()
			p.kill()
			p = startProcess(t, cfg)
			mu.Unlock()
		}
	}
	close(work)
	wg.Wait()
	b := mustRead(t, current())
	if len(b.Movements) != payments || b.States[rails.Settled] != payments {
		t.Fatalf("%d movements, states %v", len(b.Movements), b.States)
	}
	for n := 1; n <= payments; n++ {
		in := instruction(n)
		for _, m := range b.Movements {
			if m.Key == in.Key && m.Amount != in.Amount {
				t.Errorf("%s: %d moved instead of %d", m.Key, m.Amount, in.Amount)
			}
		}
	}
}

// pay is a caller that keeps the rules.
func pay(t *testing.T, current func() *Client, in rails.Instruction) {
	for t.Context().Err() == nil {
		s, err := rails.Submit(t.Context(), current(), in)
		switch {
		case err != nil && rails.CertaintyOf(err) == rails.Never:
			t.Errorf("%s: %v", in.Key, err)
			return
		case err == nil && s.State == rails.Settled:
			return
		case err == nil && s.State.Final():
			t.Errorf("%s: %s", in.Key, s.State)
			return
		}
		s, err = rails.Ask(t.Context(), current(), in.Key, in.Amount, in.Currency)
		if err == nil && s.State == rails.Settled {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}
