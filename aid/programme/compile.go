package programme

import (
	"regexp"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

const (
	maxRule = 2000      // characters of one rule
	maxDeep = 20        // brackets within brackets
	maxCost = 5_000_000 // CEL's cost units; no accepted rule comes near
)

// compiled are the rules of a definition, ready to be evaluated by several
// goroutines.
type compiled struct {
	types        map[string]*valueType // nil: there are no rules
	eligibility  []rule
	amount, cost *rule            // nil: none
	skips        map[string]*rule // by their places in the definition
}

// truth evaluates the eligibility rule with a place.
func (c *compiled) truth(i int, vars map[string]any) (bool, error) {
	return c.eligibility[i].truth(vars)
}

// truth evaluates a rule that gives a truth value.
func (r *rule) truth(vars map[string]any) (bool, error) {
	out, _, err := r.program.Eval(vars)
	if err != nil {
		return false, err
	}
	passed, ok := out.Value().(bool)
	if !ok {
		return false, errUnfit
	}
	return passed, nil
}

// number evaluates a rule that gives a whole number.
func (r *rule) number(vars map[string]any) (int64, error) {
	out, _, err := r.program.Eval(vars)
	if err != nil {
		return 0, err
	}
	n, ok := out.Value().(int64)
	if !ok {
		return 0, errUnfit
	}
	return n, nil
}

// environment knows the facts and their types. It has the macros has, all and
// exists only: others build lists or numbers out of lists.
func environment(facts map[string]*valueType) (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	provider := &factProvider{Registry: registry, objects: map[string]*valueType{}}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(registry), cel.CustomTypeProvider(provider), cel.CrossTypeNumericComparisons(true),
		cel.ClearMacros(), cel.Macros(cel.HasMacro, cel.AllMacro, cel.ExistsMacro),
		cel.ParserExpressionSizeLimit(maxRule), cel.ParserRecursionLimit(maxDeep), cel.ParserErrorRecoveryLimit(1),
		integers("min", func(a, b int64) int64 { return min(a, b) }), integers("max", func(a, b int64) int64 { return max(a, b) }),
		cel.Function("year_of", cel.Overload("year_of_string", []*cel.Type{cel.StringType}, cel.IntType, cel.UnaryBinding(yearOf))),
	}
	for name, t := range facts {
		provider.add(t)
		options = append(options, cel.Variable(name, celType(t)))
	}
	return cel.NewEnv(options...)
}

func integers(name string, choose func(a, b int64) int64) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_int_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType,
		cel.BinaryBinding(func(a, b ref.Val) ref.Val {
			left, okLeft := a.(types.Int)
			right, okRight := b.(types.Int)
			if !okLeft || !okRight {
				return types.MaybeNoSuchOverloadErr(a)
			}
			return types.Int(choose(int64(left), int64(right)))
		})))
}

// yearOf gives the year of a date, 0 for a text that is none: it never fails.
func yearOf(value ref.Val) ref.Val {
	text, ok := value.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(value)
	}
	date, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return types.Int(0)
	}
	return types.Int(date.Year())
}

// celType gives the type that CEL checks with.
func celType(t *valueType) *cel.Type {
	switch t.sort {
	case sortBool:
		return cel.BoolType
	case sortInt:
		return cel.IntType
	case sortDouble:
		return cel.DoubleType
	case sortString:
		return cel.StringType
	case sortList:
		return cel.ListType(celType(t.item))
	}
	return cel.ObjectType(objectPrefix + t.name)
}

// objectPrefix keeps the names of types apart from the names of variables.
const objectPrefix = "aidflow."

// factProvider tells CEL which fields the facts have. Values are plain maps.
type factProvider struct {
	*types.Registry
	objects map[string]*valueType
}

func (p *factProvider) add(t *valueType) {
	switch t.sort {
	case sortList:
		p.add(t.item)
	case sortObject:
		p.objects[objectPrefix+t.name] = t
		for _, field := range t.fields {
			p.add(field)
		}
	}
}

// FindStructType knows the facts besides CEL's own types.
func (p *factProvider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.objects[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldNames lists the fields of an object of the facts.
func (p *factProvider) FindStructFieldNames(name string) ([]string, bool) {
	if t, ok := p.objects[name]; ok {
		return sortedKeys(t.fields), true
	}
	return p.Registry.FindStructFieldNames(name)
}

// FindStructFieldType gives the type of a field of the facts.
func (p *factProvider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	t, ok := p.objects[name]
	if !ok {
		return p.Registry.FindStructFieldType(name, field)
	}
	of, ok := t.fields[field]
	if !ok {
		return nil, false
	}
	return &types.FieldType{Type: celType(of)}, true
}

// ruleFault is a fault inside the text of a rule.
type ruleFault struct {
	code         string
	line, column int // from 1, inside the rule
	params       map[string]string
}

// rule is a rule that cannot fail, with what is known of its result.
type rule struct {
	program cel.Program
	result  known
}

// compileRule checks a rule and makes it ready: a rule, or its faults.
func compileRule(env *cel.Env, facts map[string]*valueType, text Expression, want *cel.Type) (rule, []ruleFault) {
	if len(text) > maxRule {
		return rule{}, []ruleFault{{code: "rule_too_long", line: 1, column: 1}}
	}
	checked, issues := env.Compile(plainNumbers(string(text)))
	if issues.Err() != nil {
		return rule{}, compileFaults(issues)
	}
	if !checked.OutputType().IsExactType(want) {
		return rule{}, []ruleFault{{code: "rule_result", line: 1, column: 1, params: map[string]string{"want": want.String()}}}
	}
	result, faults := prove(checked.NativeRep(), facts)
	if len(faults) > 0 {
		return rule{}, faults
	}
	program, err := env.Program(checked, cel.CostLimit(maxCost))
	if err != nil {
		return rule{}, []ruleFault{{code: "rule_not_allowed", line: 1, column: 1}}
	}
	return rule{program: program, result: result}, nil
}

var token = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_][A-Za-z0-9_]*|[0-9][0-9_]*`)

// plainNumbers lets people write 50_000_000 as everywhere else in a definition.
// The blanks behind keep the columns of what follows.
func plainNumbers(text string) string {
	return token.ReplaceAllStringFunc(text, func(word string) string {
		if word[0] < '0' || word[0] > '9' {
			return word
		}
		plain := strings.ReplaceAll(word, "_", "")
		return plain + strings.Repeat(" ", len(word)-len(plain))
	})
}

// compileFaults gives codes to what CEL's parser and checker say. Behind the
// first fault of the syntax nothing can be trusted.
func compileFaults(issues *cel.Issues) []ruleFault {
	var faults []ruleFault
	for _, issue := range issues.Errors() {
		fault := ruleFault{code: "rule_type", line: max(issue.Location.Line(), 1), column: max(issue.Location.Column(), 0) + 1}
		switch message := issue.Message; {
		case strings.Contains(message, "limit exceeded"):
			fault.code = "rule_too_long"
		case strings.HasPrefix(message, "Syntax error"):
			return []ruleFault{{code: "rule_syntax", line: fault.line, column: fault.column}}
		case strings.HasPrefix(message, "undeclared reference"), strings.HasPrefix(message, "undefined field"):
			fault.code = "rule_unknown_name"
		}
		faults = append(faults, fault)
	}
	return faults
}
