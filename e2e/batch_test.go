package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/lib/pq"
)

// batchView is a batch as its person sees it.
type batchView struct {
	ID        string         `json:"id"`
	Status    string         `json:"status"`
	Total     int            `json:"total"`
	Decided   int            `json:"decided"`
	LeftOut   int            `json:"left_out"`
	Cancelled int            `json:"cancelled"`
	Waiting   int            `json:"waiting"`
	Reasons   map[string]int `json:"reasons"`
}

func (b batchView) over() bool { return b.Status == "done" || b.Status == "cancelled" }

// TestBatchOutlivesItsWorker decides many tasks at once on the real stack:
// one batch is stopped in the middle, the next one does the rest, and the
// worker of the third is killed in the middle. Every task has one outcome,
// every case one approval, and the batches count right.
func TestBatchOutlivesItsWorker(t *testing.T) {
	const cases, approved = 120, 60
	s := theStack(t)
	db := s.database(t)
	ids := s.manyCases(t, cases)
	papers := tasksOf(t, db, ids, "verify_documents")

	stopped := s.askBatch(t, "verifier1", map[string]any{"action": "complete", "task_ids": papers})
	s.awaitBatch(t, "verifier1", stopped, func(b batchView) bool { return b.Decided > 0 })
	s.as(t, "verifier1").insist(t, http.MethodPost, "/v1/task-batches/"+stopped+"/cancel", nil)
	b := s.awaitBatch(t, "verifier1", stopped, batchView.over)
	if b.Status != "cancelled" || b.Decided == 0 || b.Cancelled == 0 || b.Decided+b.Cancelled != cases {
		t.Errorf("stopped in the middle: %+v", b)
	}
	if open := len(tasksOf(t, db, ids, "verify_documents")); open != b.Cancelled {
		t.Errorf("%d tasks are open, %d were cancelled", open, b.Cancelled)
	}

	rest := s.awaitBatch(t, "verifier1", s.askBatch(t, "verifier1", map[string]any{"action": "complete", "task_ids": papers}), batchView.over)
	if rest.Decided != b.Cancelled || rest.LeftOut != b.Decided {
		t.Errorf("after %+v the rest: %+v", b, rest)
	}

	ids = ids[:approved]
	for _, visit := range tasksOf(t, db, ids, "field_visit") {
		s.decide(t, "verifier1", visit, "complete")
	}
	levels := tasksOf(t, db, ids, "approve")
	if len(levels) != approved {
		t.Fatalf("%d approvals of %d", len(levels), approved)
	}
	killed := s.askBatch(t, "approver1", map[string]any{"action": "approve", "task_ids": levels, "max_amount": map[string]any{"amount": 10_000_000, "currency": "VND"}})
	s.awaitBatch(t, "approver1", killed, func(batchView) bool { return decidedIn(t, db, killed) >= 10 })
	s.awaitBack(t, "worker", s.kill(t, "worker"))
	before := decidedIn(t, db, killed)
	b = s.awaitBatch(t, "approver1", killed, batchView.over)
	t.Logf("the worker was killed after %d of %d approvals", before, approved)
	if b.Status != "done" || b.Decided != approved || b.LeftOut+b.Cancelled+b.Waiting != 0 {
		t.Errorf("after the kill: %+v", b)
	}
	for what, query := range map[string]string{
		"cases with one approval": `SELECT count(*) FROM (SELECT d.case_id FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE t.kind = 'approve' AND d.state = 'applied'
			AND d.batch_id = $1 AND d.actor = 'approver1' GROUP BY d.case_id HAVING count(*) = 1) one`,
		"cases with one award": `SELECT count(*) FROM (SELECT a.case_id FROM awards a JOIN decisions d ON d.case_id = a.case_id AND d.batch_id = $1 AND d.state = 'applied'
			GROUP BY a.case_id HAVING count(*) = 1) one`,
		"decided items": `SELECT count(*) FROM task_batch_items i JOIN decisions d ON d.id = i.decision_id AND d.state = 'applied'
			WHERE i.batch_id = $1 AND i.state = 'decided'`,
		"steps": `SELECT count(*) FROM decisions d JOIN transitions x ON x.cause = d.id WHERE d.batch_id = $1`,
	} {
		var n int
		if err := db.QueryRow(query, killed).Scan(&n); err != nil || n != approved {
			t.Errorf("%s: %d of %d, %v", what, n, approved, err)
		}
	}
}

// manyCases brings cases of one programme under review and gives their ids.
func (s *stack) manyCases(t *testing.T, n int) []string {
	t.Helper()
	requests, ids := make([]request, n), make([]string, n)
	for i := range requests {
		r := newRequest(t, s, "medical")
		r.in("payee")["account_number"] = fmt.Sprintf("0099%06d", i) // one account of many cases would be a finding
		r.in("requested")["amount"] = 100_000                        // the fund is everybody's
		requests[i] = r
	}
	portal, next := s.partner(t), make(chan int, n)
	answers, errs := make([]reply, n), make([]error, n)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range next {
				answers[i], errs[i] = portal.send(http.MethodPost, "/v1/cases", requests[i], newKey())
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
	for i, answer := range answers {
		if errs[i] != nil || answer.status != http.StatusCreated {
			t.Fatalf("%s: %v", answer, errs[i])
		}
		var c caseView
		answer.into(t, &c)
		ids[i] = c.ID
	}
	db := s.database(t)
	s.await(t, caseLimit, "cases under review", func() bool { return len(tasksOf(t, db, ids, "field_visit")) == n })
	return ids
}

// tasksOf gives the open tasks of a kind of some cases.
func tasksOf(t *testing.T, db *sql.DB, cases []string, kind string) []string {
	t.Helper()
	var ids []string
	err := db.QueryRow(`SELECT coalesce(array_agg(id), '{}') FROM tasks WHERE case_id = ANY($1) AND kind = $2 AND closed_at IS NULL`, pq.Array(cases), kind).Scan(pq.Array(&ids))
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func decidedIn(t *testing.T, db *sql.DB, batch string) (n int) {
	t.Helper()
	if err := db.QueryRow(`SELECT count(*) FROM decisions WHERE batch_id = $1 AND state = 'applied'`, batch).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *stack) askBatch(t *testing.T, who string, body map[string]any) string {
	t.Helper()
	answer := s.as(t, who).insist(t, http.MethodPost, "/v1/task-batches", body, newKey())
	if answer.status != http.StatusAccepted {
		t.Fatalf("%s", answer)
	}
	var b batchView
	answer.into(t, &b)
	return b.ID
}

func (s *stack) awaitBatch(t *testing.T, who, id string, cond func(batchView) bool) batchView {
	t.Helper()
	var b batchView
	s.await(t, caseLimit, "batch "+id, func() bool {
		b = get[batchView](t, s.as(t, who), "/v1/task-batches/"+id)
		return cond(b)
	})
	return b
}
