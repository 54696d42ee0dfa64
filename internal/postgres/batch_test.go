package postgres_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// approvals gives open approvals of the commune, one for each case.
func approvals(t *testing.T, db *pgtest.DB, n int) (cases, tasks []string) {
	t.Helper()
	for i := range n {
		c := submit(t, db, "portal1", request(i))
		cases = append(cases, c.ID)
		tasks = append(tasks, openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "commune", Rule: aid.Level{Name: "commune", Mode: aid.ModeAny}}))
	}
	return cases, tasks
}

func forecast(t *testing.T, db *pgtest.DB, in postgres.NewBatch) map[string]string {
	t.Helper()
	in.ID, in.DryRun = postgres.NewID(aid.BatchID), true
	who := db.Staff(t, "approver1")
	must(db.CreateBatch(t.Context(), who, in))(t)
	job := must(db.TakeBatch(t.Context()))(t)
	if _, _, err := db.AskBatch(t.Context(), job, 100); err != nil {
		t.Fatal(err)
	}
	if ended, _, err := db.SettleBatch(t.Context(), job); err != nil || !ended {
		t.Fatal(ended, err)
	}
	out := map[string]string{}
	for _, i := range must(db.BatchItems(t.Context(), who, in.ID, "", "", postgres.Page{}))(t) {
		out[i.Task] = i.Code
	}
	return out
}

// What is flagged or above the cap is left out, each for its own reason.
func TestBatchLeavesOutWhatIsFlagged(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	cases, tasks := approvals(t, db, 9)
	sql := db.SQL(t)
	do := func(query string, args ...any) {
		t.Helper()
		if _, err := sql.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	change := map[int]string{
		1: `UPDATE cases SET requested_amount = 6000001 WHERE id = $1`,
		2: `INSERT INTO case_findings (case_id, round, review, key, check_kind, code, effect, about, detail, found_at)
			VALUES ($1, 1, 1, 'duplicate/x', 'duplicate', 'x', 'block', '', '{}', now())`,
		3: `UPDATE cases SET parked = true WHERE id = $1`,
		4: `UPDATE tasks SET state = 'claimed', assignee = 'approver2', claimed_at = now() WHERE case_id = $1 AND kind = 'approve'`,
		5: `INSERT INTO case_duties (case_id, person, duty, task_id, at) SELECT $1, 'approver1', 'verify', id, now() FROM tasks WHERE case_id = $1 AND kind = 'approve'`,
		6: `UPDATE tasks SET state = 'void', closed_at = now() WHERE case_id = $1 AND kind = 'approve'`,
		7: `INSERT INTO decisions (id, task_id, case_id, actor, action, task_version, state, asked_at)
			SELECT 'dec_x', id, $1, 'approver1', 'approve', 1, 'intent', now() FROM tasks WHERE case_id = $1 AND kind = 'approve'`,
		8: `INSERT INTO case_recusals (id, case_id, subject, reason_code, recorded_at) VALUES ('rec_x', $1, 'approver1', 'friendship', now())`,
	}
	for i, query := range change {
		do(query, cases[i])
	}
	most := int64(6_000_000)
	approve := aid.BatchContent{Action: aid.ActionApprove, MaxAmount: &most, Currency: "VND"}
	got := forecast(t, db, postgres.NewBatch{Content: approve, Tasks: tasks})
	for i, want := range []string{"", "above_batch_cap", "override_required", "case_parked", "task_claimed", "four_eyes", "task_closed", "already_decided", "conflict_of_interest"} {
		if got[tasks[i]] != want {
			t.Errorf("task %d: %q, want %q", i, got[tasks[i]], want)
		}
	}
	approve.Currency = "USD"
	if got := forecast(t, db, postgres.NewBatch{Content: approve, Tasks: tasks[:1]}); got[tasks[0]] != "above_batch_cap" {
		t.Errorf("a cap in another currency: %v", got)
	}
}

// A programme that limits what is approved in a batch is heard.
func TestBatchHearsTheProgramme(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if _, err := db.SQL(t).Exec(`ALTER TABLE programmes DISABLE TRIGGER USER`); err != nil {
		t.Fatal(err)
	}
	_, err := db.SQL(t).Exec(`UPDATE programmes SET definition = replace(definition::text, '"max_returns":', '"bulk_up_to": 5999999, "max_returns":') WHERE code = 'medical'`)
	if err != nil {
		t.Fatal(err)
	}
	_, tasks := approvals(t, db, 1)
	most := int64(90_000_000)
	got := forecast(t, db, postgres.NewBatch{Content: aid.BatchContent{Action: aid.ActionApprove, MaxAmount: &most, Currency: "VND"}, Tasks: tasks})
	if got[tasks[0]] != "above_bulk_limit" {
		t.Errorf("%v", got)
	}
}

// Everything that matches is chosen, not a page of it, and counted.
func TestBatchOfAllThatMatch(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, tasks := approvals(t, db, 60)
	who, most, counted := db.Staff(t, "approver1"), int64(90_000_000), 59
	in := postgres.NewBatch{ID: postgres.NewID(aid.BatchID), Filter: &postgres.TaskFilter{Kind: "approve"}, Expected: &counted,
		Content: aid.BatchContent{Action: aid.ActionApprove, MaxAmount: &most, Currency: "VND"}}
	_, err := db.CreateBatch(t.Context(), who, in)
	wantCode(t, err, "count_differs")
	counted = 60
	row := must(db.CreateBatch(t.Context(), who, in))(t)
	again := must(db.CreateBatch(t.Context(), who, in))(t)
	if row.Total != len(tasks) || again.ID != row.ID || count(t, db, `SELECT count(*) FROM task_batch_items`) != 60 {
		t.Errorf("%+v", row)
	}
	in.ID = postgres.NewID(aid.BatchID)
	_, err = db.CreateBatch(t.Context(), who, in)
	wantCode(t, err, "batch_unfinished")
}
