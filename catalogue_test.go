package aidflow_test

import (
	"path/filepath"
	"regexp"
	"testing"
)

// A code that stands twice in a catalogue of messages makes all of it
// unreadable, and the API does not start.
func TestACodeHasOneText(t *testing.T) {
	names, err := filepath.Glob("api/locales/*.yaml")
	if err != nil || len(names) != 3 {
		t.Fatalf("%v %v", names, err)
	}
	for _, name := range names {
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^([a-z0-9_]+):`).FindAllStringSubmatch(read(t, name), -1) {
			if seen[m[1]] {
				t.Errorf("%s: %s stands there twice", name, m[1])
			}
			seen[m[1]] = true
		}
	}
}
