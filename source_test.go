package aidflow_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/aidflow/aidflow"

// source is one parsed Go file of the repository.
type source struct {
	path      string // from the root, with slashes
	room      string // its folder; "." is the root
	nested    bool   // belongs to another module (engine)
	test      bool
	generated bool
	file      *ast.File
	positions *token.FileSet
}

// sources parses every Go file of the repository, whatever system it is built
// for: what a machine does not compile is looked at all the same.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(name, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		s := source{path: filepath.ToSlash(name), positions: token.NewFileSet(), test: strings.HasSuffix(name, "_test.go")}
		s.room = path.Dir(s.path)
		s.nested = s.room == "engine" || strings.HasPrefix(s.room, "engine/")
		if s.file, err = parser.ParseFile(s.positions, name, nil, parser.ParseComments); err != nil {
			return err
		}
		s.generated = ast.IsGenerated(s.file)
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d files found: not run in the root of the repository?", len(all))
	}
	return all
}

func skipped(name, base string) bool {
	return name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || base == "bin")
}

// imports gives the paths that a file imports; own rooms without the module's
// name.
func (s source) imports(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, spec := range s.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// line gives the line of a position.
func (s source) line(pos token.Pos) int { return s.positions.Position(pos).Line }

// read gives the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
