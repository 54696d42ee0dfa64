package e2e

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// withoutPostgreSQL runs a command where no PostgreSQL can be found: in a file
// system view of its own, in which the programs of every installation are
// empty files. An ordinary user makes such a view as root of a user namespace.
func withoutPostgreSQL(_ *testing.T, cmd *exec.Cmd) *exec.Cmd {
	const hide = `for f in $(command -v initdb) /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /usr/local/bin/initdb /usr/local/pgsql/bin/initdb; do
		if [ -e "$f" ]; then mount --bind /dev/null "$f" || exit 9; fi
	done; exec "$@"`
	args := append([]string{"-c", hide, "sh", cmd.Path}, cmd.Args[1:]...)
	hidden := exec.Command("/bin/sh", args...)
	hidden.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		hidden.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:   syscall.CLONE_NEWUSER,
			Unshareflags: syscall.CLONE_NEWNS,
			UidMappings:  []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings:  []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	return hidden
}
