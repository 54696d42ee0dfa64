package programme

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sort is the sort of value that a rule meets.
type sort int

const (
	sortBool sort = iota
	sortInt
	sortDouble
	sortString
	sortList
	sortObject
	sortBroken // of the analysis: was refused
)

// valueType is what a rule may know about a value before it sees it.
type valueType struct {
	sort     sort
	lo, hi   *big.Int              // sortInt; nil: without bound
	texts    []string              // sortString: the only values; nil: any
	maxItems int                   // sortList; -1: without bound
	item     *valueType            // sortList
	name     string                // sortObject: as rules write it
	fields   map[string]*valueType // sortObject: those that a rule may use
	required map[string]bool       // sortObject: always there
}

// derive reads the type of an object from its JSON Schema. A field whose
// schema does not give one plain type is left out: rules cannot use it.
func derive(schema json.RawMessage, name string) *valueType {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return &valueType{sort: sortObject, name: name}
	}
	fields, _ := document.(map[string]any)
	return objectType(fields, name)
}

func objectType(schema map[string]any, name string) *valueType {
	t := &valueType{sort: sortObject, name: name, fields: map[string]*valueType{}, required: map[string]bool{}}
	properties, _ := schema["properties"].(map[string]any)
	for field, property := range properties {
		if of := typeOf(property, name+"."+field); of != nil {
			t.fields[field] = of
		}
	}
	required, _ := schema["required"].([]any)
	for _, field := range required {
		if text, ok := field.(string); ok {
			t.required[text] = true
		}
	}
	return t
}

// typeOf gives nil for a schema that does not say one plain type.
func typeOf(schema any, name string) *valueType {
	s, _ := schema.(map[string]any)
	if values, ok := s["enum"].([]any); ok {
		return typeOfValues(values, s["type"])
	}
	if value, ok := s["const"]; ok {
		return typeOfValues([]any{value}, s["type"])
	}
	switch s["type"] {
	case "boolean":
		return &valueType{sort: sortBool}
	case "string":
		return &valueType{sort: sortString}
	case "number":
		return &valueType{sort: sortDouble}
	case "integer":
		return integerType(s)
	case "array":
		return listType(s, name)
	case "object":
		return objectType(s, name)
	}
	return nil
}

func listType(s map[string]any, name string) *valueType {
	item := typeOf(s["items"], name)
	if item == nil || s["prefixItems"] != nil {
		return nil
	}
	t := &valueType{sort: sortList, item: item, maxItems: -1}
	if most := wholeNumber(s["maxItems"]); most != nil && most.IsInt64() && most.Int64() <= math.MaxInt32 {
		t.maxItems = int(most.Int64())
	}
	return t
}

func integerType(s map[string]any) *valueType {
	t := &valueType{sort: sortInt}
	t.atLeast(rational(s["minimum"]), false)
	t.atLeast(rational(s["exclusiveMinimum"]), true)
	t.atMost(rational(s["maximum"]), false)
	t.atMost(rational(s["exclusiveMaximum"]), true)
	return t
}

// atLeast and atMost narrow to whole numbers within a bound, which the form
// may give as a fraction.
func (t *valueType) atLeast(bound *big.Rat, exclusive bool) {
	if bound == nil {
		return
	}
	n := new(big.Int).Div(bound.Num(), bound.Denom()) // rounds down
	if exclusive || !bound.IsInt() {
		n.Add(n, big.NewInt(1))
	}
	if t.lo == nil || n.Cmp(t.lo) > 0 {
		t.lo = n
	}
}

func (t *valueType) atMost(bound *big.Rat, exclusive bool) {
	if bound == nil {
		return
	}
	n := new(big.Int).Div(bound.Num(), bound.Denom())
	if exclusive && bound.IsInt() {
		n.Sub(n, big.NewInt(1))
	}
	if t.hi == nil || n.Cmp(t.hi) < 0 {
		t.hi = n
	}
}

func rational(v any) *big.Rat {
	n, ok := v.(json.Number)
	if !ok || !handy(n.String()) {
		return nil
	}
	r, _ := new(big.Rat).SetString(n.String())
	return r
}

func wholeNumber(v any) *big.Int {
	if r := rational(v); r != nil && r.IsInt() {
		return new(big.Int).Set(r.Num())
	}
	return nil
}

// typeOfValues gives the type of a closed list of values, all of one sort.
func typeOfValues(values []any, declared any) *valueType {
	var t *valueType
	for _, value := range values {
		one := typeOfValue(value)
		if one == nil || (t != nil && one.sort != t.sort) {
			return nil
		}
		if t == nil {
			t = one
			continue
		}
		t.texts = append(t.texts, one.texts...)
		if t.sort == sortInt {
			t.lo, t.hi = smaller(t.lo, one.lo), larger(t.hi, one.hi)
		}
	}
	if t != nil && t.sort == sortInt && declared == "number" {
		t = &valueType{sort: sortDouble}
	}
	return t
}

func typeOfValue(value any) *valueType {
	switch v := value.(type) {
	case bool:
		return &valueType{sort: sortBool}
	case string:
		return &valueType{sort: sortString, texts: []string{v}}
	case json.Number:
		if n := wholeNumber(v); n != nil {
			return &valueType{sort: sortInt, lo: n, hi: n}
		}
		return &valueType{sort: sortDouble}
	}
	return nil
}

func smaller(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func larger(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

// Field lists of the facts that every programme has.
func between(lo, hi int64) *valueType {
	return &valueType{sort: sortInt, lo: big.NewInt(lo), hi: big.NewInt(hi)}
}

func oneOf(texts ...string) *valueType { return &valueType{sort: sortString, texts: texts} }

func always(name string, fields map[string]*valueType) *valueType {
	t := &valueType{sort: sortObject, name: name, fields: fields, required: map[string]bool{}}
	for field := range fields {
		t.required[field] = true
	}
	return t
}

// factTypes gives the variables of a definition's rules by name.
func factTypes(d *Definition) map[string]*valueType {
	truth, points := &valueType{sort: sortBool}, between(-1, 100_000)
	visit := &valueType{sort: sortObject, name: "visit"}
	if d.Visit != nil {
		visit = derive(d.Visit.Form, "visit")
	}
	return map[string]*valueType{
		"applicant": always("applicant", map[string]*valueType{"age": between(-1, 200), "sex": oneOf("male", "female", "unknown"), "has_id": truth}),
		"household": always("household", map[string]*valueType{"registered": truth,
			"classification": oneOf("poor", "near_poor", "other", "unknown"), "score_a": points, "score_b": points,
			"urban": truth, "size": between(0, 1000), "children": between(0, 1000), "elderly": between(0, 1000)}),
		"requested": between(0, max(d.Ceiling, 0)),
		"urgent":    truth,
		"year":      between(0, 9999),
		"area":      always("area", map[string]*valueType{"level": {sort: sortString}}),
		"answers":   derive(d.Form, "answers"),
		"visit":     visit,
	}
}

// allows tells whether a text can be a value of the type.
func (t *valueType) allows(text string) bool {
	return t.sort != sortString || t.texts == nil || slices.Contains(t.texts, text)
}
