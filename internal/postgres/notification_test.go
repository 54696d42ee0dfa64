package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
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

func wantTaken(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, postgres.ErrTaken) {
		t.Fatal(err)
	}
}

// take takes a mail and names its items by their kinds.
func take(t testing.TB, db *pgtest.DB) (*postgres.Outgoing, []string) {
	t.Helper()
	m, err := db.TakeMail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	if m != nil {
		for _, item := range m.Items {
			kinds = append(kinds, item.Kind)
		}
	}
	return m, kinds
}

// At the moment of sending everything is asked again: somebody who was removed,
// disabled or has lost the interest gets no mail.
func TestAMailIsCheckedWhenItIsTaken(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	exec(t, db, `CREATE TABLE kept AS SELECT address FROM staff_contacts WHERE subject = 'verifier2'`)
	for i, tc := range []struct {
		name   string
		change string
		want   []string
	}{
		{"nothing", `SELECT $1`, []string{"task.reminded", "delegation.begun"}},
		{"disabled", `UPDATE staff SET disabled_at = now() WHERE subject = 'verifier2' AND $1 <> ''`, nil},
		{"role ended", `DELETE FROM staff_roles WHERE subject = 'verifier2' AND $1 <> ''`, nil},
		{"role elsewhere", `UPDATE staff_roles SET area = '48' WHERE subject = 'verifier2' AND $1 <> ''`, nil},
		{"another role", `UPDATE staff_roles SET role = 'treasurer' WHERE subject = 'verifier2' AND $1 <> ''`, []string{"delegation.begun"}},
		{"only admin", `UPDATE staff_roles SET role = 'admin' WHERE subject = 'verifier2' AND $1 <> ''`, nil},
		{"task closed", `UPDATE tasks SET state = 'done', closed_at = now() WHERE id = $1`, []string{"delegation.begun"}},
		{"task taken", `UPDATE tasks SET state = 'claimed', assignee = 'verifier1', claimed_at = now() WHERE id = $1`, []string{"delegation.begun"}},
		{"case moved away", `UPDATE tasks SET area = '48001' WHERE id = $1`, nil},
		{"no address", `UPDATE staff_contacts SET address = NULL WHERE subject = 'verifier2' AND $1 <> ''`, nil},
		{"told off", `UPDATE staff_contacts SET channels = '{"mine": "off"}' WHERE subject = 'verifier2' AND $1 <> ''`, []string{"delegation.begun"}},
	} {
		c := submit(t, db, "portal1", request(i+1))
		task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
		change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
			err := tx.AddEvent(c, postgres.Event{Kind: "task.reminded", Actor: "verifier1", Task: task})
			if err != nil {
				return err
			}
			return tx.AddEvent(c, postgres.Event{Kind: "delegation.begun", Actor: "verifier1", Task: task, Data: map[string]any{"to": "verifier2"}})
		})
		spreadAll(t, db)
		exec(t, db, tc.change, task)
		m, kinds := take(t, db)
		if !slices.Equal(kinds, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, kinds, tc.want)
		}
		if m != nil && (m.Address != "verifier2@aidflow.test" || m.Language != "vi" || m.Items[0].Reference == "" || m.Attempt != 1) {
			t.Errorf("%s: %+v", tc.name, m)
		}
		if state := rows(t, db, `SELECT state FROM messages`); tc.want == nil && !slices.Equal(state, []string{"dropped"}) {
			t.Errorf("%s: %q", tc.name, state)
		}
		for _, back := range []string{`DELETE FROM notifications`, `DELETE FROM messages`, `UPDATE staff SET disabled_at = NULL`,
			`DELETE FROM staff_roles WHERE subject = 'verifier2'`, `INSERT INTO staff_roles (subject, role, area) VALUES ('verifier2', 'verifier', '51')`,
			`UPDATE staff_contacts SET channels = '{}', address = coalesce(address, (SELECT address FROM kept)) WHERE subject = 'verifier2'`} {
			exec(t, db, back)
		}
	}
}

