package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// tranche gives the id of the nth tranche of a case.
func (tn *town) tranche(id string, n int) string {
	tn.t.Helper()
	var out string
	require.NoError(tn.t, tn.conn.QueryRow(`SELECT t.id FROM tranches t JOIN awards a ON a.id = t.award_id WHERE a.case_id = $1 AND t.n = $2`, id, n).Scan(&out))
	return out
}

// manager1 is a manager of the demo province, now.
func (tn *town) manager1() *postgres.Caller {
	tn.db.Clock.Set(tn.now)
	return tn.db.Staff(tn.t, "manager1")
}

func confirming(actor string) people {
	return func(postgres.TaskRow, time.Duration) *move { return by(actor, aid.ActionConfirm) }
}

// A tranche is held for ten days when its payment is due; nothing is paid
// before it is let go, and then everything goes on by itself.
func TestAHeldTrancheGoesOnByItself(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	var since time.Time
	held := func() bool { return !since.IsZero() && tn.now.Sub(since) < 10*24*time.Hour }
	tn.once("it is held before its evidence is seen", tn.open(c, aid.ConfirmMilestone), func() {
		_, err := tn.db.HoldTranche(t.Context(), tn.manager1(), tn.tranche(c, 1), 0, "dispute")
		require.NoError(t, err)
		since = tn.now
	})
	tn.once("nobody is asked, the office is awaited", func() bool { return held() && tn.openTasks() == 0 }, func() {
		require.Equal(t, aid.OwnerOffice, *tn.row(c).WaitingOwner)
		require.Equal(t, "tranche_held", tn.row(c).NextAction().What)
		require.Zero(t, tn.number(`SELECT count(*) FROM payments`))
	})
	tn.once("it is let go", func() bool { tn.idle = 0; return !since.IsZero() && !held() }, func() {
		_, err := tn.db.UnholdTranche(t.Context(), tn.manager1(), tn.tranche(c, 1), 0, "cleared")
		require.NoError(t, err)
	})
	tn.live(willing)
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, 3, tn.events(c, "payment.settled"))
	tn.check()
}

// The second of three tranches is given up: the third follows, and the rest of
// the money is the fund's.
func TestASkippedTrancheLeavesTheRest(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	tn.once("the second is asked for", func() bool { return tn.events(c, "payment.settled") == 1 && tn.open(c, aid.ConfirmMilestone)() }, func() {
		_, err := tn.db.SkipTranche(t.Context(), tn.manager1(), tn.tranche(c, 2), 0, "not_needed")
		require.NoError(t, err)
	})
	tn.live(willing)
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, []string{"settled", "skipped", "settled"}, tn.texts(`SELECT state FROM tranches ORDER BY n`))
	require.Equal(t, 57_000_000*6/10, tn.fund().spent)
	tn.check()
}

// Another account is named when the payment is due: the levels and a treasurer
// say yes, the new account waits a day, and the money goes there.
func TestAnotherAccountAfterTheApproval(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	id := postgres.NewID(aid.ChangeID)
	tn.once("the partner names it", tn.open(c, aid.PreparePayment), func() {
		tn.db.Clock.Set(tn.now)
		_, err := tn.db.ProposeChange(t.Context(), tn.db.Partner(t, "portal1"), c, postgres.NewAwardChange{ID: id, Reason: "account_closed",
			Payee: &postgres.Payee{Kind: "hospital", Method: "bank", BankBIN: "970416", AccountNumber: "0051000777", AccountName: "CANARY"}})
		require.NoError(t, err)
	})
	early := by("releaser1", aid.ActionApprove)
	early.refuse = "account_waits"
	who := people(willing).but(aid.ConfirmAccount, confirming("treasurer2")).
		but(aid.PreparePayment, func(postgres.TaskRow, time.Duration) *move {
			if tn.number(`SELECT count(*) FROM award_changes WHERE state = 'open'`) > 0 || tn.number(`SELECT count(*) FROM award_changes`) == 0 {
				return nil
			}
			return by("treasurer1", aid.ActionConfirm)
		}).after(aid.ReleasePayment, 24*time.Hour).first(aid.ReleasePayment, early)
	tn.live(who)
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, []string{"applied true"}, tn.texts(`SELECT x.state || ' ' || (p.instructed_at >= x.usable_from) FROM award_changes x
		JOIN payments p ON p.payee_account_id = x.account_id AND p.state = 'settled'`))
	tn.check()
}
