package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

const noMoneyTrigger = `DROP TRIGGER payments_after_conditions ON payments`

// must runs a statement with the owner's role.
func (w *world) must(statement string, args ...any) {
	w.t.Helper()
	_, err := w.conn.Exec(statement, args...)
	require.NoError(w.t, err)
}

// stated puts a condition on the approval of the case, past the program: it is
// open, and nobody has been asked to meet it.
func (w *world) stated() {
	w.t.Helper()
	w.must(`INSERT INTO conditions (id, case_id, round, decision_id, n, code, stated_at) SELECT $2, d.case_id, 1, d.id, 0, 'other', d.decided_at
		FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE d.case_id = $1 AND t.kind = 'approve'`, w.caseID, postgres.NewID(aid.ConditionID))
}

// intends stores what somebody asks for on the open task of a kind, and gives
// the refusal.
func (w *world) intends(kind aid.TaskKind, actor string, action aid.Action) error {
	w.t.Helper()
	in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Actor: actor, Action: action}
	require.NoError(w.t, w.conn.QueryRow(`SELECT id, version FROM tasks WHERE case_id = $1 AND kind = $2 AND closed_at IS NULL`, w.caseID, kind).Scan(&in.Task, &in.TaskVersion))
	_, err := w.store.RecordIntent(w.t.Context(), in)
	return err
}

// The first wall: while a condition is open the step opens no tranche, and
// nobody is asked to pay. Nothing else is there to hold it: the trigger is
// gone, and the store refuses what nobody can ask for.
func TestTheStepAloneHoldsTheMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.must(noMoneyTrigger)
	w.conditioned()
	nothing := func() {
		require.Equal(t, "0 0", w.text(`SELECT (SELECT count(*) FROM payments) || ' ' || (SELECT count(*) FROM tasks WHERE kind IN ('prepare_payment', 'release_payment'))`))
	}
	nothing()
	w.meets()
	nothing()
	require.Equal(t, aid.PaymentDue, w.meets().Payment.State)
}

// The second wall: the store refuses to prepare and to release while a
// condition is open, when it is asked and once more when it applies what was
// asked before. The step has been walked past, the trigger is gone.
func TestTheStoreAloneHoldsTheMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.must(noMoneyTrigger)
	w.paidFrom("0051004418")

	early := w.ask(intent{kind: aid.PreparePayment, actor: "treasurer2", action: aid.ActionConfirm})
	w.stated()
	require.Equal(t, "condition_open", aid.CodeOf(w.intends(aid.PreparePayment, "treasurer1", aid.ActionConfirm)))
	require.Equal(t, "condition_open", aid.CodeOf(w.store.ApplyIntent(t.Context(), early.Decision)))
	require.Equal(t, "due", w.text(`SELECT state FROM payments`))

	w.must(`DELETE FROM conditions`)
	w.prepares()
	early = w.ask(intent{kind: aid.ReleasePayment, actor: "releaser1", action: aid.ActionApprove})
	w.stated()
	require.Equal(t, "condition_open", aid.CodeOf(w.intends(aid.ReleasePayment, "releaser1", aid.ActionApprove)))
	out := w.transition("DecideRelease", aid.DecisionRequest{Step: w.stepOf(early), Decision: early.Decision})
	require.Equal(t, "condition_open", out.Refused)
	require.Equal(t, "queued", w.text(`SELECT state FROM payments`))
}

// The third wall: whatever the program does, PostgreSQL lets no payment be
// queued or instructed while a condition is open. Step and store have been
// walked past.
func TestTheTriggerAloneHoldsTheMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.paidFrom("0051004418")
	pay := func(state string) error {
		return w.store.Write(t.Context(), func(tx *postgres.Tx) error {
			_, err := tx.Exec(`UPDATE payments SET state = $2 WHERE case_id = $1`, w.caseID, state)
			return err
		})
	}
	w.stated()
	require.ErrorContains(t, pay("queued"), "payments_after_conditions")
	w.must(`DELETE FROM conditions`)
	w.prepares()
	w.stated()
	require.ErrorContains(t, pay("instructed"), "payments_after_conditions")
	require.Equal(t, "queued", w.text(`SELECT state FROM payments`))
}

// Only a person's decision meets a condition.
func TestNobodyElseMeetsACondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.conditioned()
	err := w.store.Write(t.Context(), func(tx *postgres.Tx) error {
		_, err := tx.Exec(`UPDATE conditions SET met_at = now() WHERE case_id = $1`, w.caseID)
		return err
	})
	require.ErrorContains(t, err, "conditions_met_by_person")
}

