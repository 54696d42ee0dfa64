package worker_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/worker"
	"github.com/stretchr/testify/require"
)

var batchSeeds = flag.Uint64("batch-seeds", 10, "random lives of a batch; the full test takes 500")

// hall is a database with cases under verification, and a process that makes
// each decision by its real activity. The process may be told to be unsure.
type hall struct {
	t     testing.TB
	db    *pgtest.DB
	doing *activities.Activities
	seq   atomic.Int64
	tasks []string
	doubt func() int // 0: decide; 1: decide, and no answer; 2: no answer and no decision; nil: 0
}

func newHall(t testing.TB, cases int) *hall {
	t.Helper()
	h := &hall{t: t, db: pgtest.New(t)}
	h.doing = &activities.Activities{Store: h.db.Store}
	h.open(cases)
	return h
}

// open puts cases under verification and keeps their tasks of the documents.
func (h *hall) open(n int) {
	h.t.Helper()
	h.tasks = nil
	for range n {
		i := int(h.seq.Add(1))
		request := medical(h.t, i)
		c, err := h.db.CreateCase(context.Background(), h.db.Partner(h.t, "portal1"), postgres.NewID(aid.CaseID), request, false)
		require.NoError(h.t, err)
		_, err = h.doing.OpenVerification(context.Background(), aid.OpenRequest{Step: aid.Step{Workflow: c.WorkflowID, Cause: "open", Seq: 1, Case: c.ID}})
		require.NoError(h.t, err)
		var task string
		require.NoError(h.t, h.db.SQL(h.t).QueryRow(`SELECT id FROM tasks WHERE case_id = $1 AND kind = 'verify_documents'`, c.ID).Scan(&task))
		h.tasks = append(h.tasks, task)
	}
}

// medical is a request of the ith invented household, with an account of its
// own.
func medical(t testing.TB, i int) postgres.CaseContent {
	t.Helper()
	in := example(t.(*testing.T), "medical")
	head := postgres.DevelopmentHousehold(i)[0]
	in.Area, in.ExternalID, in.Household = head.Area, fmt.Sprintf("bulk-%d", i), postgres.Household{Code: head.HouseholdCode}
	in.Applicant = postgres.Applicant{FullName: head.FullName, NationalID: head.NationalID, BirthDate: head.BirthDate, Sex: head.Sex}
	in.Payee.AccountNumber = fmt.Sprintf("0051%06d", i)
	return in
}

func (h *hall) decide(ctx context.Context, workflow string, d aid.Decision) error {
	doubt := 0
	if h.doubt != nil {
		doubt = h.doubt()
	}
	if doubt == 2 || ctx.Err() != nil {
		return aid.Refuse(aid.Unknown, "decision_pending")
	}
	var caseID string
	if err := h.db.SQL(h.t).QueryRow(`SELECT case_id FROM tasks WHERE id = $1`, d.Task).Scan(&caseID); err != nil {
		return err
	}
	out, err := h.doing.DecideVerification(context.WithoutCancel(ctx), aid.DecisionRequest{Decision: d,
		Step: aid.Step{Workflow: workflow, Cause: d.ID, Seq: int(h.seq.Add(1)), Case: caseID}})
	switch {
	case err != nil:
		return errors.Join(aid.Refuse(aid.Unknown, "decision_pending"), err)
	case doubt == 1:
		return aid.Refuse(aid.Unknown, "decision_pending")
	case out.Refused != "":
		return aid.Refuse(out.RefusedKind, out.Refused)
	}
	return nil
}

func (h *hall) batches() *worker.Batches {
	return worker.NewBatches(h.db.Store, h.decide, slog.New(slog.DiscardHandler), 2*time.Millisecond)
}

func (h *hall) ask(who string, in postgres.NewBatch) *postgres.BatchRow {
	h.t.Helper()
	in.ID = postgres.NewID(aid.BatchID)
	row, err := h.db.CreateBatch(context.Background(), h.db.Staff(h.t, who), in)
	require.NoError(h.t, err)
	return row
}

func (h *hall) batch(who, id string) *postgres.BatchRow {
	h.t.Helper()
	row, err := h.db.Batch(context.Background(), h.db.Staff(h.t, who), id)
	require.NoError(h.t, err)
	return row
}

func (h *hall) codes(who, id string) map[string]string {
	h.t.Helper()
	rows, err := h.db.BatchItems(context.Background(), h.db.Staff(h.t, who), id, "", "", postgres.Page{})
	require.NoError(h.t, err)
	out := map[string]string{}
	for _, r := range rows {
		out[r.Task] = r.State + " " + r.Code
	}
	return out
}

