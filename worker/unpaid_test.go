package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/simulator"
)

// confirming gives people who also confirm what failed or was cancelled, as
// this treasurer, after so much time.
func (who people) confirming(actor string, after time.Duration) people {
	return who.but(aid.PreparePayment, func(t postgres.TaskRow, waited time.Duration) *move {
		if m := who(t, waited); m != nil || waited < after {
			return m
		}
		return &move{actor: actor, action: aid.ActionConfirm}
	})
}

// A payment that has failed, or was cancelled, is nobody's fault and everybody's
// to forget: a treasurer has a task, with a deadline that reminds and
// escalates, and pays anew by confirming it.
func TestAnUnpaidTrancheIsNotForgotten(t *testing.T) {
	tests := map[string]struct {
		account string
		because string
		cancel  bool
		want    []string
	}{
		"failed": {"990010", "payment_failed", false,
			[]string{"1 failed account_blocked refused:account_blocked false", "2 settled  settled: true"}},
		"cancelled": {"000913", "payment_cancelled", true,
			[]string{"1 cancelled cancelled - false", "2 settled  settled: true"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(payable(t, tt.account))
			who := people(willing).confirming("treasurer1", 25*24*time.Hour)
			if tt.cancel {
				who = who.first(aid.ReleasePayment, nil)
				tn.once("cancel", tn.open(c, aid.ReleasePayment), func() {
					require.NoError(t, tn.db.CancelPayment(t.Context(), tn.db.Staff(t, "treasurer1"), tn.texts(`SELECT id FROM payments`)[0]))
				})
			}
			asked := func() bool {
				return tn.number(`SELECT count(*) FROM tasks WHERE closed_at IS NULL AND kind = 'prepare_payment' AND rule ->> 'because' = $1`, tt.because) == 1
			}
			tn.once("asked", asked, func() {
				require.Equal(t, aid.OwnerOffice, *tn.row(c).WaitingOwner)
				require.Equal(t, 6_000_000, tn.fund().reserved)
				require.Equal(t, 1, tn.openTasks())
			})
			tn.once("breached", func() bool { return tn.events(c, "task.escalated") == 1 && asked() }, func() {
				require.Equal(t, 1, tn.events(c, "task.reminded"))
				require.Equal(t, []string{"true"}, tn.texts(`SELECT (breached_at - due_at < interval '2 minutes')::text FROM tasks WHERE closed_at IS NULL`))
			})
			tn.live(who)
			require.Equal(t, aid.Closed, tn.status(c))
			require.Equal(t, tt.want, tn.payments())
			require.Equal(t, spentOn(6_000_000), tn.fund())
			tn.check()
		})
	}
}

// Confirming and asking for a retry are two ways to the same new payment: the
// second one is refused.
func TestOneNewPaymentOfAFailedOne(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(payable(t, "990010"))
	tn.once("failed", func() bool { return tn.events(c, "payment.failed") == 1 && tn.open(c, aid.PreparePayment)() }, func() {
		tn.later = append(tn.later, func() { tn.retry(c).want = "wrong_payment_state" }) // of the newest, which is queued by then
	})
	tn.live(people(willing).confirming("treasurer2", 0))
	require.Equal(t, []string{"1 failed account_blocked refused:account_blocked false", "2 settled  settled: true"}, tn.payments())
	tn.check()
}

// A fund whose rail for the payee was taken away after the request came in
// keeps the money reserved; an administrator is called, and the payment goes
// its way when the fund pays again.
func TestAFundWithoutARail(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	set := func(rails string) {
		_, err := tn.conn.Exec(`UPDATE funds SET rails = $1`, rails)
		require.NoError(t, err)
	}
	c := tn.submit(payable(t, "000913"))
	tn.once("nobody pays in this way any more", tn.open(c, aid.Approve), func() { set(`{}`) })
	tn.once("parked", func() bool { return tn.row(c).Parked && tn.open(c, aid.PreparePayment)() }, func() {
		require.Equal(t, []string{"method_not_paid"}, tn.texts(`SELECT rule ->> 'because' FROM tasks WHERE kind = 'repair_configuration' AND closed_at IS NULL`))
		require.Equal(t, 6_000_000, tn.fund().reserved)
		task := tn.texts(`SELECT id FROM tasks WHERE kind = 'prepare_payment'`)[0]
		in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: "treasurer1", TaskVersion: 1, Action: aid.ActionConfirm}
		recorded, err := tn.db.RecordIntent(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, "method_not_paid", aid.CodeOf(tn.db.ApplyIntent(t.Context(), recorded.Decision)))
		require.NoError(t, tn.db.RefuseIntent(t.Context(), recorded.Decision.ID, aid.Conflict, "method_not_paid"))
		set(`{"bank": "simulator"}`)
	})
	tn.live(people(willing).but(aid.RepairConfiguration, func(postgres.TaskRow, time.Duration) *move {
		return &move{actor: "admin1", action: aid.ActionComplete}
	}).after(aid.PreparePayment, 3*time.Hour))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, spentOn(6_000_000), tn.fund())
	tn.check()
}

