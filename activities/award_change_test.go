package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// proposes enters a change of the award, and gives its id.
func (w *world) proposes(caller *postgres.Caller, n postgres.NewAwardChange) (string, error) {
	w.t.Helper()
	n.ID = postgres.NewID(aid.ChangeID)
	if n.Reason == "" {
		n.Reason = "other"
	}
	_, err := w.store.ProposeChange(w.t.Context(), caller, w.caseID, n)
	return n.ID, err
}

// another is an account that nobody has.
func another(kind string) *postgres.Payee {
	return &postgres.Payee{Kind: kind, Method: "bank", BankBIN: "970416", AccountNumber: "0051000777", AccountName: "CANARY NAME"}
}

// says has an approver decide on the change of an award.
func (w *world) says(actor string, action aid.Action) aid.Outcome {
	w.t.Helper()
	i := intent{kind: aid.Approve, actor: actor, action: action}
	if aid.NeedsReason(action) {
		i.reason = "payment_data_wrong"
	}
	return w.decides("DecideChange", i)
}

func (w *world) confirmsAccount(actor string, action aid.Action) aid.Outcome {
	w.t.Helper()
	i := intent{kind: aid.ConfirmAccount, actor: actor, action: action}
	if aid.NeedsReason(action) {
		i.reason = "payment_data_wrong"
	}
	return w.decides("DecideAccount", i)
}

func (w *world) changed(id string) string {
	w.t.Helper()
	return w.text(`SELECT state FROM award_changes WHERE id = $1`, id)
}

// anotherPayee: while a payment is queued the partner names another account.
// Nothing goes out until the level and a treasurer have said yes and a day has
// passed; the reservation stays.
func anotherPayee(w *world) {
	w.paidFrom("0051004418")
	w.prepares()
	change, err := w.proposes(w.partner, postgres.NewAwardChange{Payee: another("hospital")})
	require.NoError(w.t, err)
	require.Equal(w.t, "change_open", aid.CodeOf(w.intends(aid.ReleasePayment, "releaser1", aid.ActionApprove)))
	require.Len(w.t, w.looks().Tasks, 3)
	w.confirmsAccount("treasurer2", aid.ActionConfirm)
	require.Equal(w.t, "office approve", w.waitsFor())
	require.Equal(w.t, "open", w.changed(change))
	w.says("approver1", aid.ActionApprove)
	require.Equal(w.t, "applied", w.changed(change))
	require.Equal(w.t, "cancelled payee_changed", w.text(`SELECT state || ' ' || reason FROM payments WHERE case_id = $1`, w.caseID))
	require.Equal(w.t, "office prepare_payment", w.waitsFor())
	require.Equal(w.t, "6", w.text(`SELECT reserved / 1000000 FROM fund_balances WHERE fund_id = (SELECT fund_id FROM cases WHERE id = $1)`, w.caseID))

	w.prepares()
	require.Equal(w.t, "account_waits", aid.CodeOf(w.intends(aid.ReleasePayment, "releaser1", aid.ActionApprove)))
	w.clock.pass(24*time.Hour - time.Second)
	require.Equal(w.t, "account_waits", aid.CodeOf(w.intends(aid.ReleasePayment, "releaser1", aid.ActionApprove)))
	w.clock.pass(time.Second)
	w.pays(w.releasesQueued(), aid.PaymentSettled)
	w.after()
	require.Equal(w.t, "hospital", w.text(`SELECT k.kind FROM payments p JOIN payee_accounts k ON k.id = p.payee_account_id WHERE p.case_id = $1 AND p.state = 'settled'`, w.caseID))
}

// anotherPayeeIsRefused: by the treasurer, then by the level. The old account
// stays, with its approvals.
func anotherPayeeIsRefused(w *world) {
	w.paidFrom("0051004418")
	change, err := w.proposes(w.db.Staff(w.t, "intake1"), postgres.NewAwardChange{Payee: another("household")})
	require.NoError(w.t, err)
	w.says("approver1", aid.ActionApprove)
	w.confirmsAccount("treasurer1", aid.ActionReject)
	require.Equal(w.t, "rejected", w.changed(change))
	change, err = w.proposes(w.partner, postgres.NewAwardChange{Payee: another("household")})
	require.NoError(w.t, err)
	w.says("approver1", aid.ActionReject)
	require.Equal(w.t, "rejected", w.changed(change))
	require.Equal(w.t, "office prepare_payment", w.waitsFor())
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
}

