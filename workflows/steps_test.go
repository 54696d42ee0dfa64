package workflows_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/aidflow/aidflow/activities"
)

// asked gives the names under which steps.go calls activities.
func asked(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "steps.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		for _, arg := range call.Args {
			if text, ok := arg.(*ast.BasicLit); ok && text.Kind == token.STRING {
				name, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, name)
			}
		}
		return true
	})
	return names
}

// offered gives the methods that a worker registers as activities.
func offered() []string {
	var names []string
	typ := reflect.TypeFor[*activities.Activities]()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		if m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context]() {
			names = append(names, m.Name)
		}
	}
	return names
}

// A workflow calls an activity by its name, which no compiler checks.
func TestEveryStepIsAnActivity(t *testing.T) {
	names, methods := asked(t), offered()
	if len(names) == 0 || len(methods) == 0 {
		t.Fatalf("%d names and %d methods found", len(names), len(methods))
	}
	for _, name := range names {
		if !slices.Contains(methods, name) {
			t.Errorf("steps.go asks for %s, which is no activity", name)
		}
	}
	for _, method := range methods {
		if !slices.Contains(names, method) {
			t.Errorf("no workflow asks for the activity %s", method)
		}
	}
	sorted := slices.Sorted(slices.Values(names))
	if len(slices.Compact(sorted)) != len(names) {
		t.Errorf("an activity is asked for twice: %v", sorted)
	}
}
