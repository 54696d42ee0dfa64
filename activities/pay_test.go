package activities_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/simulator"
)

// TestPayThroughFaultsOfTheBank pays through a bank that misbehaves, while the
// activity is run by a crowd or broken at its COMMITs. What is known on the
// way differs from run to run, so only the end is compared: one movement, one
// attempt, one posting.
func TestPayThroughFaultsOfTheBank(t *testing.T) {
	t.Parallel()
	for way, run := range map[string]runner{"together": together, "broken": broken} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, run, nil)
			for fault, account := range map[string]string{
				"500, not executed": "0051990005", "500, executed": "0051990006", "no answer, executed": "0051990007", "not found at first": "0051990008",
			} {
				w.paidFrom(account)
				w.pays(w.releases(), aid.PaymentSettled)
				require.Equal(t, "1 settled", w.text(`SELECT count(*) || ' ' || min(a.state) FROM attempts a JOIN payments p ON p.id = a.payment_id
					WHERE p.case_id = $1`, w.caseID), fault)
				require.Equal(t, "reserve instruct settle", w.text(`SELECT string_agg(split_part(kind, '_', 1), ' ' ORDER BY id) FROM ledger_transactions
					WHERE case_id = $1`, w.caseID), fault)
				w.agreesWithTheBank()
			}
			require.Equal(t, "24000000 0", w.text(`SELECT spent || ' ' || in_transit FROM fund_balances`))
		})
	}
}

// A payment that no releaser has let go is not paid, whoever asks for it.
func TestPayRefusesWhatWasNotReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twice, nil)
	w.paidFrom("0051004418")
	in := aid.PayRequest{Case: w.caseID, Payment: w.text(`SELECT id FROM payments`)}
	_, err := w.doing.Pay(t.Context(), in)
	require.ErrorContains(t, err, "wrong_payment_state")
	w.prepares()
	_, err = w.doing.Pay(t.Context(), in)
	require.ErrorContains(t, err, "wrong_payment_state")
	require.Empty(t, w.settled())
	w.agreesWithTheBank()
	require.Equal(t, "0", w.text(`SELECT count(*)::text FROM attempts`))
}

// watched is a rail that writes down what is asked of it.
type watched struct {
	rails.Rail
	mu    sync.Mutex
	calls []string
}

func (r *watched) Submit(ctx context.Context, in rails.Instruction) (rails.Status, error) {
	r.note("submit " + in.Key)
	return r.Rail.Submit(ctx, in)
}

func (r *watched) Ask(ctx context.Context, key string) (rails.Status, error) {
	r.note("ask " + key)
	return r.Rail.Ask(ctx, key)
}

func (r *watched) note(call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
}

// Once the rail may have heard of a payment it is asked; the same key is sent
// again only when the rail does not know it.
func TestPayAsksBeforeItSendsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twice, nil)
	rail := &watched{Rail: w.bank}
	w.doing.Rails[simulator.RailName] = rail
	w.paidFrom("0051990009") // accepted for ever
	in := w.releases()
	key := w.text(`SELECT award_id || '/1/1' FROM payments`)
	for range 3 {
		_, err := w.doing.Pay(t.Context(), in)
		require.ErrorContains(t, err, "payment_open")
	}
	require.Equal(t, []string{"submit " + key, "ask " + key, "ask " + key}, rail.calls)

	// A machine that dies between writing the attempt down and sending it: the
	// rail has never heard of the key.
	w.paidFrom("0051004418")
	in = w.releases()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rail.calls, rail.Rail = nil, unreachable{w.bank}
	_, err := w.doing.Pay(t.Context(), in)
	require.Error(t, err)
	_, err = w.doing.Pay(ctx, in)
	require.Error(t, err, "a cancelled activity starts nothing")
	rail.Rail = w.bank
	w.pays(in, aid.PaymentSettled)
	key = w.text(`SELECT award_id || '/1/1' FROM payments WHERE id = $1`, in.Payment)
	require.Equal(t, []string{"submit " + key, "ask " + key, "submit " + key}, rail.calls[:3])
	w.agreesWithTheBank()
}

// With patience one try is enough for a bank that settles within a moment; of
// one that takes its time it is told that the payment is open.
func TestPayWaitsAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twice, nil)
	w.doing.Patience = time.Minute
	rail := &watched{Rail: slow{w.bank}}
	w.doing.Rails[simulator.RailName] = rail
	w.paidFrom("0051004418")
	out, err := w.doing.Pay(t.Context(), w.releases())
	require.NoError(t, err)
	require.Equal(t, aid.PaymentSettled, out.State)
	require.Greater(t, len(rail.calls), 1, "it was asked, not believed")

	w.doing.Patience = time.Millisecond
	w.paidFrom("0051990009") // accepted for ever
	_, err = w.doing.Pay(t.Context(), w.releases())
	require.ErrorContains(t, err, "payment_open")
	w.agreesWithTheBank()
}

// slow is a rail that never knows the end at once.
type slow struct{ rails.Rail }

func (s slow) Submit(ctx context.Context, in rails.Instruction) (rails.Status, error) {
	status, err := s.Rail.Submit(ctx, in)
	status.State = rails.Accepted
	return status, err
}

// unreachable is a rail to which nothing gets through.
type unreachable struct{ rails.Rail }

func (unreachable) Submit(context.Context, rails.Instruction) (rails.Status, error) {
	return rails.Status{}, &rails.Error{Certainty: rails.NotExecuted, Code: "unreachable"}
}

// forgetful is a rail that remembers a key for a day and has forgotten ours.
type forgetful struct{ rails.Rail }

func (f forgetful) Capabilities() rails.Capabilities {
	can := f.Rail.Capabilities()
	can.KeyMemory = 24 * time.Hour
	return can
}

func (forgetful) Ask(_ context.Context, key string) (rails.Status, error) {
	return rails.Status{Key: key, State: rails.NotFound}, nil
}

// A key that the rail does not know proves nothing once the rail may have
// forgotten it: sending it again could pay twice, so persons are asked.
func TestPayDoesNotSendWhatTheRailMayHaveForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, twice, nil)
	rail := &watched{Rail: forgetful{w.bank}}
	w.doing.Rails[simulator.RailName] = rail
	w.paidFrom("0051990009") // accepted for ever
	in := w.releases()
	pay := func(after time.Duration) {
		w.clock.pass(after)
		_, err := w.doing.Pay(t.Context(), in)
		require.ErrorContains(t, err, "payment_open")
	}
	pay(0)
	key := w.text(`SELECT award_id || '/1/1' FROM payments`)
	pay(11 * time.Hour)
	require.Equal(t, []string{"submit " + key, "ask " + key, "submit " + key}, rail.calls, "the key is still remembered")
	pay(time.Hour)
	pay(30 * 24 * time.Hour)
	require.Equal(t, []string{"ask " + key, "ask " + key}, rail.calls[3:])
	require.Equal(t, "unknown", w.text(`SELECT state FROM attempts`))
}