// lame is a rail that takes only small amounts.
type lame struct{ rails.Rail }

func (l lame) Capabilities() rails.Capabilities {
	can := l.Rail.Capabilities()
	can.MaxAmount = 5_999_999
	return can
}

// What no rail could carry is not let go: the money stays reserved.
func TestNoReleaseWithoutARailThatCan(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	all := tn.doing.Rails
	c := tn.submit(payable(t, "000913"))
	refused := func(code string) *move {
		return &move{actor: "releaser1", action: aid.ActionApprove, refuse: code}
	}
	reserved := func() {
		require.Equal(t, 6_000_000, tn.fund().reserved)
		require.Zero(t, tn.fund().transit)
	}
	tn.once("no such rail", tn.open(c, aid.ReleasePayment), func() { tn.doing.Rails = map[string]rails.Rail{} })
	tries := 0
	tn.live(people(willing).but(aid.ReleasePayment, func(task postgres.TaskRow, waited time.Duration) *move {
		switch tries++; tries {
		case 1:
			return refused("unknown_rail")
		case 2:
			reserved()
			tn.doing.Rails = map[string]rails.Rail{simulator.RailName: lame{tn.patient}}
			return refused("rail_cannot_pay")
		case 3:
			reserved()
			tn.doing.Rails = all
		}
		return willing(task, waited)
	}))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, spentOn(6_000_000), tn.fund())
	tn.check()
}

// A rail that has another instruction under the key can say nothing of this
// payment: two persons are asked at once, not after a day.
func TestPersonsAreAskedAtOnceWhenTheKeyIsTaken(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(payable(t, "000913"))
	var released time.Time
	tn.once("somebody else", tn.open(c, aid.ReleasePayment), func() {
		released = tn.now
		_, err := tn.bank.Submit(t.Context(), rails.Instruction{Key: tn.texts(`SELECT award_id || '/1/1' FROM payments`)[0], Amount: 6_000_000, Currency: "VND", Purpose: "other",
			Payee: rails.Payee{Method: "bank", BankBIN: "970416", AccountNumber: "0051990001", AccountName: "SOMEBODY ELSE"}}) // refused: nothing moves
		require.NoError(t, err)
	})
	tn.once("asked", tn.open(c, aid.ResolvePayment), func() {
		require.Less(t, tn.now.Sub(released), 5*time.Hour)
		require.Equal(t, 6_000_000, tn.fund().transit)
	})
	tn.live(people(willing).confirming("treasurer1", 0).first(aid.ResolvePayment, outcome("treasurer2", "failed"), outcome("manager1", "failed")))
	require.Equal(t, []string{"1 failed resolved_by_persons failed:resolved_by_persons false", "2 settled  settled: true"}, tn.payments())
	require.Equal(t, aid.Closed, tn.status(c))
	tn.check()
}

// Who does not start is asked about; a house that is half built takes its
// time, and nobody is asked whether it should end.
func TestOnlyTheFirstMilestoneIsAStart(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	half := func() bool { return tn.events(c, "payment.settled") == 1 && tn.open(c, aid.ConfirmMilestone)() }
	tn.liveUntil(people(willing).but(aid.ConfirmMilestone, func(task postgres.TaskRow, waited time.Duration) *move {
		if half() && waited < 200*24*time.Hour {
			return nil
		}
		return willing(task, waited)
	}), func() bool { return tn.events(c, "payment.settled") == 2 })
	require.Zero(t, tn.events(c, "case.not_started"))
	require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'decide_stalled'`))
	require.Equal(t, aid.Paying, tn.status(c))
	tn.check()
}
