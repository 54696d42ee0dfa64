package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails/simulator"
	"github.com/aidflow/aidflow/workflows"
)

// payable is the medical example, paid to an account with this end: how the
// bank treats it is told in package simulator.
func payable(t *testing.T, account string) postgres.CaseContent {
	t.Helper()
	request := example(t, "medical")
	request.Payee.AccountNumber = "0051" + account
	return request
}

// retry is a treasurer's wish to pay the newest payment of a case anew.
func (tn *town) retry(id string) *answer {
	tn.t.Helper()
	payment := tn.texts(`SELECT id FROM payments WHERE case_id = $1 ORDER BY created_at DESC, n DESC`, id)[0]
	a := tn.update(tn.row(id).WorkflowID, workflows.UpdateRetry, postgres.NewID(aid.DecisionID),
		aid.Retry{ID: postgres.NewID(aid.DecisionID), Payment: payment, Actor: "treasurer1"})
	tn.answers = append(tn.answers, a)
	return a
}

// payments gives the payments with their attempts, in order.
func (tn *town) payments() []string {
	return tn.texts(`SELECT p.n || ' ' || p.state || ' ' || p.reason || ' ' || coalesce(string_agg(a.state || ':' || a.code, ' ' ORDER BY a.key), '-') || ' ' || (p.retry_of IS NOT NULL)
		FROM payments p LEFT JOIN attempts a ON a.payment_id = p.id GROUP BY p.id ORDER BY p.n`)
}

// spentOn gives the development fund after it has paid so much.
func spentOn(amount int) fund {
	f := untouched()
	f.available, f.spent = f.available-amount, amount
	return f
}

