package aid_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
)

func TestTally(t *testing.T) {
	committee := aid.Level{Name: "province", Mode: aid.ModeCommittee, Quorum: 2, Chair: true}
	anyone := aid.Level{Name: "commune", Mode: aid.ModeAny}
	two := aid.Level{Name: "commune", Mode: aid.ModeNOfM, N: 2}
	twoVotes, unanimous, vetoed, tieRejects, tieOpen := two, committee, committee, committee, committee
	twoVotes.OneRejection, unanimous.Decides, vetoed.OneRejection = aid.RejectionVote, aid.DecidesUnanimity, aid.RejectionVeto
	tieRejects.Tie, tieOpen.Tie = aid.TieRejected, aid.TieOpen
	vote := func(action aid.Action) aid.Vote { return aid.Vote{Actor: "a", Action: action} }
	chair := func(action aid.Action) aid.Vote { return aid.Vote{Actor: "c", Action: action, Chair: true} }
	tests := []struct {
		name  string
		level aid.Level
		votes []aid.Vote
		want  string
	}{
		{"any: nobody yet", anyone, nil, aid.ResultPending},
		{"any: one approves", anyone, []aid.Vote{vote(aid.ActionApprove)}, aid.ResultApproved},
		{"any: one rejects", anyone, []aid.Vote{vote(aid.ActionReject)}, aid.ResultRejected},
		{"any: an abstention leaves it to others", anyone, []aid.Vote{vote(aid.ActionAbstain)}, aid.ResultPending},
		{"any: after an abstention", anyone, []aid.Vote{vote(aid.ActionAbstain), vote(aid.ActionApprove)}, aid.ResultApproved},
		{"n of m: one of two", two, []aid.Vote{vote(aid.ActionApprove)}, aid.ResultPending},
		{"n of m: two of two", two, []aid.Vote{vote(aid.ActionApprove), vote(aid.ActionApprove)}, aid.ResultApproved},
		{"n of m: a rejection rejects", two, []aid.Vote{vote(aid.ActionApprove), vote(aid.ActionReject)}, aid.ResultRejected},
		{"committee: below the quorum", committee, []aid.Vote{chair(aid.ActionApprove)}, aid.ResultPending},
		{"committee: quorum without its chair", committee, []aid.Vote{vote(aid.ActionApprove), vote(aid.ActionApprove)}, aid.ResultPending},
		{"committee: quorum with its chair", committee, []aid.Vote{vote(aid.ActionApprove), chair(aid.ActionApprove)}, aid.ResultApproved},
		{"committee: the majority rejects", committee, []aid.Vote{vote(aid.ActionReject), vote(aid.ActionReject), chair(aid.ActionApprove)}, aid.ResultRejected},
		{"committee: one rejection is no veto", committee, []aid.Vote{vote(aid.ActionReject), vote(aid.ActionApprove), chair(aid.ActionApprove)}, aid.ResultApproved},
		{"committee: a tie goes to a chair who approves", committee, []aid.Vote{vote(aid.ActionReject), chair(aid.ActionApprove)}, aid.ResultApproved},
		{"committee: a tie goes to a chair who rejects", committee, []aid.Vote{vote(aid.ActionApprove), chair(aid.ActionReject)}, aid.ResultRejected},
		{"committee: a tie under a chair who abstains", committee, []aid.Vote{vote(aid.ActionApprove), vote(aid.ActionReject), chair(aid.ActionAbstain)}, aid.ResultPending},
		{"committee: abstentions make the quorum", committee, []aid.Vote{vote(aid.ActionAbstain), chair(aid.ActionApprove)}, aid.ResultApproved},
		{"committee: abstentions alone decide nothing", committee, []aid.Vote{vote(aid.ActionAbstain), chair(aid.ActionAbstain)}, aid.ResultPending},
		{"committee: the others decide when the chair abstains", committee, []aid.Vote{vote(aid.ActionApprove), chair(aid.ActionAbstain)}, aid.ResultApproved},
		{"n of m, a rejection is a vote: one of two", twoVotes, []aid.Vote{vote(aid.ActionReject), vote(aid.ActionApprove)}, aid.ResultPending},
		{"n of m, a rejection is a vote: two reject", twoVotes, []aid.Vote{vote(aid.ActionReject), vote(aid.ActionApprove), vote(aid.ActionReject)}, aid.ResultRejected},
		{"n of m, a rejection is a vote: two approve", twoVotes, []aid.Vote{vote(aid.ActionReject), vote(aid.ActionApprove), vote(aid.ActionApprove)}, aid.ResultApproved},
		{"unanimity: all agree", unanimous, []aid.Vote{vote(aid.ActionApprove), chair(aid.ActionApprove)}, aid.ResultApproved},
		{"unanimity: one is against", unanimous, []aid.Vote{vote(aid.ActionReject), vote(aid.ActionApprove), chair(aid.ActionApprove)}, aid.ResultRejected},
		{"unanimity: against, and the quorum is not there", unanimous, []aid.Vote{vote(aid.ActionReject)}, aid.ResultPending},
		{"unanimity: an abstention is no vote cast", unanimous, []aid.Vote{vote(aid.ActionAbstain), chair(aid.ActionApprove)}, aid.ResultApproved},
		{"unanimity: abstentions alone decide nothing", unanimous, []aid.Vote{vote(aid.ActionAbstain), chair(aid.ActionAbstain)}, aid.ResultPending},
		{"a veto before the quorum", vetoed, []aid.Vote{vote(aid.ActionReject)}, aid.ResultRejected},
		{"a veto against the majority", vetoed, []aid.Vote{vote(aid.ActionApprove), chair(aid.ActionApprove), vote(aid.ActionReject)}, aid.ResultRejected},
		{"a tie rejects", tieRejects, []aid.Vote{vote(aid.ActionReject), chair(aid.ActionApprove)}, aid.ResultRejected},
		{"no tie of abstentions", tieRejects, []aid.Vote{vote(aid.ActionAbstain), chair(aid.ActionAbstain)}, aid.ResultPending},
		{"a tie stays open", tieOpen, []aid.Vote{vote(aid.ActionApprove), chair(aid.ActionReject)}, aid.ResultPending},
		{"a tie that one more ends", tieOpen, []aid.Vote{vote(aid.ActionApprove), chair(aid.ActionReject), vote(aid.ActionReject)}, aid.ResultRejected},
		{"a return goes back whatever the others say", committee, []aid.Vote{vote(aid.ActionApprove), chair(aid.ActionApprove), vote(aid.ActionReturn)}, aid.ResultReturned},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := aid.Tally(tt.level, tt.votes); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func levels() *rapid.Generator[aid.Level] {
	return rapid.Custom(func(t *rapid.T) aid.Level {
		level := aid.Level{Name: "x", Mode: rapid.SampledFrom([]string{aid.ModeAny, aid.ModeNOfM, aid.ModeCommittee}).Draw(t, "mode")}
		rejection := rapid.SampledFrom([]string{"", aid.RejectionVeto, aid.RejectionVote}).Draw(t, "one rejection")
		switch level.Mode {
		case aid.ModeNOfM:
			level.N, level.OneRejection = rapid.IntRange(1, 4).Draw(t, "n"), rejection
		case aid.ModeCommittee:
			level.Quorum, level.Chair, level.OneRejection = rapid.IntRange(1, 5).Draw(t, "quorum"), rapid.Bool().Draw(t, "chair"), rejection
			level.Decides = rapid.SampledFrom([]string{"", aid.DecidesMajority, aid.DecidesUnanimity}).Draw(t, "decides")
			level.Tie = rapid.SampledFrom([]string{"", aid.TieChair, aid.TieRejected, aid.TieOpen}).Draw(t, "tie")
		}
		return level
	})
}

// ballots gives votes of different people, at most one of them the chair.
func ballots() *rapid.Generator[[]aid.Vote] {
	return rapid.Custom(func(t *rapid.T) []aid.Vote {
		actions := rapid.SliceOfN(rapid.SampledFrom([]aid.Action{aid.ActionApprove, aid.ActionReject, aid.ActionAbstain}), 0, 7).Draw(t, "actions")
		chair := rapid.IntRange(-1, 6).Draw(t, "chair")
		votes := make([]aid.Vote, len(actions))
		for i, a := range actions {
			votes[i] = aid.Vote{Actor: string(rune('a' + i)), Action: a, Chair: i == chair}
		}
		return votes
	})
}

func count(votes []aid.Vote, action aid.Action) int {
	n := 0
	for _, v := range votes {
		if v.Action == action {
			n++
		}
	}
	return n
}

func TestTallyHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		level, votes := levels().Draw(t, "level"), ballots().Draw(t, "votes")
		got := aid.Tally(level, votes)
		yes, no := count(votes, aid.ActionApprove), count(votes, aid.ActionReject)
		if got == aid.ResultApproved && yes == 0 {
			t.Fatal("approved, and nobody approved")
		}
		if got == aid.ResultRejected && no == 0 {
			t.Fatal("rejected, and nobody rejected")
		}
		if level.Mode == aid.ModeCommittee {
			committeeHolds(t, level, votes, got, yes, no)
		}
		shuffled := rapid.Permutation(votes).Draw(t, "shuffled")
		if again := aid.Tally(level, shuffled); again != got {
			t.Fatalf("the order of the votes matters: %s, %s", got, again)
		}
		if back := aid.Tally(level, append(slices.Clone(votes), aid.Vote{Actor: "z", Action: aid.ActionReturn})); back != aid.ResultReturned {
			t.Fatalf("a return does not go back: %s", back)
		}
	})
}

