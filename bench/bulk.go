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
	if _, err := r.plain.ExecContext(ctx, `CREATE EXTENSION IF NOT EXISTS pg_stat_statements`); err != nil { //nolint:forbidigo // twice is no harm
		return err
	}
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
	if _, err := r.settled(ctx); err != nil {
		return err
	}
	if _, err := r.plain.ExecContext(ctx, `ANALYZE`); err != nil { //nolint:forbidigo // as the server does by itself; twice is no harm
		return err
	}
	before, err := r.bareUpdates(ctx, 0, r.bulk/2)
	if err != nil {
		return err
	}
	ours, err := r.oneBatch(ctx, who, kind, content)
	if err != nil {
		return err
	}
	told, err := r.settled(ctx)
	if err != nil {
		return err
	}
	if r.profile {
		if err := r.costliest(ctx, r.bulk); err != nil {
			return err
		}
	}
	after, err := r.bareUpdates(ctx, r.bulk/2, r.bulk)
	if err != nil {
		return err
	}
	rate, control := float64(ours.row.Decided)/ours.took.Seconds(), float64(r.bulk)/(before.took+after.took).Seconds()
	fmt.Printf("%-10s aidflow %6.1f/s  control %6.1f/s (before %.1f, after %.1f)  ratio %.2f   %d decided, %d left out %v\n", name, rate, control,
		float64(r.bulk/2)/before.took.Seconds(), float64(r.bulk-r.bulk/2)/after.took.Seconds(), rate/control, ours.row.Decided, ours.row.LeftOut, ours.row.Reasons)
	fmt.Printf("  of one decision       %s\n  of one bare update    %s\n", ours.waited, spread(append(before.each, after.each...)))
	fmt.Printf("  SQL of one decision   %s; everybody was told %.1f s later\n", ours.sql, told.Seconds())
	fmt.Printf("  processor             aidflow %s\n                        control %s\n", ours.cpu, after.cpu)
	return nil
}

// bare is what some bare updates took.
type bare struct {
	took time.Duration
	each []time.Duration
	cpu  string
}

func (r *rig) bareUpdates(ctx context.Context, from, to int) (out bare, err error) {
	used, err := r.cpuNow()
	if err != nil {
		return out, err
	}
	out.each = make([]time.Duration, to-from)
	begun := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.parallel)
	for n := from; n < to; n++ {
		g.Go(func() error {
			asked := time.Now()
			err := r.bareUpdate(gctx, fmt.Sprintf("bulk-%d", n))
			out.each[n-from] = time.Since(asked)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return out, err
	}
	out.took = time.Since(begun)
	now, err := r.cpuNow()
	out.cpu = now.per(used, max(to-from, 1))
	return out, err
}

// batch is what a batch took.
type batch struct {
	took   time.Duration
	waited string // from the intent to the outcome of one decision
	sql    string
	cpu    string
	row    *postgres.BatchRow
}

// oneBatch decides every task of a kind, from the wish to the last outcome.
func (r *rig) oneBatch(ctx context.Context, who string, kind aid.TaskKind, content aid.BatchContent) (out batch, err error) {
	caller, err := r.store.StaffBySubject(ctx, who)
	if err != nil {
		return out, err
	}
	if _, err = r.plain.ExecContext(ctx, `SELECT pg_stat_statements_reset()`); err != nil { //nolint:forbidigo // twice is no harm
		return out, err
	}
	used, err := r.cpuNow()
	if err != nil {
		return out, err
	}
	begun := time.Now()
	out.row, err = r.store.CreateBatch(ctx, caller, postgres.NewBatch{ID: postgres.NewID(aid.BatchID), Content: content,
		Filter: &postgres.TaskFilter{Kind: string(kind)}, Expected: &r.bulk})
	for err == nil && out.row.FinishedAt == nil {
		time.Sleep(50 * time.Millisecond)
		out.row, err = r.store.Batch(ctx, caller, out.row.ID)
	}
	if err != nil {
		return out, err
	}
	out.took = time.Since(begun)
	now, err := r.cpuNow()
	if err != nil {
		return out, err
	}
	asked, err := r.askings(ctx)
	if err != nil {
		return out, err
	}
	out.cpu, out.sql = now.per(used, r.bulk), asked.per(r.bulk)
	var each []time.Duration
	err = r.plain.SelectContext(ctx, &each, `SELECT (extract(epoch FROM decided_at - asked_at) * 1e9)::bigint FROM decisions WHERE batch_id = $1 AND state = 'applied'`, out.row.ID)
	out.waited = spread(each)
	return out, err
}

func spread(each []time.Duration) string {
	if len(each) == 0 {
		return "none"
	}
	return fmt.Sprintf("p50 %.0f ms, p99 %.0f ms", ms(percentile(each, 0.5)), ms(percentile(each, 0.99)))
}
