package aid

import "slices"

// Status is what a case is at the moment, in the words of the API.
type Status string

// The statuses of a case.
const (
	Draft        Status = "draft"
	Submitted    Status = "submitted"
	InReview     Status = "in_review"
	ActionNeeded Status = "action_needed"
	WaitingFunds Status = "waiting_funds"
	Approved     Status = "approved"
	Rejected     Status = "rejected"
	Paying       Status = "paying"
	Paid         Status = "paid"
	FollowingUp  Status = "following_up"
	Closed       Status = "closed"
	Withdrawn    Status = "withdrawn"
)

// Stage is the part of the process in which a case is.
type Stage string

// The stages of a case.
const (
	Intake       Stage = "intake"
	Verification Stage = "verification"
	Approval     Stage = "approval"
	Disbursement Stage = "disbursement"
	FollowUp     Stage = "follow_up"
	Ended        Stage = "closed"
)

// Place is where a case stands: its status and its stage together.
type Place struct {
	Status Status `json:"status"`
	Stage  Stage  `json:"stage"`
}

// CaseMove is one allowed transition of a case.
type CaseMove struct {
	Event string
	From  []Place
	To    Place
}

// The events that move a case.
const (
	EventSubmit        = "submit"
	EventOpen          = "open"
	EventReturn        = "return"
	EventReturnEarlier = "return_earlier"
	EventProvide       = "provide"
	EventVerify        = "verify"
	EventAward         = "award"
	EventWaitFunds     = "wait_funds"
	EventReject        = "reject"
	EventInstruct      = "instruct"
	EventPaid          = "paid"
	EventVisits        = "visits"
	EventClose         = "close"
	EventWithdraw      = "withdraw"
	EventCancel        = "cancel"
	EventBack          = "back"
	EventMoveVersion   = "move_version"
	EventBankReturn    = "bank_return"

	eventAgain = "again_"
)

var (
	draft        = Place{Draft, Intake}
	submitted    = Place{Submitted, Intake}
	verifying    = Place{InReview, Verification}
	approving    = Place{InReview, Approval}
	returnedV    = Place{ActionNeeded, Verification}
	returnedA    = Place{ActionNeeded, Approval}
	waitingFunds = Place{WaitingFunds, Approval}
	approved     = Place{Approved, Disbursement}
	paying       = Place{Paying, Disbursement}
	paid         = Place{Paid, Disbursement}
	followingUp  = Place{FollowingUp, FollowUp}
	closed       = Place{Closed, Ended}
	rejected     = Place{Rejected, Ended}
	withdrawn    = Place{Withdrawn, Ended}
)

// CaseMoves is the whole table of transitions of a case: every one that is
// not listed is refused. The diagram in ARCHITECTURE.md and the CHECK of the
// table cases are tested against it.
func CaseMoves() []CaseMove {
	return []CaseMove{
		{EventSubmit, []Place{draft}, submitted},
		{EventOpen, []Place{submitted}, verifying},
		{EventReturn, []Place{verifying}, returnedV},
		{EventReturn, []Place{approving}, returnedA},
		{EventReturnEarlier, []Place{approving}, verifying},
		{EventProvide, []Place{returnedV}, verifying},
		{EventProvide, []Place{returnedA}, approving},
		{EventMoveVersion, []Place{returnedV, returnedA}, returnedV},
		{EventVerify, []Place{verifying}, approving},
		{EventAward, []Place{approving, waitingFunds}, approved},
		{EventWaitFunds, []Place{approving}, waitingFunds},
		{EventBack, []Place{waitingFunds}, approving},
		{EventReject, []Place{verifying, approving}, rejected},
		{EventInstruct, []Place{approved}, paying},
		{EventPaid, []Place{paying}, paid},
		{EventVisits, []Place{paid}, followingUp},
		{EventClose, []Place{paid, followingUp}, closed},
		{EventWithdraw, []Place{draft, submitted, verifying, approving, returnedV, returnedA, waitingFunds, approved, paying}, withdrawn},
		{EventCancel, []Place{approved, paying}, closed},
		{EventBankReturn, []Place{paid, followingUp, closed}, paying},
		{EventAgain(Paid), []Place{paying}, paid},
		{EventAgain(FollowingUp), []Place{paying}, followingUp},
		{EventAgain(Closed), []Place{paying}, closed},
	}
}

// EventAgain names the event that takes a case back to the status that it had
// when a bank returned one of its payments.
func EventAgain(former Status) string { return eventAgain + string(former) }

// Move gives where an event takes a case that stands at from.
//
// Errors: Conflict wrong_state when the table does not list the move.
func Move(from Place, event string) (Place, error) {
	for _, m := range CaseMoves() {
		if m.Event == event && slices.Contains(m.From, from) {
			return m.To, nil
		}
	}
	return Place{}, Refuse(Conflict, "wrong_state", "status", string(from.Status), "stage", string(from.Stage), "event", event)
}

// Open tells whether a case of this status still has something to come.
func (s Status) Open() bool {
	return s != Rejected && s != Closed && s != Withdrawn
}

// Owner is who keeps a case waiting.
type Owner string

// The owners of a wait.
const (
	OwnerHousehold Owner = "household"
	OwnerPartner   Owner = "partner"
	OwnerOffice    Owner = "office"
	OwnerRegister  Owner = "register"
	OwnerFund      Owner = "fund"
	OwnerRail      Owner = "rail"
	OwnerSystem    Owner = "system"
)