func committeeHolds(t *rapid.T, level aid.Level, votes []aid.Vote, got string, yes, no int) {
	hasChair := slices.ContainsFunc(votes, func(v aid.Vote) bool { return v.Chair })
	complete := len(votes) >= level.Quorum && (hasChair || !level.Chair)
	switch {
	case level.Veto() && no > 0:
		if got != aid.ResultRejected {
			t.Fatalf("%s against a veto", got)
		}
	case !complete && got != aid.ResultPending:
		t.Fatalf("%s without a quorum or its chair", got)
	case level.Decides == aid.DecidesUnanimity:
		if complete && (yes > 0 && no == 0) != (got == aid.ResultApproved) {
			t.Fatalf("%s by %d to %d where all have to agree", got, yes, no)
		}
	case complete && yes == no && level.Tie == aid.TieOpen && got != aid.ResultPending:
		t.Fatalf("%s by a tie that stays open", got)
	case complete && yes == no && level.Tie == aid.TieRejected && got == aid.ResultApproved:
		t.Fatal("approved by a tie that rejects")
	case complete && yes > no && got != aid.ResultApproved, complete && no > yes && got != aid.ResultRejected:
		t.Fatalf("%s against the majority of %d to %d", got, yes, no)
	}
	if got == aid.ResultPending {
		return
	}
	abstained := append(slices.Clone(votes), aid.Vote{Actor: "y", Action: aid.ActionAbstain})
	if again := aid.Tally(level, abstained); again != got {
		t.Fatalf("an abstention turned %s into %s", got, again)
	}
}

