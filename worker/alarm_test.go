package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails/simulator"
)

// The evidence of a house is waited for with a far alarm of its own. Every
// payment that follows it has its own deadline nevertheless, the release too,
// though the workflow hears of its task only when it looks.
func TestEveryPaymentOfAHouseHasItsDeadline(t *testing.T) {
	month := 40 * 24 * time.Hour
	tests := []struct {
		name             string
		who              people
		prepare, release int // breaches
	}{
		{"prepared late", people(willing).after(aid.PreparePayment, month), 3, 0},
		{"released late", people(willing).after(aid.ReleasePayment, month), 0, 3},
		{"both late", people(willing).after(aid.PreparePayment, month).after(aid.ReleasePayment, month), 3, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "housing_new"))
			tn.live(tt.who)
			require.Equal(t, aid.Closed, tn.status(c))
			breaches := `SELECT count(*) FROM events WHERE case_id = $1 AND kind = 'case.sla_breached' AND data->>'task_kind' = $2`
			require.Equal(t, tt.prepare, tn.number(breaches, c, string(aid.PreparePayment)))
			require.Equal(t, tt.release, tn.number(breaches, c, string(aid.ReleasePayment)))
			require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE breached_at > due_at + interval '2 hours'`), "told at the deadline, not later")
			tn.check()
		})
	}
}

// A bank that is silent for more than a day is asked on; when it says that it has paid,
// nobody's confirmation is needed any more.
func TestRailIsAskedOnAfterADay(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.patient.asks = 0
	deaf := simulator.Script{Seed: 1, Rules: []simulator.Rule{{Kind: simulator.ErrorAfter}, {Kind: simulator.ErrorBefore, On: "ask"}}}
	require.NoError(t, tn.bank.AddFaults(t.Context(), deaf))
	c := tn.submit(payable(t, "000913"))
	var asked time.Time
	tn.once("persons are asked", tn.open(c, aid.ResolvePayment), func() { asked = tn.now })
	tn.once("hours pass", func() bool { return !asked.IsZero() && tn.now.Sub(asked) > 3*time.Hour }, func() {
		require.Equal(t, []string{"unknown"}, tn.texts(`SELECT state FROM payments`))
		require.NoError(t, tn.bank.ClearFaults(t.Context()))
	})
	tn.live(people(willing).never(aid.ResolvePayment))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'resolve_payment'`))
	require.Equal(t, spentOn(6_000_000), tn.fund())
	tn.check()
}
