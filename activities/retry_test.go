package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// alone runs an activity once, as it runs on most days.
func alone(w *world, name string, call func() string) { w.keep(name, call()) }

// awarded brings a case, paid to an account, to its first tranche.
func (w *world) awarded(programme, account string) {
	w.t.Helper()
	w.submit(programme, account)
	w.opens()
	w.verifies("verifier1")
	for i, level := range w.levels {
		if level.Name == "commune" {
			w.votes(i, "approver1", aid.ActionApprove)
			continue
		}
		w.votes(i, "approver2", aid.ActionApprove)
		w.votes(i, "approver4", aid.ActionApprove)
	}
	w.handOver()
	w.goesOn("OpenDisbursement", aid.OpenRequest{Step: w.step(w.workflow())})
}

// standing gives the place of the case and the states of award and tranches.
func (w *world) standing() string {
	w.t.Helper()
	return w.text(`SELECT c.status || ' ' || a.state || ' ' || string_agg(t.state, ' ' ORDER BY t.n) FROM cases c
		JOIN awards a ON a.case_id = c.id JOIN tranches t ON t.award_id = a.id WHERE c.id = $1 GROUP BY c.status, a.state`, w.caseID)
}

// A treasurer may be faster than the workflow: the new payment is there before
// the workflow goes on from the end of the failed one. The tranche is neither
// paid nor passed over, and the next one is not opened beside it.
func TestRetryBeforeTheEndIsTold(t *testing.T) {
	t.Parallel()
	tests := []struct{ programme, waits, paid string }{
		{"medical", "paying running due", "following_up completed settled"},
		{"schooling", "paying running due planned", "paying running settled evidence_due"},
		{"housing_new", "paying running due planned planned", "paying running settled evidence_due planned"},
	}
	for _, tt := range tests {
		t.Run(tt.programme, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, alone, nil)
			w.awarded(tt.programme, "0051990010") // the first payment is refused, later ones are paid
			if tt.programme == "housing_new" {
				w.decides("ConfirmMilestone", intent{kind: aid.ConfirmMilestone, actor: "verifier1", action: aid.ActionConfirm})
			}
			failed := w.releases()
			w.pays(failed, aid.PaymentFailed)
			w.retries(failed.Payment)
			out := w.after()
			require.Equal(t, aid.ResultPending, out.Result)
			require.Empty(t, out.Next)
			require.NotNil(t, out.Payment)
			require.NotEqual(t, failed.Payment, out.Payment.ID)
			require.Equal(t, tt.waits, w.standing())
			require.Equal(t, "prepare_payment", w.text(`SELECT string_agg(kind, ' ') FROM tasks WHERE case_id = $1 AND closed_at IS NULL`, w.caseID))
			w.pays(w.releases(), aid.PaymentSettled)
			w.after()
			require.Equal(t, tt.paid, w.standing())
			w.agreesWithTheBank()
		})
	}
}

// An award is not completed while a tranche of it is open, whatever a step
// believes.
func TestAnAwardIsNotCompletedBeforeItIsPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.awarded("schooling", "0051000913")
	err := w.store.Write(t.Context(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(w.caseID)
		if err != nil {
			return err
		}
		award, err := tx.AwardOf(c)
		if err != nil {
			return err
		}
		return tx.CompleteAward(award)
	})
	require.Equal(t, "tranches_open", aid.CodeOf(err))
	require.Equal(t, "approved running due planned", w.standing())
}
