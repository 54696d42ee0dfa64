package cluster

import "syscall"

// tieToParent has the kernel stop the server (fast shutdown) when the process
// that started it dies without a chance to do so. Elsewhere than on Linux the
// next start adopts it.
func tieToParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGINT }
