package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/sync/errgroup"

	"github.com/aidflow/aidflow/internal/postgres"
)

// inboxing measures the pages, counts and searches of the inbox: -inbox CASES.
const inboxing = "-inbox"

// inboxBench is a country of cases in a database of its own.
type inboxBench struct {
	place   *place
	store   *postgres.Store
	db      *sqlx.DB
	calls   int
	clients int
	r       *rand.Rand
}

// runInbox is the program behind -inbox.
func runInbox(ctx context.Context) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	cases := flags.Int("inbox", 1_000_000, "cases; a fifth as many tasks are open")
	calls := flags.Int("calls", 200, "pages of each role and view")
	clients := flags.Int("clients", 1, "people who read at the same time")
	dir := flags.String("dir", "", "keep the seeded database here, or use the one that is here")
	plans := flags.Bool("explain", true, "print what the database does")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	p, err := openPlace(ctx, *dir, map[string]string{"shared_buffers": "1GB", "work_mem": "16MB", "max_wal_size": "8GB", "autovacuum": "off"})
	if err != nil {
		return err
	}
	defer p.close()
	b := &inboxBench{place: p, store: p.store, db: p.db, calls: *calls, clients: *clients, r: rand.New(rand.NewPCG(1, 1))}
	fmt.Printf("# bench %s %d -calls %d -clients %d, %s\n# %s, %d CPUs, %s\n", inboxing, *cases, *calls, *clients, time.Now().UTC().Format(time.RFC3339), runtime.Version(), runtime.NumCPU(), cpuName())
	begun := time.Now()
	if !p.seeded {
		if err := seedInbox(ctx, b.db, p.vault, *cases, *cases/5); err != nil {
			return err
		}
	}
	if err := b.size(ctx, time.Since(begun)); err != nil {
		return err
	}
	if *calls > 0 {
		err = b.measure(ctx)
	}
	if err != nil || !*plans {
		return err
	}
	return b.explain(ctx)
}

func (b *inboxBench) size(ctx context.Context, took time.Duration) error {
	var s struct {
		Cases int    `db:"cases"`
		Tasks int    `db:"tasks"`
		Open  int    `db:"open"`
		Words int    `db:"words"`
		Staff int    `db:"staff"`
		Load  string `db:"load"`
		Size  string `db:"size"`
	}
	err := b.db.GetContext(ctx, &s, `SELECT (SELECT count(*) FROM cases) AS cases, count(*) AS tasks, count(*) FILTER (WHERE closed_at IS NULL) AS open,
		(SELECT count(*) FROM case_words) AS words, (SELECT count(*) FROM staff) AS staff, pg_size_pretty(pg_total_relation_size('tasks')) AS size, version() AS load FROM tasks`)
	load, _ := os.ReadFile("/proc/loadavg") // not everywhere
	fmt.Printf("# %s\n# cases %d, tasks %d, of which open %d; words %d; staff %d; tasks with indexes %s; seeded in %.0f s\n# load of the machine before measuring: %s\n",
		s.Load, s.Cases, s.Tasks, s.Open, s.Words, s.Staff, s.Size, took.Seconds(), load)
	return err
}

// inboxRole is a sort of caller: any person whose name fits.
type inboxRole struct {
	name, like string
	bound      func(*postgres.Caller) // what a delegation would add
}

func inboxRoles() []inboxRole {
	return []inboxRole{
		{name: "manager, country", like: `manager\_VN\_%`}, {name: "auditor, country", like: `auditor\_VN\_%`}, {name: "approver, country", like: `approver\_VN\_%`},
		{name: "releaser, country", like: `releaser\_VN\_%`}, {name: "admin, country", like: `admin\_VN\_%`},
		{name: "manager, province", like: `manager\_p%`}, {name: "auditor, province", like: `auditor\_p%`}, {name: "verifier, province", like: `verifier\_p%`},
		{name: "committee, province", like: `approver\_p%`}, {name: "approver, province", like: `approver\_single\_p%`}, {name: "treasurer, province", like: `treasurer\_p%`},
		{name: "releaser, province", like: `releaser\_p%`}, {name: "intake, province", like: `intake\_p%`},
		{name: "verifier, commune", like: `verifier\_c%`}, {name: "approver, commune", like: `approver\_c%`},
		{name: "delegate, country", like: `approver\_VN\_%`, bound: func(c *postgres.Caller) {
			g := c.Roles[0]
			g.Behalf, g.Level, g.Committee, g.Programmes, g.Ceiling = "approver_p01_1", "province", true, []string{"schooling", "other"}, 3_000_000
			c.Roles = append(c.Roles, g)
		}},
		{name: "delegate, commune", like: `verifier\_c%`, bound: func(c *postgres.Caller) {
			c.Roles[0].Behalf, c.Roles[0].Programmes, c.Roles[0].Ceiling = "verifier_p01_1", []string{"medical"}, 20_000_000
		}},
	}
}

