package activities_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
)

// returned is what the bank's statement says of a payment that came back.
func (w *world) returned(payment string) postgres.NewReturn {
	w.t.Helper()
	var m money.Money
	require.NoError(w.t, w.conn.QueryRow(`SELECT amount, currency FROM payments WHERE id = $1`, payment).Scan(&m.Amount, &m.Currency))
	return postgres.NewReturn{Reference: "FT26061ABC", ReturnedOn: w.clock.now().Format(time.DateOnly), Reason: "account_closed", Amount: m}
}

// comesBack has two persons record that the bank has returned a payment.
func (w *world) comesBack(payment string) {
	w.t.Helper()
	said := w.returned(payment)
	for i, who := range []string{"treasurer2", "manager1"} {
		done, _, err := w.store.RecordReturn(context.Background(), w.db.Staff(w.t, who), payment, said)
		require.NoError(w.t, err)
		require.Equal(w.t, i == 1, done)
	}
	if w.text(`SELECT starts_with(workflow_id, 'recovery/')::text FROM cases WHERE id = $1`, w.caseID) == "true" {
		w.goesOn("Attend", aid.OpenRequest{Step: w.step(w.workflow())}) // as the workflow begins
	}
}

// settledCase pays the first tranche of a programme's example case.
func (w *world) settledCase(programme string) aid.PayRequest {
	w.t.Helper()
	w.awarded(programme, "0051000913")
	if programme == "housing_new" {
		w.confirms()
	}
	first := w.releases()
	w.pays(first, aid.PaymentSettled)
	return first
}

func (w *world) confirms() {
	w.t.Helper()
	w.decides("ConfirmMilestone", intent{kind: aid.ConfirmMilestone, actor: "verifier1", action: aid.ActionConfirm})
}

// agrees has two persons say the same of a returned payment.
func (w *world) agrees(outcome string) aid.Outcome {
	w.t.Helper()
	w.resolves("treasurer2", outcome)
	return w.resolves("manager1", outcome)
}

func (w *world) asked() string {
	w.t.Helper()
	return w.text(`SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '') FROM tasks WHERE case_id = $1 AND closed_at IS NULL`, w.caseID)
}

// theBankReturnsWhileItIsPaid: the next instalment is being evidenced when the
// first comes back; it is paid again in its turn.
func theBankReturnsWhileItIsPaid(w *world) {
	first := w.settledCase("schooling")
	w.after()
	require.Equal(w.t, "paying running settled evidence_due", w.standing())
	w.comesBack(first.Payment)
	require.Equal(w.t, "paying running due evidence_due", w.standing())
	w.agrees(aid.OutcomePayAgain)
	require.Equal(w.t, "confirm_milestone prepare_payment", w.asked())
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
	require.Equal(w.t, "1 returned settled, 2 settled settled", w.attempts())
}

// theBankReturnsAfterTheEnd: a workflow of its own pays again, while the visits
// go on; the last visit leaves the closing to it.
func theBankReturnsAfterTheEnd(w *world) {
	first := w.settledCase("medical")
	require.Equal(w.t, aid.FollowingUp, w.after().Place.Status)
	w.handOver()
	w.comesBack(first.Payment)
	require.Equal(w.t, "paying running due", w.standing())
	w.agrees(aid.OutcomePayAgain)
	w.pays(w.releases(), aid.PaymentSettled)
	out := w.after()
	require.Equal(w.t, aid.FollowingUp, out.Place.Status)
	require.Equal(w.t, postgres.FollowUpID(w.caseID, 1), out.Next)
	w.handOver()
	require.Equal(w.t, aid.Closed, w.visits(1).Place.Status)
	w.comesBack(w.text(`SELECT id FROM payments WHERE n = 2 AND case_id = $1`, w.caseID))
	out = w.agrees(aid.OutcomeGiveUp)
	require.Equal(w.t, aid.Closed, out.Place.Status)
	require.Equal(w.t, "closed completed skipped", w.standing())
}

// Nothing is opened beside what came back, and what was opened before goes on;
// one payment of the case is live at a time.
func TestWhatWasOpenedGoesOnBesideAReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	first := w.settledCase("housing_new")
	w.after()
	w.comesBack(first.Payment)
	w.comesBackIsRefused(first.Payment, "wrong_payment_state")
	w.confirms()
	require.Equal(t, "paying running due due planned", w.standing())
	second := w.releases()
	w.pays(second, aid.PaymentSettled)
	require.Equal(t, aid.ResultPending, w.after().Result)
	require.Equal(t, "paying running due settled planned", w.standing(), "the third is not opened while the first is held")
	w.comesBack(second.Payment)
	w.agrees(aid.OutcomePayAgain)
	w.agrees(aid.OutcomeGiveUp)
	require.Equal(t, "paying running due skipped planned", w.standing())
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
	require.Equal(t, "paying running settled skipped evidence_due", w.standing())
	w.confirms()
	w.pays(w.releases(), aid.PaymentSettled)
	require.Equal(t, aid.FollowingUp, w.after().Place.Status)
	require.Equal(t, "following_up completed settled skipped settled", w.standing())
}

// The first instalment is being paid again when the evidence of the second is
// confirmed: its payment waits for its turn.
func TestOnePaymentOfACaseAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	first := w.settledCase("schooling")
	w.after()
	w.comesBack(first.Payment)
	w.agrees(aid.OutcomePayAgain)
	again := w.releases()
	w.confirms()
	require.Equal(t, "paying running paying due", w.standing())
	require.Equal(t, "rail", w.text(`SELECT owner FROM intervals WHERE case_id = $1 AND to_at IS NULL`, w.caseID))
	w.pays(again, aid.PaymentSettled)
	w.after()
	require.Equal(t, "prepare_payment", w.asked())
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
	require.Equal(t, "following_up completed settled settled", w.standing())
}

