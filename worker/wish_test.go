package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// pending gives the workflows to which the sweep would bring a wish now.
func (tn *town) pending() (all []string) {
	tn.t.Helper()
	wishes, err := tn.db.PendingWithdrawals(tn.t.Context(), 0)
	require.NoError(tn.t, err)
	for _, w := range wishes {
		all = append(all, w.Workflow)
	}
	return all
}

// A wish that is stored is not lost when the workflow has not heard of it:
// nothing new is instructed, and whoever brings it again ends the case.
func TestAWishThatNobodyBrought(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.ReleasePayment), tn.open(c, aid.ReleasePayment))
	wish := tn.wish(c)
	require.Equal(t, wish, tn.wish(c), "wishing again adds nothing")
	require.Equal(t, []string{tn.row(c).WorkflowID}, tn.pending())
	refused := &move{actor: "releaser1", action: aid.ActionApprove, refuse: "withdrawal_asked"}
	tn.look(people(willing).first(aid.ReleasePayment, refused))
	tn.pass(time.Hour)
	require.Zero(t, tn.events(c, "payment.instructed"))
	tn.bring(wish)
	tn.live(people(willing).never(aid.ReleasePayment))
	require.Equal(t, aid.Withdrawn, tn.status(c))
	require.Empty(t, tn.pending())
	require.Equal(t, untouched(), tn.fund())
	tn.check()
}

// A release that was asked for before the wish came is not made after it.
func TestAReleaseBehindAWish(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.ReleasePayment), tn.open(c, aid.ReleasePayment))
	tn.look(people(willing).first(aid.ReleasePayment, &move{actor: "releaser1", action: aid.ActionApprove, refuse: "withdrawal_asked"}).
		but(aid.ReleasePayment, func(task postgres.TaskRow, waited time.Duration) *move {
			m := willing(task, waited)
			m.refuse = "withdrawal_asked"
			tn.later = append(tn.later, func() { tn.wish(c) })
			return m
		}))
	tn.pass(time.Hour)
	require.Zero(t, tn.events(c, "payment.instructed"))
	require.Equal(t, []string{"refused withdrawal_asked"}, tn.texts(`SELECT d.state || ' ' || d.refusal FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE t.kind = 'release_payment'`))
	tn.check()
}

// A wish whose workflow has handed the case over is brought to the next one.
func TestAWishFollowsTheCase(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.Approve), tn.open(c, aid.Approve))
	first := tn.wish(c)
	tn.liveUntil(people(willing).never(aid.PreparePayment), tn.open(c, aid.PreparePayment))
	wishes, err := tn.db.PendingWithdrawals(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, wishes, 1)
	require.NotEqual(t, first.Workflow, wishes[0].Workflow)
	require.Equal(t, first.Withdrawal, wishes[0].Withdrawal)
	tn.bring(wishes[0])
	tn.live(people(willing).never(aid.PreparePayment))
	require.Equal(t, aid.Withdrawn, tn.status(c))
	tn.check()
}

// A case that is paid and followed up cannot be withdrawn any more.
func TestNoWishInTheFollowUp(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(willing, tn.is(c, aid.FollowingUp))
	_, err := tn.db.AskWithdrawal(t.Context(), tn.db.Partner(t, "portal1"), c, postgres.Wish{Reason: "applicant_request", By: "officer 17"})
	require.Equal(t, "wrong_state", aid.CodeOf(err))
	require.False(t, tn.row(c).WithdrawalAsked)
	require.Empty(t, tn.pending())
	tn.live(willing)
	tn.check()
}

// An amount that one of several approvers lowers is what the next one sees and
// approves, and what is paid.
func TestALoweredAmountBindsTheNextVoter(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.change(`INSERT INTO programmes (code, version, definition, published_at)
		SELECT code, version + 1, definition::jsonb || jsonb_build_object('version', version + 1) ||
		       '{"matrix": [{"levels": [{"name": "commune", "mode": "n_of_m", "n": 2}]}]}', published_at FROM programmes WHERE code = 'medical'`)
	tn.change(`UPDATE staff_roles SET level = 'commune' WHERE subject = 'approver5'`)
	c := tn.submit(example(t, "medical"))
	lower := &move{actor: "approver1", action: aid.ActionApprove, amount: 4_000_000, reason: "helped_elsewhere"}
	tn.liveUntil(people(willing).at("commune", lower, by("approver5", aid.ActionApprove)), tn.is(c, aid.FollowingUp))
	require.Equal(t, []string{"approver1 4000000", "approver5 4000000"}, tn.texts(`SELECT d.actor || ' ' || d.amount FROM decisions d JOIN tasks t ON t.id = d.task_id
		WHERE t.kind = 'approve' ORDER BY d.decided_at`))
	require.Equal(t, 4_000_000, tn.fund().spent)
	tn.check()
}

// From the fourth return on a person is asked whether the case goes on at all,
// also where it goes back to the verifiers.
func TestReturnedToTheVerifiersTooOften(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	back := returningToVerifier("approver1")
	tn.liveUntil(people(willing).at("commune", back, back, back, back), tn.open(c, aid.DecideStalled))
	require.Equal(t, 4, tn.row(c).Returns)
	require.Equal(t, aid.InReview, tn.status(c))
	require.Equal(t, []string{"returned_too_often"}, tn.texts(`SELECT rule->>'because' FROM tasks WHERE kind = 'decide_stalled'`))
	tn.liveUntil(willing, tn.is(c, aid.Approved))
	require.Equal(t, []string{"void"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'decide_stalled'`), "the verifiers have gone on with it")
	tn.check()
}

// A release does not depend on who is in the chair today: what the committee
// decided stands.
func TestTheChairMayLeaveAfterTheDecision(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	tn.liveUntil(people(willing).never(aid.ConfirmMilestone), tn.is(c, aid.Approved))
	tn.change(`DELETE FROM staff_roles WHERE subject IN ('approver2', 'approver4')`)
	tn.liveUntil(willing, func() bool { return tn.events(c, "payment.settled") > 0 })
	tn.check()
}
