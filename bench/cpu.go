package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/PID/stat on every Linux.
const tick = 10 * time.Millisecond

// cpu is processor time by part of the stack.
type cpu map[string]time.Duration

// cpuNow reads what the stack, the control's worker and the callers have used
// so far. What ended in between is missed: differences are of what lives on.
func (r *rig) cpuNow() (cpu, error) {
	all, err := family(r.stack.Process.Pid)
	used := cpu{"callers": usedBy(os.Getpid()), "control's worker": usedBy(r.control.Process.Pid)}
	for _, pid := range all {
		used[partOf(pid)] += usedBy(pid)
	}
	return used, err
}

// partOf names what a process is to the benchmark.
func partOf(pid int) string {
	raw, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	command := strings.ReplaceAll(string(raw), "\x00", " ")
	sql := strings.HasPrefix(command, "postgres: ")
	switch {
	case sql && strings.Contains(command, " temporal"):
		return "engine's SQL"
	case sql && strings.Contains(command, " aidflow"):
		return "aidflow's SQL"
	case sql:
		return "PostgreSQL itself"
	case strings.Contains(command, "aidflow-engine"):
		return "engine"
	case strings.Contains(command, "aidflow worker"):
		return "worker"
	case strings.Contains(command, "aidflow simulator"):
		return "rail"
	}
	return "other"
}

func usedBy(pid int) time.Duration {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * tick
}

// per gives the difference in milliseconds for each of n cases, the largest
// part first.
func (c cpu) per(before cpu, n int) string {
	each := map[string]time.Duration{}
	var sum time.Duration
	for part := range c {
		each[part] = (c[part] - before[part]) / time.Duration(n)
		sum += each[part]
	}
	line := []string{fmt.Sprintf("%.1f ms", ms(sum))}
	for _, part := range slices.SortedFunc(maps.Keys(each), func(a, b string) int { return int(each[b] - each[a]) }) {
		if each[part] >= time.Millisecond/10 {
			line = append(line, fmt.Sprintf("%s %.1f", part, ms(each[part])))
		}
	}
	return strings.Join(line, ", ")
}
