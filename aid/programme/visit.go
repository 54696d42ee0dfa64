package programme

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"

	"github.com/aidflow/aidflow/aid"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Difference is a fact that was seen otherwise than it was declared.
type Difference struct {
	Field    string          `json:"field"`
	Declared json.RawMessage `json:"declared,omitempty"` // none: not declared
	Seen     json.RawMessage `json:"seen"`
}

// CheckVisit gives every fault of what was seen against the visit's form, like
// CheckAnswers. A programme without a visit form accepts nothing, or an empty
// object.
func (d *Definition) CheckVisit(seen json.RawMessage) []aid.Fault {
	if d.visitSchema != nil {
		return checkAgainst(d.visitSchema, seen)
	}
	var fields map[string]json.RawMessage
	if len(seen) == 0 || (json.Unmarshal(seen, &fields) == nil && len(fields) == 0) {
		return nil
	}
	return []aid.Fault{{Code: "no_visit_form"}}
}

// Compare gives the fields that both forms have and that were seen otherwise
// than declared, in alphabetical order. What was not looked at is no
// difference.
func (d *Definition) Compare(answers, seen json.RawMessage) []Difference {
	if d.Visit == nil {
		return nil
	}
	declared, found := object(answers), object(seen)
	declarable := properties(d.Form)
	var differences []Difference
	for _, field := range sortedKeys(found) {
		if _, both := declarable[field]; both && !same(declared[field], found[field]) {
			differences = append(differences, Difference{Field: field, Declared: declared[field], Seen: found[field]})
		}
	}
	return differences
}

func object(data json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return nil
	}
	return fields
}

func properties(form json.RawMessage) map[string]json.RawMessage {
	return object(object(form)["properties"])
}

// same compares two values as JSON Schema does: 3 and 3.0 are one number.
func same(a, b json.RawMessage) bool {
	left, errLeft := jsonschema.UnmarshalJSON(bytes.NewReader(a))
	right, errRight := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	return errLeft == nil && errRight == nil && reflect.DeepEqual(plain(left), plain(right))
}

// plainNumber is the one way to write a number; never equal to a text.
type plainNumber string

func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		if !handy(v.String()) {
			return plainNumber(v)
		}
		if r, ok := new(big.Rat).SetString(v.String()); ok {
			return plainNumber(r.RatString())
		}
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plain(item)
		}
		return list
	case map[string]any:
		fields := make(map[string]any, len(v))
		for name, item := range v {
			fields[name] = plain(item)
		}
		return fields
	}
	return value
}