// What becomes of conditions when their approval does not stand, or its level
// decides anew: the last approval of a level says what is to be met.
func TestTheLastApprovalOfALevelCounts(t *testing.T) {
	const own, paper = `{"conditions": [{"code": "own_share_ready", "text": "Canary share"}]}`, `{"conditions": [{"code": "paper_handed_in", "text": "Canary paper"}]}`
	approves := func(actor, data string) intent {
		return intent{kind: aid.Approve, actor: actor, action: aid.ActionApprove, data: data}
	}
	returns := func(actor, to string) intent {
		return intent{kind: aid.Approve, actor: actor, action: aid.ActionReturn, reason: "information_needed",
			data: `{"to": "` + to + `", "items": [{"kind": "household", "problem": "unclear"}]}`}
	}
	answers := func(data string) intent {
		return intent{kind: aid.ProvideInformation, action: aid.ActionComplete, data: data}
	}
	const otherPayee = `{"payee": {"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0051000777", "account_name": "CANARY NAME"}}`
	tests := []struct {
		name  string
		turns []intent
		want  string // code and state of each condition, in the order in which they were stated
	}{
		{"one approval, one condition", []intent{approves("approver1", own), approves("approver2", ""), approves("approver4", "")}, "own_share_ready open"},
		{"of every vote of a committee that approved", []intent{approves("approver1", ""), approves("approver2", own), approves("approver4", paper)},
			"own_share_ready open, paper_handed_in open"},
		{"the level is asked again and asks for something else", []intent{approves("approver1", own), returns("approver2", "commune"), approves("approver1", paper),
			approves("approver2", ""), approves("approver4", "")}, "own_share_ready dropped, paper_handed_in open"},
		{"the level is asked again and asks for nothing", []intent{approves("approver1", own), returns("approver2", "commune"), approves("approver1", ""),
			approves("approver2", ""), approves("approver4", "")}, "own_share_ready dropped"},
		{"the level is asked again and says the same: it is asked for once", []intent{approves("approver1", own), returns("approver2", "commune"), approves("approver1", own),
			approves("approver2", ""), approves("approver4", "")}, "own_share_ready dropped, own_share_ready open"},
		{"a vote of a committee that did not approve then", []intent{approves("approver1", ""), approves("approver2", own), returns("approver4", "partner"), answers(`{}`),
			approves("approver2", paper), approves("approver4", "")}, "own_share_ready dropped, paper_handed_in open"},
		{"an answer that leaves the approval as it is", []intent{approves("approver1", own), returns("approver2", "partner"), answers(`{}`),
			approves("approver2", ""), approves("approver4", "")}, "own_share_ready open"},
		{"an answer with another payee voids the approval", []intent{approves("approver1", own), returns("approver2", "partner"), answers(otherPayee),
			approves("approver1", ""), approves("approver2", ""), approves("approver4", "")}, "own_share_ready dropped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, alone, nil)
			w.submit("housing_new", "0051000913")
			w.opens()
			w.verifies("verifier1")
			for _, turn := range tt.turns {
				w.takes(turn)
			}
			w.handOver()
			w.goesOn("OpenDisbursement", aid.OpenRequest{Step: w.step(w.workflow())})
			require.Equal(t, tt.want, w.conditions())
			w.meetsAll()
			require.NotContains(t, w.conditions(), "open")
			require.Equal(t, "1", w.text(`SELECT count(*) FROM tasks WHERE case_id = $1 AND kind = 'confirm_milestone' AND closed_at IS NULL`, w.caseID), "the award goes on")
		})
	}
}

// takes makes one decision of the approval a fact, whatever it is.
func (w *world) takes(i intent) {
	w.t.Helper()
	recorded := w.ask(i)
	in := aid.ApprovalRequest{Step: w.stepOf(recorded), Decision: recorded.Decision}
	if i.kind == aid.ProvideInformation {
		w.goesOn("ProvideInformation", in)
		return
	}
	if len(w.levels) > 1 && w.text(`SELECT level FROM tasks WHERE id = $1`, recorded.Decision.Task) == w.levels[0].Name {
		in.Next = w.levels[1:]
	}
	w.goesOn("DecideApproval", in)
}

// conditions tells of every condition how it stands.
func (w *world) conditions() string {
	w.t.Helper()
	return w.text(`SELECT coalesce(string_agg(code || CASE WHEN dropped_at IS NOT NULL THEN ' dropped' WHEN met_at IS NOT NULL THEN ' met'
		WHEN task_id IS NOT NULL THEN ' open' ELSE ' stated' END, ', ' ORDER BY stated_at, id), '') FROM conditions WHERE case_id = $1`, w.caseID)
}

func (w *world) meetsAll() {
	w.t.Helper()
	for w.text(`SELECT EXISTS (SELECT 1 FROM tasks WHERE case_id = $1 AND kind = 'meet_condition' AND closed_at IS NULL)::text`, w.caseID) == "true" {
		w.meets()
	}
}