// A payment that certainly did not move is reserved again; nobody sends it
// anew by itself. A person does, as a new payment, or the case ends.
func TestPaymentFails(t *testing.T) {
	tests := []struct{ account, code, attempt string }{
		{"990001", "account_closed", "refused"},
		{"990002", "account_name_mismatch", "refused"},
		{"990003", "beneficiary_bank_rejected", "failed"},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(payable(t, tt.account))
			reserved := untouched()
			reserved.available, reserved.reserved = 494_000_000, 6_000_000
			failed := func(times int) func() bool {
				return func() bool { return tn.events(c, "payment.failed") == times && tn.open(c, aid.PreparePayment)() }
			}
			tn.once("the first failure", failed(1), func() {
				require.Equal(t, aid.Paying, tn.status(c))
				require.Equal(t, aid.OwnerOffice, *tn.row(c).WaitingOwner)
				require.Equal(t, reserved, tn.fund())
				tn.check()
				tn.retry(c)
			})
			tn.once("the second failure", failed(2), func() {
				require.Equal(t, reserved, tn.fund())
				tn.withdraw(c)
			})
			tn.live(willing)
			ended := tt.code + " " + tt.attempt + ":" + tt.code
			require.Equal(t, []string{"1 failed " + ended + " false", "2 failed " + ended + " true"}, tn.payments())
			require.Equal(t, aid.Withdrawn, tn.status(c))
			require.Equal(t, untouched(), tn.fund())
			require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'recover_money'`))
			tn.check()
		})
	}
}

func TestPaymentIsRetried(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(payable(t, "990010")) // the first is refused, later ones are paid
	refused := func(code string) func() {
		return func() { tn.retry(c).want = code }
	}
	tn.once("no retry of a payment that lives", tn.open(c, aid.PreparePayment), refused("wrong_payment_state"))
	tn.once("retry", func() bool { return tn.events(c, "payment.failed") == 1 && tn.open(c, aid.PreparePayment)() }, func() { tn.retry(c) })
	tn.once("no second retry", func() bool { return tn.events(c, "payment.failed") == 1 && tn.open(c, aid.ReleasePayment)() }, func() {
		first := tn.texts(`SELECT id FROM payments WHERE n = 1`)[0]
		a := tn.update(tn.row(c).WorkflowID, workflows.UpdateRetry, "again", aid.Retry{ID: "again", Payment: first, Actor: "treasurer2"})
		a.want = "payment_exists"
		tn.answers = append(tn.answers, a)
	})
	tn.live(willing)
	require.Equal(t, []string{"1 failed account_blocked refused:account_blocked false", "2 settled  settled: true"}, tn.payments())
	require.Equal(t, []string{"treasurer1"}, tn.texts(`SELECT actor FROM events WHERE case_id = $1 AND kind = 'payment.retried'`, c))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, spentOn(6_000_000), tn.fund())
	tn.check()
}

// A release that is refused cancels the payment; another one is prepared.
func TestReleaseIsRefused(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.submit(payable(t, "000913"))
	no := &move{actor: "releaser1", action: aid.ActionReject, reason: "payment_data_wrong"}
	tn.live(people(willing).first(aid.ReleasePayment, no, no))
	require.Equal(t, []string{"1 cancelled payment_data_wrong - false", "2 cancelled payment_data_wrong - true", "3 settled  settled: true"}, tn.payments())
	require.Equal(t, spentOn(6_000_000), tn.fund())
	tn.check()
}

// Whatever the bank answers, or does not, it pays once and the case goes on by
// itself: an answer that is not understood is asked about under the same key.
func TestAmbiguousAnswers(t *testing.T) {
	rule := func(kind simulator.Kind, on string) simulator.Rule {
		return simulator.Rule{Kind: kind, On: on, PerKey: 2}
	}
	tests := []struct {
		name    string
		account string
		rules   []simulator.Rule
		doubt   int // times that the payment was unknown
	}{
		{"settled late", "990004", nil, 0},
		{"an error, not executed", "990005", nil, 1},
		{"an error, executed", "990006", nil, 1},
		{"no answer, executed", "990007", nil, 1},
		{"not found at first", "990008", nil, 0},
		{"no answer, not executed", "000913", []simulator.Rule{rule(simulator.TimeoutBefore, "")}, 1},
		{"an answer that never ends", "000913", []simulator.Rule{rule(simulator.Hang, "")}, 1},
		{"connection reset, not executed", "000913", []simulator.Rule{rule(simulator.ResetBefore, "")}, 1},
		{"connection reset, executed", "000913", []simulator.Rule{rule(simulator.ResetAfter, "")}, 1},
		{"too many requests", "000913", []simulator.Rule{rule(simulator.RateLimited, "")}, 0},
		{"a broken answer", "000913", []simulator.Rule{rule(simulator.Malformed, "")}, 1},
		{"another amount", "000913", []simulator.Rule{rule(simulator.WrongAmount, "")}, 1},
		{"another currency", "000913", []simulator.Rule{rule(simulator.WrongCurrency, "")}, 1},
		{"another payment", "000913", []simulator.Rule{rule(simulator.WrongKey, "")}, 1},
		{"asked in vain", "990006", []simulator.Rule{rule(simulator.ErrorBefore, "ask"), rule(simulator.WrongAmount, "ask"), rule(simulator.ResetBefore, "ask")}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			if len(tt.rules) > 0 {
				require.NoError(t, tn.bank.AddFaults(context.Background(), simulator.Script{Seed: 1, Rules: tt.rules}))
			}
			c := tn.submit(payable(t, tt.account))
			tn.live(willing)
			require.Equal(t, aid.Closed, tn.status(c))
			require.Equal(t, []string{"1 settled  settled: false"}, tn.payments())
			require.Equal(t, tt.doubt, tn.events(c, "payment.unknown"))
			require.Equal(t, spentOn(6_000_000), tn.fund())
			tn.check()
		})
	}
}

func outcome(actor, is string) *move {
	return &move{actor: actor, action: aid.ActionConfirm, data: `{"outcome": "` + is + `"}`}
}

// deaf is a bank that takes and pays everything and never says so.
func deaf() []simulator.Rule {
	return []simulator.Rule{{Kind: simulator.ErrorAfter}, {Kind: simulator.ErrorBefore, On: "ask"}}
}

// What cannot be known goes to two persons. Until they agree the money is in
// transit: neither paid nor free.
func TestPersonsResolveAPayment(t *testing.T) {
	again := outcome("treasurer2", "failed")
	again.refuse = "already_decided"
	without := &move{actor: "manager1", action: aid.ActionConfirm, data: `{}`, refuse: "outcome_required"}
	stranger := outcome("approver1", "failed")
	stranger.refuse = "wrong_role"
	tests := []struct {
		name  string
		rules []simulator.Rule // none: the account never settles
		moves []*move
		paid  bool
		tasks int // how often they were asked
	}{
		{"it has failed", nil, []*move{outcome("treasurer2", "failed"), outcome("manager1", "failed")}, false, 1},
		{"it has settled", deaf(), []*move{outcome("releaser1", "settled"), outcome("treasurer1", "settled")}, true, 1},
		{"they differ", nil, []*move{outcome("treasurer2", "settled"), outcome("manager1", "failed"), outcome("manager1", "failed"), outcome("treasurer2", "failed")}, false, 2},
		{"not twice the same, not without an outcome, not by anybody", nil, []*move{outcome("treasurer2", "failed"), again, without, stranger, outcome("manager1", "failed")}, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			account := "990009"
			if tt.rules != nil {
				account = "000913"
				require.NoError(t, tn.bank.AddFaults(context.Background(), simulator.Script{Seed: 1, Rules: tt.rules}))
			}
			tn.patient.asks = 0
			c := tn.submit(payable(t, account))
			tn.once("asked", tn.open(c, aid.ResolvePayment), func() {
				f := untouched()
				f.available, f.transit = 494_000_000, 6_000_000
				require.Equal(t, f, tn.fund())
				require.Equal(t, []string{"unknown"}, tn.texts(`SELECT state FROM payments`))
			})
			if !tt.paid {
				tn.once("the end", func() bool { return tn.events(c, "payment.failed") == 1 && tn.open(c, aid.PreparePayment)() }, func() { tn.withdraw(c) })
			}
			tn.live(people(willing).first(aid.ResolvePayment, tt.moves...))
			want, state, spent := aid.Withdrawn, "failed", 0
			if tt.paid {
				want, state, spent = aid.Closed, "settled", 6_000_000
			}
			require.Equal(t, want, tn.status(c))
			require.Equal(t, []string{state}, tn.texts(`SELECT state FROM payments`))
			require.Equal(t, spentOn(spent), tn.fund())
			require.Equal(t, tt.tasks, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'resolve_payment'`))
			tn.check()
		})
	}
}

