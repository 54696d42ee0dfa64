package simulator

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
)

// delivery is what a receiver made of one callback.
type delivery struct {
	hint Hint
	code string // of the refusal
}

// receiver takes callbacks and answers each with the next of the statuses, 204
// when there are no more.
func receiver(t *testing.T, statuses ...int) (string, <-chan delivery) {
	t.Helper()
	got := make(chan delivery, 100)
	next := make(chan int, len(statuses))
	for _, s := range statuses {
		next <- s
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hint, err := ParseCallback(testSecret, r.Header, body, time.Now())
		got <- delivery{hint, aid.CodeOf(err)}
		select {
		case s := <-next:
			w.WriteHeader(s)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(h.Close)
	return h.URL + "/v1/callbacks/simulator", got
}

func TestCallbacksAreSignedAndRepeatedUntilTaken(t *testing.T) {
	url, got := receiver(t, http.StatusInternalServerError)
	_, c := openServer(t, Config{CallbackURL: url})
	in := instruction(1)
	if _, err := c.Submit(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	first, second := <-got, <-got
	if first != second || first.code != "" || first.hint.Key != in.Key || first.hint.State != rails.Settled {
		t.Errorf("got %+v and %+v", first, second)
	}
}

func TestCallbackFaults(t *testing.T) {
	url, got := receiver(t)
	_, c := openServer(t, Config{CallbackURL: url})
	mustScript(t, c,
		Rule{Kind: LostCallback, Keys: "awd_1/*/*"},
		Rule{Kind: DuplicateCallback, Keys: "awd_2/*/*"},
		Rule{Kind: ForgedCallback, Keys: "awd_3/*/*"},
		Rule{Kind: EarlyCallback, Keys: "awd_4/*/*"},
		Rule{Kind: NeverSettle, Keys: "awd_4/*/*"},
		Rule{Kind: LateCallback, Keys: "awd_5/*/*", DelayMS: 50},
		Rule{Kind: Fail, Keys: "awd_6/*/*"},
	)
	for n := 1; n <= 6; n++ {
		if _, err := c.Submit(t.Context(), instruction(n)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[delivery]int{}
	for range 7 { // two doubled, one true and one forged, one early, one late, one failed
		d := <-got
		d.hint.ID = ""
		seen[d]++
	}
	settled := func(n int) delivery { return delivery{hint: Hint{Key: instruction(n).Key, State: rails.Settled}} }
	for want, count := range map[delivery]int{
		settled(1): 0, settled(2): 2, settled(3): 1, settled(4): 1, settled(5): 1,
		{code: "callback_forged"}:                                  1,
		{hint: Hint{Key: instruction(6).Key, State: rails.Failed}}: 1,
	} {
		if seen[want] != count {
			t.Errorf("%+v: %d times instead of %d", want, seen[want], count)
		}
	}
}

func TestCallbacksAndSettlementsSurviveAKill(t *testing.T) {
	url, got := receiver(t)
	cfg := Config{Books: filepath.Join(t.TempDir(), "books"), SettleAfter: time.Hour, CallbackURL: url}
	p := startProcess(t, cfg)
	mustScript(t, newClient(t, p.url), Rule{Kind: SettleLate, DelayMS: 300}, Rule{Kind: LateCallback, DelayMS: 300})
	in := instruction(1)
	if _, err := newClient(t, p.url).Submit(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	p.kill() // before the settlement, most likely; after it the callback is still to come
	startProcess(t, cfg)
	if d := <-got; d.code != "" || d.hint.Key != in.Key {
		t.Errorf("got %+v", d)
	}
}
