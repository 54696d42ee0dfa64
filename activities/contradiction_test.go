package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
)

// contradicted brings a payment so far that two persons have said that it
// failed, and the bank executes it after that: the machine that sent it stood
// still for longer than its lease. Meanwhile is what else happens before the
// bank speaks.
func (w *world) contradicted(programme string, meanwhile func()) aid.PayRequest {
	w.t.Helper()
	m := w.meddle()
	payment := w.doubtfulOf(programme)
	m.beforeSend[2] = func() {
		w.clock.pass(time.Hour)
		w.asksPersons(payment)
		w.resolves("treasurer2", "failed")
		w.resolves("manager1", "failed")
		require.Equal(w.t, "failed", w.after().Result)
		meanwhile()
	}
	w.call("Pay", payment)
	require.Equal(w.t, "1", w.text(`SELECT count(*)::text FROM events WHERE case_id = $1 AND kind = 'payment.contradicted'`, w.caseID))
	require.Equal(w.t, "failed", w.text(`SELECT state FROM payments WHERE id = $1`, payment.Payment), "a late answer moves no payment")
	require.Equal(w.t, "payment_contradicted", w.text(`SELECT rule ->> 'because' FROM tasks WHERE kind = 'resolve_payment' AND closed_at IS NULL`))
	require.Equal(w.t, "look", w.text(`SELECT name FROM outbox ORDER BY id DESC LIMIT 1`), "the workflow has to know of the task")
	return payment
}

// nothing is what happens meanwhile on most days.
func nothing() {}

// retryIsRefused looks whether the failed payment can be made anew, by either
// way.
func (w *world) retryIsRefused(payment string, code string) {
	w.t.Helper()
	wish := aid.Retry{ID: "again", Payment: payment, Actor: "treasurer1"}
	out := w.transition("RetryPayment", aid.RetryRequest{Step: w.step(w.workflow()), Retry: wish})
	require.Equal(w.t, code, out.Refused)
	recorded := w.ask(intent{kind: aid.PreparePayment, actor: "treasurer1", action: aid.ActionConfirm})
	require.Equal(w.t, code, aid.CodeOf(w.store.ApplyIntent(w.t.Context(), recorded.Decision)))
	require.NoError(w.t, w.store.RefuseIntent(w.t.Context(), recorded.Decision.ID, aid.Conflict, code))
}

// The bank pays what persons took for failed. Nothing is paid anew until they
// have looked; then what has arrived is booked, once.
func TestTheBankPaysAfterAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	payment := w.contradicted("medical", nothing)
	w.retryIsRefused(payment.Payment, "payment_contradicted")
	require.Equal(t, "6000000 0 0", w.money())
	w.resolves("treasurer2", "settled")
	out := w.resolves("manager1", "settled")
	require.Equal(t, aid.FollowingUp, out.Place.Status)
	require.NotEmpty(t, out.Next)
	require.Equal(t, "1 failed settled, 2 settled -", w.attempts())
	require.Equal(t, payment.Payment, w.text(`SELECT retry_of FROM payments WHERE n = 2`))
	require.Equal(t, "0 0 6000000", w.money())
	require.Equal(t, 1, w.moved())
	require.Equal(t, "0", w.text(`SELECT count(*)::text FROM tasks WHERE closed_at IS NULL`))
}

// The bank is wrong, or its statement shows that the money came back: the two
// persons stay with what they said, and the retry is free again.
func TestTheBankDidNotPayAfterAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	payment := w.contradicted("medical", nothing)
	w.resolves("treasurer2", "failed")
	require.Equal(t, aid.Paying, w.resolves("manager1", "failed").Place.Status)
	require.Equal(t, "1 failed failed", w.attempts())
	require.Equal(t, payment.Payment, w.text(`SELECT subject FROM tasks WHERE closed_at IS NULL AND kind = 'prepare_payment'`))
	w.prepares()
	require.Equal(t, "1 failed failed, 2 queued -", w.attempts())
}

// The retry was prepared before the bank spoke. It is not released, and gives
// way to what has arrived.
func TestARetryGivesWayToWhatHasArrived(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.contradicted("medical", w.prepares)
	w.refuses("payment_contradicted", "DecideRelease", intent{kind: aid.ReleasePayment, actor: "releaser1", action: aid.ActionApprove})
	w.resolves("treasurer2", "settled")
	require.Equal(t, aid.FollowingUp, w.resolves("manager1", "settled").Place.Status)
	require.Equal(t, "1 failed settled, 2 cancelled -, 3 settled -", w.attempts())
	require.Equal(t, "0 0 6000000", w.money())
	require.Equal(t, "0", w.text(`SELECT count(*)::text FROM tasks WHERE closed_at IS NULL`))
}

// The retry is on its way when the bank speaks of the first. What has arrived
// cannot be booked in its place; when both have, one has to come back.
func TestPaidTwiceComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	var second aid.PayRequest
	w.contradicted("schooling", func() { second = w.releases() })
	w.resolves("treasurer2", "settled")
	w.refuses("payment_exists", "ResolvePayment", saysThat("manager1", "settled"))
	w.pays(second, aid.PaymentSettled)
	require.Equal(t, aid.ResultPending, w.after().Result)
	require.Equal(t, "paying running settled planned", w.standing(), "nothing goes on while the bank contradicts")
	w.resolves("manager1", "settled")
	require.Equal(t, "paid_twice", w.text(`SELECT rule ->> 'because' FROM tasks WHERE kind = 'recover_money' AND closed_at IS NULL`))
	require.Equal(t, "paying running settled evidence_due", w.standing())
	require.Equal(t, "1 failed settled, 2 settled settled", w.attempts())
	require.Equal(t, 2, w.moved())
	w.repays(w.text(`SELECT sum(p.amount)::text FROM tasks t JOIN payments p ON p.id = t.subject WHERE t.kind = 'recover_money'`))
	require.Equal(t, "confirm_milestone", w.asked())
	require.Equal(t, "0", w.text(`SELECT recovered FROM fund_balances`), "what came twice never left the books")
	require.Equal(t, "paying running settled evidence_due", w.standing())
}

// A wish to withdraw waits for the answer, too: until then nobody knows
// whether there is money to get back.
func TestWithdrawWhileTheBankContradicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.contradicted("medical", nothing)
	require.Equal(t, "recorded", w.withdraws().Result)
	require.Equal(t, "6000000 0 0", w.money())
	w.resolves("treasurer2", "settled")
	require.Equal(t, aid.Withdrawn, w.resolves("manager1", "settled").Place.Status)
	require.Equal(t, "0 0 6000000", w.money())
	require.Equal(t, "recover_money", w.text(`SELECT string_agg(kind, ' ') FROM tasks WHERE closed_at IS NULL`))
}

// What the bank says late, and what agrees with the books, changes nothing.
func TestALateAnswerThatAgrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	m := w.meddle()
	payment := w.doubtful()
	m.beforeSend[2] = func() {
		w.clock.pass(time.Hour)
		w.asksPersons(payment)
		w.resolves("treasurer2", "settled")
		w.resolves("manager1", "settled")
	}
	w.pays(payment, aid.PaymentSettled)
	require.Equal(t, aid.FollowingUp, w.after().Place.Status)
	require.Equal(t, "0", w.text(`SELECT count(*)::text FROM events WHERE kind = 'payment.contradicted'`))
	require.Equal(t, "0 0 6000000", w.money())
	require.Equal(t, 1, w.moved())
}
