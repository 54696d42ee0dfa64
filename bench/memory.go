package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryOf gives the proportional set size of a process and everything below
// it, in bytes, and the number of processes. A daemon that has left the family
// (PostgreSQL's postmaster does not) would be missed.
func memoryOf(root int) (used int64, processes int, err error) {
	children := map[int][]int{}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, 0, err
	}
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if parent, ok := parentOf(dir); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	for todo := []int{root}; len(todo) > 0; todo = todo[1:] {
		used += pss(todo[0])
		processes++
		todo = append(todo, children[todo[0]]...)
	}
	return used, processes, nil
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
