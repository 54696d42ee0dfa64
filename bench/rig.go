package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"log/slog"

	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/stack"
	"github.com/aidflow/aidflow/internal/vault"
	"github.com/aidflow/aidflow/workflows"
)

const namespace = "aidflow"

// rig is the real stack, as `aidflow dev` starts it, with a control worker
// beside it and the connections to both.
type rig struct {
	settings
	state    stack.State
	stack    *exec.Cmd
	control  *exec.Cmd
	temporal client.Client
	process  *workflows.Client
	store    *postgres.Store
	plain    *sqlx.DB // for the bare SQL of the controls
	partner  *postgres.Caller
	manager  *postgres.Caller
	people   int // how many invented households have applied
}

func startRig(ctx context.Context, s settings, dir string) (*rig, error) {
	r := &rig{settings: s}
	cold, err := r.startStack(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := r.openPlain(); err != nil {
		return nil, err
	}
	if s.bulk > 0 {
		if err := r.countStatements(ctx); err != nil {
			return nil, err
		}
	}
	r.stopStack()
	warm, err := r.startStack(ctx, dir)
	if err != nil {
		return nil, err
	}
	time.Sleep(5 * time.Second)
	used, n, err := memoryOf(r.stack.Process.Pid)
	if err != nil {
		return nil, err
	}
	fmt.Printf("## stack\nready, empty data directory  %6.1f s\nready, warm                  %6.1f s\nmemory idle (sum of PSS)     %6.0f MB in %d processes\n\n",
		cold.Seconds(), warm.Seconds(), float64(used)/1e6, n)
	return r, r.connect(ctx)
}

// startStack starts the stack and gives the time until it is ready.
func (r *rig) startStack(ctx context.Context, dir string) (time.Duration, error) {
	file := filepath.Join(dir, "ready")
	_ = os.Remove(file)
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		return 0, err
	}
	r.stack = exec.CommandContext(ctx, r.binary, "dev", "--data-dir", filepath.Join(dir, "data"), "--ready-file", file)
	r.stack.Stdout, r.stack.Stderr = out, out
	r.stack.Cancel = func() error { return r.stack.Process.Signal(syscall.SIGTERM) }
	begun := time.Now()
	if err := r.stack.Start(); err != nil {
		return 0, err
	}
	for time.Since(begun) < 2*time.Minute {
		if _, err := os.Stat(file); err == nil {
			took := time.Since(begun)
			r.state, err = stack.ReadState(filepath.Join(dir, "data"))
			return took, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	said, _ := os.ReadFile(out.Name())
	return 0, errors.New("the stack is not ready after two minutes: " + string(said))
}

func (r *rig) stopStack() {
	_ = r.stack.Process.Signal(syscall.SIGTERM)
	_ = r.stack.Wait()
}

func (r *rig) connect(ctx context.Context) (err error) {
	quiet := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	r.temporal, err = client.Dial(client.Options{HostPort: r.state.Temporal, Namespace: namespace, Logger: quiet})
	if err != nil {
		return err
	}
	r.process = workflows.NewClient(r.temporal, namespace, time.Minute)
	v, err := vault.Open(r.state.Environment["AIDFLOW_KEY_FILE"])
	if err != nil {
		return err
	}
	if r.store, err = postgres.Open(ctx, r.state.AppDatabase, v, time.Now); err != nil {
		return err
	}
	if err := r.openPlain(); err != nil {
		return err
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r.control = exec.CommandContext(ctx, self, controlWorker, r.state.Temporal, r.state.Database)
	r.control.Stderr = os.Stderr
	return r.control.Start()
}

// openPlain connects to the database as its owner; the port may be another
// after a start.
func (r *rig) openPlain() (err error) {
	if r.plain != nil {
		_ = r.plain.Close()
	}
	r.plain, err = sqlx.Connect("postgres", r.state.Database)
	return err
}

// prepare gives the fund enough money, makes every visit due at once, so that
// a whole case passes without waiting, and a table for the bare SQL.
func (r *rig) prepare(ctx context.Context) (err error) {

	tx, err := r.plain.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `
		UPDATE fund_balances SET budget = 1000000000000000;
		CREATE TABLE bench_bare (id text PRIMARY KEY, at timestamptz NOT NULL);
		CREATE FUNCTION bench_due_now() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.due_at := now(); RETURN NEW; END';
		CREATE TRIGGER bench_due_now BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION bench_due_now()`)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if r.partner, err = r.store.PartnerByKey(ctx, r.state.Keys["portal1"]); err != nil {
		return err
	}
	if r.manager, err = r.store.StaffBySubject(ctx, "manager1"); err != nil {
		return err
	}
	var fund string
	if err := r.plain.GetContext(ctx, &fund, `SELECT id FROM funds LIMIT 1`); err != nil {
		return err
	}
	_, err = r.store.Contribute(ctx, postgres.Contribution{ID: postgres.NewID("con"), FundID: fund, ExternalID: "bench", Amount: 900_000_000_000_000,
		Currency: "VND", ReceivedOn: time.Now(), CreatedBy: "treasurer1"}, "")
	return err
}

func (r *rig) stop() {
	if r.control != nil && r.control.Process != nil {
		_ = r.control.Process.Kill()
		_ = r.control.Wait()
	}
	r.stopStack()
}

func cpuName() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.SplitSeq(string(b), "\n") {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, "\t :")
		}
	}
	return runtime.GOARCH
}
