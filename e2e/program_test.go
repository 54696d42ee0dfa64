package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// run calls the program with an environment of its own and gives what it said
// on stderr, and its exit code.
func runProgram(t *testing.T, env []string, args ...string) (lines []string, code int) {
	t.Helper()
	cmd := exec.Command(built.aidflow, args...)
	cmd.Dir, cmd.Env = t.TempDir(), append(cleanEnv(), env...)
	var said output
	cmd.Stderr = &said
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(said.String()), "\n"), cmd.ProcessState.ExitCode()
}

// TestFaultsOfTheSettings: a part that cannot run with its settings says
// everything that is wrong, a line each, and nothing of the values.
func TestFaultsOfTheSettings(t *testing.T) {
	key := "AIDFLOW_KEY_FILE=" + filepath.Join(built.work, "nothing")
	for _, test := range []struct {
		part string
		env  []string
		want []string
	}{
		{"api", nil, []string{"DATABASE_URL: must be set", "AIDFLOW_KEY_FILE: must be set", "AIDFLOW_OIDC_ISSUER: must be set"}},
		{"worker", nil, []string{"DATABASE_URL: must be set", "AIDFLOW_KEY_FILE: must be set"}},
		{"migrate", nil, []string{"AIDFLOW_KEY_FILE: must be set", "DATABASE_URL: must be set"}},
		{"api", []string{"DATABASE_URL=hunter2", key, "AIDFLOW_ADDR=hunter2", "AIDFLOW_LOG_LEVEL=hunter2", "AIDFLOW_SANDBOX=hunter2", "AIDFLOW_SIMULATOR_URL=http://127.0.0.1:1"}, []string{
			"AIDFLOW_SANDBOX: must be true or false",
			"AIDFLOW_OIDC_ISSUER: must be set",
			"AIDFLOW_ADDR: must be host:port",
			"AIDFLOW_LOG_LEVEL: must be debug, info, warn or error",
			"DATABASE_URL: must be a URL that begins with postgres:// or postgresql://",
			"AIDFLOW_SIMULATOR_URL: goes with AIDFLOW_SIMULATOR_SECRET: set both or none",
			"AIDFLOW_KEY_FILE: is not a file that can be read",
		}},
		{"worker", []string{"AIDFLOW_MODE=live", "DATABASE_URL=postgres://u:hunter2@db.example.org/x?sslmode=disable", key, "TEMPORAL_ADDRESS=t.example.org:7233", "AIDFLOW_TRUSTED_PROXIES=0.0.0.0/0"}, []string{
			"AIDFLOW_KEY_FILE: is not a file that can be read",
			"AIDFLOW_SCANNER: live mode needs a virus scanner for uploaded files",
			"DATABASE_URL: live mode needs TLS to a database on another machine: sslmode=verify-full",
			"AIDFLOW_TRUSTED_PROXIES: live mode does not trust every address",
			"TEMPORAL_ADDRESS: live mode needs TLS to a Temporal on another machine: TEMPORAL_TLS=true",
		}},
	} {
		t.Run(test.part, func(t *testing.T) {
			var want []string
			for _, line := range test.want {
				want = append(want, "aidflow: "+line)
			}
			if said, code := runProgram(t, test.env, test.part); code != 1 || !slices.Equal(said, want) {
				t.Errorf("exit code %d, said\n%s\nwant\n%s", code, strings.Join(said, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