func (h *hall) count(query string, args ...any) (n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.SQL(h.t).QueryRow(`SELECT count(*) FROM `+query, args...).Scan(&n))
	return n
}

var complete = aid.BatchContent{Action: aid.ActionComplete}

// A dry run decides nothing and tells what would become of each; the batch
// that follows binds what it saw.
func TestBatchFollowsItsDryRun(t *testing.T) {
	t.Parallel()
	h := newHall(t, 5)
	verifier := h.db.Staff(t, "verifier1")
	_, err := h.db.ClaimTask(t.Context(), h.db.Staff(t, "verifier2"), h.tasks[0], 0)
	require.NoError(t, err)
	dry := h.ask("verifier1", postgres.NewBatch{Content: complete, Tasks: append([]string{"task_none"}, h.tasks...), DryRun: true})
	h.batches().Once(t.Context())
	require.Equal(t, map[string]string{"task_none": "left_out task_not_found", h.tasks[0]: "left_out task_claimed", h.tasks[1]: "decided ",
		h.tasks[2]: "decided ", h.tasks[3]: "decided ", h.tasks[4]: "decided "}, h.codes("verifier1", dry.ID))
	require.Zero(t, h.count(`decisions`), "a dry run decides nothing")

	_, err = h.db.ReleaseTask(t.Context(), h.db.Staff(t, "verifier2"), h.tasks[0], 0)
	require.NoError(t, err)
	_, err = h.db.ClaimTask(t.Context(), verifier, h.tasks[1], 0) // a change of what was seen
	require.NoError(t, err)
	done := h.ask("verifier1", postgres.NewBatch{Content: complete, Follows: dry.ID, Note: "Canary note"})
	h.batches().Once(t.Context())
	require.Equal(t, map[string]string{"task_none": "left_out task_not_found", h.tasks[0]: "left_out task_claimed", h.tasks[1]: "left_out stale",
		h.tasks[2]: "decided ", h.tasks[3]: "decided ", h.tasks[4]: "decided "}, h.codes("verifier1", done.ID))
	row := h.batch("verifier1", done.ID)
	require.Equal(t, []int{6, 3, 3, 0}, []int{row.Total, row.Decided, row.LeftOut, row.Cancelled})
	require.Equal(t, "done", row.State)
	require.Equal(t, map[string]int{"task_not_found": 1, "task_claimed": 1, "stale": 1}, row.Reasons)
	require.Equal(t, 3, h.count(`decisions WHERE state = 'applied' AND actor = 'verifier1' AND batch_id = $1`, done.ID))
	require.Equal(t, 1, h.count(`audit WHERE actor = 'verifier1' AND action = 'decide_batch' AND object = $1`, done.ID), "the audit says batch")
}

// Whoever loses the role half-way decides no more: every task is judged at its
// own moment.
func TestBatchStopsWithTheRole(t *testing.T) {
	t.Parallel()
	h := newHall(t, 4)
	b := h.ask("verifier1", postgres.NewBatch{Content: complete, Tasks: h.tasks})
	job, err := h.db.TakeBatch(t.Context())
	require.NoError(t, err)
	asked, more, err := h.db.AskBatch(t.Context(), job, 2)
	require.NoError(t, err)
	require.True(t, more)
	require.Len(t, asked, 2)
	require.NoError(t, h.decide(t.Context(), asked[0].Workflow, asked[0].Decision))
	_, err = h.db.SQL(t).Exec(`DELETE FROM staff_roles WHERE subject = 'verifier1'`)
	require.NoError(t, err)
	h.db.Clock.Advance(2 * time.Minute) // that worker is dead
	h.batches().Once(t.Context())
	require.Equal(t, map[string]string{h.tasks[0]: "decided ", h.tasks[1]: "left_out task_not_found", h.tasks[2]: "left_out task_not_found",
		h.tasks[3]: "left_out task_not_found"}, h.codes("verifier1", b.ID))
	_, _, err = h.db.AskBatch(t.Context(), job, 2)
	require.Equal(t, "batch_taken", aid.CodeOf(err), "a worker that was thought dead writes no more")
}

// lend makes one the delegate of another, as of now.
func (h *hall) lend(principal, delegate string) {
	h.t.Helper()
	_, err := h.db.SQL(h.t).Exec(`INSERT INTO delegations (id, principal, delegate, from_at, until_at, reason_code, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, 'leave', $2, $4)`, postgres.NewID(aid.DelegationID), principal, delegate, h.db.Now().Add(-time.Hour),
		h.db.Now().Add(24*time.Hour))
	require.NoError(h.t, err)
}

