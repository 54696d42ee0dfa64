package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// comesBack has two persons record that the bank has returned the newest
// settled payment of a case, and starts what has to run for that, as the door
// and the sweep do.
func (tn *town) comesBack(id string) {
	tn.t.Helper()
	payment := tn.texts(`SELECT id FROM payments WHERE case_id = $1 AND state = 'settled' ORDER BY created_at DESC LIMIT 1`, id)[0]
	row, err := tn.db.Payment(tn.t.Context(), tn.manager, payment)
	require.NoError(tn.t, err)
	for _, who := range []string{"treasurer2", "manager1"} {
		_, _, err := tn.db.RecordReturn(tn.t.Context(), tn.db.Staff(tn.t, who), payment, postgres.NewReturn{Reference: "FT1", Reason: "account_closed",
			ReturnedOn: tn.now.Format(time.DateOnly), Amount: row.Money()})
		require.NoError(tn.t, err)
	}
	unstarted, err := tn.db.Unstarted(tn.t.Context(), 0)
	require.NoError(tn.t, err)
	for _, w := range unstarted {
		require.NoError(tn.t, tn.want(tn.t.Context(), w))
		require.NoError(tn.t, tn.db.MarkStarted(tn.t.Context(), w.ID))
	}
}

// again are people who pay again what came back: two decide it, the treasurer
// prepares it anew.
func again(outcomes ...string) people {
	moves := make([]*move, 0, len(outcomes))
	for i, said := range outcomes {
		moves = append(moves, outcome([]string{"treasurer2", "manager1"}[i%2], said))
	}
	return people(willing).confirming("treasurer1", 0).first(aid.ResolvePayment, moves...)
}

// A payment comes back while the case is visited. It is paid again by a
// workflow of its own; the visits go on, in theirs, and the last of them does
// not close what is still to be paid.
func TestABankReturnWhileTheCaseIsVisited(t *testing.T) {
	for name, pause := range map[string]time.Duration{"paid again before the visit": 0, "the visit is done first": 120 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "medical"))
			tn.once("it comes back", tn.is(c, aid.FollowingUp), func() { tn.comesBack(c) })
			if pause > 0 {
				tn.once("the visit", func() bool { return tn.events(c, "follow_up.completed") == 1 }, func() { require.Equal(t, aid.Paying, tn.status(c)) })
			}
			tn.live(again(aid.OutcomePayAgain, aid.OutcomePayAgain).after(aid.ResolvePayment, pause))
			require.Equal(t, aid.Closed, tn.status(c))
			require.Equal(t, []string{"1 returned account_closed settled: false", "2 settled  settled: true"}, tn.payments())
			require.Equal(t, []string{"paying", "following_up"}, tn.texts(`SELECT CASE kind WHEN 'payment.returned' THEN 'paying' ELSE data ->> 'status' END FROM events
				WHERE kind IN ('payment.returned', 'case.paid_again') ORDER BY n`))
			require.Equal(t, spentOn(6_000_000), tn.fund())
			tn.check()
		})
	}
}

// It comes back when everything is over: the case is opened for so long, and
// closed again, whatever two persons decide.
func TestABankReturnAfterTheCaseWasClosed(t *testing.T) {
	for _, said := range []string{aid.OutcomePayAgain, aid.OutcomeGiveUp} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "medical"))
			tn.live(willing)
			require.Equal(t, aid.Closed, tn.status(c))
			tn.pass(48 * time.Hour)
			tn.comesBack(c)
			tn.once("it is open again", tn.is(c, aid.Paying), func() {})
			tn.live(again(said, said))
			require.Equal(t, aid.Closed, tn.status(c))
			want := spentOn(6_000_000)
			if said == aid.OutcomeGiveUp {
				want = untouched()
			}
			require.Equal(t, want, tn.fund())
			require.Zero(t, tn.number(`SELECT count(*) FROM workflows WHERE ended_at IS NULL`))
			tn.check()
		})
	}
}

// The first instalment of a house comes back while the second is being built:
// the disbursement itself pays it again, and the case goes its whole way.
func TestABankReturnWhileAHouseIsBuilt(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	tn.once("it comes back", func() bool { return tn.events(c, "payment.settled") == 1 && tn.open(c, aid.ConfirmMilestone)() }, func() { tn.comesBack(c) })
	tn.live(again(aid.OutcomePayAgain, aid.OutcomeGiveUp, aid.OutcomePayAgain, aid.OutcomePayAgain).after(aid.ConfirmMilestone, 30*24*time.Hour))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, []string{"settled", "settled", "settled"}, tn.texts(`SELECT state FROM tranches ORDER BY n`))
	require.Zero(t, tn.number(`SELECT count(*) FROM workflows WHERE kind = 'recovery'`))
	require.Equal(t, 2, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'resolve_payment'`))
	require.Equal(t, spentOn(57_000_000), tn.fund())
	tn.check()
}
