// Package cluster makes and runs a private PostgreSQL cluster from the server
// binaries of the machine: for the development stack and for tests. It listens
// on loopback TCP only, with a generated password, and never as root.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// superuser is the name of the cluster's owner in SQL.
const superuser = "aidflow"

// Options say where a cluster lives and how it is set.
type Options struct {
	Dir      string            // home of the cluster; made when missing, belongs to the cluster's user afterwards
	Settings map[string]string // settings of postgresql.conf, on top of the defaults
	NoSync   bool              // initdb does not wait for the disk; for tests
}

// Cluster is a running private PostgreSQL server.
type Cluster struct {
	Dir     string // home: data/, password, postgres.log
	Version string // of the server binaries, such as "15.18"
	Port    int    // on 127.0.0.1

	bin      Binaries
	who      identity
	password string
	pid      int
	done     <-chan struct{}
	cleanup  func()
}

// Open starts the cluster of o.Dir and returns when it answers. It makes the
// cluster first when there is none, and ends a server that an earlier start
// left running. Errors are one line and say what mends them; *MissingError
// when the machine has no fitting PostgreSQL.
func Open(ctx context.Context, o Options) (*Cluster, error) {
	who, err := chooseIdentity(filepath.Join(o.Dir, "data"))
	if err != nil {
		return nil, err
	}
	if err := who.own(o.Dir); err != nil {
		return nil, err
	}
	bin, err := binariesFor(filepath.Join(o.Dir, "data"))
	if err != nil {
		return nil, err
	}
	c := &Cluster{Dir: o.Dir, Version: bin.Version, bin: bin, who: who}
	if err := c.initialise(ctx, o.NoSync); err != nil {
		return nil, err
	}
	if err := c.endEarlier(ctx); err != nil {
		return nil, err
	}
	if err := c.start(ctx, o.Settings); err != nil {
		return nil, err
	}
	return c, nil
}

// URL gives the connection string of a database of the cluster for its
// superuser. The database need not exist; "postgres" always does.
func (c *Cluster) URL(db string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, c.password),
		Host: "127.0.0.1:" + strconv.Itoa(c.Port), Path: "/" + db, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// PID is the process id of the postmaster.
func (c *Cluster) PID() int { return c.pid }

// Done is closed when the server has ended, for whatever reason.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Stop ends the server: connections are cut, committed data is safe. It waits
// up to 10 s, then has the server end without a checkpoint (recovered at the
// next start), and kills it after 3 s more. Stopping twice is harmless.
func (c *Cluster) Stop() error {
	defer func() {
		if c.cleanup != nil {
			c.cleanup()
		}
	}()
	for _, try := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGINT, 10 * time.Second}, {syscall.SIGQUIT, 3 * time.Second}, {syscall.SIGKILL, 2 * time.Second}} {
		if c.signal(try.signal) && c.ended(try.wait) {
			return nil
		}
	}
	return fmt.Errorf("PostgreSQL (process %d) does not end", c.pid)
}

// signal sends s unless the server has ended already.
func (c *Cluster) signal(s syscall.Signal) bool {
	select {
	case <-c.done:
		return true
	default:
		return syscall.Kill(c.pid, s) == nil || !Alive(c.pid)
	}
}

func (c *Cluster) ended(wait time.Duration) bool {
	select {
	case <-c.done:
		return true
	case <-time.After(wait):
		return false
	}
}

// initialise makes the data directory when there is none. It is built beside
// its place and moved there when complete: a kill in between leaves no half.
func (c *Cluster) initialise(ctx context.Context, noSync bool) error {
	data := filepath.Join(c.Dir, "data")
	secret := filepath.Join(c.Dir, "password")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		b, err := os.ReadFile(secret)
		if err != nil {
			return fmt.Errorf("the password of the private PostgreSQL is gone: restore %s or remove %s", secret, c.Dir)
		}
		c.password = strings.TrimSpace(string(b))
		return nil
	}
	c.password = newPassword()
	if err := c.who.writeFile(secret, []byte(c.password+"\n")); err != nil {
		return err
	}
	half := data + ".new"
	var out []byte
	var err error
	for _, locale := range []string{"C.UTF-8", "C"} { // macOS has no C.UTF-8
		if err = os.RemoveAll(half); err != nil {
			return err
		}
		args := []string{"-D", half, "-U", superuser, "--pwfile", secret, "-A", "scram-sha-256", "-E", "UTF8", "--locale", locale}
		if noSync {
			args = append(args, "--no-sync")
		}
		if out, err = c.command(ctx, "initdb", args...).CombinedOutput(); err == nil {
			return os.Rename(half, data)
		}
		if !strings.Contains(string(out), "locale") {
			break
		}
	}
	return fmt.Errorf("initdb failed: %s", lastLine(string(out), err))
}

// command prepares a server binary: as the cluster's user, in a folder that it
// may enter, with a clean environment, so that no PGPORT of the caller leaks in.
func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin.Dir, name), args...)
	cmd.Dir = c.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = c.who.attributes()
	return cmd
}

// lastLine gives the last line that says something, for a one-line error.
func lastLine(out string, err error) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		for _, mark := range []string{"error:", "FATAL:", "ERROR:", "PANIC:"} {
			if _, after, ok := strings.Cut(lines[i], mark); ok {
				return strings.TrimSpace(after)
			}
		}
	}
	if s := strings.TrimSpace(lines[len(lines)-1]); s != "" {
		return s
	}
	return errors.Join(err).Error()
}
