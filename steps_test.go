package aidflow_test

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"
)

// TestEveryActivityIsCalledByItsName compares the names in workflows/steps.go
// with the methods that the worker registers: a name is a string, and the
// compiler does not look at it.
func TestEveryActivityIsCalledByItsName(t *testing.T) {
	called, there := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		switch {
		case s.path == "workflows/steps.go":
			called = names(t, s)
		case s.room == "workflows" && !s.test && len(names(t, s)) > 0:
			t.Errorf("%s starts activities: only steps.go does", s.path)
		case s.room == "activities" && !s.test:
			maps.Copy(there, activityMethods(s))
		}
	}
	if want, got := slices.Sorted(maps.Keys(there)), slices.Sorted(maps.Keys(called)); !slices.Equal(want, got) {
		t.Errorf("activities has   %v\nsteps.go calls %v", want, got)
	}
}

// names gives the activities that a file starts.
func names(t *testing.T, s source) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 || !starts(call.Fun) {
			return true
		}
		if lit, ok := call.Args[1].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			name, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = true
		}
		return true
	})
	return all
}

// starts tells whether a call starts an activity: one of Temporal's functions,
// or steps.go's own around them.
func starts(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name == "local"
	case *ast.SelectorExpr:
		return f.Sel.Name == "ExecuteLocalActivity" || f.Sel.Name == "ExecuteActivity"
	}
	return false
}

func activityMethods(s source) map[string]bool {
	all := map[string]bool{}
	for _, decl := range s.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if ok && f.Recv != nil && f.Name.IsExported() && exportedReceiver(f) {
			all[f.Name.Name] = true
		}
	}
	return all
}
