package stack

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// endLeftovers kills the children that a killed supervisor left running (on
// Linux the kernel does it, a moment later). PostgreSQL is not among them:
// package cluster ends it gently. Only processes that are still ours by name are touched.
func endLeftovers(dir string) {
	b, err := os.ReadFile(filepath.Join(dir, pidFile))
	if err != nil {
		return
	}
	var pids map[string]int
	if json.Unmarshal(b, &pids) != nil {
		return
	}
	for name, pid := range pids {
		if name == "postgres" || pid <= 1 || !ours(pid, name) {
			continue
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
		for i := 0; i < 100 && cluster.Alive(pid); i++ {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// ours says whether a process is the part of that name of a stack, and not
// another program that got the number since.
func ours(pid int, name string) bool {
	if !cluster.Alive(pid) {
		return false
	}
	out, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	if err != nil { // no ps on a bare machine
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if err != nil {
			return false
		}
		out = []byte(strings.ReplaceAll(string(b), "\x00", " "))
	}
	return strings.Contains(string(out), "aidflow") && strings.Contains(string(out), name)
}
