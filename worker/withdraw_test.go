package worker_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/workflows"
)

// untouched is the development fund with nothing promised.
func untouched() fund {
	return fund{budget: 500_000_000, raised: 500_000_000, available: 500_000_000}
}

func TestWithdrawBeforeAnythingIsPaid(t *testing.T) {
	tests := []struct {
		name string
		who  people
		when func(tn *town, c string) func() bool
	}{
		{"in verification", willing, func(tn *town, c string) func() bool { return tn.open(c, aid.FieldVisit) }},
		{"while the partner is asked", people(willing).first(aid.VerifyDocuments, returning("verifier1")).never(aid.ProvideInformation),
			func(tn *town, c string) func() bool { return tn.is(c, aid.ActionNeeded) }},
		{"in approval", people(willing).never(aid.Approve), func(tn *town, c string) func() bool { return tn.open(c, aid.Approve) }},
		{"approved, before the first evidence", people(willing).never(aid.ConfirmMilestone), func(tn *town, c string) func() bool { return tn.open(c, aid.ConfirmMilestone) }},
		{"with a payment that is due", people(willing).never(aid.PreparePayment), func(tn *town, c string) func() bool { return tn.open(c, aid.PreparePayment) }},
		{"with a payment that is queued", people(willing).never(aid.ReleasePayment), func(tn *town, c string) func() bool { return tn.open(c, aid.ReleasePayment) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "housing_new"))
			tn.once("withdraw", tt.when(tn, c), func() { tn.withdraw(c) })
			still := func() bool { return tn.hooks[0].done }
			tn.live(func(task postgres.TaskRow, waited time.Duration) *move {
				if still() {
					return nil
				}
				return tt.who(task, waited)
			})
			row := tn.row(c)
			require.Equal(t, aid.Withdrawn, row.Status)
			require.Equal(t, "applicant_request", row.ReasonCode)
			require.Equal(t, untouched(), tn.fund())
			require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'recover_money'`))
			tn.check()
		})
	}
}

func TestWithdrawWhileMoneyIsAwaited(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.poorFund(20_000_000)
	c := tn.submit(example(t, "housing_new"))
	tn.once("withdraw", tn.is(c, aid.WaitingFunds), func() { tn.withdraw(c) })
	tn.live(willing)
	require.Equal(t, aid.Withdrawn, tn.status(c))
	require.Equal(t, []string{"cancelled"}, tn.texts(`SELECT state FROM awards WHERE case_id = $1`, c))
	tn.check()
}

// A wish that comes while a payment is on its way is recorded and applied at
// the payment's outcome, whatever that is; nothing new is instructed meanwhile.
func TestWithdrawWhileInstructed(t *testing.T) {
	tests := []struct {
		name    string
		account string
		paid    int
	}{{"the payment is settled", "0051000913", 22_800_000}, {"the payment fails", "0051990003", 0}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			request := example(t, "housing_new")
			request.Payee.AccountNumber = tt.account
			c := tn.submit(request)
			wishes := sync.OnceFunc(func() { tn.wish(c) }) // while the bank has the payment
			tn.patient.hold = func() bool {
				wishes()
				return tn.events(c, "case.withdrawal_asked") == 0
			}
			tn.live(people(willing).but(aid.ReleasePayment, func(task postgres.TaskRow, waited time.Duration) *move {
				row := tn.row(c)
				tn.later = append(tn.later, func() {
					tn.bring(postgres.PendingWithdrawal{Workflow: row.WorkflowID, Withdrawal: aid.Withdrawal{
						ID: postgres.WithdrawalID(c, 1), Actor: row.PartnerID, Reason: "applicant_request"}})
				})
				return willing(task, waited)
			}))
			require.Equal(t, []string{"payment.instructed", "case.withdrawal_asked"}, tn.texts(`SELECT kind FROM events
				WHERE kind IN ('payment.instructed', 'case.withdrawal_asked') ORDER BY n`))
			require.Equal(t, aid.Withdrawn, tn.status(c))
			want := untouched()
			want.available, want.spent = want.available-tt.paid, tt.paid
			require.Equal(t, want, tn.fund())
			require.Equal(t, tt.paid > 0, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'recover_money'`) == 1)
			require.Equal(t, 1, tn.number(`SELECT count(*) FROM payments`))
			tn.check()
		})
	}
}

// After a first payment the rest is given back, and somebody has to recover
// what was paid.
func TestWithdrawAfterTheFirstTranche(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	tn.once("withdraw", func() bool { return tn.events(c, "payment.settled") == 1 && tn.open(c, aid.ConfirmMilestone)() }, func() { tn.withdraw(c) })
	tn.once("money to get back", tn.open(c, aid.RecoverMoney), func() {
		require.Equal(t, aid.Withdrawn, tn.status(c))
		require.Equal(t, []string{"recover_money"}, tn.texts(`SELECT kind FROM tasks WHERE closed_at IS NULL`))
		tn.check()
	})
	tn.live(people(willing).after(aid.RecoverMoney, 10*24*time.Hour).after(aid.ConfirmMilestone, 24*time.Hour))
	require.Equal(t, []string{"settled", "skipped", "skipped"}, tn.texts(`SELECT state FROM tranches ORDER BY n`))
	require.Equal(t, fund{budget: 500_000_000, raised: 500_000_000, available: 477_200_000, spent: 22_800_000}, tn.fund())
	require.Equal(t, []string{"done"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'recover_money'`))
	tn.check()
}

func TestWithdrawIsNotForOthers(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.VerifyDocuments).never(aid.FieldVisit), tn.open(c, aid.FieldVisit))
	stranger := tn.db.Partner(t, "portal2").ID
	a := tn.update(tn.row(c).WorkflowID, workflows.UpdateWithdraw, "w1", aid.Withdrawal{ID: "w1", Actor: stranger, Reason: "applicant_request"})
	tn.pass(time.Hour)
	require.Equal(t, "case_not_found", a.code())
	require.Equal(t, aid.InReview, tn.status(c))
	tn.check()
}