// Many takers get each mail once.
func TestAMailIsTakenOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	const mails = 12
	for range mails {
		event(t, db, c.ID, postgres.Event{Kind: "task.escalated", Actor: postgres.System})
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := map[string]int{}
	for range 4 {
		all.Go(func() {
			for {
				m, err := db.TakeMail(t.Context())
				if err != nil || m == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				taken[m.ID]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(taken) != mails {
		t.Fatalf("%d of %d mails: %v", len(taken), mails, taken)
	}
	for id, n := range taken {
		if n != 1 {
			t.Errorf("%s was taken %d times", id, n)
		}
	}
}

// A lease that is over gives the mail to another, unless the server was being
// given it: then nobody knows. Whoever was late changes nothing.
func TestLeases(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	event(t, db, c.ID, postgres.Event{Kind: "task.escalated", Actor: postgres.System})
	first, _ := take(t, db)
	if none, _ := take(t, db); first == nil || none != nil {
		t.Fatalf("%v %v", first, none)
	}
	db.Clock.Advance(postgres.Lease)
	second, _ := take(t, db)
	if second == nil || second.ID != first.ID || second.Attempt != 2 {
		t.Fatalf("%+v", second)
	}
	ctx := t.Context()
	wantTaken(t, db.Handing(ctx, first))
	wantTaken(t, db.Sent(ctx, first))
	wantTaken(t, db.Again(ctx, first, db.Now(), "late"))
	wantTaken(t, db.GiveUp(ctx, first, true, "late"))
	if err := db.Handing(ctx, second); err != nil {
		t.Fatal(err)
	}
	db.Clock.Advance(postgres.Lease)
	if none, _ := take(t, db); none != nil {
		t.Fatal("a mail that may have been sent is taken again")
	}
	if n, err := db.EndLeases(ctx, false); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if err := db.Sent(ctx, second); err != nil { // it was only slow
		t.Fatal(err)
	}
	if got := rows(t, db, `SELECT state || ' ' || attempts FROM messages`); !slices.Equal(got, []string{"sent 2"}) {
		t.Fatalf("%q", got)
	}
}

// Whoever prefers a copy to silence gets a mail again of which nobody knows.
func TestAnUnknownMailIsSentAgainWhenSoSet(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	event(t, db, c.ID, postgres.Event{Kind: "task.escalated", Actor: postgres.System})
	m, _ := take(t, db)
	if err := db.Handing(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	db.Clock.Advance(postgres.Lease)
	if n, err := db.EndLeases(t.Context(), true); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if again, _ := take(t, db); again == nil || again.ID != m.ID || again.Attempt != 2 {
		t.Fatalf("%+v", again)
	}
}

// A digest is made once a day and person, of what had happened by its hour,
// whoever tries how often.
func TestOneDigestADay(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t) // Monday 09:00 in Vietnam; the hour is 07:30
	c := submit(t, db, "portal1", request(1))
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	spreadAll(t, db)
	digests := func(want int) {
		t.Helper()
		var all sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for range 4 {
			all.Go(func() {
				n, err := db.MakeDigests(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				made += n
				mu.Unlock()
			})
		}
		all.Wait()
		if made != want {
			t.Errorf("%d digests, want %d", made, want)
		}
	}
	digests(0) // it happened after the hour
	db.Clock.Advance(24 * time.Hour)
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	spreadAll(t, db)
	digests(2) // verifier1 and verifier2
	digests(0)
	for range 2 {
		m, kinds := take(t, db)
		if m == nil || !m.Digest || !slices.Equal(kinds, []string{"task.opened"}) {
			t.Fatalf("%+v %q", m, kinds)
		}
	}
	db.Clock.Advance(24 * time.Hour)
	exec(t, db, `UPDATE staff_contacts SET zone = 'America/New_York' WHERE subject = 'verifier2'`)
	digests(1) // for verifier2 it is Tuesday evening, and that day had its digest... of another zone's Tuesday
	if got := rows(t, db, `SELECT person || ' ' || digest_on FROM messages ORDER BY 1`); len(got) != 3 || got[0] != "verifier1 2026-03-03" || got[1] != "verifier1 2026-03-04" {
		t.Fatalf("%q", got)
	}
}

// What was read at the bell is not repeated in the digest.
func TestADigestLeavesOutWhatWasRead(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	spreadAll(t, db)
	for _, who := range []string{"verifier1", "verifier2"} {
		caller := db.Staff(t, who)
		list, err := db.Notifications(t.Context(), caller, true, postgres.Page{})
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		upTo := map[string]string{"verifier1": list[0].ID, "verifier2": list[1].ID}[who]
		if err := db.ReadNotifications(t.Context(), caller, nil, upTo); err != nil {
			t.Fatal(err)
		}
	}
	db.Clock.Advance(24 * time.Hour)
	if n, err := db.MakeDigests(t.Context()); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	m, _ := take(t, db)
	if m == nil || m.Address != "verifier2@aidflow.test" || len(m.Items) != 1 || m.Items[0].TaskKind != aid.FieldVisit {
		t.Fatalf("%+v", m)
	}
	if none, _ := take(t, db); none != nil {
		t.Fatalf("%+v", none)
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

// The superior of whoever is late hears of it, and when that person may not,
// the managers of the nearest area that has some who may: the event names the
// same persons as the mails.
func TestWhoIsAbove(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	id := submit(t, db, "portal1", request(1)).ID
	exec(t, db, `UPDATE staff SET superior = 'approver1' WHERE subject = 'verifier1'`)
	exec(t, db, `INSERT INTO staff_roles (subject, role, area, programmes) SELECT 'treasurer1', 'manager', area, '{none}' FROM cases WHERE id = $1`, id)
	task := openTask(t, db, id, postgres.NewTask{Kind: aid.VerifyDocuments})
	for _, tt := range []struct {
		name, change, assignee string
		want                   []string
	}{
		{"nobody has it: the manager upward who has the programme", ``, "", []string{"manager1"}},
		{"the superior", ``, "verifier1", []string{"approver1"}},
		{"somebody without a superior", ``, "verifier2", []string{"manager1"}},
		{"the superior is related to the household", `UPDATE staff SET superior = 'approver2' WHERE subject = 'verifier1';
			INSERT INTO case_recusals (id, case_id, subject, reason_code, recorded_at) SELECT 'rec_x', id, 'approver2', 'family', now() FROM cases`, "verifier1", []string{"manager1"}},
		{"the superior has left", `UPDATE staff SET superior = 'approver1' WHERE subject = 'verifier1';
			UPDATE staff SET disabled_at = now() WHERE subject = 'approver1'`, "verifier1", []string{"manager1"}},
		{"the manager is late", ``, "manager1", nil},
	} {
		if tt.change != "" {
			exec(t, db, tt.change)
		}
		var who *string
		if tt.assignee != "" {
			who = &tt.assignee
		}
		change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) error {
			got, err := tx.Above(c, task, who)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
			return err
		})
		exec(t, db, `UPDATE tasks SET assignee = $2, state = CASE WHEN $2::text IS NULL THEN 'open' ELSE 'claimed' END,
			claimed_at = CASE WHEN $2::text IS NULL THEN NULL ELSE now() END WHERE id = $1`, task, who)
		exec(t, db, `DELETE FROM notifications`)
		event(t, db, id, postgres.Event{Kind: "task.escalated", Actor: postgres.System, Task: task, Data: map[string]any{"superior": []string{}}})
		if got := told(t, db, "task.escalated"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: mails go to %q, want %q", tt.name, got, tt.want)
		}
	}
}
