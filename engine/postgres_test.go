package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const postgresPassword = "p@ss/w:rd" // characters that a URL must escape

// database is a private PostgreSQL server of one test.
type database struct {
	t      *testing.T
	bin    string
	dir    string
	port   uint16
	server *exec.Cmd
}

// newDatabase makes and starts a server that ends with the test. Without
// PostgreSQL's programs the test is skipped, except in CI, where it fails.
func newDatabase(t *testing.T) *database {
	t.Helper()
	d := &database{t: t, bin: postgresBinaries(t), port: freePort(t)}
	dir, err := os.MkdirTemp("", "aidflow-engine-pg")
	require.NoError(t, err)
	d.dir = dir
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	password := filepath.Join(dir, "password")
	require.NoError(t, os.WriteFile(password, []byte(postgresPassword), 0o600))
	if cred := d.credential(); cred != nil {
		require.NoError(t, os.Chown(dir, int(cred.Uid), int(cred.Gid)))
		require.NoError(t, os.Chown(password, int(cred.Uid), int(cred.Gid)))
	}
	out, err := d.command("initdb", "--no-sync", "-A", "scram-sha-256", "-U", "engine",
		"--pwfile", password, "-D", filepath.Join(dir, "data")).CombinedOutput()
	require.NoError(t, err, string(out))
	d.start()
	t.Cleanup(d.stop)
	return d
}

// start runs the server and waits until it lets us in.
func (d *database) start() {
	d.t.Helper()
	d.server = d.command("postgres", "-D", filepath.Join(d.dir, "data"), "-p", strconv.Itoa(int(d.port)),
		"-k", d.dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "logging_collector=off")
	require.NoError(d.t, d.server.Start())
	require.Eventually(d.t, func() bool {
		conn, err := pgx.Connect(context.Background(), d.url())
		if err != nil {
			return false
		}
		return conn.Close(context.Background()) == nil
	}, time.Minute, 50*time.Millisecond)
}

// stop ends the server as a crash of its machine would: at once.
func (d *database) stop() {
	if d.server == nil {
		return
	}
	_ = d.server.Process.Signal(syscall.SIGQUIT)
	_ = d.server.Wait()
	d.server = nil
}

// url is for TCP with a password, socketURL for the socket directory.
func (d *database) url() string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword("engine", postgresPassword),
		Host: fmt.Sprintf("127.0.0.1:%d", d.port), Path: "/postgres", RawQuery: "sslmode=disable",
	}).String()
}

func (d *database) socketURL() string {
	q := url.Values{"host": {d.dir}, "port": {strconv.Itoa(int(d.port))}}
	return (&url.URL{Scheme: "postgres", User: url.UserPassword("engine", postgresPassword), Path: "/postgres", RawQuery: q.Encode()}).String()
}

// command prepares one of PostgreSQL's programs, which refuse to run as root.
func (d *database) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(d.bin, name), args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.credential()}
	return cmd
}

func (d *database) credential() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	d.t.Fatal("as root, this test needs the user postgres or nobody")
	return nil
}

// postgresBinaries finds the folder of PostgreSQL's programs: on PATH, or where
// Debian keeps them, newest first.
func postgresBinaries(t *testing.T) string {
	t.Helper()
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(p)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) > 0 {
		return found[len(found)-1]
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("PostgreSQL's programs are missing")
	}
	t.Skip("PostgreSQL's programs are missing")
	return ""
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	l, err := listen("", loopback(), 0)
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return port(l)
}
