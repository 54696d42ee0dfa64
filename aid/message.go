package aid

// The messages between the process and its activities. They are the format of
// recorded histories: fields may be added, never renamed.

// OpenRequest opens a stage: the case's verification, an award's disbursement.
type OpenRequest struct {
	Step
	Away []string `json:"away,omitempty"` // external registers that were asked and did not answer
}

// RegisterRequest asks one external register about a case's applicant.
type RegisterRequest struct {
	Case     string `json:"case"`
	Register string `json:"register"` // its configured name
}

// ParkRequest brings a case before an administrator: what the workflow does by
// itself was refused.
type ParkRequest struct {
	Step
	Of   string `json:"of"`   // the cause of the step that was refused
	Code string `json:"code"` // of the refusal
}

// DecisionRequest carries a decision into the step that makes it a fact.
type DecisionRequest struct {
	Step
	Decision Decision `json:"decision"`
}

// ApprovalRequest carries a decision on an approval, with the levels that are
// being asked together and what follows when all of them have approved: the
// next ones, or the award when there are none.
type ApprovalRequest struct {
	Step
	Decision Decision `json:"decision"`
	Asked    []Level  `json:"asked,omitempty"`
	Next     []Level  `json:"next,omitempty"`
}

// Withdrawal is a partner's wish to end a case.
type Withdrawal struct {
	ID     string `json:"id"`
	Actor  string `json:"actor"`
	Reason string `json:"reason,omitempty"`
}

// WithdrawRequest carries a withdrawal into its step.
type WithdrawRequest struct {
	Step
	Withdrawal Withdrawal `json:"withdrawal"`
}

// VersionMove is a manager's wish to move a returned case to another version of
// its programme.
type VersionMove struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Actor   string `json:"actor"`
	Reason  string `json:"reason"` // code
}

// MoveVersionRequest carries it into its step.
type MoveVersionRequest struct {
	Step
	Move VersionMove `json:"move"`
}

// TrancheRequest is about one tranche of an award.
type TrancheRequest struct {
	Step
	Award string `json:"award"`
}

// Retry is a treasurer's wish to pay a failed payment anew.
type Retry struct {
	ID      string `json:"id"`
	Payment string `json:"payment"`
	Actor   string `json:"actor"`
}

// RetryRequest carries a retry into its step.
type RetryRequest struct {
	Step
	Retry Retry `json:"retry"`
}

// PayRequest asks to bring one instructed payment to its end.
type PayRequest struct {
	Case    string `json:"case"`
	Payment string `json:"payment"`
}

// VisitRequest is about the nth follow-up visit.
type VisitRequest struct {
	Step
	Visit int `json:"visit"`
}
