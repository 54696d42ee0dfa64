package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postmaster is what a server writes about itself into its data directory.
type postmaster struct {
	pid    int
	port   int
	status string // starting, ready, standby, stopping
}

// readPostmaster reads postmaster.pid; false when there is none or it is
// still being written. Lines: pid, data, start, port, socket, address, key, status.
func readPostmaster(dir string) (postmaster, bool) {
	b, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return postmaster{}, false
	}
	lines := strings.Split(string(b), "\n")
	if len(lines) < 8 {
		return postmaster{}, false
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(lines[0]))
	port, err2 := strconv.Atoi(strings.TrimSpace(lines[3]))
	if err1 != nil || err2 != nil || pid <= 0 {
		return postmaster{}, false
	}
	return postmaster{pid: pid, port: port, status: strings.TrimSpace(lines[7])}, true
}

// endEarlier ends a server that an earlier start left running on this data
// directory, and waits for one that is just ending. It is not taken over: the
// kernel may have told it a moment ago to end. A file left by a dead server is
// removed only when its process is a zombie, which PostgreSQL itself takes for
// alive.
func (c *Cluster) endEarlier(ctx context.Context) error {
	deadline := time.Now().Add(readyWithin)
	for told := false; ; {
		p, ok := readPostmaster(c.Dir)
		if !ok || !c.servedBy(p.pid) {
			return c.removeZombieFile(p.pid)
		}
		if p.status == "ready" && !told {
			told = syscall.Kill(p.pid, syscall.SIGINT) == nil // fast shutdown
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("a PostgreSQL of an earlier start (process %d) does not end: kill it", p.pid)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// servedBy says whether pid is a live PostgreSQL and not another program that
// got the same number after a restart of the machine.
func (c *Cluster) servedBy(pid int) bool {
	if !Alive(pid) {
		return false
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil { // no /proc on this system
		return true
	}
	comm := strings.TrimSpace(string(name))
	return comm == "postgres" || comm == "postmaster"
}

func (c *Cluster) removeZombieFile(pid int) error {
	if pid == 0 || Alive(pid) || syscall.Kill(pid, 0) != nil {
		return nil
	}
	return os.Remove(filepath.Join(c.Dir, "data", "postmaster.pid"))
}

// Alive says whether a process exists and is not merely waiting to be reaped:
// in containers nobody may ever reap it.
func Alive(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil && err != syscall.EPERM {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	// "pid (name) S ...": the name may hold anything, so count from its end.
	after := string(b)[strings.LastIndexByte(string(b), ')')+1:]
	return !strings.HasPrefix(strings.TrimSpace(after), "Z")
}
