package aid

// Level modes: how many approvers it takes.
const (
	ModeAny       = "any"
	ModeNOfM      = "n_of_m"
	ModeCommittee = "committee"
)

// Level is one step of the approval matrix as a case carries it.
type Level struct {
	Name   string `json:"name"`             // the area level: commune, province
	Mode   string `json:"mode"`             // any, n_of_m, committee
	N      int    `json:"n,omitempty"`      // approvals needed with n_of_m
	Quorum int    `json:"quorum,omitempty"` // votes needed with committee, abstentions included
	Chair  bool   `json:"chair,omitempty"`  // the chair must be among the voters
}

// Vote is one applied decision on an approval task.
type Vote struct {
	Actor  string `json:"actor"`
	Action Action `json:"action"`
	Chair  bool   `json:"chair,omitempty"`
}

// The results of a tally.
const (
	ResultPending   = "pending"
	ResultApproved  = "approved"
	ResultRejected  = "rejected"
	ResultReturned  = "returned"
	ResultAbstained = "abstained"
)

// Tally says what the votes on one approval task amount to. A return by any
// voter sends the case back at once. Mode any: the first approval or rejection
// decides. n_of_m: n approvals approve, a rejection rejects. Committee: when
// the quorum is there (and the chair, where required), the majority of the
// votes cast decides; abstentions count for the quorum only, a tie goes to the
// chair, and one rejection is not a veto.
func Tally(level Level, votes []Vote) string {
	yes, no, chair := 0, 0, Action("")
	for _, v := range votes {
		switch v.Action {
		case ActionReturn:
			return ResultReturned
		case ActionApprove:
			yes++
		case ActionReject:
			no++
		}
		if v.Chair {
			chair = v.Action
		}
	}
	switch level.Mode {
	case ModeCommittee:
		return tallyCommittee(level, len(votes), yes, no, chair)
	case ModeNOfM:
		return decide(yes >= level.N, no > 0)
	default:
		return decide(yes > 0, no > 0)
	}
}

func tallyCommittee(level Level, votes, yes, no int, chair Action) string {
	if votes < level.Quorum || (level.Chair && chair == "") {
		return ResultPending
	}
	if yes == no {
		return decide(chair == ActionApprove, chair == ActionReject)
	}
	return decide(yes > no, no > yes)
}

// Turnout is who may still vote on a task, and who has.
type Turnout struct {
	Able      int  `db:"able"`       // persons who may decide it and have not
	AbleChair bool `db:"able_chair"` // the chair is among them
	Voted     int  `db:"voted"`
	Approved  int  `db:"approved"` // how many of those who have voted
	Chair     bool `db:"chair"`    // the chair has voted
}

// Decidable tells whether those who may still vote can bring a task of this
// level to its end, whatever they vote. Where they cannot, an administrator is
// needed: a missing approver never rejects a household.
func (l Level) Decidable(t Turnout) bool {
	switch {
	case t.Able == 0:
		return false
	case l.Mode == ModeCommittee:
		return t.Voted+t.Able >= l.Quorum && (!l.Chair || t.Chair || t.AbleChair)
	case l.Mode == ModeNOfM:
		return t.Approved+t.Able >= l.N
	}
	return true
}

func decide(approved, rejected bool) string {
	switch {
	case rejected && !approved:
		return ResultRejected
	case approved:
		return ResultApproved
	default:
		return ResultPending
	}
}
