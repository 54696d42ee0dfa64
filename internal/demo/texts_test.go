package demo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func texts(t *testing.T, lang string) map[string]string {
	t.Helper()
	all, err := words(lang)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A translation takes the same values in the same order.
func TestTranslationsFit(t *testing.T) {
	verbs := regexp.MustCompile(`%[0-9]*[a-z]`)
	for _, lang := range []string{"vi", "id"} {
		for english, translated := range texts(t, lang) {
			if !slices.Equal(verbs.FindAllString(english, -1), verbs.FindAllString(translated, -1)) {
				t.Errorf("%s: %q does not fit %q", lang, translated, english)
			}
			if translated == "" {
				t.Errorf("%s: %q is empty", lang, english)
			}
		}
		for code := range texts(t, "en") {
			if texts(t, lang)[code] == "" {
				t.Errorf("%s: %q has no word", lang, code)
			}
		}
	}
}

// Everything that is told in English is told in the other languages, too.
func TestEverySentenceIsTranslated(t *testing.T) {
	used := sentences(t)
	if len(used) < 60 {
		t.Fatalf("only %d sentences found", len(used))
	}
	for _, lang := range []string{"vi", "id"} {
		have := texts(t, lang)
		for _, s := range used {
			if have[s] == "" {
				t.Errorf("%s: %q is not translated", lang, s)
			}
		}
	}
}

// sentences collects the texts of this package: what is said, what acts say,
// and what parts and unfinished stories are told with.
func sentences(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				all = append(all, s)
			}
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				switch called(n.Fun) {
				case "say", "heading":
					add(n.Args[0])
				case "provides":
					add(n.Args[1])
				case "visited":
					add(n.Args[1])
				case "built":
					add(n.Args[2])
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "says" {
					add(n.Value)
				}
			}
			return true
		})
	}
	for _, p := range parts() {
		all = append(all, p.does)
	}
	for _, u := range unfinishedStories() {
		all = append(all, u.says)
	}
	for _, o := range []owned{{paused: true}, {owner: "system"}} {
		all = append(all, o.note())
	}
	return all
}

func called(fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}

func TestUnknownLanguage(t *testing.T) {
	if _, err := words("xx"); err == nil {
		t.Error("a language that is not there was read")
	}
}

func TestLength(t *testing.T) {
	teller, _ := told(t, "en")
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0 s", 59 * time.Second: "59 s", 90 * time.Minute: "1 h 30 min", 26 * time.Hour: "1 d 2 h",
		30 * 24 * time.Hour: "30 days", 5 * time.Minute: "5 min",
	} {
		if got := teller.length(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

func TestQuiet(t *testing.T) {
	teller, out := told(t, "en")
	teller.quiet = true
	teller.heading("Who acts")
	teller.scene(time.Now(), "portal1", "submits")
	teller.pause(48 * time.Hour)
	if out.Len() > 0 {
		t.Errorf("told %q", out)
	}
	teller.result("HS-1", "House", "100", time.Second)
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("told %q", out)
	}
}