// comesBackIsRefused has one person say that a payment came back, in vain.
func (w *world) comesBackIsRefused(payment, code string) {
	w.t.Helper()
	_, _, err := w.store.RecordReturn(w.t.Context(), w.db.Staff(w.t, "treasurer2"), payment, w.returned(payment))
	require.Equal(w.t, code, aid.CodeOf(err))
}

// A payment fails, is paid again, and comes back: each time the answer of one
// attempt moves this one only, and each number is used once.
func TestAReturnOfASecondPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.awarded("medical", "0051990010")
	failed := w.releases()
	w.pays(failed, aid.PaymentFailed)
	w.after()
	w.comesBackIsRefused(failed.Payment, "wrong_payment_state")
	second := w.releases()
	w.pays(second, aid.PaymentSettled)
	w.comesBack(second.Payment)
	require.Equal(t, aid.ResultPending, w.after().Result, "the question of the return is not ended by the end of the payment")
	require.Equal(t, "resolve_payment", w.asked())
	w.agrees(aid.OutcomePayAgain)
	w.pays(second, aid.PaymentReturned)
	w.pays(w.releases(), aid.PaymentSettled)
	require.Equal(t, aid.FollowingUp, w.after().Place.Status)
	require.Equal(t, "1 failed refused, 2 returned settled, 3 settled settled", w.attempts())
	require.Equal(t, "0 0 6000000", w.money())
}

// cannotSay has somebody say of a payment what cannot be said of it.
func (w *world) cannotSay(outcome string) {
	w.t.Helper()
	in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Actor: "releaser1", Action: aid.ActionConfirm, Data: json.RawMessage(`{"outcome": "` + outcome + `"}`)}
	row := w.conn.QueryRow(`SELECT id, version FROM tasks WHERE case_id = $1 AND kind = 'resolve_payment' AND closed_at IS NULL`, w.caseID)
	require.NoError(w.t, row.Scan(&in.Task, &in.TaskVersion))
	_, err := w.store.RecordIntent(w.t.Context(), in)
	var refused *aid.Error
	require.ErrorAs(w.t, err, &refused)
	require.Equal(w.t, "outcome_not_possible", refused.Faults[0].Code)
}

// Two persons who differ are asked again; what is no answer to the question is
// refused.
func TestTwoDifferAboutAReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	payment := w.settledCase("medical")
	w.after()
	w.comesBack(payment.Payment)
	w.cannotSay("settled")
	w.resolves("treasurer2", aid.OutcomePayAgain)
	w.resolves("manager1", aid.OutcomeGiveUp)
	require.Equal(t, "confirmations_differ", w.text(`SELECT rule ->> 'because' FROM tasks WHERE case_id = $1 AND closed_at IS NULL`, w.caseID))
	require.Equal(t, "paying running due", w.standing())
	out := w.agrees(aid.OutcomeGiveUp)
	require.Equal(t, aid.FollowingUp, out.Place.Status)
	require.Equal(t, "0 0 0", w.money())
}

// What was paid for a case that was withdrawn comes back through the bank: it
// is the fund's again at once, and nothing is paid anew.
func TestAReturnAfterTheWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	first := w.settledCase("schooling")
	w.after()
	require.Equal(t, aid.Withdrawn, w.withdraws().Place.Status)
	w.comesBack(first.Payment)
	require.Equal(t, "withdrawn cancelled skipped skipped", w.standing())
	require.Equal(t, "0 0 0", w.money())
}

// The household has asked for something else since: a closed case that pays
// again is not in its way, nor it in the way of the case.
func TestAReturnBesideANewRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	first := w.settledCase("medical")
	w.after()
	w.handOver()
	w.visits(1)
	old := w.caseID
	w.cases--
	w.submit("medical", "0051000913")
	w.caseID = old
	w.comesBack(first.Payment)
	w.agrees(aid.OutcomePayAgain)
	wish := aid.Withdrawal{ID: "wish", Actor: w.partner.Actor(), Reason: "applicant_request"}
	require.Equal(t, "wrong_state", w.transition("Withdraw", aid.WithdrawRequest{Step: w.step(w.workflow()), Withdrawal: wish}).Refused, "it was paid")
	_, err := w.store.AskWithdrawal(t.Context(), w.partner, w.caseID, postgres.Wish{Reason: wish.Reason})
	require.Equal(t, "wrong_state", aid.CodeOf(err))
	w.pays(w.releases(), aid.PaymentSettled)
	require.Equal(t, aid.Closed, w.after().Place.Status)
	require.Equal(t, "t", w.text(`SELECT (sum(i.to_at - i.from_at) = c.closed_at - c.created_at)::text::char FROM intervals i JOIN cases c ON c.id = i.case_id
		WHERE c.id = $1 GROUP BY c.id`, w.caseID), "its waits still sum to its time")
}

// A wish to withdraw while the money of the first instalment is held: what came
// back goes to the fund with the rest, and nobody is asked about it any more.
func TestWithdrawWhileTheMoneyIsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	first := w.settledCase("schooling")
	w.after()
	w.comesBack(first.Payment)
	require.Equal(t, aid.Withdrawn, w.withdraws().Place.Status)
	require.Equal(t, "withdrawn cancelled skipped skipped", w.standing())
	require.Equal(t, "0 0 0", w.money())
	require.Equal(t, "", w.asked(), "nothing was paid that would have to come back")
}
