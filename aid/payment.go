package aid

import "fmt"

// PaymentState is where one movement of money to a payee stands.
type PaymentState string

// The states of a payment.
const (
	PaymentDue        PaymentState = "due"
	PaymentQueued     PaymentState = "queued"
	PaymentInstructed PaymentState = "instructed"
	PaymentSettled    PaymentState = "settled"
	PaymentFailed     PaymentState = "failed"
	PaymentUnknown    PaymentState = "unknown"
	PaymentReturned   PaymentState = "returned"
	PaymentCancelled  PaymentState = "cancelled"
)

// PaymentMoves lists, for each state of a payment, the states that may follow.
func PaymentMoves() map[PaymentState][]PaymentState {
	return map[PaymentState][]PaymentState{
		PaymentDue:        {PaymentQueued, PaymentCancelled},
		PaymentQueued:     {PaymentInstructed, PaymentCancelled},
		PaymentInstructed: {PaymentSettled, PaymentFailed, PaymentUnknown},
		PaymentUnknown:    {PaymentSettled, PaymentFailed},
		PaymentSettled:    {PaymentReturned},
	}
}

// Terminal tells whether nothing more happens to a payment by itself.
func (s PaymentState) Terminal() bool {
	return s == PaymentSettled || s == PaymentFailed || s == PaymentCancelled || s == PaymentReturned
}

// Live tells whether a payment may still move money; a tranche has at most one.
func (s PaymentState) Live() bool { return !s.Terminal() }

// What two persons say of a payment: how one ended whose end is unknown, or
// what becomes of one that the bank returned.
const (
	OutcomeSettled  = "settled"
	OutcomeFailed   = "failed"
	OutcomePayAgain = "pay_again" // a new payment, prepared and released as every other
	OutcomeGiveUp   = "give_up"   // the money stays with the fund
)

// Outcomes gives what two persons may say of a payment in this state; none
// when there is nothing to say.
func (s PaymentState) Outcomes() []string {
	switch s {
	case PaymentReturned:
		return []string{OutcomePayAgain, OutcomeGiveUp}
	case PaymentSettled, PaymentFailed, PaymentUnknown, PaymentInstructed:
		return []string{OutcomeSettled, OutcomeFailed}
	}
	return nil
}

// ReturnReasons are the codes of why a bank returned a payment.
func ReturnReasons() []string {
	return []string{"account_closed", "account_name_mismatch", "account_unknown", "refused_by_payee", "bank_error", "other"}
}

// RailKey is the business key under which a rail knows a payment: it survives
// a restart, a reset and a restore. n rises only after the previous payment of
// the tranche is terminal.
func RailKey(award string, tranche, n int) string {
	return fmt.Sprintf("%s/%d/%d", award, tranche, n)
}
