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

// adopt takes over a server that still runs on this data directory, and waits
// for one that is just ending. A file left by a dead server is removed only
// when its process is a zombie, which PostgreSQL itself takes for alive.
func (c *Cluster) adopt(ctx context.Context) (bool, error) {
	deadline := time.Now().Add(readyWithin)
	for {
		p, ok := readPostmaster(c.Dir)
		if !ok || !c.servedBy(p.pid) {
			return false, c.removeZombieFile(p.pid)
		}
		if p.status == "ready" {
			c.pid, c.Port, c.Adopted = p.pid, p.port, true
			c.done = watch(p.pid)
			return true, nil
		}
		if time.Now().After(deadline) {
			return false, fmt.Errorf("a PostgreSQL of an earlier start (process %d) neither starts nor ends: kill it", p.pid)
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// watch gives a channel that closes when a process that is not our child has
// ended.
func watch(pid int) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for Alive(pid) {
			time.Sleep(100 * time.Millisecond)
		}
	}()
	return done
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
