package postgres_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// asks gives an intent of somebody on a task as it is now.
func asks(t testing.TB, db *pgtest.DB, task, actor string, action aid.Action) postgres.Intent {
	t.Helper()
	row := must(db.Task(context.Background(), db.Staff(t, "manager1"), task))(t)
	return postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: actor, TaskVersion: row.Version, Action: action, Note: "Canary note"}
}

func record(t testing.TB, db *pgtest.DB, in postgres.Intent) aid.Decision {
	t.Helper()
	return must(db.RecordIntent(context.Background(), in))(t).Decision
}

// crowd runs fn n times at once and gives the errors.
func crowd(n int, fn func(i int) error) []error {
	var all sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// taskOf gives the id of the open task of a kind.
func taskOf(t testing.TB, db *pgtest.DB, caseID string, kind aid.TaskKind) string {
	t.Helper()
	var id string
	if err := db.SQL(t).QueryRow(`SELECT id FROM tasks WHERE case_id = $1 AND kind = $2 AND closed_at IS NULL`, caseID, kind).Scan(&id); err != nil {
		t.Fatalf("no open %s: %v", kind, err)
	}
	return id
}

// An intent that is stored again, because nobody heard of the first time, is
// the same intent.
func TestRecordIntentIsIdempotent(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	c, _ := reserved(t, db, 0)
	in := asks(t, db, taskOf(t, db, c.ID, aid.PreparePayment), "treasurer1", aid.ActionConfirm)
	first := record(t, db, in)
	for i, err := range crowd(8, func(int) error {
		again, err := db.RecordIntent(ctx, in)
		if err == nil && again.Decision != first {
			t.Errorf("another intent: %+v", again)
		}
		return err
	}) {
		if err != nil {
			t.Errorf("copy %d: %v", i, err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM decisions WHERE task_id = $1`, in.Task); n != 1 {
		t.Fatalf("%d intents", n)
	}
	other := in
	other.ID = postgres.NewID(aid.DecisionID)
	_, err := db.RecordIntent(ctx, other)
	wantCode(t, err, "already_decided")
	stolen := in
	stolen.Actor = "treasurer2"
	_, err = db.RecordIntent(ctx, stolen)
	wantCode(t, err, "already_decided")
}

// One intent, applied by the door and by the sweep at once, and again later:
// one effect, and everybody hears that it was done.
func TestApplyIntentIsIdempotent(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	c, payment := reserved(t, db, 0)
	d := record(t, db, asks(t, db, taskOf(t, db, c.ID, aid.PreparePayment), "treasurer1", aid.ActionConfirm))
	errs := crowd(8, func(int) error { return db.ApplyIntent(ctx, d) })
	for i, err := range append(errs, db.ApplyIntent(ctx, d)) {
		if err != nil {
			t.Errorf("copy %d: %v", i, err)
		}
	}
	if p := must(db.Payment(ctx, db.Staff(t, "treasurer1"), payment))(t); p.State != aid.PaymentQueued || p.Version != 2 {
		t.Fatalf("%+v", p)
	}
	if n := count(t, db, `SELECT count(*) FROM tasks WHERE case_id = $1 AND kind = 'release_payment'`, c.ID); n != 1 {
		t.Fatalf("%d releases were opened", n)
	}
	for name, late := range map[string]func(context.Context) error{
		"refused": func(ctx context.Context) error { return db.RefuseIntent(ctx, d.ID, aid.Conflict, "task_closed") },
		"expired": func(ctx context.Context) error { return db.ExpireIntent(ctx, d.ID) },
	} {
		if err := late(ctx); err != nil {
			t.Fatal(err)
		}
		if row := must(db.Decision(ctx, db.Staff(t, "treasurer1"), d.ID))(t); row.State != "applied" || row.Refusal != "" {
			t.Errorf("%s after it was applied: %+v", name, row)
		}
	}
}

// Two persons decide one task at the same moment: exactly one wins, and the
// other is told who decided, what and when.
func TestTwoDecidersRace(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	for round := range 12 {
		c, payment := reserved(t, db, round)
		task := taskOf(t, db, c.ID, aid.PreparePayment)
		who := []string{"treasurer1", "treasurer2"}
		var ds []aid.Decision
		for _, actor := range who {
			ds = append(ds, record(t, db, asks(t, db, task, actor, aid.ActionConfirm)))
		}
		errs := crowd(2, func(i int) error { return db.ApplyIntent(ctx, ds[i]) })
		winner := slices.Index(errs, nil)
		if winner < 0 || errs[1-winner] == nil {
			t.Fatalf("round %d: %v", round, errs)
		}
		told := asRefusal(t, errs[1-winner], aid.Conflict, "task_closed")
		decided := must(db.Decision(ctx, db.Staff(t, "treasurer1"), ds[winner].ID))(t)
		if told["by"] != who[winner] || told["action"] != "confirm" || told["at"] != decided.DecidedAt.UTC().Format("2006-01-02T15:04:05Z") {
			t.Fatalf("round %d: the loser was told %v", round, told)
		}
		_, err := db.RecordIntent(ctx, asks(t, db, task, "treasurer2", aid.ActionConfirm)) // too late to ask
		if by := asRefusal(t, err, aid.Conflict, "task_closed")["by"]; by != who[winner] {
			t.Fatalf("round %d: who came late was told %s", round, by)
		}
		if p := must(db.Payment(ctx, db.Staff(t, "treasurer1"), payment))(t); p.Version != 2 {
			t.Fatalf("round %d: %+v", round, p)
		}
		if n := count(t, db, `SELECT count(*) FROM case_duties WHERE case_id = $1 AND duty = 'pay'`, c.ID); n != 1 {
			t.Fatalf("round %d: %d duties", round, n)
		}
	}
}

// One person sends two intents for one task at the same moment: one is stored.
func TestOnePersonAsksTwiceAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c, _ := reserved(t, db, 0)
	task := taskOf(t, db, c.ID, aid.PreparePayment)
	in := make([]postgres.Intent, 8)
	for i := range in {
		in[i] = asks(t, db, task, "treasurer1", aid.ActionConfirm)
	}
	stored := 0
	for _, err := range crowd(len(in), func(i int) error { _, err := db.RecordIntent(t.Context(), in[i]); return err }) {
		if err == nil {
			stored++
			continue
		}
		wantCode(t, err, "already_decided")
	}
	if stored != 1 {
		t.Fatalf("%d intents were stored", stored)
	}
}

// asRefusal gives the params of a refusal.
func asRefusal(t testing.TB, err error, kind aid.Kind, code string) map[string]string {
	t.Helper()
	e, ok := err.(*aid.Error)
	if !ok || e.Kind != kind || e.Code != code {
		t.Fatalf("got %v, want %s %s", err, kind, code)
	}
	return e.Params
}

// A decision on a case whose clock was moved is told on that clock, as its
// task and the case's events are.
func TestDecisionIsOnTheCasesClock(t *testing.T) {
	db, ctx := pgtest.New(t), context.Background()
	c := submit(t, db, "portal1", request(0))
	const month = 30 * 24 * time.Hour
	begun := db.Clock.Now()
	must(db.AdvanceCase(ctx, db.Partner(t, "portal1"), c.ID, month))(t)
	decide(t, db, openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments}), db.Staff(t, "verifier1"), aid.ActionComplete, `{}`)
	var id string
	if err := db.SQL(t).QueryRow(`SELECT id FROM decisions`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	row := must(db.Decision(ctx, db.Staff(t, "manager1"), id))(t)
	if row.AskedAt.Before(begun.Add(month)) {
		t.Fatalf("decided at %s, before its task was opened", row.AskedAt)
	}
}
