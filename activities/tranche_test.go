package activities_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// granted brings a new house to its disbursement: three tranches, each with a
// milestone.
func (w *world) granted(account string) {
	w.t.Helper()
	w.submit("housing_new", account)
	w.opens()
	w.verifies("verifier1")
	w.votes(0, "approver1", aid.ActionApprove)
	w.votes(1, "approver2", aid.ActionApprove)
	w.votes(1, "approver4", aid.ActionApprove)
	w.handOver()
	w.goesOn("OpenDisbursement", aid.OpenRequest{Step: w.step(w.workflow())})
}

// milestone has a verifier confirm what was asked for.
func (w *world) milestone() aid.Outcome {
	w.t.Helper()
	return w.decides("ConfirmMilestone", intent{kind: aid.ConfirmMilestone, actor: "verifier1", action: aid.ActionConfirm})
}

// looks has the workflow look at what a person has changed.
func (w *world) looks() aid.Outcome {
	w.t.Helper()
	return w.goesOn("Attend", aid.OpenRequest{Step: w.step(w.workflow())})
}

func (w *world) tranche(n int) string {
	w.t.Helper()
	return w.text(`SELECT t.id FROM tranches t JOIN awards a ON a.id = t.award_id WHERE a.case_id = $1 AND t.n = $2`, w.caseID, n)
}

// states are the tranches of the case: state, what was paid and what went back.
func (w *world) states() string {
	w.t.Helper()
	return w.text(`SELECT string_agg(t.state || ' ' || (SELECT coalesce(sum(p.amount), 0)::bigint FROM payments p WHERE p.tranche_id = t.id AND p.state = 'settled') / 1000000
		|| ' ' || t.released / 1000000, ', ' ORDER BY t.n) FROM tranches t JOIN awards a ON a.id = t.award_id WHERE a.case_id = $1`, w.caseID)
}

// promised is what the postings of the case have left of its award: available
// again, reserved, in transit and spent, in millions.
func (w *world) promised() string {
	w.t.Helper()
	return w.text(`SELECT string_agg((coalesce(-s.sum, 0) / 1000000)::bigint::text, ' ' ORDER BY k.n) FROM unnest(ARRAY['available', 'reserved', 'in_transit', 'spent']) WITH ORDINALITY k (account, n)
		LEFT JOIN LATERAL (SELECT sum(e.amount) FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
			WHERE t.case_id = $1 AND e.account = k.account) s ON true`, w.caseID)
}

func (w *world) waitsFor() string {
	w.t.Helper()
	return w.text(`SELECT owner || ' ' || coalesce((SELECT kind FROM tasks WHERE id = i.task_id), '-') FROM intervals i WHERE case_id = $1 AND to_at IS NULL`, w.caseID)
}

func (w *world) holds(who string, n int) error {
	w.t.Helper()
	_, err := w.store.HoldTranche(w.t.Context(), w.db.Staff(w.t, who), w.tranche(n), 0, "dispute")
	return err
}

func (w *world) letsGo(who string, n int) error {
	w.t.Helper()
	_, err := w.store.UnholdTranche(w.t.Context(), w.db.Staff(w.t, who), w.tranche(n), 0, "cleared")
	return err
}

func (w *world) skips(who string, n int) error {
	w.t.Helper()
	_, err := w.store.SkipTranche(w.t.Context(), w.db.Staff(w.t, who), w.tranche(n), 0, "not_needed")
	return err
}

// preparesPart has a treasurer queue a part of the due payment.
func (w *world) preparesPart(amount int64, rest string) {
	w.t.Helper()
	in := w.wishes(aid.PreparePayment, "treasurer1", aid.ActionConfirm)
	in.Amount, in.Reason, in.Data = &amount, "partly_needed", json.RawMessage(fmt.Sprintf(`{"rest": %q}`, rest))
	recorded, err := w.store.RecordIntent(w.t.Context(), in)
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.ApplyIntent(w.t.Context(), recorded.Decision))
}

// wishes is an intent on the open task of a kind that is not stored yet.
func (w *world) wishes(kind aid.TaskKind, actor string, action aid.Action) postgres.Intent {
	w.t.Helper()
	in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Actor: actor, Action: action}
	require.NoError(w.t, w.conn.QueryRow(`SELECT id, version FROM tasks WHERE case_id = $1 AND kind = $2 AND closed_at IS NULL`, w.caseID, kind).Scan(&in.Task, &in.TaskVersion))
	return in
}

func (w *world) releasesQueued() aid.PayRequest {
	w.t.Helper()
	out := w.decides("DecideRelease", intent{kind: aid.ReleasePayment, actor: "releaser1", action: aid.ActionApprove})
	require.Equal(w.t, aid.PaymentInstructed, out.Payment.State)
	return aid.PayRequest{Case: w.caseID, Payment: out.Payment.ID}
}

