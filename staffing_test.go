package aidflow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/programmes"
)

// TestTheStaffingShowsTheProgrammes derives the smallest staff of
// docs/staffing.md from the shipped programmes.
func TestTheStaffingShowsTheProgrammes(t *testing.T) {
	definitions, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| programme | amount | verify | approve | pay | release | persons |\n|---|---|---|---|---|---|---|\n")
	for _, d := range definitions {
		for i, r := range d.Matrix {
			above, to := d.Bounds(i)
			approvers, who := approving(r.Levels)
			fmt.Fprintf(&b, "| %s | %d to %d %s | 1 | %s | 1 | 1 | **%d** |\n", d.Code, above+1, to, d.Currency, who, approvers+3)
		}
	}
	expectSection(t, "docs/staffing.md", "smallest", b.String())
}

// approving gives how many approvers a way through the matrix takes, and who
// they are. Nobody serves at two levels of one case.
func approving(levels []programme.Level) (int, string) {
	all, who := 0, []string{}
	for _, l := range levels {
		n, note := 1, ""
		switch l.Mode {
		case programme.ModeNOfM:
			n = l.N
		case programme.ModeCommittee:
			n, note = l.Quorum, " of the committee"
			if l.Chair {
				note += ", one of them its chair"
			}
		}
		all += n
		who = append(who, fmt.Sprintf("%d %s%s", n, l.Name, note))
	}
	return all, strings.Join(who, "; ")
}
