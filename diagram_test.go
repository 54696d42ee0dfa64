package aidflow_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/checker"
)

var update = flag.Bool("update", false, "write the generated parts of the documents anew")

// TestTheDiagramShowsTheTable compares the state diagram of ARCHITECTURE.md
// with the table that the program moves cases by. To draw it again:
//
//	go test . -run Show -update
func TestTheDiagramShowsTheTable(t *testing.T) {
	expectSection(t, "ARCHITECTURE.md", "case-moves", "```mermaid\n"+diagram(aid.CaseMoves())+"```\n")
}

// TestTheStatesShowTheTables does the same for docs/states.md.
func TestTheStatesShowTheTables(t *testing.T) {
	expectSection(t, "docs/states.md", "case-moves", movesTable(aid.CaseMoves()))
	expectSection(t, "docs/states.md", "tasks", tasksTable(aid.TaskRules()))
	expectSection(t, "docs/states.md", "payment-moves", paymentTable(aid.PaymentMoves()))
}

// TestTheChecksShowTheLaws does the same for docs/check.md.
func TestTheChecksShowTheLaws(t *testing.T) {
	var b strings.Builder
	b.WriteString("| code | what always holds |\n|---|---|\n")
	for _, law := range checker.Laws() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", law.Code, law.Says)
	}
	expectSection(t, "docs/check.md", "laws", b.String())
}

// expectSection compares the part of a document between two marks with what it
// should be, or writes it.
func expectSection(t *testing.T, name, mark, want string) {
	t.Helper()
	begin, end := "<!-- "+mark+": begin -->\n", "<!-- "+mark+": end -->"
	text := read(t, name)
	head, rest, ok := strings.Cut(text, begin)
	got, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no marks %q", name, mark)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s does not show what the code does; go test . -run Show -update writes it. Want:\n%s", name, want)
	}
	if err := os.WriteFile(name, []byte(head+begin+want+end+tail), 0o600); err != nil {
		t.Fatal(err)
	}
}

func diagram(moves []aid.CaseMove) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    direction LR\n    [*] --> draft\n")
	ends := []aid.Place{}
	for _, m := range moves {
		for _, from := range m.From {
			fmt.Fprintf(&b, "    %s --> %s : %s\n", node(from), node(m.To), m.Event)
		}
		if !m.To.Status.Open() && !contains(ends, m.To) {
			ends = append(ends, m.To)
		}
	}
	for _, p := range ends {
		fmt.Fprintf(&b, "    %s --> [*]\n", node(p))
	}
	return b.String()
}

// node names a place in the diagram: the status, and the stage where the
// status has two.
func node(p aid.Place) string {
	if p.Status == aid.InReview || p.Status == aid.ActionNeeded {
		return string(p.Status) + "_" + string(p.Stage)
	}
	return string(p.Status)
}

func contains(all []aid.Place, p aid.Place) bool {
	for _, a := range all {
		if a == p {
			return true
		}
	}
	return false
}

func movesTable(moves []aid.CaseMove) string {
	var b strings.Builder
	b.WriteString("| event | from | to |\n|---|---|---|\n")
	for _, m := range moves {
		var from []string
		for _, p := range m.From {
			from = append(from, place(p))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.Event, strings.Join(from, ", "), place(m.To))
	}
	return b.String()
}

func place(p aid.Place) string { return string(p.Status) + " / " + string(p.Stage) }

func tasksTable(rules []aid.TaskRule) string {
	var b strings.Builder
	b.WriteString("| kind | who decides | actions | duty | applied by |\n|---|---|---|---|---|\n")
	for _, r := range rules {
		by, duty := "the workflow", r.Duty
		if r.SQLOnly {
			by = "PostgreSQL alone"
		}
		if r.Kind == aid.Approve {
			duty += ":level"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Kind, joined(r.Roles), joined(r.Actions), orDash(duty), by)
	}
	return b.String()
}

func paymentTable(moves map[aid.PaymentState][]aid.PaymentState) string {
	var b strings.Builder
	b.WriteString("| payment | may become |\n|---|---|\n")
	for _, s := range []aid.PaymentState{aid.PaymentDue, aid.PaymentQueued, aid.PaymentInstructed, aid.PaymentUnknown,
		aid.PaymentSettled, aid.PaymentFailed, aid.PaymentReturned, aid.PaymentCancelled} {
		fmt.Fprintf(&b, "| %s | %s |\n", s, orDash(joined(moves[s])))
	}
	return b.String()
}

func joined[S ~string](all []S) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = string(s)
	}
	return strings.Join(parts, ", ")
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
