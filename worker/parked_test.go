package worker_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// change is what an administrator does to the configuration.
func (tn *town) change(statement string, args ...any) {
	tn.t.Helper()
	_, err := tn.conn.Exec(statement, args...)
	require.NoError(tn.t, err)
}

// repaired has an administrator report every repair of a case as done, and
// gives the refusal.
func (tn *town) repaired(id string) (code string) { return tn.repairedWith(id, "") }

// repairedWith is the same, with data in the completion.
func (tn *town) repairedWith(id, data string) (code string) {
	tn.t.Helper()
	ctx := context.Background()
	for _, task := range tn.texts(`SELECT id FROM tasks WHERE case_id = $1 AND kind = 'repair_configuration' AND closed_at IS NULL`, id) {
		row, err := tn.db.Task(ctx, tn.manager, task)
		require.NoError(tn.t, err)
		recorded, err := tn.db.RecordIntent(ctx, postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: "admin1",
			TaskVersion: row.Version, Action: aid.ActionComplete, Data: json.RawMessage(data)})
		require.NoError(tn.t, err)
		if err := tn.db.ApplyIntent(ctx, recorded.Decision); err != nil {
			require.NoError(tn.t, tn.db.RefuseIntent(ctx, recorded.Decision.ID, aid.KindOf(err), aid.CodeOf(err)))
			return aid.CodeOf(err)
		}
	}
	return ""
}

// because gives why a case is parked; "" when it is not.
func (tn *town) because(id string) string {
	tn.t.Helper()
	all := tn.texts(`SELECT string_agg(rule->>'because', ' ') FROM tasks WHERE case_id = $1 AND kind = 'repair_configuration' AND closed_at IS NULL
		HAVING count(*) > 0`, id)
	require.Equal(tn.t, len(all) > 0, tn.row(id).Parked, "the flag follows the repairs")
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

func abstaining(actor string) *move { return by(actor, aid.ActionAbstain) }

// Where those who may still vote cannot end an approval, an administrator is
// called and the case goes on with whoever comes: it is never rejected for
// want of an approver, and nobody has to look for it.
func TestAnApprovalThatNobodyCanEnd(t *testing.T) {
	tests := []struct {
		name   string
		who    people
		level  string
		repair string // makes approver5 one who may
	}{
		{"the only approver abstains", people(willing).at("commune", abstaining("approver1"), nil, nil), "commune",
			`UPDATE staff_roles SET level = 'commune' WHERE subject = 'approver5'`},
		{"one against one, and the chair abstains", people(willing).at("province", by("approver2", aid.ActionApprove), rejecting("approver3"), abstaining("approver4"), nil, nil), "province",
			`UPDATE staff_roles SET committee = true WHERE subject = 'approver5'`},
		{"all abstain", people(willing).at("province", abstaining("approver2"), abstaining("approver3"), abstaining("approver4"), nil, nil), "province",
			`UPDATE staff_roles SET committee = true WHERE subject = 'approver5'`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "housing_new"))
			tn.liveUntil(tt.who, func() bool { return tn.because(c) != "" })
			require.Equal(t, "nobody_can_decide", tn.because(c))
			require.Equal(t, aid.InReview, tn.status(c))
			require.Equal(t, "not_repaired", tn.repaired(c))
			tn.change(tt.repair)
			require.Empty(t, tn.repaired(c))
			require.Empty(t, tn.because(c))
			tn.liveUntil(people(willing).at(tt.level, by("approver5", aid.ActionApprove)), tn.is(c, aid.Approved))
			require.Equal(t, 1, tn.events(c, "case.parked"))
			require.Equal(t, 1, tn.events(c, "case.unparked"))
			tn.check()
		})
	}
}

