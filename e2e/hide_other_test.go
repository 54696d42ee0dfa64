//go:build !linux

package e2e

import (
	"os/exec"
	"testing"
)

// withoutPostgreSQL needs Linux, on which CI runs.
func withoutPostgreSQL(t *testing.T, _ *exec.Cmd) *exec.Cmd {
	t.Skip("hiding installed programs needs Linux")
	return nil
}
