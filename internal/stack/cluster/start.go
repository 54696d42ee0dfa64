package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// readyWithin bounds a start; crash recovery after a kill is part of it.
const readyWithin = 2 * time.Minute

var (
	errPortTaken = errors.New("the port was taken in between")
	errMemory    = errors.New("processes of a killed server still hold its memory")
)

// start runs the server on the port of the last time, or on a free one.
func (c *Cluster) start(ctx context.Context, settings map[string]string) error {
	saved := filepath.Join(c.Dir, "port")
	deadline := time.Now().Add(readyWithin)
	for try := 0; ; try++ {
		port, err := choosePort(saved, try == 0)
		if err != nil {
			return err
		}
		err = c.startOn(ctx, port, settings)
		// A killed server leaves its sessions; each ends when it looks up.
		for errors.Is(err, errMemory) && time.Now().Before(deadline) && ctx.Err() == nil {
			time.Sleep(200 * time.Millisecond)
			err = c.startOn(ctx, port, settings)
		}
		if errors.Is(err, errPortTaken) && try < 5 {
			continue
		}
		if err != nil {
			return err
		}
		return c.who.writeFile(saved, []byte(strconv.Itoa(port)+"\n"))
	}
}

// startOn runs the server on a port and waits until it answers.
func (c *Cluster) startOn(ctx context.Context, port int, settings map[string]string) error {
	logPath := filepath.Join(c.Dir, "postgres.log")
	log, err := openLog(logPath)
	if err != nil {
		return err
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	cmd := c.command(context.WithoutCancel(ctx), "postgres", arguments(c.Dir, port, settings)...)
	cmd.Stdout, cmd.Stderr = log, log
	// Its own session: Ctrl-C in a terminal reaches us, and we stop it in order.
	cmd.SysProcAttr.Setsid = true
	if c.done, err = StartTied(cmd, syscall.SIGINT); err != nil { // SIGINT: fast shutdown
		return fmt.Errorf("PostgreSQL does not start: %w", err)
	}
	c.pid, c.Port = cmd.Process.Pid, port
	err = c.waitReady(ctx)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), c.Stop())
	}
	written, _ := os.ReadFile(logPath)
	text := string(written[min(int(from), len(written)):])
	if strings.Contains(text, "Address already in use") {
		return errPortTaken
	}
	if strings.Contains(text, "pre-existing shared memory block") {
		return fmt.Errorf("PostgreSQL does not start: %w (log: %s)", errMemory, logPath)
	}
	return fmt.Errorf("PostgreSQL does not start: %s (log: %s)", lastLine(text, err), logPath)
}

// StartTied starts cmd, waits for it in the background and closes the channel
// at its end. On Linux the kernel sends it the signal when this process dies
// without stopping it; elsewhere it stays, and the next start must look for it.
// One locked thread starts it and waits for it, because the kernel ties a child
// to the thread that made it.
func StartTied(cmd *exec.Cmd, signal syscall.Signal) (<-chan struct{}, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	tieToParent(cmd.SysProcAttr, signal)
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // cmd.ProcessState says how it ended
			close(done)
		}
	}()
	return done, <-started
}

// waitReady waits until the postmaster has written that it takes connections.
func (c *Cluster) waitReady(ctx context.Context) error {
	limit := time.NewTimer(readyWithin)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if p, ok := readPostmaster(c.Dir); ok && p.pid == c.pid && p.status == "ready" {
			return nil
		}
		select {
		case <-c.done:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("not ready within %s", readyWithin)
		case <-tick.C:
		}
	}
}

// arguments are the server's command line. Settings come from here and not
// from a file, so that every start of an old directory has today's settings.
func arguments(dir string, port int, settings map[string]string) []string {
	all := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": "", // paths of clones are too long for sockets
		"max_connections":         "200",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"password_encryption":     "scram-sha-256",
	}
	maps.Copy(all, settings)
	args := []string{"-D", filepath.Join(dir, "data")}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// choosePort prefers the saved port while it is free.
func choosePort(saved string, useSaved bool) (int, error) {
	if b, err := os.ReadFile(saved); err == nil && useSaved {
		if port, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && PortFree(port) {
			return port, nil
		}
	}
	return FreePort()
}

// FreePort finds a port of 127.0.0.1 that nobody listens on, below the range
// that outgoing connections use.
func FreePort() (int, error) {
	for range 200 {
		if port := 20000 + mathrand.IntN(12000); PortFree(port) {
			return port, nil
		}
	}
	return 0, errors.New("no free port between 20000 and 32000 on 127.0.0.1")
}

// PortFree says whether a port of 127.0.0.1 can be listened on now, and no
// development stack holds it for a child (by a UDP socket of that number, see
// package stack). It looks at the hold first: while it tries to listen, that
// child could not.
func PortFree(port int) bool {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	hold, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	defer hold.Close()
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// openLog appends to the log; a large one of earlier starts is put aside.
func openLog(path string) (*os.File, error) {
	if st, err := os.Lstat(path); err == nil && st.Size() > 10<<20 {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
}

func newPassword() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails (documented)
	return hex.EncodeToString(b)
}
