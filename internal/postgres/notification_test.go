package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// spreadAll makes notifications of everything that was put down.
func spreadAll(t testing.TB, db *pgtest.DB) {
	t.Helper()
	for {
		n, err := db.SpreadNotices(t.Context(), false, 100)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// told gives who was told of a kind.
func told(t testing.TB, db *pgtest.DB, kind string) []string {
	t.Helper()
	return rows(t, db, `SELECT person FROM notifications WHERE kind = $1 ORDER BY notice, person`, kind)
}

// event tells of a task.
func event(t testing.TB, db *pgtest.DB, caseID string, e postgres.Event) {
	t.Helper()
	change(t, db, caseID, func(tx *postgres.Tx, c *postgres.Case) error { return tx.AddEvent(c, e) })
	spreadAll(t, db)
}

// Who is told follows from the kind, the roles of the moment, the actor and
// whom the event names.
func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	spreadAll(t, db)
	visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	exec(t, db, `UPDATE tasks SET state = 'claimed', assignee = 'verifier2', claimed_at = now() WHERE id = $1`, visit)
	spreadAll(t, db)
	repair := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.RepairConfiguration, Subject: task})
	spreadAll(t, db)
	exec(t, db, `UPDATE staff SET disabled_at = now() WHERE subject = 'admin2'`)
	if got := told(t, db, "task.opened"); !slices.Equal(got, []string{"verifier1", "verifier2", "verifier2", "admin1", "admin2"}) {
		t.Errorf("opened: %q", got)
	}
	for i, tc := range []struct {
		e    postgres.Event
		want []string
	}{
		{postgres.Event{Kind: "task.reminded", Actor: postgres.System, Task: task}, []string{"verifier1", "verifier2"}},
		{postgres.Event{Kind: "task.reminded", Actor: postgres.System, Task: visit}, []string{"verifier2"}},
		{postgres.Event{Kind: "task.reminded", Actor: postgres.System, Task: repair}, []string{"admin1"}},
		{postgres.Event{Kind: "task.assigned", Actor: "manager1", Task: visit}, []string{"verifier2"}},
		{postgres.Event{Kind: "task.assigned", Actor: "verifier2", Task: visit}, nil},
		{postgres.Event{Kind: "task.escalated", Actor: postgres.System, Task: task}, []string{"manager1"}},
		{postgres.Event{Kind: "task.escalated", Actor: postgres.System, Task: task, Data: map[string]any{"superior": []string{"approver1"}}}, []string{"approver1"}},
		{postgres.Event{Kind: "case.escalated", Actor: postgres.System, Data: map[string]any{"superior": []string{}}}, []string{"manager1"}},
		{postgres.Event{Kind: "case.sla_at_risk", Actor: postgres.System}, []string{"manager1"}},
		{postgres.Event{Kind: "case.sla_at_risk", Actor: postgres.System, Task: task}, nil}, // the reminder tells it
		{postgres.Event{Kind: "task.reassigned", Actor: postgres.System, Task: task, Data: map[string]any{"to": "approver1"}}, []string{"approver1", "verifier1", "verifier2"}},
		{postgres.Event{Kind: "task.claim_lapsed", Actor: postgres.System, Task: task, Data: map[string]any{"assignee": "verifier1"}}, []string{"verifier1"}},
		{postgres.Event{Kind: "task.question", Actor: "verifier1", Task: task, Data: map[string]any{"to": []string{"verifier2", "verifier3", "admin1", "nobody"}}}, []string{"verifier2"}},
		{postgres.Event{Kind: "task.question", Actor: "verifier1", Task: visit, Data: map[string]any{"about": task}}, []string{"verifier2"}},
		{postgres.Event{Kind: "task.advice", Actor: "verifier2", Task: task}, []string{"verifier1"}},
		{postgres.Event{Kind: "task.comment", Actor: "verifier1", Task: visit, Data: map[string]any{"to": "verifier1"}}, []string{"verifier2"}},
		{postgres.Event{Kind: "task.decision_expired", Actor: "verifier1", Task: task}, []string{"verifier1"}},
		{postgres.Event{Kind: "task.decision_expired", Actor: "verifier3", Task: task}, nil},
	} {
		exec(t, db, `DELETE FROM notifications`)
		event(t, db, c.ID, tc.e)
		if got := told(t, db, tc.e.Kind); !slices.Equal(got, tc.want) {
			t.Errorf("%d %s: %q, want %q", i, tc.e.Kind, got, tc.want)
		}
	}
}

