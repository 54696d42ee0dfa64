package programme

import (
	"math"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// call allows the operators and functions whose failing can be excluded.
func (a *analysis) call(e ast.Expr, k knowledge) known {
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		a.expr(args[0], k)
		a.expr(args[1], a.learn(args[0], k, true))
		return truth()
	case operators.LogicalOr:
		a.expr(args[0], k)
		a.expr(args[1], a.learn(args[0], k, false))
		return truth()
	case operators.LogicalNot:
		a.expr(args[0], k)
		return truth()
	case operators.Conditional:
		a.expr(args[0], k)
		yes, no := a.expr(args[1], a.learn(args[0], k, true)), a.expr(args[2], a.learn(args[0], k, false))
		return known{valueType: *either(yes.valueType, no.valueType)}
	}
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	operands := make([]known, len(args))
	for i, arg := range args {
		operands[i] = a.expr(arg, k)
	}
	return a.apply(e, call.FunctionName(), operands, k)
}

func (a *analysis) apply(e ast.Expr, function string, operands []known, k knowledge) known {
	if slices.ContainsFunc(operands, func(o known) bool { return o.sort == sortBroken }) {
		return broken()
	}
	switch function {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return a.compare(e, function, operands[0], operands[1])
	case operators.In, operators.OldIn:
		return a.among(e, operands[0], operands[1])
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo, "min", "max":
		return a.calculate(e, function, operands[0], operands[1], k)
	case operators.Negate:
		return a.negate(e, operands[0])
	case "startsWith", "endsWith", "contains":
		return truth()
	case "size":
		return a.size(e, operands[0])
	case "year_of":
		return whole(span(0, 9999))
	case "double":
		if s := operands[0].sort; s == sortInt || s == sortDouble {
			return fraction()
		}
		a.refuse(e, "rule_conversion", "name", function)
	case "int", "uint", "bool", "timestamp", "duration":
		a.refuse(e, "rule_conversion", "name", function)
	case operators.Index, operators.OptIndex, operators.OptSelect:
		a.refuse(e, "rule_index")
	default:
		a.refuse(e, "rule_not_allowed", "name", function)
	}
	return broken()
}

func (v known) scalar() bool { return v.sort != sortList && v.sort != sortObject }

// compare refuses what can never be equal: a value that the form does not
// know is a spelling mistake.
func (a *analysis) compare(e ast.Expr, function string, left, right known) known {
	if !left.scalar() || !right.scalar() {
		a.refuse(e, "rule_not_allowed")
		return truth()
	}
	if function == operators.Equals || function == operators.NotEquals {
		a.possible(e, left.valueType, right.valueType)
	}
	return truth()
}

// possible refuses each text of one side that the other side cannot have.
func (a *analysis) possible(e ast.Expr, left, right valueType) {
	if left.sort != sortString || right.sort != sortString || left.texts == nil || right.texts == nil {
		return
	}
	if !slices.ContainsFunc(right.texts, left.allows) {
		a.refuse(e, "rule_value_unknown")
	}
}

// among is the operator in, over a list that is written down or over one of
// the form.
func (a *analysis) among(e ast.Expr, item, list known) known {
	switch {
	case list.sort != sortList || !item.scalar():
		a.refuse(e, "rule_not_allowed")
	case list.item == nil: // an empty list
	case list.path == "" && item.texts != nil:
		for _, text := range list.item.texts {
			if !item.allows(text) {
				a.refuse(e, "rule_value_unknown")
			}
		}
	default:
		a.possible(e, item.valueType, *list.item)
	}
	return truth()
}

// calculate follows the values of whole numbers. Numbers with a fraction
// cannot fail: they become infinite.
func (a *analysis) calculate(e ast.Expr, function string, left, right known, k knowledge) known {
	if left.sort == sortDouble && right.sort == sortDouble && function != operators.Modulo {
		return fraction()
	}
	if left.sort != sortInt || right.sort != sortInt {
		a.refuse(e, "rule_not_allowed", "name", function)
		return broken()
	}
	x, y := left.span(), right.span()
	if function == operators.Divide || function == operators.Modulo {
		return a.divide(e, function, x, y, k.nonzero[right.path])
	}
	var result interval
	switch function {
	case operators.Add:
		result = x.plus(y)
	case operators.Subtract:
		result = x.minus(y)
	case operators.Multiply:
		result = x.times(y)
	case "min":
		result = x.least(y)
	case "max":
		result = x.most(y)
	}
	return a.fitting(e, result)
}

