package api

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryFaultOfADefinitionHasAMessage reads the codes out of the source of
// aid/programme: whoever adds one says it in three languages.
func TestEveryFaultOfADefinitionHasAMessage(t *testing.T) {
	en := catalogue(t, "en")
	said := regexp.MustCompile(`(?:s\.fault(?:With)?\([^"\n]*(?:"[^"\n]*"[^"\n]*)*, |a\.refuse\([^"\n]*|[Cc]ode: |code = |Refuse\(aid\.\w+, )"([a-z]+(?:_[a-z]+)*)"`)
	files, err := filepath.Glob("../aid/programme/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range said.FindAllStringSubmatch(string(source), -1) {
			found++
			if en[match[1]] == "" {
				t.Errorf("%s: %s has no message", file, match[1])
			}
		}
	}
	if found < 80 {
		t.Errorf("only %d codes found: the pattern no longer fits the source", found)
	}
}

func TestSentence(t *testing.T) {
	for lang, want := range map[string]string{"en": "The rule must give true or false.", "vi": "Quy tắc phải cho kết quả true hoặc false.", "xx": "The rule must give true or false."} {
		if got, err := Sentence(lang, "rule_result", map[string]string{"want": "bool"}); err != nil || got != want {
			t.Errorf("%s: %q, %v", lang, got, err)
		}
	}
}
