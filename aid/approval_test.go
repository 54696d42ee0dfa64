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
		return aid.Level{Name: "x", Mode: rapid.SampledFrom([]string{aid.ModeAny, aid.ModeNOfM, aid.ModeCommittee}).Draw(t, "mode"),
			N: rapid.IntRange(1, 4).Draw(t, "n"), Quorum: rapid.IntRange(1, 5).Draw(t, "quorum"), Chair: rapid.Bool().Draw(t, "chair")}
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
	case !complete && got != aid.ResultPending:
		t.Fatalf("%s without a quorum or its chair", got)
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
		level := aid.Level{Mode: rapid.SampledFrom([]string{aid.ModeAny, aid.ModeNOfM, aid.ModeCommittee}).Draw(t, "mode")}
		switch level.Mode {
		case aid.ModeNOfM:
			level.N = rapid.IntRange(1, 4).Draw(t, "n")
		case aid.ModeCommittee:
			level.Quorum, level.Chair = rapid.IntRange(1, 5).Draw(t, "quorum"), rapid.Bool().Draw(t, "chair")
		}
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
	if r := aid.Tally(level, votes); r != aid.ResultPending {
		return level.Mode != aid.ModeNOfM || r == aid.ResultApproved
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