// Decidable is true exactly when some votes of those who are left end the
// task: nobody waits for an end that cannot come, and no administrator is
// called in vain.
func TestDecidableIsWhetherVotesCanEndIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		level := levels().Draw(t, "level")
		said := []aid.Action{aid.ActionApprove, aid.ActionReject, aid.ActionAbstain}
		votes := []aid.Vote{}
		turnout := aid.Turnout{Able: rapid.IntRange(0, 4).Draw(t, "able")}
		chairVoted := rapid.Bool().Draw(t, "the chair has voted")
		for i := range rapid.IntRange(0, 4).Draw(t, "voted") {
			v := aid.Vote{Action: rapid.SampledFrom(said).Draw(t, "vote"), Chair: chairVoted && i == 0}
			votes = append(votes, v)
			turnout.Voted++
			turnout.Chair = turnout.Chair || v.Chair
			if v.Action == aid.ActionApprove {
				turnout.Approved++
			}
		}
		if aid.Tally(level, votes) != aid.ResultPending {
			return
		}
		turnout.AbleChair = turnout.Able > 0 && !turnout.Chair && rapid.Bool().Draw(t, "the chair is left")
		if got, want := level.Decidable(turnout), canEnd(level, votes, turnout.Able, turnout.AbleChair); got != want {
			t.Fatalf("%+v %+v: %v, votes say %v", level, turnout, got, want)
		}
	})
}

