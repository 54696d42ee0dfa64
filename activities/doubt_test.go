package activities_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/simulator"
)

// meddler is the bank with something that happens at the worst moment: after
// the nth question was answered, or before the nth instruction arrives.
type meddler struct {
	rails.Rail
	can        rails.Capabilities
	asks       int
	sends      int
	afterAsk   map[int]func()
	beforeSend map[int]func()
}

func (m *meddler) Capabilities() rails.Capabilities { return m.can }

func (m *meddler) Ask(ctx context.Context, key string) (rails.Status, error) {
	status, err := m.Rail.Ask(ctx, key)
	m.asks++
	if do := m.afterAsk[m.asks]; do != nil {
		do()
	}
	return status, err
}

func (m *meddler) Submit(ctx context.Context, in rails.Instruction) (rails.Status, error) {
	m.sends++
	if do := m.beforeSend[m.sends]; do != nil {
		do()
	}
	return m.Rail.Submit(ctx, in)
}

// meddle puts a meddler between the activities and the bank.
func (w *world) meddle() *meddler {
	m := &meddler{Rail: w.bank, can: w.bank.Capabilities(), afterAsk: map[int]func(){}, beforeSend: map[int]func(){}}
	w.doing.Rails = map[string]rails.Rail{simulator.RailName: m}
	return m
}

// doubtful brings a payment so far that its first instruction has got no
// answer that proves anything; the bank did not execute it.
func (w *world) doubtful() aid.PayRequest {
	w.t.Helper()
	return w.doubtfulOf("medical")
}

func (w *world) doubtfulOf(programme string) aid.PayRequest {
	w.t.Helper()
	w.awarded(programme, "0051000913")
	w.fault(simulator.ErrorBefore)
	payment := w.releases()
	w.callUntil("Pay", payment, staysOpen)
	require.Equal(w.t, "unknown", w.text(`SELECT state FROM payments WHERE id = $1`, payment.Payment))
	return payment
}

// fault makes the first submit of every key go wrong.
func (w *world) fault(kind simulator.Kind) {
	w.t.Helper()
	require.NoError(w.t, w.bank.AddFaults(w.t.Context(), simulator.Script{Seed: 1, Rules: []simulator.Rule{{Kind: kind, PerKey: 1}}}))
}

// asksPersons opens the question how a payment ended.
func (w *world) asksPersons(payment aid.PayRequest) {
	w.t.Helper()
	w.goesOn("OpenResolve", aid.RetryRequest{Step: w.step(w.workflow()), Retry: aid.Retry{Payment: payment.Payment}})
}

// refuses has an activity refuse a decision, with this code.
func (w *world) refuses(code, activity string, i intent) {
	w.t.Helper()
	recorded := w.ask(i)
	out := w.transition(activity, aid.DecisionRequest{Step: w.stepOf(recorded), Decision: recorded.Decision})
	require.Equal(w.t, code, out.Refused)
	require.NoError(w.t, w.store.RefuseIntent(w.t.Context(), recorded.Decision.ID, out.RefusedKind, out.Refused))
}

func saysThat(actor, outcome string) intent {
	return intent{kind: aid.ResolvePayment, actor: actor, action: aid.ActionConfirm, data: `{"outcome": "` + outcome + `"}`}
}

// moved is how often the bank has moved money for the case.
func (w *world) moved() int {
	w.t.Helper()
	books, err := w.bank.Books(w.t.Context())
	require.NoError(w.t, err)
	return len(books.Movements)
}

// attempts gives the payments of the case with their attempts, and the money
// that the fund has promised and spent.
func (w *world) attempts() string {
	w.t.Helper()
	return w.text(`SELECT string_agg(p.n || ' ' || p.state || ' ' || coalesce(a.state, '-'), ', ' ORDER BY p.n) FROM payments p
		LEFT JOIN attempts a ON a.payment_id = p.id WHERE p.case_id = $1`, w.caseID)
}

func (w *world) money() string {
	w.t.Helper()
	return w.text(`SELECT reserved || ' ' || in_transit || ' ' || spent FROM fund_balances`)
}

// While persons are asked how a payment ended, the rail is asked and nothing
// is sent: what they see on a statement cannot change behind their backs.
func TestNothingIsSentWhilePersonsAreAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	m := w.meddle()
	payment := w.doubtful()
	w.asksPersons(payment)
	for range 3 {
		w.callUntil("Pay", payment, staysOpen)
	}
	require.Equal(t, 1, m.sends)
	require.Equal(t, 3, m.asks)
	w.resolves("treasurer2", "failed")
	w.resolves("manager1", "failed")
	require.Equal(t, "failed", w.after().Result)
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
	require.Equal(t, "1 failed failed, 2 settled settled", w.attempts())
	require.Equal(t, "0 0 6000000", w.money())
	w.agreesWithTheBank()
}

// Two persons say that nothing was paid after the bank has said that it knows
// nothing, and before the instruction is sent again: it is not sent.
func TestPersonsDecideBeforeItIsSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	m := w.meddle()
	payment := w.doubtful()
	m.afterAsk[1] = func() {
		w.asksPersons(payment)
		w.resolves("treasurer2", "failed")
		require.Equal(t, aid.PaymentFailed, w.resolves("manager1", "failed").Payment.State)
	}
	w.pays(payment, aid.PaymentFailed)
	require.Equal(t, 1, m.sends)
	require.Zero(t, w.moved())
	require.Equal(t, "failed", w.after().Result)
	w.pays(w.releases(), aid.PaymentSettled)
	require.Equal(t, 1, w.moved())
	w.agreesWithTheBank()
}

// While an instruction may be on its way to the bank, nobody can say that
// nothing was paid.
func TestNobodySaysFailedWhileItIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	m := w.meddle()
	payment := w.doubtful()
	m.beforeSend[2] = func() {
		w.asksPersons(payment)
		w.resolves("treasurer2", "failed")
		w.refuses("payment_being_sent", "ResolvePayment", saysThat("manager1", "failed"))
	}
	w.pays(payment, aid.PaymentSettled)
	require.Equal(t, aid.FollowingUp, w.after().Place.Status)
	require.Equal(t, "1 settled settled", w.attempts())
	require.Equal(t, "void", w.text(`SELECT state FROM tasks WHERE kind = 'resolve_payment'`))
	w.agreesWithTheBank()
}
