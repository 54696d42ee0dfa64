package worker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
)

// late gives people who decide a kind of task a month after its deadline.
func late(kind aid.TaskKind) people { return people(willing).after(kind, 40*24*time.Hour) }

// A deadline that passes reminds, warns and escalates, each once; it closes
// nothing and decides nothing.
func TestDeadlinePasses(t *testing.T) {
	tests := []struct {
		kind aid.TaskKind
		n    int // how many such tasks the medical path has
	}{{aid.VerifyDocuments, 1}, {aid.FieldVisit, 1}, {aid.Approve, 1}, {aid.PreparePayment, 1}, {aid.ReleasePayment, 1}, {aid.FollowUpVisit, 1}}
	for _, tt := range tests {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "medical"))
			tn.once("open after its deadline", func() bool { return tn.events(c, "task.escalated") > 0 && tn.open(c, tt.kind)() }, func() {})
			tn.live(late(tt.kind))
			require.Equal(t, aid.Closed, tn.status(c))
			for _, kind := range []string{"task.reminded", "case.sla_at_risk", "case.sla_breached", "task.escalated"} {
				told := tn.texts(`SELECT data->>'task_kind' FROM events WHERE case_id = $1 AND kind = $2 AND data->>'scope' = 'task'`, c, kind)
				require.Equal(t, []string{string(tt.kind)}, slices.Compact(slices.Clone(told)), kind)
				require.Len(t, told, tt.n, kind)
			}
			require.Equal(t, []string{"true true true"}, tn.texts(`SELECT (warned_at < due_at)::text || ' ' || (breached_at >= due_at)::text || ' ' || (closed_at > due_at)::text
				FROM tasks WHERE kind = $1`, tt.kind), "warned before, breached at, done after the deadline")
			tn.check()
		})
	}
}

// Work that is done in time has no reminder and no breach.
func TestDeadlineThatIsKept(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "schooling"))
	tn.live(willing)
	require.Empty(t, tn.texts(`SELECT kind FROM events WHERE case_id = $1 AND kind IN ('task.reminded', 'case.sla_at_risk', 'case.sla_breached', 'task.escalated')`, c))
	tn.check()
}

// Deadlines are working days: what is opened on a Friday afternoon with three
// days is due on Wednesday afternoon.
func TestDeadlineCountsWorkingDays(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.now = time.Date(2026, 3, 6, 8, 0, 0, 0, time.UTC) // Friday 15:00 in Vietnam
	tn.db.Clock.Set(tn.now)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.VerifyDocuments).never(aid.FieldVisit), tn.open(c, aid.VerifyDocuments))
	require.Equal(t, []string{"field_visit Fri 15:00", "verify_documents Wed 15:00"},
		tn.texts(`SELECT kind || to_char(due_at AT TIME ZONE 'Asia/Ho_Chi_Minh', ' Dy HH24:MI') FROM tasks ORDER BY kind`))
	tn.check()
}

// While the partner is asked the office's time does not run: what a returned
// task had left is there after the answer, however long it took.
func TestNoDeadlineRunsWhileThePartnerIsAsked(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).first(aid.VerifyDocuments, returning("verifier1")).after(aid.ProvideInformation, 20*24*time.Hour), tn.is(c, aid.Approved))
	require.Zero(t, tn.events(c, "case.sla_breached"))
	require.Zero(t, tn.events(c, "case.sla_at_risk"))
	tn.check()
}

// A claimed task and a hand-over to another verifier keep the deadline.
func TestHandOverKeepsTheDeadline(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.db.SetClaimTime(0) // claims do not lapse here
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.VerifyDocuments).never(aid.FieldVisit), tn.open(c, aid.VerifyDocuments))
	due := tn.texts(`SELECT due_at::text FROM tasks WHERE kind = 'verify_documents'`)
	id := tn.texts(`SELECT id FROM tasks WHERE kind = 'verify_documents'`)[0]
	for _, who := range []string{"verifier1", "verifier2"} {
		_, err := tn.db.ClaimTask(t.Context(), tn.db.Staff(t, who), id, 0)
		require.NoError(t, err)
		tn.pass(2 * 24 * time.Hour)
		other := map[string]string{"verifier1": "verifier2", "verifier2": "verifier1"}[who]
		_, err = tn.db.ClaimTask(t.Context(), tn.db.Staff(t, other), id, 0)
		require.Equal(t, "task_claimed", aid.CodeOf(err))
		_, err = tn.db.ReleaseTask(t.Context(), tn.db.Staff(t, who), id, 0)
		require.NoError(t, err)
	}
	require.Equal(t, due, tn.texts(`SELECT due_at::text FROM tasks WHERE kind = 'verify_documents'`))
	require.Equal(t, []string{"task"}, tn.texts(`SELECT data->>'scope' FROM events WHERE case_id = $1 AND kind = 'case.sla_breached'`, c))
	tn.liveUntil(willing, tn.is(c, aid.Approved))
	tn.check()
}
