package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestARegisterOutside: a case waits for a register that is down, through the
// death of the worker that asks, and goes on by itself when the register is
// there.
func TestARegisterOutside(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := startStack(t, stackOptions{dir: filepath.Join(built.work, "outside"), env: []string{"AIDFLOW_ADDR=127.0.0.1:0", "AIDFLOW_REGISTERS=population=http://" + address}}).stopAtEnd(t)
	s.sql(t, `ALTER TABLE programmes DISABLE TRIGGER programmes_stay`)
	s.sql(t, `UPDATE programmes SET definition = replace(definition, '"checks":[', '"checks":[{"kind":"external","register":"population","final":true},') WHERE code = 'medical'`)
	s.awaitBack(t, "api", s.kill(t, "api")) // published versions are kept in memory
	r := newRequest(t, s, "medical")
	c := submit(t, s, r)
	s.awaitTask(t, c.ID, "record_check", "")
	if now := s.caseOf(t, c.ID); now.Status != "submitted" {
		t.Errorf("the case is %s", now.Status)
	}
	s.awaitBack(t, "worker", s.kill(t, "worker"))
	startRegister(t, address, r)
	s.advance(t, c.ID, "PT2H")
	s.awaitTask(t, c.ID, "verify_documents", "")
	for _, open := range s.openTasks(t, c.ID) {
		if open.Kind == "record_check" {
			t.Error("a person is still asked")
		}
	}
	if n := s.countEvents(t, c.ID, "case.register_checked"); n != 1 {
		t.Errorf("checked %d times", n)
	}
}

// startRegister runs a register that knows the applicant of a request.
func startRegister(t *testing.T, address string, r request) {
	t.Helper()
	people := filepath.Join(t.TempDir(), "people")
	a := r["applicant"].(map[string]any)
	line := fmt.Sprintf(`{"national_id": %q, "full_name": %q, "birth_date": %q}`, a["national_id"], a["full_name"], a["birth_date"])
	if err := os.WriteFile(people, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, said := exec.Command(built.aidflow, "register-simulator", "--address", address, "--people", people), &output{}
	cmd.Env, cmd.Stdout, cmd.Stderr = cleanEnv(), said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(time.Minute); !strings.Contains(said.String(), `"ready":true`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(said.String())
		}
	}
}
