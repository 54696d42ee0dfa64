package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
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
