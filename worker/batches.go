package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

const (
	batchPause    = 500 * time.Millisecond
	batchesAtOnce = 2  // batches that one worker runs side by side
	batchUpdates  = 32 // decisions of all of them that are on their way at a time
	batchChunk    = 50 // decisions whose intents are recorded together
	batchGone     = 5  // so often a workflow is looked for that is not there
)

// Decider brings a recorded decision to its workflow and waits for the answer.
// Errors as of workflows.Client.Decide.
type Decider func(ctx context.Context, workflow string, d aid.Decision) error

// Batches runs decisions on many tasks: it records their intents in chunks and
// brings each to its workflow, as a single decision is brought. What a worker
// that died has left, the next one takes up: every decision had its id from
// the beginning, so that none is made twice.
type Batches struct {
	store  *postgres.Store
	decide Decider
	log    *slog.Logger
	slots  chan struct{}
	pause  time.Duration
}

// NewBatches makes a runner; it may be used by several goroutines, which share
// the decisions that are on their way at a time. Pause is the time between two
// questions about what has had no answer.
func NewBatches(store *postgres.Store, decide Decider, log *slog.Logger, pause time.Duration) *Batches {
	return &Batches{store: store, decide: decide, log: log, slots: make(chan struct{}, batchUpdates), pause: pause}
}

// Once runs the batches that wait, one after the other, until there is none.
func (b *Batches) Once(ctx context.Context) {
	for ctx.Err() == nil {
		job, err := b.store.TakeBatch(ctx)
		if err == nil && job == nil {
			return
		}
		if err == nil {
			err = b.run(ctx, job)
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("batch", "error", err.Error())
			return
		}
	}
}

// run brings a batch to its end, or as far as this worker may.
func (b *Batches) run(ctx context.Context, job *postgres.BatchJob) error {
	defer func() {
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = b.store.LeaveBatch(leaving, job) // else its lease runs out
	}()
	var flight sync.WaitGroup
	defer flight.Wait()
	left, err := b.store.AskedInBatch(ctx, job)
	if err != nil {
		return err
	}
	b.send(ctx, &flight, left, false)
	for {
		asked, more, err := b.store.AskBatch(ctx, job, batchChunk)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		b.send(ctx, &flight, asked, false)
		if _, _, err := b.store.SettleBatch(ctx, job); err != nil {
			return err
		}
	}
	flight.Wait()
	return b.finish(ctx, job)
}

// finish asks again what has had no answer, until every task has its outcome:
// an intent that nobody answers expires.
func (b *Batches) finish(ctx context.Context, job *postgres.BatchJob) error {
	for round := 1; ; round++ {
		ended, onTheWay, err := b.store.SettleBatch(ctx, job)
		if err != nil || ended {
			return err
		}
		if onTheWay == 0 { // stopped while a chunk was recorded: look again
			continue
		}
		if err := wait(ctx, b.pause); err != nil {
			return err
		}
		left, err := b.store.AskedInBatch(ctx, job)
		if err != nil {
			return err
		}
		var flight sync.WaitGroup
		b.send(ctx, &flight, left, round >= batchGone)
		flight.Wait()
	}
}

// send brings decisions to their workflows, as many at a time as there are
// slots. It returns when the last one is on its way.
func (b *Batches) send(ctx context.Context, flight *sync.WaitGroup, asked []postgres.RecordedIntent, last bool) {
	for _, r := range asked {
		select {
		case <-ctx.Done():
			return
		case b.slots <- struct{}{}:
		}
		flight.Go(func() {
			defer func() { <-b.slots }()
			if err := b.bring(ctx, r, last); err != nil && ctx.Err() == nil {
				b.log.Warn("batch", "decision", r.Decision.ID, "error", err.Error())
			}
		})
	}
}

// bring brings one decision. What is not known, or not possible now, is left
// as it is, to be asked again; a refusal is kept with the intent.
func (b *Batches) bring(ctx context.Context, r postgres.RecordedIntent, last bool) error {
	var err error
	if r.SQLOnly {
		err = b.store.ApplyIntent(ctx, r.Decision)
	} else {
		err = b.decide(ctx, r.Workflow, r.Decision)
	}
	switch kind := aid.KindOf(err); {
	case kind == "":
		return err
	case kind == aid.Unknown:
		return nil
	case kind == aid.Unavailable: // too many, or the database is away
		return wait(ctx, b.pause)
	case aid.CodeOf(err) == "workflow_gone" && !last:
		return nil // perhaps it has not begun
	}
	return b.store.RefuseIntent(ctx, r.Decision.ID, aid.KindOf(err), aid.CodeOf(err))
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