// timed is how long calls of one sort took.
type timed struct {
	mu   sync.Mutex
	name string
	all  []time.Duration
	rows int
}

func (t *timed) add(begun time.Time, rows int) {
	took := time.Since(begun)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all, t.rows = append(t.all, took), t.rows+rows
}

func (t *timed) print() {
	if len(t.all) > 0 {
		fmt.Printf("  %-34s n %4d  rows %6.1f  p50 %7.2f ms  p99 %7.2f ms  max %7.2f ms\n", t.name, len(t.all), float64(t.rows)/float64(len(t.all)),
			ms(percentile(t.all, 0.5)), ms(percentile(t.all, 0.99)), ms(slices.Max(t.all)))
	}
}

// measure takes the roles in turns with the control, so that what else the
// machine does falls on both.
func (b *inboxBench) measure(ctx context.Context) error {
	control := &timed{name: "control: SELECT 1"}
	worst := &timed{name: "pages of 50, all roles and views"}
	for _, role := range inboxRoles() {
		callers, err := b.callers(ctx, role)
		if err != nil {
			return err
		}
		fmt.Printf("## %s (%d people)\n", role.name, len(callers))
		for _, view := range append([]postgres.View{""}, postgres.Views()...) {
			t := &timed{name: "view " + string(view)}
			second := &timed{name: "view " + string(view) + ", second page"}
			before := b.place.used()
			err := b.together(b.calls+10*b.clients, func(i int) error {
				if err := b.page(ctx, role, callers[i%len(callers)].ID, postgres.TaskFilter{View: view}, i >= 10*b.clients, t, second); err != nil {
					return err
				}
				return b.control(ctx, control)
			})
			if err != nil {
				return err
			}
			t.print()
			second.print()
			pages := float64(b.calls+10*b.clients) * float64(len(t.all)+len(second.all)) / float64(len(t.all))
			for i, who := range []string{"database", "program"} {
				fmt.Printf("    processor of the %s: %.2f ms for each page\n", who, ms(b.place.used()[i]-before[i])/pages)
			}
			worst.all, worst.rows = append(append(worst.all, t.all...), second.all...), worst.rows+t.rows+second.rows
		}
		if err := b.others(ctx, callers); err != nil {
			return err
		}
	}
	fmt.Println("## all")
	worst.print()
	control.print()
	return nil
}

// together does n things with as many clients as were asked for.
func (b *inboxBench) together(n int, do func(int) error) error {
	var g errgroup.Group
	g.SetLimit(b.clients)
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	return g.Wait()
}

// page reads the first page and the second, each as a request does: who the
// caller is, then the rows.
func (b *inboxBench) page(ctx context.Context, role inboxRole, who string, f postgres.TaskFilter, counts bool, first, second *timed) error {
	rows, err := b.request(ctx, role, who, f, postgres.Page{Limit: 51}, counts, first)
	if err != nil || len(rows) < 51 {
		return err
	}
	_, err = b.request(ctx, role, who, f, postgres.Page{Limit: 51, After: rows[49].Cursor()}, counts, second)
	return err
}

func (b *inboxBench) request(ctx context.Context, role inboxRole, who string, f postgres.TaskFilter, p postgres.Page, counts bool, t *timed) ([]postgres.TaskRow, error) {
	begun := time.Now()
	c, err := b.store.StaffBySubject(ctx, who)
	if err != nil {
		return nil, err
	}
	if role.bound != nil {
		role.bound(c)
	}
	rows, err := b.store.Tasks(ctx, c, f, p)
	if counts {
		t.add(begun, len(rows))
	}
	return rows, err
}

