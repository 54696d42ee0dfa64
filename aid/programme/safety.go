package programme

import (
	"strconv"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

const (
	maxLoop  = 500    // items of a list that all and exists may look at
	maxSteps = 50_000 // of the analysis; a rule that needs more is unreadable
)

// analysis proves that a rule cannot fail on facts that are valid for the
// forms. It knows for each place which optional fields are there and which
// values a number can have, and allows nothing that it cannot prove.
type analysis struct {
	ast    *ast.AST
	facts  map[string]*valueType
	faults []ruleFault
	seen   map[string]bool // faults already told
	muted  int             // > 0: looks for values only
	loops  int             // all and exists around this place
	steps  int
}

// known is what the analysis knows about an expression.
type known struct {
	valueType
	path string // of a fact or of its field; "": computed
}

func (v known) span() interval { return interval{v.lo, v.hi} }

// prove gives every reason why a checked rule is refused, and what is known of
// its result.
func prove(checked *ast.AST, facts map[string]*valueType) (known, []ruleFault) {
	a := &analysis{ast: checked, facts: facts, seen: map[string]bool{}}
	result := a.expr(checked.Expr(), knowledge{})
	return result, a.faults
}

// refuse records a fault at an expression, once for a place and a code.
func (a *analysis) refuse(e ast.Expr, code string, params ...string) {
	if a.muted > 0 {
		return
	}
	at := a.ast.SourceInfo().GetStartLocation(e.ID())
	fault := ruleFault{code: code, line: max(at.Line(), 1), column: at.Column() + 1, params: map[string]string{}}
	for i := 0; i+1 < len(params); i += 2 {
		fault.params[params[i]] = params[i+1]
	}
	key := code + " " + strconv.Itoa(fault.line) + ":" + strconv.Itoa(fault.column)
	if !a.seen[key] {
		a.seen[key] = true
		a.faults = append(a.faults, fault)
	}
}

// expr looks at an expression where something is known.
func (a *analysis) expr(e ast.Expr, k knowledge) known {
	if a.steps++; a.steps > maxSteps {
		if a.steps == maxSteps+1 {
			a.muted = 0
			a.refuse(a.ast.Expr(), "rule_too_long")
		}
		return broken()
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return a.literal(e)
	case ast.IdentKind:
		return a.ident(e, k)
	case ast.SelectKind:
		return a.field(e, k)
	case ast.ListKind:
		return a.list(e, k)
	case ast.CallKind:
		return a.call(e, k)
	case ast.ComprehensionKind:
		return a.loop(e, k)
	}
	a.refuse(e, "rule_not_allowed")
	return broken()
}

// broken stands for what was refused: nothing more is said about it.
func broken() known { return known{valueType: valueType{sort: sortBroken}} }

func fraction() known { return known{valueType: valueType{sort: sortDouble}} }

func truth() known { return known{valueType: valueType{sort: sortBool}} }

func whole(i interval) known { return known{valueType: valueType{sort: sortInt, lo: i.lo, hi: i.hi}} }

func (a *analysis) literal(e ast.Expr) known {
	switch v := e.AsLiteral().(type) {
	case types.Bool:
		return truth()
	case types.Int:
		return whole(span(int64(v), int64(v)))
	case types.Double:
		return fraction()
	case types.String:
		return known{valueType: valueType{sort: sortString, texts: []string{string(v)}}}
	}
	a.refuse(e, "rule_not_allowed") // bytes, null, unsigned numbers
	return broken()
}

func (a *analysis) ident(e ast.Expr, k knowledge) known {
	name := e.AsIdent()
	t, ok := k.locals[name]
	if !ok {
		t, ok = a.facts[name]
	}
	if !ok {
		a.refuse(e, "rule_not_allowed", "name", name) // the name of a type
		return broken()
	}
	return a.narrow(e, k, *t, name)
}

// narrow reads a fact with what the conditions around it say.
func (a *analysis) narrow(e ast.Expr, k knowledge, t valueType, path string) known {
	if t.sort == sortInt {
		if t.lo == nil || t.hi == nil || !(interval{t.lo, t.hi}).fits() {
			a.refuse(e, "rule_unbounded", "field", path)
			return broken()
		}
		if narrow, ok := k.ranges[path]; ok {
			t.lo, t.hi = narrow.lo, narrow.hi
		}
	}
	return known{valueType: t, path: path}
}

// field reads a field, or tells whether it is there (has).
func (a *analysis) field(e ast.Expr, k knowledge) known {
	selection := e.AsSelect()
	of := a.expr(selection.Operand(), k)
	if selection.IsTestOnly() && of.sort == sortObject {
		return truth()
	}
	t := of.fields[selection.FieldName()]
	if of.sort == sortBroken {
		return broken()
	}
	if of.sort != sortObject || t == nil {
		a.refuse(e, "rule_not_allowed") // a map that is written down
		return broken()
	}
	path := of.path + "." + selection.FieldName()
	if !a.there(of, selection.FieldName(), path, k) {
		a.refuse(e, "rule_unguarded", "field", path)
	}
	return a.narrow(e, k, *t, path)
}

// there tells whether a field can be read. What was seen exists only after the
// visit, then as a whole.
func (a *analysis) there(of known, field, path string, k knowledge) bool {
	if of.path == factVisit {
		return k.present[path] || (of.required[field] && k.present[factVisit])
	}
	return of.required[field] || k.present[path]
}

// factVisit is the variable that is empty before the visit.
const factVisit = "visit"

func (a *analysis) list(e ast.Expr, k knowledge) known {
	elements := e.AsList().Elements()
	out := known{valueType: valueType{sort: sortList, maxItems: len(elements)}}
	for i, element := range elements {
		item := a.expr(element, k)
		if item.sort == sortList || item.sort == sortObject {
			a.refuse(element, "rule_not_allowed")
		}
		if i == 0 {
			out.item = &item.valueType
			continue
		}
		if item.sort != out.item.sort && item.sort != sortBroken && out.item.sort != sortBroken {
			a.refuse(element, "rule_type")
		}
		out.item = either(*out.item, item.valueType)
	}
	return out
}

// either gives the type of a value that is one of two.
func either(a, b valueType) *valueType {
	switch {
	case a.sort != b.sort:
		return &a
	case a.sort == sortInt:
		joined := interval{a.lo, a.hi}.join(interval{b.lo, b.hi})
		return &valueType{sort: sortInt, lo: joined.lo, hi: joined.hi}
	case a.sort == sortString && a.texts != nil && b.texts != nil:
		return &valueType{sort: sortString, texts: append(append([]string(nil), a.texts...), b.texts...)}
	case a.sort == sortString:
		return &valueType{sort: sortString}
	}
	return &a
}

// loop allows all and exists over a list of the form; CEL writes them as a
// fold of one truth value.
func (a *analysis) loop(e ast.Expr, k knowledge) known {
	fold := e.AsComprehension()
	over := a.expr(fold.IterRange(), k)
	step := fold.LoopStep()
	isFold := step.Kind() == ast.CallKind && len(step.AsCall().Args()) == 2 &&
		(step.AsCall().FunctionName() == operators.LogicalAnd || step.AsCall().FunctionName() == operators.LogicalOr)
	_, shadows := a.facts[fold.IterVar()]
	if over.sort == sortBroken {
		return truth()
	}
	if over.sort != sortList || over.item == nil || !isFold || shadows || a.loops > 0 {
		a.refuse(e, "rule_not_allowed")
		return truth()
	}
	if over.maxItems < 0 || over.maxItems > maxLoop {
		a.refuse(e, "rule_list_unbounded", "field", over.path, "most", strconv.Itoa(maxLoop))
	}
	a.loops++
	a.expr(step.AsCall().Args()[1], k.withLocal(fold.IterVar(), over.item))
	a.loops--
	return truth()
}