// canEnd tries every approval, rejection and abstention of those who are left.
// An approval that cannot come any more is no end: only a rejection would be.
func canEnd(level aid.Level, votes []aid.Vote, able int, chair bool) bool {
	onlyApproval := level.Mode == aid.ModeNOfM || (level.Mode == aid.ModeCommittee && level.Veto())
	if r := aid.Tally(level, votes); r != aid.ResultPending {
		return !onlyApproval || r == aid.ResultApproved
	}
	if able == 0 {
		return false
	}
	for _, action := range []aid.Action{aid.ActionApprove, aid.ActionReject, aid.ActionAbstain} {
		if canEnd(level, append(votes[:len(votes):len(votes)], aid.Vote{Action: action, Chair: chair}), able-1, false) {
			return true
		}
	}
	return false
}

// A vote that comes when a level is decided changes nothing that the paying
// side finds: the first decision of a sequence of votes is the only one.
func TestOneWinner(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		level, votes := levels().Draw(t, "level"), ballots().Draw(t, "votes")
		ends := map[string]bool{}
		for i := range votes {
			result := aid.Tally(level, votes[:i+1])
			if result == aid.ResultPending {
				continue
			}
			ends[result] = true
			if again := aid.Tally(level, rapid.Permutation(votes[:i+1]).Draw(t, "in another order")); again != result {
				t.Fatalf("%s, and %s in another order", result, again)
			}
			break // the task is closed
		}
		if len(ends) > 1 {
			t.Fatalf("several ends: %v", ends)
		}
		if ends[aid.ResultApproved] && !level.Approved(votes[:len(votes):len(votes)][:first(level, votes)]) {
			t.Fatal("approved, and the paying side does not find it")
		}
	})
}

// first gives how many votes it took to decide.
func first(level aid.Level, votes []aid.Vote) int {
	for i := range votes {
		if aid.Tally(level, votes[:i+1]) != aid.ResultPending {
			return i + 1
		}
	}
	return len(votes)
}

// Groups cut a list of levels into pieces without a rest, and leaving levels
// out never lets one be parallel to a group that it was not in.
func TestGroups(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all []aid.Level
		group := map[string]int{}
		for i := range rapid.IntRange(1, 6).Draw(t, "levels") {
			l := aid.Level{Name: string(rune('a' + i)), Parallel: i > 0 && rapid.Bool().Draw(t, "parallel")}
			group[l.Name] = i
			if l.Parallel {
				group[l.Name] = group[all[i-1].Name]
			}
			all = append(all, l)
		}
		kept := aid.Pick(all, func(aid.Level) bool { return rapid.Bool().Draw(t, "kept") })
		for from := 0; from < len(kept); {
			together := aid.Group(kept, from)
			if len(together) == 0 || together[0].Parallel {
				t.Fatalf("%v is parallel to nothing", together)
			}
			for _, l := range together {
				if group[l.Name] != group[together[0].Name] {
					t.Fatalf("%s is asked with %s", l.Name, together[0].Name)
				}
			}
			if from += len(together); from < len(kept) && group[kept[from].Name] == group[together[0].Name] {
				t.Fatalf("%s is asked alone", kept[from].Name)
			}
		}
		if aid.Group(kept, len(kept)) != nil {
			t.Fatal("something behind the end")
		}
	})
}

func TestNobodyApprovesAboveTheLimit(t *testing.T) {
	level := aid.Level{Mode: aid.ModeAny, Limit: 10}
	for amount, want := range map[int64]bool{9: true, 10: true, 11: false} {
		if got := level.Approved([]aid.Vote{{Actor: "a", Action: aid.ActionApprove, Amount: amount}}); got != want || level.Above(amount) == want {
			t.Errorf("%d: %v", amount, got)
		}
	}
}