// A delegate decides many tasks in the principal's name: both names are in
// every record, also when a worker dies in between, and what the delegation
// does not give is left out.
func TestBatchInAnotherName(t *testing.T) {
	t.Parallel()
	h := newHall(t, 4)
	ctx, verifier := t.Context(), h.db.Staff(t, "verifier1")
	ask := postgres.NewBatch{ID: postgres.NewID(aid.BatchID), Content: complete, Tasks: h.tasks, Behalf: "verifier2"}
	_, err := h.db.CreateBatch(ctx, verifier, ask)
	require.Equal(t, "not_delegated", aid.CodeOf(err), "nobody has lent anything")
	h.lend("verifier2", "verifier1")
	dry := h.ask("verifier1", postgres.NewBatch{Content: complete, Tasks: h.tasks, Behalf: "verifier2", DryRun: true})
	h.batches().Once(ctx)
	_, err = h.db.CreateBatch(ctx, h.db.Staff(t, "verifier1"), postgres.NewBatch{ID: postgres.NewID(aid.BatchID), Content: complete, Follows: dry.ID})
	require.Equal(t, "snapshot_differs", aid.CodeOf(err), "what was tried in one name is not done in another")
	b := h.ask("verifier1", postgres.NewBatch{Content: complete, Follows: dry.ID, Behalf: "verifier2"})
	job, err := h.db.TakeBatch(ctx)
	require.NoError(t, err)
	_, _, err = h.db.AskBatch(ctx, job, 2)
	require.NoError(t, err)
	_, err = h.db.SQL(t).Exec(`UPDATE delegations SET programmes = '{housing_new}' WHERE principal = 'verifier2'`)
	require.NoError(t, err)
	_, _, err = h.db.AskBatch(ctx, job, 1)
	require.NoError(t, err)
	_, err = h.db.SQL(t).Exec(`UPDATE delegations SET programmes = '{}' WHERE principal = 'verifier2'`)
	require.NoError(t, err)
	h.db.Clock.Advance(2 * time.Minute) // that worker is dead, with two on their way
	h.batches().Once(ctx)
	require.Equal(t, map[string]string{h.tasks[0]: "decided ", h.tasks[1]: "decided ", h.tasks[2]: "left_out not_delegated", h.tasks[3]: "decided "},
		h.codes("verifier1", b.ID))
	for _, both := range []string{`decisions WHERE state = 'applied' AND actor = 'verifier1' AND behalf = 'verifier2'`,
		`events WHERE kind = 'task.decided' AND actor = 'verifier1' AND behalf = 'verifier2'`} {
		require.Equal(t, 3, h.count(both))
	}
	for _, act := range []string{"try_batch", "decide_batch", "end_batch"} {
		require.NotZero(t, h.count(`audit WHERE actor = 'verifier1' AND behalf = 'verifier2' AND action = $1`, act), act)
	}
	require.Equal(t, "verifier2", h.batch("verifier1", b.ID).Behalf)
}

// All that match may be a view of the inbox.
func TestBatchOfAView(t *testing.T) {
	t.Parallel()
	h := newHall(t, 3)
	verifier := h.db.Staff(t, "verifier1")
	_, err := h.db.ClaimTask(t.Context(), verifier, h.tasks[0], 0)
	require.NoError(t, err)
	_, err = h.db.ClaimTask(t.Context(), h.db.Staff(t, "verifier2"), h.tasks[1], 0)
	require.NoError(t, err)
	for view, want := range map[postgres.View]int{postgres.ViewMine: 1, postgres.ViewUnclaimed: 1, postgres.ViewGroup: 3, postgres.ViewOverdue: 0, "": 3} {
		f := postgres.TaskFilter{View: view, Kind: "verify_documents"}
		rows, err := h.db.Tasks(t.Context(), verifier, f, postgres.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, rows, want, "what the inbox shows as %q", view)
		count := 7
		_, err = h.db.CreateBatch(t.Context(), verifier, postgres.NewBatch{ID: postgres.NewID(aid.BatchID), Content: complete, Filter: &f, Expected: &count})
		require.Equal(t, "count_differs", aid.CodeOf(err))
		var e *aid.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, strconv.Itoa(want), e.Params["count"], "what a batch finds as %q", view)
	}
	b := h.ask("verifier1", postgres.NewBatch{Content: complete, Filter: &postgres.TaskFilter{View: postgres.ViewMine}})
	h.batches().Once(t.Context())
	require.Equal(t, map[string]string{h.tasks[0]: "decided "}, h.codes("verifier1", b.ID))
}

