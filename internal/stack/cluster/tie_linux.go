package cluster

import "syscall"

// tieToParent has the kernel send the signal when the parent dies.
func tieToParent(a *syscall.SysProcAttr, signal syscall.Signal) { a.Pdeathsig = signal }
