package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// A visit that was missed stays open until somebody goes; the later ones keep
// their days, and one whose day has passed meanwhile comes at once.
func TestVisitsThatAreMissed(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	due := func() []string { return tn.texts(`SELECT due_at::text FROM visits ORDER BY n`) }
	var planned []string
	tn.once("the plan", tn.is(c, aid.FollowingUp), func() { planned = due() })
	missed := false
	tn.live(people(willing).but(aid.FollowUpVisit, func(task postgres.TaskRow, waited time.Duration) *move {
		if tn.events(c, "follow_up.completed") == 0 && waited < 400*24*time.Hour {
			missed = true
			return nil
		}
		return willing(task, waited)
	}))
	require.True(t, missed)
	require.Len(t, planned, 3)
	require.Equal(t, planned, due())
	require.Equal(t, []string{"completed true", "completed true", "completed true"}, tn.texts(`SELECT state || ' ' || (done_at > due_at) FROM visits ORDER BY n`))
	require.Zero(t, tn.number(`SELECT count(*) FROM (SELECT opened_at, lag(closed_at) OVER (ORDER BY opened_at) AS before FROM tasks WHERE kind = 'follow_up_visit') x
		WHERE opened_at < before`), "one after the other")
	require.Equal(t, 1, tn.events(c, "task.escalated"))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, spentOn(57_000_000), tn.fund())
	tn.check()
}

// The pupil is not enrolled in the second term: the money of that term waits
// for the evidence, and with the case it goes back to the fund. What the first
// term has cost somebody looks after.
func TestSecondTermNotEnrolled(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "schooling"))
	no := &move{actor: "verifier1", action: aid.ActionReturn, reason: "evidence_insufficient", data: `{"items": [{"kind": "school_confirmation", "problem": "missing"}]}`}
	tn.once("still asked", func() bool {
		return tn.number(`SELECT count(*) FROM tasks WHERE kind = 'confirm_milestone' AND outcome = 'returned'`) == 2
	}, func() {
		require.Equal(t, aid.Paying, tn.status(c))
		require.Equal(t, []string{"settled", "evidence_due"}, tn.texts(`SELECT state FROM tranches ORDER BY n`))
		require.Equal(t, aid.OwnerHousehold, *tn.row(c).WaitingOwner)
		require.Equal(t, fund{budget: 500_000_000, raised: 500_000_000, available: 496_000_000, reserved: 2_000_000, spent: 2_000_000}, tn.fund())
		tn.check()
		tn.withdraw(c)
	})
	tn.live(people(willing).first(aid.ConfirmMilestone, no, no, nil))
	require.Equal(t, aid.Withdrawn, tn.status(c))
	require.Equal(t, []string{"settled", "skipped"}, tn.texts(`SELECT state FROM tranches ORDER BY n`))
	require.Equal(t, []string{"done"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'recover_money'`))
	require.Equal(t, spentOn(2_000_000), tn.fund())
	tn.check()
}

// Evidence that is returned is asked for again, and then paid for once.
func TestEvidenceIsReturned(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	no := &move{actor: "verifier1", action: aid.ActionReturn, reason: "evidence_insufficient", data: `{"items": [{"kind": "house_photos", "problem": "unreadable"}]}`}
	tn.live(people(willing).first(aid.ConfirmMilestone, no))
	require.Equal(t, []string{"returned", "confirmed", "confirmed", "confirmed"}, tn.texts(`SELECT outcome FROM tasks WHERE kind = 'confirm_milestone' ORDER BY opened_at`))
	require.Equal(t, 3, tn.events(c, "payment.settled"))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, spentOn(57_000_000), tn.fund())
	tn.check()
}
