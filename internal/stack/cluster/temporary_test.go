package cluster

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func listen(t *testing.T, port int) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTemporary(t *testing.T) {
	c, err := Temporary(context.Background(), Options{Settings: map[string]string{"work_mem": "8MB"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	for name, want := range map[string]string{"fsync": "off", "max_connections": "200", "work_mem": "8MB"} {
		if got := query(t, c, "SHOW "+name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("left behind: %v", err)
	}
}

func TestSweepTakesOnlyTheDead(t *testing.T) {
	parent := t.TempDir()
	make := func(name string) (string, *os.File) {
		dir := filepath.Join(parent, temporaryPrefix+name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		lock, err := holdLock(dir)
		if err != nil {
			t.Fatal(err)
		}
		return dir, lock
	}
	live, lock := make("live")
	defer lock.Close()
	dead, gone := make("dead")
	gone.Close()
	young := filepath.Join(parent, temporaryPrefix+"young") // not locked yet
	if err := os.Mkdir(young, 0o700); err != nil {
		t.Fatal(err)
	}
	sweep(parent)
	for dir, want := range map[string]bool{live: true, dead: false, young: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", filepath.Base(dir), err == nil, want)
		}
	}
}

func TestHome(t *testing.T) {
	t.Run("near", func(t *testing.T) {
		base := place(t)
		if got, err := Home(base); err != nil || got != filepath.Join(base, "postgres") {
			t.Fatalf("%q %v", got, err)
		}
	})
	t.Run("a clone in a closed folder", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root drops to a user that cannot enter")
		}
		closed := place(t)
		if err := os.Mkdir(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		base := filepath.Join(closed, ".aidflow")
		far, err := Home(base)
		if err != nil || strings.HasPrefix(far, closed) {
			t.Fatalf("%q %v", far, err)
		}
		t.Cleanup(func() { os.RemoveAll(far) })
		c := open(t, far)
		if got := query(t, c, "SELECT 1"); got != "1" {
			t.Fatalf("got %q", got)
		}
		if again, err := Home(base); err != nil || again != far {
			t.Fatalf("second time %q %v, first %q", again, err, far)
		}
	})
}

func TestOwnRefusesAFolderOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make it")
	}
	dir := place(t)
	if err := errors.Join(os.Mkdir(dir, 0o777), os.Chown(dir, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	who := identity{uid: 23456, gid: 23456, drop: true}
	if err := who.own(dir); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Fatalf("got %v", err)
	}
	link := dir + "-link"
	if err := os.Symlink("/etc", link); err != nil {
		t.Fatal(err)
	}
	if err := who.own(link); err == nil {
		t.Fatal("followed a link")
	}
	if st, err := os.Stat("/etc"); err != nil || st.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Fatal("changed the owner of /etc")
	}
}

func TestVersionLine(t *testing.T) {
	for line, want := range map[string]string{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": "15.18",
		"postgres (PostgreSQL) 17beta1":                        "17beta1",
		"postgres (PostgreSQL) 14.9 (Homebrew)":                "14.9",
	} {
		if m := versionLine.FindStringSubmatch(line); m == nil || m[1] != want {
			t.Errorf("%s: %v", line, m)
		}
	}
}
