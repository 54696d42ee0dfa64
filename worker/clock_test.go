package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// A freeze moves deadlines away, its early end brings them back, and the
// workflow rings at the new instant though its timer was set to a later one.
func TestWorkflowFollowsTheFreeze(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	ctx := t.Context()
	until := tn.db.Now().AddDate(0, 2, 0)
	f, err := tn.db.CreateFreeze(ctx, tn.manager, postgres.Freeze{ID: postgres.NewID(aid.FreezeID), Area: "51", Until: until, Reason: "disaster"})
	require.NoError(t, err)
	c := tn.submit(example(t, "medical"))
	nobody := people(willing).never(aid.VerifyDocuments).never(aid.FieldVisit)
	tn.liveUntil(nobody, tn.open(c, aid.VerifyDocuments))
	require.Equal(t, 2, tn.number(`SELECT count(*) FROM tasks WHERE closed_at IS NULL AND due_at > $1`, until))
	_, err = tn.db.EndFreeze(ctx, tn.manager, f.ID, f.Version)
	require.NoError(t, err)
	for n := 1; n > 0; {
		n, err = tn.db.Recount(ctx, 10)
		require.NoError(t, err)
	}
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM outbox WHERE name = 'look' AND sent_at IS NULL`))
	tn.dispatch()
	require.Equal(t, 2, tn.number(`SELECT count(*) FROM tasks WHERE closed_at IS NULL AND due_at < $1`, tn.now.AddDate(0, 0, 10)))
	tn.liveUntil(nobody, func() bool { return tn.events(c, "task.escalated") == 2 })
	require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE breached_at > due_at + interval '2 hours'`), "told at the deadline")
	tn.check()
}

// Whoever keeps a task beyond its time loses it two working days later, once;
// the task stays open, and what it has taken stays.
func TestLateTaskGoesBackToThePool(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.db.SetClaimTime(0) // claims do not lapse here
	c := tn.submit(example(t, "medical"))
	nobody := people(willing).never(aid.VerifyDocuments).never(aid.FieldVisit)
	tn.liveUntil(nobody, tn.open(c, aid.VerifyDocuments))
	id := tn.texts(`SELECT id FROM tasks WHERE kind = 'verify_documents'`)[0]
	_, err := tn.db.ClaimTask(t.Context(), tn.db.Staff(t, "verifier1"), id, 0)
	require.NoError(t, err)
	end := tn.now.Add(20 * 24 * time.Hour)
	tn.liveUntil(nobody, func() bool { return tn.now.After(end) })
	require.Equal(t, []string{"verifier1"}, tn.texts(`SELECT data->>'assignee' FROM events WHERE case_id = $1 AND kind = 'task.reassigned'`, c))
	require.Equal(t, []string{`["manager1"]`}, tn.texts(`SELECT data->>'superior' FROM events WHERE task_id = $1 AND kind = 'task.escalated'`, id))
	require.Equal(t, []string{"open"}, tn.texts(`SELECT state FROM tasks WHERE id = $1 AND assignee IS NULL`, id))
	clock, err := tn.db.TaskClock(t.Context(), id)
	require.NoError(t, err)
	require.Greater(t, clock.Accrued, clock.Allowed)
	require.Equal(t, aid.InReview, tn.status(c), "nothing was decided")
	tn.check()
}
