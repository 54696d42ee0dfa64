package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const temporaryPrefix = "aidflow-pg-"

// Temporary starts a throw-away cluster in the system's folder for temporary
// files: nothing is synced to disk, 200 connections. o.Dir is ignored;
// o.Settings are kept. Stop removes it. Where a process died without Stop, the
// next Temporary of the same user removes what it left.
func Temporary(ctx context.Context, o Options) (*Cluster, error) {
	who, err := chooseIdentity("")
	if err != nil {
		return nil, err
	}
	parent, err := temporaryParent(who)
	if err != nil {
		return nil, err
	}
	sweep(parent)
	dir, err := os.MkdirTemp(parent, temporaryPrefix)
	if err != nil {
		return nil, err
	}
	lock, err := holdLock(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	cleanup := func() { _ = os.RemoveAll(dir); _ = lock.Close() }
	settings := map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
		"wal_level": "minimal", "max_wal_senders": "0", "max_connections": "200",
	}
	for k, v := range o.Settings {
		settings[k] = v
	}
	c, err := Open(ctx, Options{Dir: dir, Settings: settings, NoSync: true})
	if err != nil {
		cleanup()
		return nil, err
	}
	c.cleanup = cleanup
	return c, nil
}

// temporaryParent gives a folder for temporary files that the server's user
// can enter; TMPDIR of root often is not.
func temporaryParent(who identity) (string, error) {
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if who.canUse(dir) {
			return dir, nil
		}
	}
	return "", errors.New("no folder for temporary files that " + who.name + " may use: set TMPDIR")
}

// holdLock marks dir as in use until this process ends, however it ends. The
// file gets its name only once it is locked.
func holdLock(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "lock.*")
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, os.Rename(f.Name(), filepath.Join(dir, "lock"))
}

// sweep ends and removes clusters whose maker is dead. What cannot be removed
// is left for the next time.
func sweep(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, temporaryPrefix+"*"))
	for _, dir := range dirs {
		f, err := os.Open(filepath.Join(dir, "lock"))
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			endServer(dir)
			_ = os.RemoveAll(dir)
		}
		_ = f.Close()
	}
}

// endServer kills the postmaster of a dead maker's cluster, if it still runs.
func endServer(dir string) {
	p, ok := readPostmaster(dir)
	if c := (&Cluster{}); !ok || !c.servedBy(p.pid) {
		return
	}
	_ = syscall.Kill(p.pid, syscall.SIGQUIT)
	for range 100 {
		if !Alive(p.pid) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
