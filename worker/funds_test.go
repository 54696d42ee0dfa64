package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// poorFund lets a fund of the commune itself pay, with little money and a
// large budget.
func (tn *town) poorFund(raised int64) {
	tn.t.Helper()
	tn.fundAt = "poor"
	_, err := tn.db.CreateFund(tn.t.Context(), tn.db.Staff(tn.t, "treasurer1"), postgres.NewFund{ID: postgres.NewID(aid.FundID), Code: tn.fundAt,
		Name: "Fund of a commune", Area: "51001", Currency: "VND", Budget: 1_000_000_000, Rails: map[string]string{"bank": "simulator"}})
	require.NoError(tn.t, err)
	tn.give(raised)
}

// give contributes to the fund that pays.
func (tn *town) give(amount int64) {
	tn.t.Helper()
	fund := tn.texts(`SELECT id FROM funds WHERE code = $1`, tn.fundAt)[0]
	id := postgres.NewID(aid.ContributionID)
	_, err := tn.db.Contribute(tn.t.Context(), postgres.Contribution{ID: id, FundID: fund, ExternalID: id, Amount: amount, Currency: "VND",
		ReceivedOn: tn.now, CreatedBy: "treasurer1"}, "A donor")
	require.NoError(tn.t, err)
}

// in gives a request of the commune whose fund is poor.
func in51001(content postgres.CaseContent, i int) postgres.CaseContent {
	content = another(content, i)
	content.Area = "51001"
	return content
}

func (tn *town) waiting(ids ...string) func() bool {
	return func() bool {
		for _, id := range ids {
			if !tn.is(id, aid.WaitingFunds)() {
				return false
			}
		}
		return true
	}
}

func TestNoMoney(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.poorFund(56_999_999)
	c := tn.submit(example(t, "housing_new"))
	tn.liveUntil(willing, tn.waiting(c))
	require.Equal(t, 2, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'approve' AND outcome = 'approved'`), "the decision stands")
	require.Equal(t, aid.OwnerFund, *tn.row(c).WaitingOwner)
	tn.check()

	for range 30 { // nothing happens by itself
		tn.pass(24 * time.Hour)
		tn.look(willing)
	}
	require.Equal(t, aid.WaitingFunds, tn.status(c))
	tn.give(1)
	tn.live(willing)
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, fund{budget: 1_000_000_000, raised: 57_000_000, spent: 57_000_000}, tn.fund())
	tn.check()
}

// A contribution that is too small wakes the case and changes nothing.
func TestTooLittleMoney(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.poorFund(10_000_000)
	c := tn.submit(example(t, "housing_new"))
	tn.liveUntil(willing, tn.waiting(c))
	for range 4 {
		tn.give(10_000_000)
		tn.look(willing)
		tn.pass(time.Hour)
		require.Equal(t, aid.WaitingFunds, tn.status(c))
	}
	tn.give(10_000_000)
	tn.liveUntil(willing, tn.is(c, aid.Approved))
	require.Equal(t, 57_000_000, tn.fund().reserved)
	tn.check()
}

// approvedInTurn lets the given cases come to their last decision one after
// the other, an hour apart or more.
func approvedInTurn(tn *town, ids ...string) people {
	return func(task postgres.TaskRow, waited time.Duration) *move {
		if task.Kind == aid.Approve {
			for _, id := range ids {
				if id == task.CaseID {
					break
				}
				if !tn.is(id, aid.WaitingFunds)() {
					return nil
				}
			}
		}
		return willing(task, waited)
	}
}

// The order of the list: urgent cases first, then the time of the decision. A
// head that is too big stops the list; whoever is behind waits, although the
// money would do.
func TestWaitingList(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.poorFund(1_000_000)
	house, small, urgent := example(t, "housing_new"), example(t, "schooling"), example(t, "medical")
	small.Urgent, urgent.Urgent = false, true
	first := tn.submit(in51001(house, 0))   // 57 m
	second := tn.submit(in51001(small, 5))  // 4 m
	third := tn.submit(in51001(urgent, 10)) // 6 m, urgent
	fourth := tn.submit(in51001(small, 15)) // 4 m
	who := approvedInTurn(tn, first, second, third, fourth)
	tn.liveUntil(who, tn.waiting(first, second, third, fourth))
	tn.check()

	settle := func() {
		for range 5 {
			tn.look(people(willing).never(aid.ConfirmMilestone).never(aid.PreparePayment))
			tn.pass(time.Hour)
		}
	}
	states := func() []aid.Status {
		return []aid.Status{tn.status(first), tn.status(second), tn.status(third), tn.status(fourth)}
	}
	const w, a = aid.WaitingFunds, aid.Approved
	tn.give(4_000_000) // 5 m: enough for the second and the fourth, not for the urgent head
	settle()
	require.Equal(t, []aid.Status{w, w, w, w}, states())
	tn.give(10_000_000) // 15 m: the urgent one; then the house is the head, and too big
	settle()
	require.Equal(t, []aid.Status{w, w, a, w}, states())
	require.Equal(t, fund{budget: 1_000_000_000, raised: 15_000_000, available: 9_000_000, reserved: 6_000_000}, tn.fund())
	tn.give(52_000_000) // 61 m free: the house and the second
	settle()
	require.Equal(t, []aid.Status{a, a, a, w}, states())
	tn.check()
	tn.give(4_000_000)
	settle()
	require.Equal(t, []aid.Status{a, a, a, a}, states())
	tn.live(willing)
	require.Equal(t, 71_000_000, tn.fund().spent)
	tn.check()
}

// A case that is approved while others wait goes behind them, although its own
// money is there; an urgent one goes before them.
func TestNewcomersAndTheWaitingList(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.poorFund(10_000_000)
	house, small, urgent := example(t, "housing_new"), example(t, "schooling"), example(t, "medical")
	urgent.Urgent = true
	first := tn.submit(in51001(house, 0))
	tn.liveUntil(willing, tn.waiting(first))
	second := tn.submit(in51001(small, 5))
	tn.liveUntil(willing, tn.waiting(second))
	third := tn.submit(in51001(urgent, 10))
	tn.liveUntil(people(willing).never(aid.PreparePayment), tn.is(third, aid.Approved))
	require.Equal(t, aid.WaitingFunds, tn.status(first))
	require.Equal(t, aid.WaitingFunds, tn.status(second))
	tn.check()
}

// When the head of the list goes away, the next one is asked.
func TestHeadThatLeavesTheList(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.poorFund(10_000_000)
	first := tn.submit(in51001(example(t, "housing_new"), 0))
	tn.liveUntil(willing, tn.waiting(first))
	second := tn.submit(in51001(example(t, "schooling"), 5))
	tn.liveUntil(willing, tn.waiting(second))
	tn.withdraw(first)
	tn.liveUntil(people(willing).never(aid.PreparePayment), tn.is(second, aid.Approved))
	require.Equal(t, aid.Withdrawn, tn.status(first))
	tn.check()
}

// Money that a withdrawn award gives back goes to the head of the list.
func TestMoneyThatComesBackIsUsed(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.poorFund(57_000_000)
	first := tn.submit(in51001(example(t, "housing_new"), 0))
	tn.liveUntil(people(willing).never(aid.ConfirmMilestone), tn.is(first, aid.Approved))
	second := tn.submit(in51001(example(t, "schooling"), 5))
	tn.liveUntil(people(willing).never(aid.ConfirmMilestone), tn.waiting(second))
	tn.withdraw(first)
	tn.liveUntil(people(willing).never(aid.PreparePayment), tn.is(second, aid.Approved))
	tn.check()
}
