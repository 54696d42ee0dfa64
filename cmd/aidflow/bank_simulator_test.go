package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The pretended bank pays a file that lies in its folder, and says so.
func TestBankSimulator(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "answers")
	file, err := os.ReadFile("../../rails/bankfile/testdata/run.pain.001.001.09.xml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "run.xml"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"bank-simulator", "--in", in, "--out", out, "--once", "--on", "2026-09-03", "--refused", "1"}
	if printed, err := aidflow(t, args...); err != nil || printed != "answered run.xml\n" {
		t.Fatalf("%q, %v", printed, err)
	}
	for name, want := range map[string]string{"run.pain.002.xml": "<TxSts>RJCT</TxSts>", "run.camt.053.xml": "<Dt>2026-09-03</Dt>",
		"run.camt.054.xml": "<NbOfNtries>2<", "run.statement.csv": "03/09/2026"} {
		if content, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s: %v, no %s in\n%s", name, err, want, content)
		}
	}
	if printed, err := aidflow(t, args...); err != nil || printed != "" {
		t.Errorf("answered again: %q, %v", printed, err)
	}
	for _, wrong := range [][]string{{"bank-simulator"}, {"bank-simulator", "--in", in, "--out", out, "--once", "--on", "03/09/2026"},
		{"bank-simulator", "--in", filepath.Join(in, "none"), "--out", out, "--once"}} {
		if _, err := aidflow(t, wrong...); err == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}
