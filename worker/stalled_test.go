package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// days gives the days after the first event of a kind on which later events
// came, and their kinds.
func (tn *town) days(id, from string, kinds ...string) []string {
	var all []string
	for _, kind := range kinds {
		all = append(all, tn.texts(`SELECT kind || ' ' || floor(extract(epoch FROM at - (SELECT min(at) FROM events WHERE case_id = $1 AND kind = $2)) / 86400)
			FROM events WHERE case_id = $1 AND kind = $3 ORDER BY n`, id, from, kind)...)
	}
	return all
}

func notYet(actor string) *move {
	return &move{actor: actor, action: aid.ActionReject, reason: "other"}
}

func TestSilentPartner(t *testing.T) {
	silent := func() people {
		return people(willing).first(aid.VerifyDocuments, returning("verifier1")).never(aid.ProvideInformation)
	}
	reminded := []string{"task.partner_reminded 7", "task.partner_reminded 14", "case.no_answer 30"}
	t.Run("a person ends the case", func(t *testing.T) {
		t.Parallel()
		tn := newTown(t)
		c := tn.submit(example(t, "housing_new"))
		tn.live(silent().first(aid.DecideStalled, by("verifier2", aid.ActionConfirm)))
		require.Equal(t, aid.Withdrawn, tn.status(c))
		require.Equal(t, "stalled", tn.row(c).ReasonCode)
		require.Equal(t, reminded, tn.days(c, "case.returned", "task.partner_reminded", "case.no_answer"))
		tn.check()
	})
	t.Run("a person waits and is asked again, twice, until the partner answers", func(t *testing.T) {
		t.Parallel()
		tn := newTown(t)
		c := tn.submit(example(t, "housing_new"))
		tn.once("the third question", func() bool { return tn.events(c, "case.no_answer") == 3 }, func() {})
		who := silent().first(aid.DecideStalled, notYet("manager1"), notYet("verifier2")).
			but(aid.ProvideInformation, func(task postgres.TaskRow, _ time.Duration) *move {
				if tn.events(c, "case.no_answer") < 3 {
					return nil
				}
				return &move{action: aid.ActionComplete}
			}).after(aid.DecideStalled, time.Hour)
		tn.liveUntil(who, tn.is(c, aid.Approved))
		require.Equal(t, append(reminded, "case.no_answer 60", "case.no_answer 90"), tn.days(c, "case.returned", "task.partner_reminded", "case.no_answer"))
		require.Equal(t, []string{"done", "done", "void"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'decide_stalled' ORDER BY opened_at`))
		tn.check()
	})
	t.Run("nobody answers: it waits for ever", func(t *testing.T) {
		t.Parallel()
		tn := newTown(t)
		c := tn.submit(example(t, "housing_new"))
		start := tn.now
		tn.liveUntil(silent().never(aid.DecideStalled), func() bool { return tn.now.Sub(start) > 200*24*time.Hour })
		require.Equal(t, aid.ActionNeeded, tn.status(c))
		require.Equal(t, reminded, tn.days(c, "case.returned", "task.partner_reminded", "case.no_answer"), "each once")
		tn.check()
	})
}

// A question that comes early, after too many returns, does not take the
// partner's reminders away.
func TestRemindersSurviveAnEarlyQuestion(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	r := returning("verifier1")
	who := people(willing).first(aid.VerifyDocuments, r, r, r, r).after(aid.ProvideInformation, 40*24*time.Hour)
	for range 3 {
		tn.liveUntil(people(willing).first(aid.VerifyDocuments, r), tn.is(c, aid.ActionNeeded))
		tn.liveUntil(people(willing).never(aid.VerifyDocuments).never(aid.FieldVisit), tn.is(c, aid.InReview))
	}
	tn.liveUntil(people(willing).first(aid.VerifyDocuments, r), tn.is(c, aid.ActionNeeded))
	before := tn.events(c, "task.partner_reminded")
	tn.liveUntil(who.first(aid.DecideStalled, notYet("manager1")).never(aid.VerifyDocuments), tn.is(c, aid.InReview))
	require.Equal(t, 2, tn.events(c, "task.partner_reminded")-before)
	require.Equal(t, 1, tn.events(c, "case.no_answer"))
	tn.check()
}

func TestAwardThatIsNotStarted(t *testing.T) {
	t.Run("cancelled by a person, the money is free again", func(t *testing.T) {
		t.Parallel()
		tn := newTown(t)
		c := tn.submit(example(t, "housing_new"))
		tn.once("the money is still set aside", tn.open(c, aid.DecideStalled), func() { require.Equal(t, 57_000_000, tn.fund().reserved) })
		tn.live(people(willing).never(aid.ConfirmMilestone).after(aid.DecideStalled, 24*time.Hour).first(aid.DecideStalled, by("manager1", aid.ActionConfirm)))
		row := tn.row(c)
		require.Equal(t, aid.Closed, row.Status)
		require.Equal(t, "not_started", row.ReasonCode)
		require.Equal(t, []string{"case.not_started 90"}, tn.days(c, "case.approved", "case.not_started"))
		require.Equal(t, fund{budget: 500_000_000, raised: 500_000_000, available: 500_000_000}, tn.fund())
		tn.check()
	})
	t.Run("waits on, and starts", func(t *testing.T) {
		t.Parallel()
		tn := newTown(t)
		c := tn.submit(example(t, "housing_new"))
		tn.liveUntil(people(willing).after(aid.ConfirmMilestone, 100*24*time.Hour).first(aid.DecideStalled, notYet("manager1")), tn.is(c, aid.Paying))
		require.Equal(t, []string{"done"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'decide_stalled'`))
		tn.check()
	})
	t.Run("starts while the question is open", func(t *testing.T) {
		t.Parallel()
		tn := newTown(t)
		c := tn.submit(example(t, "housing_new"))
		tn.liveUntil(people(willing).after(aid.ConfirmMilestone, 100*24*time.Hour), tn.is(c, aid.Paying))
		require.Equal(t, []string{"void"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'decide_stalled'`))
		tn.check()
	})
}
