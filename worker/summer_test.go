package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
)

// In a zone that changes its clocks at night a deadline keeps its hour on the
// wall across the change, in spring and in autumn, what was taken is the time
// that was worked, and the workflow rings at that instant and not an hour
// beside it.
func TestDeadlineAcrossAChangeOfTheClocks(t *testing.T) {
	tests := []struct {
		name string
		from time.Time // Friday 14:00 in Berlin; the clocks change on Sunday at night
		due  []string
	}{
		{"forward", time.Date(2026, 3, 27, 13, 0, 0, 0, time.UTC), []string{"field_visit Fri 14:00 12:00", "verify_documents Wed 14:00 12:00"}},
		{"back", time.Date(2026, 10, 23, 12, 0, 0, 0, time.UTC), []string{"field_visit Fri 14:00 13:00", "verify_documents Wed 14:00 13:00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			calendar, err := tn.db.CalendarByCode(t.Context(), "vn-office")
			require.NoError(t, err)
			rules := calendar.Rules
			rules.Zone, rules.Holidays = "Europe/Berlin", nil
			_, err = tn.db.EditCalendar(t.Context(), tn.db.Staff(t, "admin1"), "vn-office", calendar.Version, rules, nil)
			require.NoError(t, err)
			tn.now = tt.from
			tn.db.Clock.Set(tn.now)
			c := tn.submit(example(t, "medical"))
			nobody := people(willing).never(aid.VerifyDocuments).never(aid.FieldVisit)
			tn.liveUntil(nobody, tn.open(c, aid.VerifyDocuments))
			require.Equal(t, tt.due, tn.texts(`SELECT kind || to_char(due_at AT TIME ZONE 'Europe/Berlin', ' Dy HH24:MI') || to_char(due_at AT TIME ZONE 'UTC', ' HH24:MI')
				FROM tasks ORDER BY kind`))
			tn.liveUntil(nobody, func() bool { return tn.events(c, "task.escalated") == 2 })
			require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE breached_at < due_at OR breached_at > due_at + interval '59 minutes'`), "told at the deadline")
			for _, id := range tn.texts(`SELECT id FROM tasks WHERE kind = 'field_visit'`) {
				clock, err := tn.db.TaskClock(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, 5*8*time.Hour, clock.Allowed, "days of eight hours, whatever the night was")
				require.GreaterOrEqual(t, clock.Accrued, clock.Allowed)
				require.Less(t, clock.Accrued, clock.Allowed+4*time.Hour, "looked at in the same afternoon")
			}
			tn.check()
		})
	}
}
