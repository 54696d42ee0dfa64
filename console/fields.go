package console

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/api"
)

// field is one question of a form that a JSON Schema describes. Its name is
// the JSON pointer of the answer, so that a fault finds its field.
type field struct {
	Name, Label, Help string
	ID                string // on the page, where several forms ask the same
	Kind              string // text, date, number, choice, yes, group, rows
	Value             string
	Checked           bool
	Required          bool
	Choices           []string
	Fields            []field // of a group, and of one row after the other
	Fault             string

	Hidden, HiddenName string // a value that goes with the answer
}

// rowsShown is how many empty rows a list offers; what stays empty is not sent.
const rowsShown = 3

// fieldsOf gives the fields of an object's schema, in the order of their
// names, filled with what was typed.
func fieldsOf(schema map[string]any, at string, typed url.Values, said *refusal) []field {
	properties, _ := schema["properties"].(map[string]any)
	required := texts(schema["required"])
	var out []field
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[name].(map[string]any)
		f := fieldOf(property, at+"/"+name, name, typed, said)
		f.Required = slices.Contains(required, name)
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b field) int { // what must be answered first
		return strings.Compare(fmt.Sprint(!a.Required), fmt.Sprint(!b.Required))
	})
	return out
}

func fieldOf(schema map[string]any, at, name string, typed url.Values, said *refusal) field {
	f := field{Name: at, Label: label(schema, name), Kind: kindOf(schema), Value: typed.Get(at), Checked: typed.Get(at) != "", Choices: texts(schema["enum"])}
	f.Help, _ = schema["description"].(string)
	f.Fault = said.at(at)
	switch f.Kind {
	case "group":
		f.Fields = fieldsOf(schema, at, typed, said)
	case "rows":
		item, _ := schema["items"].(map[string]any)
		for i := range rowsShown {
			f.Fields = append(f.Fields, fieldOf(item, at+"/"+strconv.Itoa(i), strconv.Itoa(i+1), typed, said))
		}
	}
	return f
}

func label(schema map[string]any, name string) string {
	if title, ok := schema["title"].(string); ok {
		return title
	}
	return strings.ReplaceAll(name, "_", " ")
}

// kindOf chooses how a value is asked for.
func kindOf(schema map[string]any) string {
	switch {
	case schema["enum"] != nil:
		return "choice"
	case schema["const"] == true:
		return "yes"
	}
	switch schema["type"] {
	case "boolean":
		return "yes"
	case "integer", "number":
		return "number"
	case "object":
		return "group"
	case "array":
		return "rows"
	}
	if schema["format"] == "date" || schema["pattern"] == `^\d{4}-\d{2}-\d{2}$` {
		return "date"
	}
	return "text"
}

// valueOf reads the answer to a schema from a form; nil when nothing was
// answered.
func valueOf(schema map[string]any, at string, typed url.Values) any {
	switch kindOf(schema) {
	case "group":
		properties, _ := schema["properties"].(map[string]any)
		object := map[string]any{}
		for name, raw := range properties {
			property, _ := raw.(map[string]any)
			if v := valueOf(property, at+"/"+name, typed); v != nil {
				object[name] = v
			}
		}
		return orNil(object, len(object))
	case "rows":
		item, _ := schema["items"].(map[string]any)
		var rows []any
		for i := range rowsShown {
			if v := valueOf(item, at+"/"+strconv.Itoa(i), typed); v != nil {
				rows = append(rows, v)
			}
		}
		return orNil(rows, len(rows))
	case "yes":
		if !typed.Has(at + "/asked") {
			return nil
		}
		return typed.Get(at) != ""
	case "number":
		if typed.Get(at) == "" {
			return nil
		}
		if schema["type"] == "integer" {
			return number(typed.Get(at))
		}
		return fraction(typed.Get(at))
	}
	text := strings.TrimSpace(typed.Get(at))
	return orNil(text, len(text))
}

func orNil(v any, size int) any {
	if size == 0 {
		return nil
	}
	return v
}

// fraction reads a number that need not be whole.
func fraction(text string) any {
	if f, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", "."), 64); err == nil {
		return f
	}
	return text
}

// number reads what people type as a whole number, groups of digits parted; what is none goes on as text, and
// the API says so.
func number(text string) any {
	plain := strings.NewReplacer(" ", "", "\u00a0", "", ".", "", ",", "", "_", "").Replace(text)
	if n, err := strconv.ParseInt(plain, 10, 64); err == nil {
		return n
	}
	return text
}

func texts(list any) []string {
	values, _ := list.([]any)
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// named gives every field an id of its own on the page.
func named(fields []field, action string) []field {
	for i := range fields {
		fields[i].ID = action + fields[i].Name
		named(fields[i].Fields, action)
	}
	return fields
}

// at gives what was wrong with a value of the form, or in it.
func (r *refusal) at(pointer string) string {
	if r == nil {
		return ""
	}
	i := slices.IndexFunc(r.Errors, func(f api.Fault) bool { return f.Pointer == pointer })
	if i < 0 {
		return ""
	}
	return r.Errors[i].Message
}

func asRefusal(err error) (*refusal, bool) {
	said, ok := err.(*refusal) //nolint:errorlint // call gives it bare
	return said, ok
}
