package programme

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var errUnfit = errors.New("the facts do not fit the forms of this definition")

// variables gives the facts as the rules read them: what the forms type, whole
// numbers as int64. Before the visit, visit has no fields.
func (c *compiled) variables(f Facts) (map[string]any, error) {
	if c.types == nil {
		return nil, nil // no rules
	}
	data, err := json.Marshal(f)
	if err != nil {
		return nil, errUnfit
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, errUnfit
	}
	all := document.(map[string]any)
	vars := make(map[string]any, len(c.types))
	for name, t := range c.types {
		given, ok := all[name]
		if !ok || given == nil {
			given = map[string]any{}
		}
		if vars[name], err = t.read(given); err != nil {
			return nil, err
		}
	}
	return vars, nil
}

// read makes of a JSON value what a rule may use of it.
func (t *valueType) read(value any) (any, error) {
	switch v := value.(type) {
	case bool:
		if t.sort == sortBool {
			return v, nil
		}
	case string:
		if t.sort == sortString {
			return v, nil
		}
	case json.Number:
		return t.readNumber(v)
	case []any:
		return t.readList(v)
	case map[string]any:
		return t.readObject(v)
	}
	return nil, errUnfit
}

func (t *valueType) readNumber(n json.Number) (any, error) {
	if t.sort == sortDouble {
		f, err := n.Float64()
		if err != nil {
			return nil, errUnfit
		}
		return f, nil
	}
	whole := wholeNumber(n)
	if t.sort != sortInt || whole == nil {
		return nil, errUnfit
	}
	if !whole.IsInt64() {
		return nil, nil // rules cannot use it: its form has no bounds
	}
	return whole.Int64(), nil
}

func (t *valueType) readList(items []any) (any, error) {
	if t.sort != sortList {
		return nil, errUnfit
	}
	list := make([]any, len(items))
	for i, item := range items {
		value, err := t.item.read(item)
		if err != nil {
			return nil, err
		}
		list[i] = value
	}
	return list, nil
}

func (t *valueType) readObject(fields map[string]any) (any, error) {
	if t.sort != sortObject {
		return nil, errUnfit
	}
	object := make(map[string]any, len(fields))
	for name, field := range fields {
		of := t.fields[name]
		if of == nil {
			continue
		}
		value, err := of.read(field)
		if err != nil {
			return nil, err
		}
		object[name] = value
	}
	return object, nil
}
