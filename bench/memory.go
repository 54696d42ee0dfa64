package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryOf gives the proportional set size of a process and everything below
// it, in bytes, and the number of processes.
func memoryOf(root int) (used int64, processes int, err error) {
	all, err := family(root)
	for _, pid := range all {
		used += pss(pid)
	}
	return used, len(all), err
}

// family gives a process and everything below it. A daemon that has left the
// family (PostgreSQL's postmaster does not) would be missed.
func family(root int) ([]int, error) {
	children := map[int][]int{}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if parent, ok := parentOf(dir); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}

func parentOf(dir string) (int, bool) {
	b, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0, false
	}
	_, rest, ok := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}

func pss(pid int) int64 {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	for line := range strings.SplitSeq(string(b), "\n") {
		if value, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb * 1024
		}
	}
	return 0
}