// An approval tells those of its level, in a committee its members, without
// those who have another duty in the case.
func TestOnlyThoseWhoMayDecideAreTold(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	papers := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	exec(t, db, `INSERT INTO case_duties (case_id, person, duty, task_id, at) VALUES ($1, 'approver3', 'verify', $2, now())`, c.ID, papers)
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "commune", Rule: aid.Level{Name: "commune", Mode: aid.ModeAny}})
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Rule: aid.Level{Name: "province", Mode: aid.ModeCommittee, Quorum: 2}})
	spreadAll(t, db)
	got := rows(t, db, `SELECT level || ' ' || person FROM notifications n JOIN tasks t ON t.id = n.task_id WHERE t.kind = 'approve' ORDER BY 1`)
	if want := []string{"commune approver1", "province approver2", "province approver4"}; !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
}

// The bell shows what its person may see now, newest first, in pages.
func TestTheBell(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	var tasks []string
	for i := range 3 {
		tasks = append(tasks, openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments, Subject: fmt.Sprint(i)}))
		spreadAll(t, db)
	}
	caller := db.Staff(t, "verifier1")
	see := func(unread bool, page postgres.Page) (tasks []string, last postgres.Cursor) {
		t.Helper()
		list, err := db.Notifications(t.Context(), caller, unread, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			tasks, last = append(tasks, *n.TaskID), n.Cursor()
		}
		return tasks, last
	}
	unread := func(want int) {
		t.Helper()
		if n, err := db.Unread(t.Context(), caller); err != nil || n != want {
			t.Errorf("%d unread, %v, want %d", n, err, want)
		}
	}
	some, after := see(false, postgres.Page{Limit: 2})
	if !slices.Equal(some, []string{tasks[2], tasks[1]}) {
		t.Fatalf("%q", some)
	}
	if rest, _ := see(false, postgres.Page{Limit: 2, After: after}); !slices.Equal(rest, tasks[:1]) {
		t.Fatalf("%q", rest)
	}
	unread(3)
	other, err := db.Notifications(t.Context(), db.Staff(t, "verifier2"), false, postgres.Page{})
	if err != nil || len(other) != 3 {
		t.Fatal(other, err)
	}
	if err := db.ReadNotifications(t.Context(), caller, []string{other[0].ID, "ntf_x"}, ""); err != nil {
		t.Fatal(err)
	}
	unread(3) // another's
	if err := db.ReadNotifications(t.Context(), caller, nil, after.ID); err != nil {
		t.Fatal(err)
	}
	unread(1)
	exec(t, db, `UPDATE tasks SET state = 'done', closed_at = now() WHERE id = $1`, tasks[2])
	unread(0) // somebody has done it
	exec(t, db, `UPDATE staff_roles SET area = '48' WHERE subject = 'verifier1'`)
	caller = db.Staff(t, "verifier1")
	if gone, _ := see(false, postgres.Page{}); gone != nil {
		t.Fatalf("%q", gone)
	}
	if _, err := db.Notifications(t.Context(), caller, false, postgres.Page{After: postgres.Cursor{Sort: "x", ID: "y"}}); aid.CodeOf(err) != "invalid_cursor" {
		t.Fatal(err)
	}
}

// What is old is forgotten, and nothing else.
func TestOldMessagesAreForgotten(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	event(t, db, c.ID, postgres.Event{Kind: "task.escalated", Actor: postgres.System})
	m, _ := take(t, db)
	if err := db.Sent(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if n, err := db.ForgetMessages(t.Context(), 24*time.Hour); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	db.Clock.Advance(25 * time.Hour)
	event(t, db, c.ID, postgres.Event{Kind: "task.escalated", Actor: postgres.System})
	if n, err := db.ForgetMessages(t.Context(), 24*time.Hour); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if n := rows(t, db, `SELECT state FROM messages`); !slices.Equal(n, []string{"waiting"}) {
		t.Fatalf("%q", n)
	}
}