// anotherPlan: the same sum in two instalments asks every level, a lower sum
// the last one only, a higher one every level of its row.
func anotherPlan(w *world) {
	w.granted("0051000913")
	require.Equal(w.t, "evidence_due 0 0, planned 0 0, planned 0 0", w.states())
	whole := w.number(`SELECT amount FROM awards WHERE case_id = $1`)
	manager := w.db.Staff(w.t, "manager1")

	_, err := w.proposes(manager, postgres.NewAwardChange{Plan: []postgres.ChangedTranche{{Amount: 20_000_000, Milestone: "foundation"}, {Amount: whole - 20_000_000}}})
	require.NoError(w.t, err)
	w.says("approver1", aid.ActionApprove)
	w.says("approver2", aid.ActionApprove)
	w.says("approver4", aid.ActionApprove)
	require.Equal(w.t, whole, w.number(`SELECT sum(t.amount - t.released) FROM tranches t JOIN awards a ON a.id = t.award_id WHERE a.case_id = $1`))
	require.Equal(w.t, "3", w.text(`SELECT count(*) FROM tranches t JOIN awards a ON a.id = t.award_id WHERE a.case_id = $1`, w.caseID))

	_, err = w.proposes(manager, postgres.NewAwardChange{Plan: []postgres.ChangedTranche{{Amount: 20_000_000, Milestone: "foundation"}, {Amount: 10_000_000}}})
	require.NoError(w.t, err)
	require.Equal(w.t, "province", w.text(`SELECT level FROM tasks WHERE case_id = $1 AND kind = 'approve' AND closed_at IS NULL`, w.caseID))
	w.says("approver2", aid.ActionApprove)
	w.says("approver4", aid.ActionApprove)
	require.Equal(w.t, int64(30_000_000), w.number(`SELECT amount FROM awards WHERE case_id = $1`))
	require.Equal(w.t, int64(-30_000_000), w.number(`SELECT sum(e.amount) FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
		WHERE t.case_id = $1 AND e.account = 'reserved'`), "the rest went back")

	w.milestone()
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
	_, err = w.proposes(manager, postgres.NewAwardChange{Plan: []postgres.ChangedTranche{{Amount: 15_000_000, Milestone: "hand_over"}, {Amount: 5_000_000}}})
	require.NoError(w.t, err)
	w.says("approver1", aid.ActionApprove)
	w.says("approver2", aid.ActionApprove)
	w.says("approver4", aid.ActionApprove)
	require.Equal(w.t, int64(40_000_000), w.number(`SELECT amount FROM awards WHERE case_id = $1`))
	require.Equal(w.t, "household confirm_milestone", w.waitsFor())
	w.milestone()
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
	w.pays(w.releases(), aid.PaymentSettled)
	require.Equal(w.t, aid.FollowingUp, w.after().Place.Status)
	require.Equal(w.t, int64(40_000_000), w.number(`SELECT sum(e.amount) FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
		WHERE t.case_id = $1 AND e.account = 'aid_paid'`))
}

// withdrawnInAChange: a case that ends takes its open change with it.
func withdrawnInAChange(w *world) {
	w.paidFrom("0051004418")
	change, err := w.proposes(w.partner, postgres.NewAwardChange{Payee: another("household")})
	require.NoError(w.t, err)
	require.Equal(w.t, aid.Withdrawn, w.withdraws().Place.Status)
	require.Equal(w.t, "void", w.changed(change))
}

func (w *world) number(query string) int64 {
	w.t.Helper()
	var n int64
	require.NoError(w.t, w.conn.QueryRow(query, w.caseID).Scan(&n))
	return n
}

// Who may enter a change, and when none is taken.
func TestWhoMayChangeAnAward(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.paidFrom("0051004418")
	plan := []postgres.ChangedTranche{{Amount: 1_000_000}}
	code := func(caller *postgres.Caller, n postgres.NewAwardChange) string {
		t.Helper()
		_, err := w.proposes(caller, n)
		return aid.CodeOf(err)
	}
	staff := func(who string) *postgres.Caller { return w.db.Staff(t, who) }
	require.Equal(t, "wrong_role", code(staff("treasurer1"), postgres.NewAwardChange{Payee: another("household")}))
	require.Equal(t, "wrong_role", code(staff("manager1"), postgres.NewAwardChange{Payee: another("household")}))
	require.Equal(t, "wrong_role", code(w.partner, postgres.NewAwardChange{Plan: plan}))
	require.Equal(t, "wrong_role", code(staff("intake1"), postgres.NewAwardChange{Plan: plan}))
	require.Equal(t, "case_not_found", code(w.db.Partner(t, "portal2"), postgres.NewAwardChange{Payee: another("household")}))
	require.Equal(t, "invalid_content", code(w.partner, postgres.NewAwardChange{Payee: another("school")}), "medical aid goes to no school")
	require.Equal(t, "invalid_content", code(staff("manager1"), postgres.NewAwardChange{Plan: []postgres.ChangedTranche{{Amount: 6_000_000}}}), "as it is")
	require.Equal(t, "invalid_content", code(staff("manager1"), postgres.NewAwardChange{Plan: []postgres.ChangedTranche{{Amount: 900_000_000}}}), "above the ceiling")

	w.must(`INSERT INTO staff_roles (subject, role, area) VALUES ('treasurer1', 'intake', '51')`)
	change, err := w.proposes(staff("treasurer1"), postgres.NewAwardChange{Payee: another("heir"), Reason: "applicant_died"})
	require.NoError(t, err)
	require.Equal(t, "change_open", code(w.partner, postgres.NewAwardChange{Payee: another("household")}))
	require.Equal(t, "four_eyes", aid.CodeOf(w.intends(aid.ConfirmAccount, "treasurer1", aid.ActionConfirm)), "who has entered it does not confirm it")
	require.Equal(t, "change_open", aid.CodeOf(w.skips("manager1", 1)))
	require.ErrorContains(t, w.store.Write(t.Context(), func(tx *postgres.Tx) error {
		_, err := tx.Exec(`UPDATE award_changes SET state = 'applied', ended_at = now() WHERE id = $1`, change)
		return err
	}), "award_changes_second_person")
	require.ErrorContains(t, w.store.Write(t.Context(), func(tx *postgres.Tx) error {
		_, err := tx.Exec(`UPDATE payments SET state = 'queued' WHERE case_id = $1`, w.caseID)
		return err
	}), "payments_after_change")
	w.says("approver1", aid.ActionReject)

	w.releases()
	require.Equal(t, "payment_on_its_way", code(w.partner, postgres.NewAwardChange{Payee: another("household")}))
}