// aTrancheIsHeld: before its evidence, with its payment due, and with its
// payment queued. Nothing moves, and everything goes on when it is let go.
func aTrancheIsHeld(w *world) {
	w.granted("0051000913")
	require.NoError(w.t, w.holds("treasurer1", 1))
	require.Equal(w.t, "household confirm_milestone", w.waitsFor(), "the household may show its evidence")
	require.Nil(w.t, w.milestone().Payment)
	require.Equal(w.t, "office -", w.waitsFor())
	require.Nil(w.t, w.looks().Payment)
	require.NoError(w.t, w.letsGo("manager1", 1))
	require.Equal(w.t, aid.PaymentDue, w.looks().Payment.State)
	require.Equal(w.t, "office prepare_payment", w.waitsFor())

	require.NoError(w.t, w.holds("manager1", 1))
	require.Equal(w.t, "office -", w.waitsFor())
	require.Equal(w.t, "tranche_held", aid.CodeOf(w.intends(aid.PreparePayment, "treasurer1", aid.ActionConfirm)))
	require.NoError(w.t, w.letsGo("treasurer1", 1))
	w.looks()
	require.Equal(w.t, "office prepare_payment", w.waitsFor())

	w.prepares()
	recorded := w.ask(intent{kind: aid.ReleasePayment, actor: "releaser1", action: aid.ActionApprove})
	require.NoError(w.t, w.holds("manager1", 1))
	out := w.transition("DecideRelease", aid.DecisionRequest{Step: w.stepOf(recorded), Decision: recorded.Decision})
	require.Equal(w.t, "tranche_held", out.Refused)
	require.NoError(w.t, w.letsGo("manager1", 1))
	w.looks()
	require.Equal(w.t, aid.PaymentInstructed, w.transition("DecideRelease",
		aid.DecisionRequest{Step: w.stepOf(recorded), Decision: recorded.Decision}).Payment.State)
}

// trancheAfterTrancheIsSkipped: one with a task of its evidence, one with its
// payment due, one that is not opened. What is left completes the award.
func trancheAfterTrancheIsSkipped(w *world) {
	w.granted("0051000914")
	w.milestone()
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
	require.NoError(w.t, w.skips("manager1", 2))
	out := w.looks()
	require.Len(w.t, out.Tasks, 1, "the evidence of the third")
	w.milestone()
	require.NoError(w.t, w.skips("manager1", 3))
	out = w.looks()
	require.Equal(w.t, aid.FollowingUp, out.Place.Status)
	require.Contains(w.t, w.states(), "settled")
	require.Equal(w.t, "0", w.text(`SELECT count(*) FROM tasks WHERE case_id = $1 AND closed_at IS NULL`, w.caseID))
	require.Equal(w.t, "completed", w.text(`SELECT state FROM awards WHERE case_id = $1`, w.caseID))
	require.Equal(w.t, "0", w.text(`SELECT sum(e.amount) FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
		WHERE t.case_id = $1 AND e.account = 'reserved'`, w.caseID))
}

// nothingIsLeftToPay: the only tranche of a case is given up.
func nothingIsLeftToPay(w *world) {
	w.paidFrom("0051004418")
	require.NoError(w.t, w.skips("manager1", 1))
	out := w.looks()
	require.Equal(w.t, aid.Closed, out.Place.Status)
	require.Equal(w.t, "skipped 0 6", w.states())
	require.Equal(w.t, "tranches_skipped cancelled", w.text(`SELECT c.reason_code || ' ' || a.state FROM cases c JOIN awards a ON a.case_id = c.id WHERE c.id = $1`, w.caseID))
}

// aPartFails: what is paid again is the part.
func aPartFails(w *world) {
	w.paidFrom("0051990009")
	w.preparesPart(4_000_000, postgres.RestReleased)
	payment := w.releasesQueued()
	w.callUntil("Pay", payment, staysOpen)
	w.goesOn("OpenResolve", aid.RetryRequest{Step: w.step(w.workflow()), Retry: aid.Retry{Payment: payment.Payment}})
	w.resolves("treasurer2", "failed")
	w.resolves("manager1", "failed")
	w.after()
	require.Equal(w.t, "due 0 0", w.states(), "nothing was given back")
	w.prepares()
	require.Equal(w.t, "4 released", w.text(`SELECT amount / 1000000 || ' ' || rest FROM payments WHERE case_id = $1 AND state = 'queued'`, w.caseID))
}

// aPartIsPaidAndTheRestLater: the rest is prepared and released as any payment.
func aPartIsPaidAndTheRestLater(w *world) {
	w.paidFrom("0051004418")
	w.preparesPart(4_000_000, postgres.RestDue)
	w.pays(w.releasesQueued(), aid.PaymentSettled)
	require.Equal(w.t, "due 4 0", w.states())
	require.Equal(w.t, "0 2 0 4", w.promisedOf())
	require.Equal(w.t, aid.PaymentDue, w.after().Payment.State)
	w.pays(w.releases(), aid.PaymentSettled)
	require.Equal(w.t, "settled 6 0", w.states())
	w.after()
}

