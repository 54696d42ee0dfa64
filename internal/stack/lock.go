package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// RunningError says that the stack of this folder runs already.
type RunningError struct {
	API string // its URL, "" while it is still starting
	PID int
}

// Error is one line with where it runs.
func (e *RunningError) Error() string {
	if e.API == "" {
		return fmt.Sprintf("the development stack is already starting (process %d)", e.PID)
	}
	return fmt.Sprintf("the development stack already runs at %s (process %d)", e.API, e.PID)
}

// ErrNotRunning says that no stack runs in a folder.
var ErrNotRunning = errors.New("the development stack does not run: make run")

// lock takes the folder for this process until unlock, or its death in any
// manner: the kernel holds the lock, so a kill leaves nothing to clean.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "run", "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the state folder %s cannot be used: %w", dir, err)
	}
	for range 10 { // somebody may be looking whether it is locked
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		running := &RunningError{}
		if s, err := readStateFile(dir); err == nil && s.Ready {
			running.API = s.API
		}
		_, _ = fmt.Fscan(f, &running.PID) // 0 when the other has not written it yet
		return nil, errors.Join(running, f.Close())
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintln(os.Getpid()))); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// locked says whether a stack runs in dir.
func locked(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "run", "lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}
