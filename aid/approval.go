package aid

// Level modes: how many approvers it takes.
const (
	ModeAny       = "any"
	ModeNOfM      = "n_of_m"
	ModeCommittee = "committee"
)

// How a committee decides, what a tie means, and what one rejection does.
const (
	DecidesMajority  = "majority"  // of the votes cast
	DecidesUnanimity = "unanimity" // one vote against rejects

	TieChair    = "chair"    // the chair's vote decides; without one it stays open
	TieRejected = "rejected" // the level rejects
	TieOpen     = "open"     // further votes are awaited

	RejectionVeto = "veto" // one rejection rejects at once
	RejectionVote = "vote" // a rejection is a vote like any other
)

// Level is one step of the approval matrix as a case carries it. Empty words
// mean the defaults: majority, a tie to the chair, a veto outside of committees
// and a vote within them.
type Level struct {
	Name         string `json:"name"`                    // the area level: commune, province
	Mode         string `json:"mode"`                    // any, n_of_m, committee
	N            int    `json:"n,omitempty"`             // approvals needed with n_of_m
	Quorum       int    `json:"quorum,omitempty"`        // votes needed with committee, abstentions included
	Chair        bool   `json:"chair,omitempty"`         // the chair must be among the voters
	Decides      string `json:"decides,omitempty"`       // committee: majority, unanimity
	Tie          string `json:"tie,omitempty"`           // committee: chair, rejected, open
	OneRejection string `json:"one_rejection,omitempty"` // veto, vote
	Limit        int64  `json:"limit,omitempty"`         // minor units; the most that it may approve, 0: no limit
	Parallel     bool   `json:"parallel,omitempty"`      // asked together with the level before it

	Version int `json:"version,omitempty"` // of the programme whose matrix it stands in
	Row     int `json:"row,omitempty"`     // its row there, from 1
	Place   int `json:"place,omitempty"`   // its place in the row, from 1, skipped ones counted
}

// Above tells whether an amount in minor units is more than the level may
// approve.
func (l Level) Above(amount int64) bool { return l.Limit > 0 && amount > l.Limit }

// Veto tells whether one rejection rejects at once.
func (l Level) Veto() bool {
	if l.OneRejection == "" {
		return l.Mode != ModeCommittee
	}
	return l.OneRejection == RejectionVeto
}

// SkippedLevel is a level of the matrix that a case does not have to pass,
// because the rule at that place of the programme says so.
type SkippedLevel struct {
	Name    string `json:"name"`
	Version int    `json:"version"` // of the programme
	Row     int    `json:"row"`     // from 1
	Place   int    `json:"place"`   // from 1
}

// Group gives the levels that are asked together, beginning at a place of the
// list; none behind its end.
func Group(levels []Level, from int) []Level {
	if from >= len(levels) {
		return nil
	}
	end := from + 1
	for end < len(levels) && levels[end].Parallel {
		end++
	}
	return levels[from:end]
}

// Pick gives the levels that are kept, in their order. One that was parallel to
// levels of which none is left is asked by itself.
func Pick(levels []Level, keep func(Level) bool) []Level {
	var out []Level
	group, last := 0, -1
	for i, level := range levels {
		if !level.Parallel {
			group = i
		}
		if keep(level) {
			level.Parallel = group == last
			out, last = append(out, level), group
		}
	}
	return out
}

// Approved tells whether votes approve, each within what the level may approve.
func (l Level) Approved(votes []Vote) bool {
	for _, v := range votes {
		if v.Action == ActionApprove && l.Above(v.Amount) {
			return false
		}
	}
	return Tally(l, votes) == ResultApproved
}

// Vote is one applied decision on an approval task.
type Vote struct {
	Actor  string `json:"actor"`
	Action Action `json:"action"`
	Chair  bool   `json:"chair,omitempty"`
	Amount int64  `json:"amount,omitempty"` // minor units; 0 where it does not matter
}

// The results of a tally.
const (
	ResultPending   = "pending"
	ResultApproved  = "approved"
	ResultRejected  = "rejected"
	ResultReturned  = "returned"
	ResultAbstained = "abstained"
)

// Tally says what the votes on one approval task amount to. The order of the
// votes does not matter. A return by any voter sends the case back at once.
//
// Mode any: the first approval or rejection decides. n_of_m: n approvals
// approve; one rejection rejects, or n of them where a rejection is a vote.
// Committee: when the quorum is there (and the chair, where required), the
// majority of the votes cast decides, or all of them with unanimity;
// abstentions count for the quorum only; a tie goes to the chair, rejects, or
// waits for further votes; one rejection is no veto unless the level says so.
// Nothing is rejected without a rejection, nor approved without an approval.
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
	switch {
	case level.Mode == ModeCommittee && level.Veto() && no > 0:
		return ResultRejected
	case level.Mode == ModeCommittee:
		return tallyCommittee(level, len(votes), yes, no, chair)
	case level.Mode == ModeNOfM && !level.Veto():
		return decide(yes >= level.N, no >= level.N)
	case level.Mode == ModeNOfM:
		return decide(yes >= level.N, no > 0)
	default:
		return decide(yes > 0, no > 0)
	}
}

func tallyCommittee(level Level, votes, yes, no int, chair Action) string {
	switch {
	case votes < level.Quorum || (level.Chair && chair == ""):
		return ResultPending
	case level.Decides == DecidesUnanimity:
		return decide(yes > 0 && no == 0, no > 0)
	case yes != no:
		return decide(yes > no, no > yes)
	case level.Tie == TieOpen:
		return ResultPending
	case level.Tie == TieRejected:
		return decide(false, no > 0)
	}
	return decide(chair == ActionApprove, chair == ActionReject)
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
