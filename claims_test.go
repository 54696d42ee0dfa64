package aidflow_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryClaimHasItsTest: a test that a page names is one that runs here, and
// every row of docs/mistakes.md names one.
func TestEveryClaimHasItsTest(t *testing.T) {
	there := map[string]bool{}
	for _, path := range filesUnder(t, "_test.go") {
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatch(read(t, path), -1) {
			there[m[1]] = true
		}
	}
	named := regexp.MustCompile("`(Test[A-Z]\\w+)`")
	for _, path := range filesUnder(t, ".md") {
		for _, m := range named.FindAllStringSubmatch(read(t, path), -1) {
			if !there[m[1]] {
				t.Errorf("%s names %s, which is no test", path, m[1])
			}
		}
	}
	rows := 0
	for line := range strings.Lines(read(t, "docs/mistakes.md")) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| what ") {
			continue
		}
		rows++
		if !named.MatchString(line) {
			t.Errorf("without a test: %s", line)
		}
	}
	if rows < 20 {
		t.Errorf("docs/mistakes.md has only %d rows", rows)
	}
}

// filesUnder gives the project's own files whose name ends so.
func filesUnder(t *testing.T, end string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(path, d.Name()):
			return filepath.SkipDir
		case strings.HasSuffix(path, end):
			all = append(all, path)
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d files %s: %v", len(all), end, err)
	}
	return all
}
