package postgres_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

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
