package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
)

// A decision may cost so many statements, from the wish to the step and what
// follows from it: each is an exchange with the database, and the speed of many
// decisions at once is their number. Whoever adds one says why.
func TestStatementsOfADecision(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	asked, made := w.store.Statements(), w.doing.Store.Statements()
	spent := func(what string, intent, step int64) {
		t.Helper()
		a, m := w.store.Statements()-asked, w.doing.Store.Statements()-made
		t.Logf("%-28s %2d for the intent, %2d for the step", what, a, m)
		require.LessOrEqual(t, a, intent, "the intent of: "+what)
		require.LessOrEqual(t, m, step, "the step of: "+what)
		asked, made = w.store.Statements(), w.doing.Store.Statements()
	}
	w.submit("housing_new", "0051000913")
	w.opens()
	asked, made = w.store.Statements(), w.doing.Store.Statements()
	w.decides("DecideVerification", intent{kind: aid.VerifyDocuments, actor: "verifier1", action: aid.ActionComplete})
	spent("documents are complete", 4, 12)
	w.decides("DecideVerification", intent{kind: aid.FieldVisit, actor: "verifier1", action: aid.ActionComplete})
	asked, made = w.store.Statements(), w.doing.Store.Statements()
	w.votes(0, "approver1", aid.ActionApprove)
	spent("the first level approves", 4, 11)
	require.Equal(t, aid.ResultPending, w.votes(1, "approver2", aid.ActionApprove).Result)
	spent("one of a committee approves", 4, 8)
}
