package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
)

// A withdrawal in the moment of the last approval may come after the award and
// before its disbursement begins: the workflow that was asked for finds nothing
// to do, which is no fault of the configuration.
func TestADisbursementIsOvertakenByAWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world, name string, call func() string) { w.keep(name, call()) }, nil)
	w.submit("medical", "0051004418")
	w.opens()
	w.verifies("verifier1")
	w.votes(0, "approver1", aid.ActionApprove)
	disbursement := w.last.Next
	require.Equal(t, "withdrawn", w.withdraws().Result)
	out := w.goesOn("OpenDisbursement", aid.OpenRequest{Step: w.step(disbursement)})
	require.Equal(t, aid.Withdrawn, out.Place.Status)
	require.Empty(t, out.Tasks)
	require.Empty(t, out.Next)
	require.Equal(t, "0", w.text(`SELECT count(*) FROM tasks WHERE closed_at IS NULL`))
	require.Equal(t, "0", w.text(`SELECT reserved + in_transit + spent FROM fund_balances`))
}
