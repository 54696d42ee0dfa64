package e2e

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// TestOtherWaysToStart starts two stacks in the same moment: one as an
// ordinary user in a folder that is closed to everybody else, and one on a
// PostgreSQL and a Temporal that run already. Each takes a case to its end,
// and neither is in the other's way.
func TestOtherWaysToStart(t *testing.T) {
	shared := theStack(t)
	own := stackOptions{dir: filepath.Join(ownedByAnother(t), "state"), attr: ordinaryUser(t)}
	foreign := stackOptions{dir: filepath.Join(built.work, "foreign"), env: append(foreignServers(t, shared), "AIDFLOW_ADDR=127.0.0.1:0")}
	first := launch(t, own).stopAtEnd(t)
	second := launch(t, foreign).stopAtEnd(t)
	first.awaitReady(t)
	second.awaitReady(t)
	addresses := map[string]bool{}
	for _, s := range []*stack{shared, first, second} {
		for _, address := range []string{s.API, s.Simulator, s.Issuer} {
			if addresses[address] {
				t.Errorf("%s belongs to two stacks", address)
			}
			addresses[address] = true
		}
	}
	if first.Temporal == shared.Temporal || first.PIDs["postgres"] == 0 || first.PIDs["engine"] == 0 {
		t.Errorf("the first has no servers of its own: %v", first.PIDs)
	}
	if second.Temporal != shared.Temporal || second.PIDs["postgres"] != 0 || second.PIDs["engine"] != 0 {
		t.Errorf("the second has servers of its own: %v", second.PIDs)
	}
	checkOwners(t, first)
	var all sync.WaitGroup
	for _, s := range []*stack{first, second} {
		all.Go(func() {
			c := submit(t, s, newRequest(t, s, "medical"))
			(&drive{s: s, id: c.ID}).toEnd(t)
			s.checkMoney(t)
		})
	}
	all.Wait()
}

// ordinaryUser gives how a process becomes one; we may be one already.
func ordinaryUser(t *testing.T) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid := nobody(t)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
}

func nobody(t *testing.T) (uid, gid uint32) {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	n, err1 := strconv.ParseUint(u.Uid, 10, 32)
	m, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return uint32(n), uint32(m)
}

// ownedByAnother makes a closed folder of the ordinary user.
func ownedByAnother(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(built.work, "ordinary-") // 0700
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		uid, gid := nobody(t)
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkOwners: every process of the stack is the user's who started it.
func checkOwners(t *testing.T, s *stack) {
	t.Helper()
	want := strconv.Itoa(os.Geteuid())
	if os.Geteuid() == 0 {
		uid, _ := nobody(t)
		want = strconv.Itoa(int(uid))
	}
	for part, pid := range s.PIDs {
		out, err := exec.Command("ps", "-o", "uid=", "-p", itoa(pid)).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("the %s runs as user %q, want %s: %v", part, got, want, err)
		}
	}
}

// foreignServers gives the settings that lead to a PostgreSQL and a Temporal
// that others run: a cluster of this test, and a namespace of the shared engine.
func foreignServers(t *testing.T, shared *stack) []string {
	t.Helper()
	const namespace = "of-another"
	c, err := temporal.NewNamespaceClient(temporal.Options{HostPort: shared.Temporal})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{Namespace: namespace,
		WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	return []string{"DATABASE_URL=" + foreignDatabase(t), "TEMPORAL_ADDRESS=" + shared.Temporal, "TEMPORAL_NAMESPACE=" + namespace}
}

// foreignDatabase gives the URL of a database that need not exist yet, on a
// server of this test.
func foreignDatabase(t *testing.T) string {
	t.Helper()
	c, err := cluster.Temporary(t.Context(), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c.URL("aid_of_another")
}

// TestStartsThatCannotBe: each says in one line what is in the way, with what
// mends it.
func TestStartsThatCannotBe(t *testing.T) {
	shared := theStack(t)
	database := "DATABASE_URL=" + foreignDatabase(t)
	for _, test := range []struct {
		name string
		env  []string
		hide bool // PostgreSQL
		want []string
	}{
		{name: "no PostgreSQL", hide: true, want: []string{"PostgreSQL 14 or newer is not installed: ", "install"}},
		{name: "a fixed address that is busy", env: []string{"AIDFLOW_ADDR=" + strings.TrimPrefix(shared.API, "http://")}, want: []string{"AIDFLOW_ADDR=", "free it, or unset AIDFLOW_ADDR"}},
		{name: "a database that is not there", env: []string{"DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x"}, want: []string{"DATABASE_URL: cannot connect: "}},
		{name: "a Temporal that is not there", env: []string{database, "TEMPORAL_ADDRESS=127.0.0.1:1"}, want: []string{"no Temporal answers at TEMPORAL_ADDRESS=127.0.0.1:1: start it, or unset TEMPORAL_ADDRESS"}},
		{name: "a namespace that is not there", env: []string{database, "TEMPORAL_ADDRESS=" + shared.Temporal, "TEMPORAL_NAMESPACE=nowhere"}, want: []string{"temporal operator namespace create --namespace nowhere"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(built.aidflow, "dev", "--data-dir", filepath.Join(t.TempDir(), "state"))
			if test.hide {
				cmd = withoutPostgreSQL(t, cmd)
			}
			cmd.Env = append(cleanEnv(), test.env...)
			var said, told output
			cmd.Stderr, cmd.Stdout = &said, &told
			err := cmd.Run()
			line := said.String()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 || strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "aidflow: ") || strings.Contains(line, "hunter2") {
				t.Fatalf("%v, said %q\n%s", err, line, told.String())
			}
			for _, want := range test.want {
				if !strings.Contains(line, want) {
					t.Errorf("said %q, want %q", line, want)
				}
			}
		})
	}
}