// A batch that is stopped leaves what it has not come to as it is.
func TestBatchIsCancelled(t *testing.T) {
	t.Parallel()
	h := newHall(t, 4)
	b := h.ask("verifier1", postgres.NewBatch{Content: complete, Tasks: h.tasks})
	job, err := h.db.TakeBatch(t.Context())
	require.NoError(t, err)
	_, _, err = h.db.AskBatch(t.Context(), job, 1)
	require.NoError(t, err)
	row, err := h.db.CancelBatch(t.Context(), h.db.Staff(t, "verifier1"), b.ID)
	require.NoError(t, err)
	require.True(t, row.Stopping)
	require.NoError(t, h.db.LeaveBatch(t.Context(), job))
	h.batches().Once(t.Context())
	row = h.batch("verifier1", b.ID)
	require.Equal(t, []any{"cancelled", 1, 0, 3, false}, []any{row.State, row.Decided, row.LeftOut, row.Cancelled, row.Stopping})
	require.Equal(t, 3, h.count(`tasks WHERE kind = 'verify_documents' AND closed_at IS NULL`))
	later := h.ask("verifier1", postgres.NewBatch{Content: complete, Tasks: h.tasks})
	row, err = h.db.CancelBatch(t.Context(), h.db.Staff(t, "verifier1"), later.ID)
	require.NoError(t, err)
	require.Equal(t, []any{"cancelled", 4}, []any{row.State, row.Cancelled}, "nobody had taken it")
}

// However workers die, answers get lost, and others decide the same tasks
// meanwhile: every task of a batch ends in one outcome, the sum of the outcomes
// is the batch, and no task is decided twice.
func TestBatchEndsInOneOutcomeEach(t *testing.T) {
	t.Parallel()
	h := newHall(t, 0)
	for seed := range *batchSeeds {
		var mu sync.Mutex
		chance := rand.New(rand.NewPCG(seed, 1))
		h.open(1 + chance.IntN(10))
		draw := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return chance.IntN(n)
		}
		h.doubt = func() int { return max(draw(6)-3, 0) }
		b := h.ask("verifier1", postgres.NewBatch{Content: complete, Tasks: h.tasks})
		var rivals sync.WaitGroup
		for _, task := range h.tasks {
			if draw(3) == 0 {
				rivals.Go(func() { h.single("verifier2", task) })
			}
		}
		for round := 0; h.batch("verifier1", b.ID).FinishedAt == nil; round++ { // each worker lives a little longer, so that one comes to an end also on a slow machine
			ctx, stop := context.WithTimeout(t.Context(), time.Duration(draw(60)+20*round)*time.Millisecond)
			h.batches().Once(ctx)
			stop()
			h.db.Clock.Advance(2 * time.Minute) // its lease is over, whatever it left
			if draw(4) == 0 {
				h.doubt = nil
			}
		}
		rivals.Wait()
		h.check(b.ID, seed)
	}
}

// single decides a task as the API does, as far as it is still open.
func (h *hall) single(who, task string) {
	ctx := context.Background()
	row, err := h.db.Task(ctx, h.db.Staff(h.t, who), task)
	if err != nil || row.ClosedAt != nil {
		return
	}
	r, err := h.db.RecordIntent(ctx, postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: who, TaskVersion: row.Version, Action: aid.ActionComplete})
	if err != nil {
		return
	}
	for range 20 {
		err := h.decide(ctx, r.Workflow, r.Decision)
		if kind := aid.KindOf(err); kind == aid.Unknown {
			continue
		} else if kind != "" {
			_ = h.db.RefuseIntent(ctx, r.Decision.ID, kind, aid.CodeOf(err))
		}
		return
	}
}

func (h *hall) check(id string, seed uint64) {
	h.t.Helper()
	t, row := h.t, h.batch("verifier1", id)
	require.Equal(t, len(h.tasks), row.Total)
	require.Equal(t, row.Total, row.Decided+row.LeftOut+row.Cancelled, "the sum of the outcomes, seed %d", seed)
	require.Equal(t, row.Decided, h.count(`task_batch_items i JOIN decisions d ON d.id = i.decision_id AND d.state = 'applied' WHERE i.batch_id = $1 AND i.state = 'decided'`, id))
	require.Equal(t, row.LeftOut, h.count(`task_batch_items i WHERE i.batch_id = $1 AND i.state = 'left_out'
		AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.id = i.decision_id AND d.state IN ('applied', 'intent'))`, id))
	require.Zero(t, h.count(`(SELECT task_id FROM decisions WHERE state = 'applied' GROUP BY task_id HAVING count(*) > 1) twice`), "decided twice, seed %d", seed)
	require.Zero(t, h.count(`tasks t JOIN task_batch_items i ON i.task_id = t.id WHERE i.batch_id = $1 AND i.state = 'decided' AND t.state <> 'done'`, id))
}