// aPartIsPaidAndTheRestReleased: the rest goes back when the part has arrived.
func aPartIsPaidAndTheRestReleased(w *world) {
	w.paidFrom("0051004418")
	w.preparesPart(4_000_000, postgres.RestReleased)
	w.pays(w.releasesQueued(), aid.PaymentSettled)
	require.Equal(w.t, "settled 4 2", w.states())
	require.Equal(w.t, "2 0 0 4", w.promisedOf())
	w.after()
}

// promisedOf is promised, of an award that was reserved out of what is
// available: what is available again counts from there.
func (w *world) promisedOf() string {
	w.t.Helper()
	var available, reserved, transit, spent int64
	_, err := fmt.Sscan(w.promised(), &available, &reserved, &transit, &spent)
	require.NoError(w.t, err)
	award := w.text(`SELECT amount / 1000000 FROM awards WHERE case_id = $1`, w.caseID)
	var whole int64
	_, err = fmt.Sscan(award, &whole)
	require.NoError(w.t, err)
	return fmt.Sprint(available+whole, reserved, transit, spent)
}

// Who may do what with a tranche, and when.
func TestWhoMayChangeATranche(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.granted("0051000913")
	code := func(err error) string { return aid.CodeOf(err) }
	require.Equal(t, "wrong_role", code(w.holds("releaser1", 1)))
	require.Equal(t, "wrong_role", code(w.skips("treasurer1", 1)))
	require.Equal(t, "tranche_not_held", code(w.letsGo("treasurer1", 1)))
	require.NoError(t, w.holds("treasurer1", 1))
	require.Equal(t, "tranche_held", code(w.holds("manager1", 1)))
	_, err := w.store.UnholdTranche(t.Context(), w.db.Staff(t, "manager1"), w.tranche(1), 1, "cleared")
	require.Equal(t, "stale", code(err), "the version is the one before the hold")
	_, err = w.store.HoldTranche(t.Context(), w.db.Staff(t, "verifier3"), w.tranche(1), 0, "dispute")
	require.Equal(t, "tranche_not_found", code(err), "another province")
	require.NoError(t, w.letsGo("treasurer1", 1))

	w.must(`UPDATE tranches SET held = true, held_reason = 'bank_return' WHERE id = $1`, w.tranche(2))
	require.Equal(t, "bank_return_open", code(w.letsGo("manager1", 2)))
	require.Equal(t, "bank_return_open", code(w.skips("manager1", 2)))
	w.must(`UPDATE tranches SET held = false, held_reason = '' WHERE id = $1`, w.tranche(2))

	w.milestone()
	w.releases()
	require.Equal(t, "wrong_tranche_state", code(w.holds("manager1", 1)), "it is on its way")
	require.Equal(t, "wrong_tranche_state", code(w.skips("manager1", 1)))
	w.must(`INSERT INTO staff_roles (subject, role, area) SELECT 'manager1', 'verifier', '51' WHERE NOT EXISTS (
		SELECT 1 FROM staff_roles WHERE subject = 'manager1' AND role = 'verifier')`)
	w.must(`UPDATE decisions SET actor = 'manager1' WHERE id = (SELECT min(d.id) FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE t.kind = 'field_visit')`)
	require.Equal(t, "four_eyes", code(w.skips("manager1", 3)), "who has verified gives nothing up")
}

// PostgreSQL alone keeps a tranche from paying more than it grants, and a held
// one from paying at all: the program is walked past.
func TestTheDatabaseAloneKeepsTranches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.paidFrom("0051004418")
	as := func(statement string, args ...any) error {
		return w.store.Write(t.Context(), func(tx *postgres.Tx) error {
			_, err := tx.Exec(statement, args...)
			return err
		})
	}
	more := `INSERT INTO payments (id, case_id, award_id, tranche_id, fund_id, n, amount, currency, payee_account_id, rail, state, created_at)
		SELECT 'pay_x', case_id, award_id, tranche_id, fund_id, 9, $1, currency, payee_account_id, rail, 'due', created_at FROM payments LIMIT 1`
	require.ErrorContains(t, as(more, 1), "payments_within_tranche", "a second payment beside the whole")
	require.ErrorContains(t, as(`UPDATE tranches SET released = 1`), "payments_within_tranche", "what is being paid is not given back")
	require.ErrorContains(t, as(`UPDATE tranches SET amount = amount + 1`), "tranches_within_award")
	w.preparesPart(4_000_000, postgres.RestDue)
	require.ErrorContains(t, as(more, 2_000_000), "payments_one_live", "one at a time")
	w.pays(w.releasesQueued(), aid.PaymentSettled)
	require.ErrorContains(t, as(more, 2_000_001), "payments_within_tranche", "settled and live together")
	require.NoError(t, w.holds("manager1", 1))
	require.ErrorContains(t, as(more, 2_000_000), "payments_not_held")
	require.NoError(t, w.letsGo("manager1", 1))
	require.Equal(t, aid.PaymentDue, w.after().Payment.State)
	require.NoError(t, w.holds("manager1", 1))
	require.ErrorContains(t, as(`UPDATE payments SET state = 'queued' WHERE state = 'due'`), "payments_not_held")
}