// A wish to withdraw that comes while nobody knows where the money is waits
// for the persons, too.
func TestWithdrawWhileAPaymentIsUnknown(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.patient.asks = 0
	c := tn.submit(payable(t, "990009"))
	tn.once("withdraw", tn.open(c, aid.ResolvePayment), func() { tn.withdraw(c) })
	tn.once("it is only recorded", func() bool { return tn.events(c, "case.withdrawal_asked") == 1 && tn.open(c, aid.ResolvePayment)() }, func() {
		require.Equal(t, aid.Paying, tn.status(c))
		require.Equal(t, 6_000_000, tn.fund().transit)
	})
	who := people(willing).after(aid.ResolvePayment, 5*time.Hour).first(aid.ResolvePayment, nil, nil, nil, outcome("treasurer2", "failed"), outcome("manager1", "failed"))
	tn.live(who)
	require.Equal(t, aid.Withdrawn, tn.status(c))
	require.Equal(t, untouched(), tn.fund())
	tn.check()
}

// Two households that buy from one hospital, the same amount on the same day:
// both payments are lawful and both are made. Only the tranche makes a payment
// the same, never payee, amount and day.
func TestTwoLawfulPaymentsToOnePayee(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	for i := range 2 {
		content := in51001(example(t, "medical"), 5*i)
		content.Payee.Kind, content.ExternalID = "hospital", ""
		tn.submit(content)
	}
	tn.live(willing)
	require.Equal(t, []string{"closed", "closed"}, tn.texts(`SELECT status FROM cases`))
	require.Equal(t, []string{"1 settled  settled: false", "1 settled  settled: false"}, tn.payments())
	require.Equal(t, 1, tn.number(`SELECT count(DISTINCT account_hash) FROM payee_accounts`))
	require.Equal(t, spentOn(12_000_000), tn.fund())
	tn.check()
}