// A fault of the configuration is no refusal to whoever decided before it: the
// decision stands, and the case goes on from there when it is mended.
func TestAFaultOfTheConfigurationParksInTheMiddle(t *testing.T) {
	tests := []struct {
		name, because, breaks, mends string
		done                         []string // before
	}{
		{"no fund pays", "no_fund", `UPDATE funds SET closing = true`, `UPDATE funds SET closing = false`,
			[]string{"verify_documents  1 done", "field_visit  1 done"}},
		{"no area of the first level", "no_area_of_level", `UPDATE areas SET level = 'ward' WHERE code = '51001'`, `UPDATE areas SET level = 'commune' WHERE code = '51001'`,
			[]string{"verify_documents  1 done", "field_visit  1 done"}},
		{"no area of the second level", "no_area_of_level", `UPDATE areas SET level = 'region' WHERE code = '51'`, `UPDATE areas SET level = 'province' WHERE code = '51'`,
			[]string{"verify_documents  1 done", "field_visit  1 done", "approve commune 1 done"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "housing_new"))
			tn.change(tt.breaks)
			tn.liveUntil(willing, func() bool { return tn.because(c) != "" })
			require.Equal(t, tt.because, tn.because(c))
			require.Equal(t, tt.done, tn.texts(`SELECT kind || ' ' || level || ' ' || review || ' ' || state FROM tasks WHERE case_id = $1
				AND kind <> 'repair_configuration' ORDER BY opened_at, id`, c))
			require.Zero(t, tn.number(`SELECT count(*) FROM decisions WHERE state <> 'applied'`))
			require.Equal(t, aid.OwnerOffice, *tn.row(c).WaitingOwner)
			require.Equal(t, "not_repaired", tn.repaired(c))
			tn.change(tt.mends)
			require.Empty(t, tn.repaired(c))
			tn.liveUntil(willing, tn.is(c, aid.Approved))
			require.Empty(t, tn.because(c))
			require.Equal(t, 1, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'approve' AND level = 'commune'`))
			tn.check()
		})
	}
}

// A calendar that cannot be read stops no work: tasks have no deadline until
// it is mended, and then the one that they should have had.
func TestABrokenCalendar(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	calendar := tn.texts(`SELECT definition::text FROM calendars WHERE code = 'vn-office'`)
	require.Len(t, calendar, 1)
	tn.change(`UPDATE calendars SET definition = '{"days": "none"}' WHERE code = 'vn-office'`)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.FieldVisit), func() bool {
		return tn.number(`SELECT count(*) FROM tasks WHERE kind = 'verify_documents' AND state = 'done'`) == 1
	})
	require.Equal(t, "calendar_unreadable", tn.because(c))
	require.Equal(t, []string{"field_visit"}, tn.texts(`SELECT kind FROM tasks WHERE kind = 'field_visit' AND due_at IS NULL AND closed_at IS NULL`))
	require.Equal(t, "not_repaired", tn.repaired(c))
	tn.change(`UPDATE calendars SET definition = $1 WHERE code = 'vn-office'`, calendar[0])
	require.Empty(t, tn.repaired(c))
	require.Empty(t, tn.because(c))
	tn.liveUntil(people(willing).never(aid.FieldVisit), func() bool { return tn.events(c, "case.sla_breached") == 1 })
	tn.liveUntil(willing, tn.is(c, aid.Approved))
	tn.check()
}

// The only verifier has verified: nobody may visit, and an administrator is
// told on the day of the visit.
func TestNobodyLeftToVisit(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.change(`DELETE FROM staff_roles WHERE subject = 'verifier2'`)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.FollowUpVisit), func() bool { return tn.because(c) != "" })
	require.Equal(t, aid.FollowingUp, tn.status(c))
	tn.change(`INSERT INTO staff_roles (subject, role, area) VALUES ('verifier2', 'verifier', '51')`)
	require.Empty(t, tn.repaired(c))
	tn.live(willing)
	require.Equal(t, aid.Closed, tn.status(c))
	tn.check()
}

// A case that is returned while it is parked is parked no more: the question
// that nobody could answer is gone.
func TestAReturnEndsTheParking(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.change(`UPDATE staff_roles SET level = 'province' WHERE subject = 'approver1'`)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(willing, func() bool { return tn.because(c) != "" })
	tn.once("withdraw", func() bool { return true }, func() { tn.withdraw(c) })
	tn.live(people(willing).never(aid.Approve))
	require.Equal(t, aid.Withdrawn, tn.status(c))
	require.False(t, tn.row(c).Parked)
	require.Equal(t, []string{"void"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'repair_configuration'`))
	tn.check()
}

// What a returned task had left runs on after the answer: it has no new time
// with every return.
func TestTheRemainingTimeRuns(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.now = time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC) // Monday 8:30 in Vietnam
	tn.db.Clock.Set(tn.now)
	c := tn.submit(example(t, "medical"))
	back := returning("verifier1")
	who := people(willing).first(aid.VerifyDocuments, back, back, back).after(aid.ProvideInformation, 10*24*time.Hour).never(aid.FieldVisit)
	tn.liveUntil(who.after(aid.VerifyDocuments, 30*time.Hour), func() bool { return tn.events(c, "case.resubmitted") == 3 })
	calendar, err := tn.db.Calendar(t.Context(), "vn-office")
	require.NoError(t, err)
	rows, err := tn.conn.Query(`SELECT opened_at, due_at, coalesce(closed_at, opened_at) FROM tasks WHERE kind = 'verify_documents' ORDER BY review`)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	want, n := time.Duration(0), 0
	for ; rows.Next(); n++ {
		var opened, due, closed time.Time
		require.NoError(t, rows.Scan(&opened, &due, &closed))
		if n > 0 {
			require.Equal(t, max(want, 4*time.Hour), calendar.Between(opened, due), "review %d", n+1)
		}
		want = calendar.Between(closed, due)
	}
	require.Equal(t, 4, n)
	require.NoError(t, rows.Err())
	require.Positive(t, tn.events(c, "case.sla_breached"), "whoever returns it again and again is late all the same")
	tn.check()
}
