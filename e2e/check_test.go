package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"testing"

	temporal "go.temporal.io/sdk/client"

	"github.com/aidflow/aidflow/internal/checker"
)

// checked runs "aidflow check" on the stack and gives what it says.
func (s *stack) checked(t *testing.T, args ...string) (report checker.Report, ok bool) {
	t.Helper()
	cmd := exec.Command(built.aidflow, append([]string{"check", "--json", "--data-dir", s.dir}, args...)...)
	cmd.Env = cleanEnv()
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if decoded := json.Unmarshal(out, &report); decoded != nil {
		t.Fatalf("aidflow check: %v %v\n%s", err, decoded, faults.String())
	}
	return report, err == nil
}

// checkIsClean wants nothing to be broken on a stack that has rested.
func (s *stack) checkIsClean(t *testing.T) {
	t.Helper()
	report, ok := s.checked(t)
	if !ok || !report.Clean() || len(report.NotLooked) > 0 {
		t.Errorf("the second opinion: %v, not looked at %v", report.Findings, report.NotLooked)
	}
	if report.Looked["movements"] == 0 || report.Looked["workflows"] == 0 || report.Looked["payments"] == 0 {
		t.Errorf("looked at %v only", report.Looked)
	}
}

// A case whose workflow somebody has ended by hand is found, and so is a
// workflow that nobody wanted.
func TestCheckSeesWhatRuns(t *testing.T) {
	s := theStack(t)
	c := submit(t, s, newRequest(t, s, "medical"))
	s.awaitTask(t, c.ID, "verify_documents", "")
	engine, err := temporal.Dial(temporal.Options{HostPort: s.Temporal, Namespace: "aidflow"})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	workflow := "case/" + c.ID + "/1"
	has := func(law, subject string) bool {
		report, _ := s.checked(t, "--grace", "1ns")
		return slices.ContainsFunc(report.Findings, func(f checker.Finding) bool { return f.Law == law && f.Subject == subject })
	}
	if has("case_without_workflow", c.ID) {
		t.Fatal("its workflow runs")
	}
	if err := engine.TerminateWorkflow(t.Context(), workflow, "", "planted"); err != nil {
		t.Fatal(err)
	}
	if !has("case_without_workflow", c.ID) {
		t.Error("a case without its workflow was not seen")
	}
	// Nobody has this one; no worker listens to its queue.
	stray, err := engine.ExecuteWorkflow(t.Context(), temporal.StartWorkflowOptions{ID: "case/planted/1", TaskQueue: "nobody"}, "SupportRequest")
	if err != nil {
		t.Fatal(err)
	}
	s.await(t, caseLimit, "the list of what runs", func() bool { return has("workflow_without_case", stray.GetID()) })
	if err := engine.TerminateWorkflow(t.Context(), stray.GetID(), "", "planted"); err != nil {
		t.Error(err)
	}
}
