package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// bulkAmount is above what one level may grant: the approval that is measured
// opens the next level's task.
const bulkAmount = 15_000_000

// benchBulk prints how fast many tasks are decided at once, beside as many
// bare updates of control workflows in the same run: half of them before, half
// after. Two batches are measured: the verification of documents, and the
// approval of the first of two levels.
func benchBulk(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("/tmp", "aidflow-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := startRig(ctx, s, dir)
	if err != nil {
		return err
	}
	defer r.stop()
	fmt.Printf("## decisions on %d tasks at once, %d updates at a time in the control\n", s.bulk, s.parallel)
	if err := r.eachOf(ctx, r.seedBulk); err != nil {
		return err
	}
	if err := r.eachOf(ctx, func(ctx context.Context, n int) error { return r.bareStart(ctx, fmt.Sprintf("bulk-%d", n)) }); err != nil {
		return err
	}
	if err := r.measureBulk(ctx, "documents", "verifier1", aid.VerifyDocuments, aid.BatchContent{Action: aid.ActionComplete}); err != nil {
		return err
	}
	if err := r.eachOf(ctx, r.visitBulk); err != nil {
		return err
	}
	most := int64(bulkAmount)
	return r.measureBulk(ctx, "approval", "approver1", aid.Approve, aid.BatchContent{Action: aid.ActionApprove, MaxAmount: &most, Currency: "VND"})
}

func (r *rig) eachOf(ctx context.Context, one func(context.Context, int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.parallel)
	for n := range r.bulk {
		g.Go(func() error { return one(gctx, n) })
	}
	return g.Wait()
}

func (r *rig) seedBulk(ctx context.Context, n int) error {
	in, err := r.content(ctx, "medical", n)
	if err != nil {
		return err
	}
	in.RequestedAmount = bulkAmount
	id, err := r.submitContent(ctx, in)
	if err != nil {
		return err
	}
	return r.until(ctx, `SELECT count(*) >= 2 FROM tasks WHERE case_id = $1`, id)
}

// visitBulk completes the field visit of a case, so that it comes to approval.
func (r *rig) visitBulk(ctx context.Context, n int) error {
	var t task
	err := r.plain.GetContext(ctx, &t, `SELECT t.id, t.kind, t.level, t.version FROM tasks t JOIN cases c ON c.id = t.case_id
		WHERE c.external_id = $1 AND t.kind = 'field_visit' AND t.closed_at IS NULL`, fmt.Sprintf("bench-medical-%d", n))
	if err != nil {
		return err
	}
	return r.decide(ctx, "medical", t)
}

func (r *rig) until(ctx context.Context, query string, args ...any) error {
	for range 6000 {
		var done bool
		if err := r.plain.GetContext(ctx, &done, query, args...); err != nil || done {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("nothing comes of it: " + query)
}

// measureBulk prints the rates of a batch and of bare updates.
func (r *rig) measureBulk(ctx context.Context, name, who string, kind aid.TaskKind, content aid.BatchContent) error {
	before, bare, err := r.bareUpdates(ctx, 0, r.bulk/2)
	if err != nil {
		return err
	}
	took, ours, row, err := r.oneBatch(ctx, who, kind, content)
	if err != nil {
		return err
	}
	after, _, err := r.bareUpdates(ctx, r.bulk/2, r.bulk)
	if err != nil {
		return err
	}
	rate, control := float64(row.Decided)/took.Seconds(), float64(r.bulk)/(before+after).Seconds()
	fmt.Printf("%-10s aidflow %6.1f/s  control %6.1f/s  ratio %.2f   (%d decided, %d left out %v)\n", name, rate, control, rate/control, row.Decided, row.LeftOut, row.Reasons)
	fmt.Printf("  processor per decision: aidflow %s\n                          control %s\n", ours, bare)
	return nil
}

func (r *rig) bareUpdates(ctx context.Context, from, to int) (time.Duration, string, error) {
	used, err := r.cpuNow()
	if err != nil {
		return 0, "", err
	}
	begun := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.parallel)
	for n := from; n < to; n++ {
		g.Go(func() error { return r.bareUpdate(gctx, fmt.Sprintf("bulk-%d", n)) })
	}
	if err := g.Wait(); err != nil {
		return 0, "", err
	}
	took := time.Since(begun)
	now, err := r.cpuNow()
	return took, now.per(used, max(to-from, 1)), err
}

// oneBatch decides every task of a kind, from the wish to the last outcome.
func (r *rig) oneBatch(ctx context.Context, who string, kind aid.TaskKind, content aid.BatchContent) (time.Duration, string, *postgres.BatchRow, error) {
	caller, err := r.store.StaffBySubject(ctx, who)
	if err != nil {
		return 0, "", nil, err
	}
	used, err := r.cpuNow()
	if err != nil {
		return 0, "", nil, err
	}
	begun := time.Now()
	row, err := r.store.CreateBatch(ctx, caller, postgres.NewBatch{ID: postgres.NewID(aid.BatchID), Content: content,
		Filter: &postgres.TaskFilter{Kind: string(kind)}, Expected: &r.bulk})
	if err != nil {
		return 0, "", nil, err
	}
	for row.FinishedAt == nil {
		time.Sleep(50 * time.Millisecond)
		if row, err = r.store.Batch(ctx, caller, row.ID); err != nil {
			return 0, "", nil, err
		}
	}
	took := time.Since(begun)
	now, err := r.cpuNow()
	return took, now.per(used, r.bulk), row, err
}
