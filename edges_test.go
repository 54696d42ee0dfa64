package aidflow_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/approvals.md names for an edge of the matrix is there,
// with the case that it names, and every edge has one.
func TestTheEdgesOfTheMatrixAreTested(t *testing.T) {
	raw, err := os.ReadFile("docs/approvals.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(raw), "<!-- edges: begin -->")
	table, _, closed := strings.Cut(table, "<!-- edges: end -->")
	if !found || !closed {
		t.Fatal("docs/approvals.md has no table of edges")
	}
	rows := strings.Split(strings.TrimSpace(table), "\n")[2:]
	named := regexp.MustCompile("([a-z]+(?:/[a-z]+)*) (Test[A-Za-z]+)((?:,? ?`[^`]+`)*)")
	for _, row := range rows {
		edge := strings.TrimSpace(strings.Split(row, "|")[1])
		tests := named.FindAllStringSubmatch(row, -1)
		if len(tests) == 0 {
			t.Errorf("%s: no test", edge)
		}
		for _, m := range tests {
			file := fileOfTest(t, m[1], m[2])
			for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(m[3], -1) {
				if !strings.Contains(file, `{"`+name[1]+`"`) {
					t.Errorf("%s: %s in %s has no case %q", edge, m[2], m[1], name[1])
				}
			}
		}
	}
}

// fileOfTest gives the text of the file of a package that has a test.
func fileOfTest(t *testing.T, dir, name string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+name+"(") {
			return string(text)
		}
	}
	t.Errorf("%s has no %s", dir, name)
	return ""
}
