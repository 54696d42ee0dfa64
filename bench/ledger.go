package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// approving measures last approvals on one budget: -ledger APPROVALS.
const approving = "-ledger"

// approvalAmount is what each case of the measure asks for.
const approvalAmount = 1_000_000

// ledgerBench is a fund with a budget for half of the cases that ask.
type ledgerBench struct {
	place     *place
	fund      string
	approvals int
}

// runLedger is the program behind -ledger: so many last approvals at once on a
// budget for half of them, each a transaction that is flushed to the disk.
func runLedger(ctx context.Context) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	approvals := flags.Int("ledger", 10_000, "last approvals on a budget for half of them")
	clients := flags.Int("clients", 8, "how many are made at the same time")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	p, err := openPlace(ctx, "", map[string]string{"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"})
	if err != nil {
		return err
	}
	defer p.close()
	fmt.Printf("# bench %s %d -clients %d, %s\n# %s, %d CPUs, %s\n", approving, *approvals, *clients, time.Now().UTC().Format(time.RFC3339), runtime.Version(), runtime.NumCPU(), cpuName())
	b := &ledgerBench{place: p, approvals: *approvals}
	if err := b.seed(ctx); err != nil {
		return err
	}
	before := p.used()
	begun := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(*clients)
	for n := range b.approvals {
		g.Go(func() error { return b.approve(gctx, caseOf(n)) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return b.report(ctx, time.Since(begun), before)
}

func caseOf(n int) string { return fmt.Sprintf("case_%026x", n) }

// seed makes the fund, with money for all and a budget for half, and the cases,
// each before its last approval.
func (b *ledgerBench) seed(ctx context.Context) error {
	treasurer, err := b.place.store.StaffBySubject(ctx, "treasurer1")
	if err != nil {
		return err
	}
	f, err := b.place.store.CreateFund(ctx, treasurer, postgres.NewFund{ID: postgres.NewID(aid.FundID), Code: "bench", Name: "Bench", Area: "51", Currency: "VND",
		Budget: int64(b.approvals/2) * approvalAmount, Rails: map[string]string{"bank": "simulator"}})
	if err != nil {
		return err
	}
	b.fund = f.ID
	_, err = b.place.store.Contribute(ctx, postgres.Contribution{ID: postgres.NewID(aid.ContributionID), FundID: f.ID, ExternalID: "bench",
		Amount: int64(b.approvals) * approvalAmount, Currency: "VND", ReceivedOn: time.Now(), CreatedBy: "treasurer1"}, "")
	if err != nil {
		return err
	}
	for _, statement := range []string{
		`INSERT INTO persons (id, sealed, created_at) SELECT 'per_' || n, '', now() FROM generate_series(0, $1 - 1) n`,
		`INSERT INTO cases (id, reference, partner_id, external_id, programme, programme_version, area, person_id, status, stage, requested_amount, currency, sealed,
			tracking_hash, workflow_id, created_at, submitted_at, updated_at, fund_id)
			SELECT 'case_' || lpad(to_hex(n), 26, '0'), 'HS-' || n, p.id, 'B-' || n, 'medical', 1, '51001', 'per_' || n, 'in_review', 'approval', ` + fmt.Sprint(approvalAmount) + `, 'VND', '',
			sha256(convert_to(n::text, 'UTF8')), 'case/' || n, now(), now(), now(), (SELECT id FROM funds WHERE code = 'bench')
			FROM generate_series(0, $1 - 1) n, (SELECT id FROM partners ORDER BY code LIMIT 1) p`,
	} {
		if _, err := b.place.db.ExecContext(ctx, statement, b.approvals); err != nil { //nolint:forbidigo // seeds a database of its own
			return err
		}
	}
	_, err = b.place.db.ExecContext(ctx, `VACUUM ANALYZE`) //nolint:forbidigo // as the server does by itself
	return err
}

// approve is what the last approval of a case does to money: it grants the
// award, and reserves it or has the case wait.
func (b *ledgerBench) approve(ctx context.Context, id string) error {
	return b.place.store.Write(ctx, func(tx *postgres.Tx) error {
		c, err := tx.LockCase(id)
		if err != nil {
			return err
		}
		c.DecidedAt = &tx.Now
		award, err := tx.ProposeAward(c)
		if err != nil {
			return err
		}
		ok, err := tx.Reserve(c, award, "approver1")
		if err != nil {
			return err
		}
		if ok {
			return tx.MoveCase(c, aid.EventAward)
		}
		return tx.MoveCase(c, aid.EventWaitFunds)
	})
}

// report prints the rate, and what the ledger says about how many there are.
func (b *ledgerBench) report(ctx context.Context, took time.Duration, before [2]time.Duration) error {
	used := b.place.used()
	var row struct {
		Fsync    string `db:"fsync"`
		Sync     string `db:"sync"`
		Approved int    `db:"approved"`
		Waiting  int    `db:"waiting"`
		Postings int    `db:"postings"`
		Reserved int64  `db:"reserved"`
		Budget   int64  `db:"budget"`
	}
	err := b.place.db.GetContext(ctx, &row, `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync,
		(SELECT count(*) FROM cases WHERE status = 'approved') AS approved, (SELECT count(*) FROM cases WHERE status = 'waiting_funds') AS waiting,
		(SELECT count(*) FROM ledger_transactions WHERE kind = 'reserve') AS postings, reserved, budget FROM fund_balances WHERE fund_id = $1`, b.fund)
	if err != nil {
		return err
	}
	fmt.Printf("fsync %s, synchronous_commit %s\n%d approvals in %s: %.0f/s; processor: server %s, this program %s\n", row.Fsync, row.Sync, b.approvals,
		took.Round(time.Millisecond), float64(b.approvals)/took.Seconds(), (used[0] - before[0]).Round(time.Millisecond), (used[1] - before[1]).Round(time.Millisecond))
	fmt.Printf("%d approved, %d wait; %d reservations, %d of %d reserved\n", row.Approved, row.Waiting, row.Postings, row.Reserved, row.Budget)
	if row.Approved != b.approvals/2 || row.Waiting != b.approvals-row.Approved || row.Postings != row.Approved || row.Reserved != row.Budget {
		return fmt.Errorf("not exactly %d", b.approvals/2)
	}
	return nil
}
