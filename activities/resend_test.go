package activities_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/simulator"
)

// What a rail can do decides whether an instruction without an answer may be
// sent again.
func TestSentAgainOnlyWhereItIsSafe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		can   func(*rails.Capabilities)
		fault simulator.Kind
		later time.Duration // between the first instruction and the next try
		sends int
		asks  bool // the rail
		paid  bool // by the machine alone; else persons are asked
	}{
		"a key is paid once":                     {func(*rails.Capabilities) {}, simulator.ErrorBefore, 48 * time.Hour, 2, true, true},
		"it would be paid again":                 {func(c *rails.Capabilities) { c.Idempotent = false }, simulator.ErrorBefore, 0, 1, true, false},
		"it is remembered still":                 {func(c *rails.Capabilities) { c.KeyMemory = 24 * time.Hour }, simulator.ErrorBefore, 11 * time.Hour, 2, true, true},
		"it may be forgotten by now":             {func(c *rails.Capabilities) { c.KeyMemory = 24 * time.Hour }, simulator.ErrorBefore, 12 * time.Hour, 1, true, false},
		"it cannot be asked":                     {func(c *rails.Capabilities) { c.CanAsk = false }, simulator.ErrorBefore, 0, 2, false, true},
		"it cannot be asked and would pay again": {func(c *rails.Capabilities) { c.CanAsk, c.Idempotent = false, false }, simulator.ErrorBefore, 0, 1, false, false},
		"it certainly was not executed":          {func(c *rails.Capabilities) { c.Idempotent = false }, simulator.RateLimited, 0, 2, true, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, alone, nil)
			m := w.meddle()
			tt.can(&m.can)
			w.awarded("medical", "0051000913")
			w.fault(tt.fault)
			payment := w.releases()
			w.callUntil("Pay", payment, staysOpen)
			w.clock.pass(tt.later)
			if !tt.paid {
				w.callUntil("Pay", payment, staysOpen)
				w.callUntil("Pay", payment, staysOpen)
				require.Equal(t, "resend_unsafe", w.text(`SELECT rule ->> 'because' FROM tasks WHERE kind = 'resolve_payment' AND closed_at IS NULL`))
				require.Equal(t, "1 unknown unknown", w.attempts())
				require.Equal(t, "look", w.text(`SELECT name FROM outbox`))
			} else {
				w.pays(payment, aid.PaymentSettled)
			}
			if !tt.asks {
				require.Zero(t, m.asks)
			}
			require.GreaterOrEqual(t, m.sends, tt.sends)
			if tt.asks {
				require.Equal(t, tt.sends, m.sends)
			}
			w.agreesWithTheBank()
		})
	}
}

// Under the key of a payment the rail has another instruction: nothing that it
// says of the key is about this payment. It is not asked again; persons are.
func TestAKeyThatIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	m := w.meddle()
	w.awarded("medical", "0051000913")
	payment := w.releases()
	m.beforeSend[1] = func() {
		_, err := w.bank.Submit(t.Context(), rails.Instruction{Key: w.text(`SELECT key FROM attempts`), Amount: 6_000_000, Currency: "VND", Purpose: "other",
			Payee: rails.Payee{Method: "bank", BankBIN: "970416", AccountNumber: "0051000914", AccountName: "SOMEBODY ELSE"}})
		require.NoError(t, err)
	}
	for range 3 {
		_, err := w.doing.Pay(t.Context(), payment)
		var said *temporal.ApplicationError
		require.True(t, errors.As(err, &said))
		require.True(t, said.NonRetryable(), "asking again cannot help")
		require.Equal(t, "key_conflict", said.Message())
	}
	require.Equal(t, 1, m.sends)
	require.Zero(t, m.asks)
	require.Equal(t, "1 unknown unknown", w.attempts())
	require.Equal(t, "0 6000000 0", w.money())
	w.asksPersons(payment)
	w.resolves("treasurer2", "failed")
	require.Equal(t, aid.PaymentFailed, w.resolves("manager1", "failed").Payment.State)
}

// A payment that is gone, or never was, is a refusal and not a crash.
func TestPayOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.awarded("medical", "0051000913")
	_, err := w.doing.Pay(t.Context(), aid.PayRequest{Case: w.caseID, Payment: "pay_0"})
	require.ErrorContains(t, err, "payment_not_found")
}