func (a *analysis) divide(e ast.Expr, function string, x, y interval, nonzero bool) known {
	if y.has(0) && !nonzero || len(y.divisors()) == 0 {
		a.refuse(e, "rule_division")
		return broken()
	}
	quotient := x.over(y)
	if function == operators.Divide || !quotient.fits() {
		return a.fitting(e, quotient)
	}
	return whole(x.modulo(y))
}

func (a *analysis) negate(e ast.Expr, operand known) known {
	if operand.sort != sortInt {
		return operand
	}
	return a.fitting(e, span(0, 0).minus(operand.span()))
}

func (a *analysis) fitting(e ast.Expr, result interval) known {
	if !result.fits() {
		a.refuse(e, "rule_overflow")
		return broken()
	}
	return whole(result)
}

func (a *analysis) size(e ast.Expr, of known) known {
	if of.sort != sortString && of.sort != sortList {
		a.refuse(e, "rule_not_allowed", "name", "size")
	}
	most := int64(math.MaxInt32)
	if of.sort == sortList && of.maxItems >= 0 {
		most = int64(of.maxItems)
	}
	return whole(span(0, most))
}

// learn gives what is known where a condition is true, or false.
func (a *analysis) learn(condition ast.Expr, k knowledge, holds bool) knowledge {
	if condition.Kind() == ast.SelectKind && condition.AsSelect().IsTestOnly() && holds {
		return a.learnPresent(condition, k)
	}
	if condition.Kind() != ast.CallKind {
		return k
	}
	args := condition.AsCall().Args()
	switch function := condition.AsCall().FunctionName(); function {
	case operators.LogicalNot:
		return a.learn(args[0], k, !holds)
	case operators.LogicalAnd, operators.LogicalOr:
		if (function == operators.LogicalAnd) == holds {
			return a.learn(args[1], a.learn(args[0], k, holds), holds)
		}
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return a.learnOrder(function, args, k, holds)
	}
	return k
}

// learnPresent: a field of the visit is there when the visit was made, and
// then all its required fields are.
func (a *analysis) learnPresent(condition ast.Expr, k knowledge) knowledge {
	selection := condition.AsSelect()
	of := a.quietly(selection.Operand(), k)
	if of.path == "" {
		return k
	}
	k = k.withPresent(of.path + "." + selection.FieldName())
	if of.path == factVisit {
		k = k.withPresent(factVisit)
	}
	return k
}

// quietly looks at an expression that was already judged.
func (a *analysis) quietly(e ast.Expr, k knowledge) known {
	a.muted++
	defer func() { a.muted = max(a.muted-1, 0) }()
	return a.expr(e, k)
}

// opposite gives the comparison that holds when another does not.
var opposite = map[string]string{
	operators.Equals: operators.NotEquals, operators.NotEquals: operators.Equals,
	operators.Less: operators.GreaterEquals, operators.GreaterEquals: operators.Less,
	operators.Greater: operators.LessEquals, operators.LessEquals: operators.Greater,
}

// mirrored gives the comparison with its sides exchanged.
var mirrored = map[string]string{
	operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
	operators.Less: operators.Greater, operators.Greater: operators.Less,
	operators.LessEquals: operators.GreaterEquals, operators.GreaterEquals: operators.LessEquals,
}

func (a *analysis) learnOrder(function string, args []ast.Expr, k knowledge, holds bool) knowledge {
	if !holds {
		function = opposite[function]
	}
	left, right := a.quietly(args[0], k), a.quietly(args[1], k)
	if left.sort != sortInt || right.sort != sortInt {
		return k
	}
	return bounded(bounded(k, function, left, right), mirrored[function], right, left)
}

// bounded narrows the left side of a comparison that holds.
func bounded(k knowledge, function string, left, right known) knowledge {
	bound := interval{smallest, largest}
	switch function {
	case operators.Equals:
		bound = right.span()
	case operators.Less:
		bound.hi = interval{right.hi, right.hi}.minus(span(1, 1)).hi
	case operators.LessEquals:
		bound.hi = right.hi
	case operators.Greater:
		bound.lo = interval{right.lo, right.lo}.plus(span(1, 1)).lo
	case operators.GreaterEquals:
		bound.lo = right.lo
	case operators.NotEquals:
		if right.lo.Sign() == 0 && right.hi.Sign() == 0 {
			return k.withNonzero(left.path)
		}
	}
	return k.withRange(left.path, left.span(), bound)
}
