package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/programmes"
)

// folder holds a shipped programme, changed, with its golden decisions.
func folder(t *testing.T, code string, replace ...string) string {
	t.Helper()
	sources, err := programmes.Sources()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := programmes.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "golden"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(replace...).Replace(string(sources[code]))
	for name, data := range map[string][]byte{code + ".yaml": []byte(text), "golden/" + code + ".yaml": tables[code]} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, code+".yaml")
}

func TestRulesTest(t *testing.T) {
	out, err := aidflow(t, "rules", "test")
	if err != nil || strings.Count(out, "all as written") != 6 {
		t.Errorf("shipped: %v\n%s", err, out)
	}
	out, err = aidflow(t, "rules", "test", folder(t, "medical"), "schooling")
	if err != nil || strings.Count(out, "all as written") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	file := folder(t, "medical", "ceiling: 20_000_000", "ceiling: 19_000_000")
	_, err = aidflow(t, "rules", "test", file)
	if err == nil || !strings.Contains(err.Error(), "golden/medical.yaml: ceiling: is 19000000, the golden file says 20000000") {
		t.Errorf("another decision: %v", err)
	}
	file = folder(t, "medical", "effect: hint", "effect: warn")
	_, err = aidflow(t, "rules", "test", file)
	if err == nil || !strings.Contains(err.Error(), file+":133: /eligibility/1/effect: This effect is not possible here; possible are final, block, hint. [effect_unknown]") {
		t.Errorf("a fault: %v", err)
	}
	alone := filepath.Join(t.TempDir(), "alone.yaml")
	sources, _ := programmes.Sources()
	if err := os.WriteFile(alone, sources["other"], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = aidflow(t, "rules", "test", alone); err != nil || !strings.Contains(out, "no golden decisions") {
		t.Errorf("without a table: %v %s", err, out)
	}
	if _, err = aidflow(t, "rules", "test", "nothing"); err == nil || !strings.Contains(err.Error(), "neither a file nor the code") {
		t.Errorf("no such file: %v", err)
	}
	if _, err = aidflow(t, "rules", "test", "medical", "other", "--golden", alone); err == nil {
		t.Error("one table for two definitions")
	}
}

// What is allowed and looks like a slip is a hint, never a fault.
func TestRulesTestHints(t *testing.T) {
	out, err := aidflow(t, "rules", "test")
	if err != nil || strings.Contains(out, "_not_shipped") || strings.Contains(out, "no_golden_row") || strings.Contains(out, "form_") {
		t.Errorf("shipped: %v\n%s", err, out)
	}
	file := folder(t, "housing_new", "calendar: vn-office", "calendar: vn-emergency", "name: province", "name: provinz", "of: [housing_new", "of: [housingnew")
	_, err = aidflow(t, "rules", "test", file) // the golden levels differ
	if err == nil || !strings.Contains(err.Error(), filepath.Join(filepath.Dir(file), "golden", "housing_new.yaml")+": amount ") {
		t.Errorf("golden: %v", err)
	}
	alone := filepath.Join(t.TempDir(), "p")
	if err := os.Mkdir(alone, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err = aidflow(t, "rules", "test", alone); err == nil || !strings.Contains(err.Error(), "no definition") {
		t.Errorf("an empty folder: %v", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(alone, "p.yaml"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = aidflow(t, "rules", "test", alone)
	for _, want := range []string{"/calendar: The program ships no such calendar (vn-office)", "[level_not_shipped]", "[repeat_not_shipped]", "the definition is right"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("not told: %s: %v\n%s", want, err, out)
		}
	}
}

func TestRulesDiff(t *testing.T) {
	out, err := aidflow(t, "rules", "diff", "medical", folder(t, "medical", "ceiling: 20_000_000", "ceiling: 19_000_000"))
	if err != nil || !strings.Contains(out, "19") || strings.Count(out, "\n") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err = aidflow(t, "rules", "diff", "medical", "medical"); err != nil || out != "no difference\n" {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err = aidflow(t, "rules", "diff", "medical", "medical", "--lang", "fr"); err == nil {
		t.Error("a language that nobody wrote")
	}
}
