//go:build !linux

package cluster

import "syscall"

func tieToParent(*syscall.SysProcAttr, syscall.Signal) {}
