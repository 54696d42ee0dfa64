package cluster

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // speaks to the server in these tests only
)

// helperDir makes a test binary act as a supervisor, so that it can be killed.
const helperDir = "AIDFLOW_CLUSTER_HELPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		c, err := Open(context.Background(), Options{Dir: dir, NoSync: true})
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("ready", c.PID())
		select {}
	}
	os.Exit(m.Run())
}

// place gives a folder that the server's user can enter: t.TempDir() of root
// is closed to others.
func place(t *testing.T) string {
	t.Helper()
	who, err := chooseIdentity("")
	if err != nil {
		t.Fatal(err)
	}
	parent, err := temporaryParent(who)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(parent, "aidflow-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "pg")
}

func open(t *testing.T, dir string) *Cluster {
	t.Helper()
	c, err := Open(context.Background(), Options{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

func query(t *testing.T, c *Cluster, q string) string {
	t.Helper()
	db, err := sql.Open("postgres", c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var s sql.NullString
	if err := db.QueryRow(q).Scan(&s); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%s: %v", q, err)
	}
	return s.String
}

func TestOpenStopOpenKeepsDataAndPort(t *testing.T) {
	dir := place(t)
	c := open(t, dir)
	query(t, c, "CREATE TABLE kept (n int)")
	query(t, c, "INSERT INTO kept VALUES (42)")
	for name, want := range map[string]string{
		"server_encoding": "UTF8", "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "TimeZone": "UTC",
		"max_connections": "200", "fsync": "on",
	} {
		if got := query(t, c, "SHOW "+name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	port := c.Port
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Fatalf("second stop: %v", err)
	}
	c = open(t, dir)
	if got := query(t, c, "SELECT n FROM kept"); got != "42" || c.Port != port {
		t.Fatalf("kept %q, port %d (was %d)", got, c.Port, port)
	}
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	c := open(t, place(t))
	db, err := sql.Open("postgres", strings.Replace(c.URL("postgres"), c.password, "guess", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); err == nil || !strings.Contains(err.Error(), "password authentication failed") {
		t.Fatalf("connected without the password: %v", err)
	}
}

func TestTheServerIsNotRoot(t *testing.T) {
	c := open(t, place(t))
	st, err := os.Stat(filepath.Join(c.Dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if uid := st.Sys().(*syscall.Stat_t).Uid; uid == 0 || st.Mode().Perm() != 0o700 {
		t.Fatalf("data of uid %d with mode %o", uid, st.Mode().Perm())
	}
}

func TestKilledServerRecovers(t *testing.T) {
	dir := place(t)
	c := open(t, dir)
	query(t, c, "CREATE TABLE kept AS SELECT 7 AS n")
	if err := syscall.Kill(c.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("the end of the server was not noticed")
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err != nil {
		t.Fatal("the kill left no pid file: the test shows nothing")
	}
	if got := query(t, open(t, dir), "SELECT n FROM kept"); got != "7" {
		t.Fatalf("got %q", got)
	}
}

func TestKilledSupervisor(t *testing.T) {
	dir := place(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "ready ")))
	if err != nil {
		t.Fatalf("supervisor said %q", line)
	}
	c := open(t, dir)
	if got := query(t, c, "SELECT 1"); got != "1" {
		t.Fatalf("got %q", got)
	}
	if c.PID() == pid || Alive(pid) {
		t.Fatal("two servers")
	}
}

func TestAServerLeftRunningIsReplaced(t *testing.T) {
	dir := place(t)
	first := open(t, dir)
	query(t, first, "CREATE TABLE kept AS SELECT 3 AS n")
	second := open(t, dir)
	if Alive(first.PID()) || second.Port != first.Port {
		t.Fatalf("two servers, or another port: %d, was %d", second.Port, first.Port)
	}
	if got := query(t, second, "SELECT n FROM kept"); got != "3" {
		t.Fatalf("got %q", got)
	}
}

func TestAStalePidFileOfAnotherProgram(t *testing.T) {
	dir := place(t)
	c := open(t, dir)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	// After a restart of the machine the number may belong to anything: to us.
	file := filepath.Join(dir, "data", "postmaster.pid")
	text := fmt.Sprintf("%d\n%s\n1700000000\n%d\n\n127.0.0.1\n  1234  5\nready   \n", os.Getpid(), filepath.Join(dir, "data"), c.Port)
	if err := c.who.writeFile(file, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if got := query(t, open(t, dir), "SELECT 1"); got != "1" {
		t.Fatalf("got %q", got)
	}
}

func TestBusyPortIsReplaced(t *testing.T) {
	dir := place(t)
	c := open(t, dir)
	port := c.Port
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	other := listen(t, port)
	defer other.Close()
	if c := open(t, dir); c.Port == port {
		t.Fatal("took a busy port")
	}
}

func TestHalfMadeDirectory(t *testing.T) {
	dir := place(t)
	who, _ := chooseIdentity("")
	if err := who.own(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := query(t, open(t, dir), "SELECT 1"); got != "1" {
		t.Fatalf("got %q", got)
	}
}

func TestDataOfAMissingVersion(t *testing.T) {
	dir := place(t)
	who, _ := chooseIdentity("")
	if err := errors.Join(who.own(dir), os.Mkdir(filepath.Join(dir, "data"), 0o700),
		os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), Options{Dir: dir})
	var missing *MissingError
	if !errors.As(err, &missing) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "rm -r "+dir) {
		t.Fatalf("got %v", err)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	dir := place(t)
	if err := open(t, dir).Stop(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if p, ok := readPostmaster(dir); ok {
		t.Fatalf("process %d still runs", p.pid)
	}
}
