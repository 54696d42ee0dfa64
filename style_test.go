package aidflow_test

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

const (
	maxFile     = 450 // lines; most files have about 150
	maxFunction = 60  // lines; most functions have about 12
)

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.generated {
			continue
		}
		if n := s.line(s.file.FileEnd); n > maxFile {
			t.Errorf("%s has %d lines, at most %d: is it two subjects?", s.path, n, maxFile)
		}
		if s.test || strings.HasSuffix(s.room, "test") {
			continue // a table of cases is long
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > maxFunction {
				t.Errorf("%s:%d %s has %d lines, at most %d", s.path, s.line(f.Pos()), f.Name.Name, n, maxFunction)
			}
		}
	}
}

func TestExportedNamesSayTheirContract(t *testing.T) {
	described := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		described[s.room] = described[s.room] || s.file.Doc != nil
		if s.generated {
			continue
		}
		for _, decl := range s.file.Decls {
			for _, name := range undocumented(decl) {
				t.Errorf("%s:%d %s is exported and says nothing about itself", s.path, s.line(name.Pos()), name.Name)
			}
		}
	}
	for room, ok := range described {
		if !ok {
			t.Errorf("the package %s has no comment that says what it is for", room)
		}
	}
}

// undocumented gives the exported names of a declaration that have no comment,
// neither their own nor their group's.
func undocumented(decl ast.Decl) []*ast.Ident {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		if d.Tok == token.IMPORT || (d.Doc != nil && d.Tok != token.TYPE) {
			return nil
		}
		return undocumentedIn(d)
	}
	return nil
}

func undocumentedIn(d *ast.GenDecl) []*ast.Ident {
	var all []*ast.Ident
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
				all = append(all, s.Name)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && s.Doc == nil && s.Comment == nil {
					all = append(all, name)
				}
			}
		}
	}
	return all
}

// exportedReceiver tells whether a method can be seen from outside; a plain
// function can.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	typ := f.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return true
		}
	}
}

// calls tells whether a file mentions name of a package that it imports under
// its usual name.
func (s source) calls(pkg, name string) bool {
	found := false
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if ok && sel.Sel.Name == name {
			id, plain := sel.X.(*ast.Ident)
			found = found || (plain && id.Name == pkg)
		}
		return !found
	})
	return found
}
