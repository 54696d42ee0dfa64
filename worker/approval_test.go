package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

func rejecting(actor string) *move {
	return &move{actor: actor, action: aid.ActionReject, reason: "not_eligible"}
}

func by(actor string, action aid.Action) *move { return &move{actor: actor, action: action} }

// at gives people who do the given moves with the approvals of one level.
func (who people) at(level string, moves ...*move) people {
	return who.but(aid.Approve, func(t postgres.TaskRow, waited time.Duration) *move {
		if t.Level != level || len(moves) == 0 {
			return who(t, waited)
		}
		next := moves[0]
		moves = moves[1:]
		return next
	})
}

func TestReject(t *testing.T) {
	tests := []struct {
		name string
		who  people
		by   string
	}{
		{"by the verifier of the documents", people(willing).first(aid.VerifyDocuments, rejecting("verifier1")), "verifier1"},
		{"by the verifier on the spot", people(willing).first(aid.FieldVisit, rejecting("verifier2")), "verifier2"},
		{"at the commune", people(willing).at("commune", rejecting("approver1")), "approver1"},
		{"by the majority of the committee", people(willing).at("province", rejecting("approver2"), rejecting("approver4")), "approver4"},
		{"by the majority against its chair", people(willing).at("province", rejecting("approver2"), rejecting("approver3"), by("approver4", aid.ActionApprove)), "approver4"},
		{"by the chair when the votes are equal", people(willing).at("province", by("approver2", aid.ActionApprove), rejecting("approver4")), "approver4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "housing_new"))
			tn.live(tt.who)
			require.Equal(t, aid.Rejected, tn.status(c))
			require.Equal(t, []string{tt.by + " not_eligible"},
				tn.texts(`SELECT actor || ' ' || (data->>'reason_code') FROM events WHERE case_id = $1 AND kind = 'case.rejected'`, c))
			require.Equal(t, fund{budget: 500_000_000, raised: 500_000_000, available: 500_000_000}, tn.fund())
			tn.check()
		})
	}
}

func TestCommittee(t *testing.T) {
	approve, abstain := aid.ActionApprove, aid.ActionAbstain
	tests := []struct {
		name  string
		votes []*move
	}{
		{"a quorum with the chair", []*move{by("approver2", approve), by("approver4", approve)}},
		{"the chair first", []*move{by("approver4", approve), by("approver3", approve)}},
		{"members without the chair wait for the chair", []*move{by("approver2", approve), by("approver3", approve), by("approver4", approve)}},
		{"one rejection is no veto", []*move{rejecting("approver2"), by("approver3", approve), by("approver4", approve)}},
		{"the majority against its chair", []*move{by("approver2", approve), by("approver3", approve), rejecting("approver4")}},
		{"an abstention makes the quorum", []*move{by("approver3", abstain), by("approver4", approve)}},
		{"the chair abstains", []*move{by("approver4", abstain), by("approver3", approve)}},
		{"all abstain but the last", []*move{by("approver2", abstain), by("approver4", abstain), by("approver3", approve)}},
		{"a tie goes to the chair", []*move{rejecting("approver2"), by("approver4", approve)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "housing_new"))
			pending := 0
			who := people(willing).but(aid.Approve, func(task postgres.TaskRow, waited time.Duration) *move {
				if task.Level != "province" {
					return willing(task, waited)
				}
				require.Equal(t, aid.InReview, tn.status(c), "decided before all of the table have voted")
				if pending == len(tt.votes) {
					t.Errorf("not decided by %d votes", pending)
					return nil
				}
				pending++
				return tt.votes[pending-1]
			})
			tn.liveUntil(who, tn.is(c, aid.Approved))
			require.Equal(t, len(tt.votes), pending)
			require.Equal(t, 57_000_000, tn.fund().reserved)
			tn.check()
		})
	}
}

// Whoever has voted does not vote again, and a task that the committee has
// not decided shows a new version to those who come later.
func TestCommitteeVotesOnce(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	again := &move{actor: "approver2", action: aid.ActionReject, reason: "not_eligible", refuse: "already_decided"}
	tn.liveUntil(people(willing).at("province", by("approver2", aid.ActionApprove), again, by("approver4", aid.ActionApprove)), tn.is(c, aid.Approved))
	tn.check()
}

func TestMedicalAboveTenMillionAsksTheProvince(t *testing.T) {
	for amount, levels := range map[int64]string{10_000_000: "commune", 10_000_001: "commune province", 20_000_000: "commune province"} {
		tn := newTown(t)
		request := example(t, "medical")
		request.RequestedAmount = amount
		c := tn.submit(request)
		tn.live(people(willing).at("province", by("approver5", aid.ActionApprove)))
		require.Equal(t, aid.Closed, tn.status(c))
		require.Equal(t, levels, strings.Join(tn.texts(`SELECT level FROM tasks WHERE case_id = $1 AND kind = 'approve' ORDER BY opened_at`, c), " "))
		tn.check()
	}
}

// An amount that the commune has lowered is what the province votes on and
// what is paid.
func TestLoweredAmountBinds(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	lower := &move{actor: "approver1", action: aid.ActionApprove, amount: 50_000_001, reason: "partly_needed"}
	tn.liveUntil(people(willing).at("commune", lower).never(aid.ConfirmMilestone), tn.is(c, aid.Approved))
	require.Equal(t, []string{"50000001 approved", "50000001 approved"},
		tn.texts(`SELECT d.amount || ' ' || t.outcome FROM decisions d JOIN tasks t ON t.id = d.task_id
			WHERE t.case_id = $1 AND t.kind = 'approve' AND t.level = 'province'`, c))
	require.Equal(t, 50_000_001, tn.fund().reserved)
	tn.live(willing)
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, []string{"20000000", "20000000", "10000001"},
		tn.texts(`SELECT amount::text FROM tranches ORDER BY n`), "40, 40 and the remainder")
	require.Equal(t, 50_000_001, tn.fund().spent)
	tn.check()
}

func TestAmountThatMayNotBeApproved(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	tooMuch := &move{actor: "approver1", action: aid.ActionApprove, amount: 57_000_001, refuse: "invalid_content"}
	byCommittee := &move{actor: "approver2", action: aid.ActionApprove, amount: 1_000_000, reason: "partly_needed", refuse: "invalid_content"}
	tn.liveUntil(people(willing).at("commune", tooMuch).at("province", byCommittee), tn.is(c, aid.Approved))
	require.Equal(t, 57_000_000, tn.fund().reserved)
	tn.check()
}