func (b *inboxBench) control(ctx context.Context, t *timed) error {
	begun := time.Now()
	var one int
	err := b.db.GetContext(ctx, &one, `SELECT 1`)
	t.add(begun, 1)
	return err
}

// others are what comes beside pages: filters, counts, searches, and who the
// caller is, which every request asks.
func (b *inboxBench) others(ctx context.Context, callers []*postgres.Caller) error {
	most := int64(3_000_000)
	old := time.Now().AddDate(0, 0, -20)
	list := func(f postgres.TaskFilter) func(*postgres.Caller) (int, error) {
		return func(c *postgres.Caller) (int, error) {
			rows, err := b.store.Tasks(ctx, c, f, postgres.Page{Limit: 51})
			return len(rows), err
		}
	}
	search := func(text func() string) func(*postgres.Caller) (int, error) {
		return func(c *postgres.Caller) (int, error) {
			rows, err := b.store.SearchTasks(ctx, c, text(), postgres.TaskFilter{}, postgres.Page{Limit: 51})
			return len(rows), err
		}
	}
	for _, op := range []struct {
		name string
		run  func(*postgres.Caller) (int, error)
	}{
		{"kind field_visit", list(postgres.TaskFilter{Kind: "field_visit"})}, {"programme other", list(postgres.TaskFilter{Programme: "other"})},
		{"amount up to 3 m", list(postgres.TaskFilter{MaxAmount: &most})}, {"opened 20 days ago", list(postgres.TaskFilter{OpenedBefore: &old})},
		{"area of one commune", list(postgres.TaskFilter{Area: "c0017"})},
		{"search: reference", search(func() string { return fmt.Sprintf("HS-2026-%07d", 1+b.r.IntN(1000)) })},
		{"search: whole name", search(func() string { return fmt.Sprintf("nguyễn thị ten%d", b.r.IntN(160)) })},
		{"search: frequent words", search(func() string { return "nguyen van" })},
		{"counts", func(c *postgres.Caller) (int, error) {
			counts, err := b.store.CountTasks(ctx, c, postgres.TaskFilter{})
			return len(counts.By), err
		}},
		{"who the caller is", func(c *postgres.Caller) (int, error) {
			_, err := b.store.StaffBySubject(ctx, c.ID)
			return 1, err
		}},
	} {
		t := &timed{name: op.name}
		for i := range b.calls/4 + 5 {
			begun := time.Now()
			rows, err := op.run(callers[i%len(callers)])
			if err != nil {
				return fmt.Errorf("%s: %w", op.name, err)
			}
			if i >= 5 {
				t.add(begun, rows)
			}
		}
		t.print()
	}
	return nil
}

// callers gives up to twenty people of a role.
func (b *inboxBench) callers(ctx context.Context, role inboxRole) ([]*postgres.Caller, error) {
	var names []string
	if err := b.db.SelectContext(ctx, &names, `SELECT subject FROM staff WHERE subject LIKE $1 ORDER BY md5(subject) LIMIT 20`, role.like); err != nil {
		return nil, err
	}
	var out []*postgres.Caller
	for _, name := range names {
		c, err := b.store.StaffBySubject(ctx, name)
		if err != nil {
			return nil, err
		}
		if role.bound != nil {
			role.bound(c)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nobody is like %s", role.like)
	}
	return out, nil
}

// explain shows what the database does for the pages of a few.
func (b *inboxBench) explain(ctx context.Context) error {
	for _, role := range inboxRoles() {
		if !slices.Contains([]string{"manager, country", "verifier, province", "verifier, commune", "delegate, country"}, role.name) {
			continue
		}
		callers, err := b.callers(ctx, role)
		if err != nil {
			return err
		}
		plan, err := b.store.ExplainInbox(ctx, callers[0], postgres.TaskFilter{}, postgres.Page{Limit: 51})
		if err != nil {
			return err
		}
		fmt.Printf("## EXPLAIN (ANALYZE, BUFFERS), %s\n%s\n", role.name, strings.Join(plan, "\n"))
	}
	return nil
}
