package programme

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"go.yaml.in/yaml/v3"
)

var (
	rawType         = reflect.TypeFor[json.RawMessage]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
)

// shape compares a node with the Go type that will hold it and records every
// difference: unknown fields, wrong types, periods and shares that cannot be
// read. encoding/json would stop at the first and know no lines.
func (s *source) shape(node *yaml.Node, t reflect.Type, pointer string) {
	switch {
	case t == rawType:
	case reflect.PointerTo(t).Implements(unmarshalerType):
		if err := json.Unmarshal(toJSON(node), reflect.New(t).Interface()); err != nil {
			s.fault(pointer, codeOr(err, "wrong_type"))
		}
	case t.Kind() == reflect.Pointer:
		if node.ShortTag() != "!!null" {
			s.shape(node, t.Elem(), pointer)
		}
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		s.shapeMapping(node, t, pointer)
	case t.Kind() == reflect.Slice:
		s.shapeSequence(node, t, pointer)
	default:
		if !fits(node, t.Kind()) {
			s.fault(pointer, "wrong_type")
		}
	}
}

func codeOr(err error, other string) string {
	if code := aid.CodeOf(err); code != "" {
		return code
	}
	return other
}

func (s *source) shapeMapping(node *yaml.Node, t reflect.Type, pointer string) {
	if node.Kind != yaml.MappingNode {
		s.fault(pointer, "wrong_type")
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := node.Content[i].Value
		place := pointer + "/" + escape(name)
		if t.Kind() == reflect.Map {
			s.shape(node.Content[i+1], t.Elem(), place)
		} else if field, ok := fieldNamed(t, name); ok {
			s.shape(node.Content[i+1], field, place)
		} else {
			s.faultWith(place, "unknown_field", nearest(t, name))
		}
	}
}

func (s *source) shapeSequence(node *yaml.Node, t reflect.Type, pointer string) {
	if node.Kind != yaml.SequenceNode {
		if node.ShortTag() != "!!null" {
			s.fault(pointer, "wrong_type")
		}
		return
	}
	for i, item := range node.Content {
		s.shape(item, t.Elem(), pointer+"/"+strconv.Itoa(i))
	}
}

func fieldNamed(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if tag != "" && tag == name {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

// nearest names the field that was probably meant, if there is one: a letter
// or two are otherwise.
func nearest(t reflect.Type, name string) map[string]string {
	best, most := "", min(2, len(name)/3)
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if steps := edits(name, tag); tag != "" && steps <= most {
			best, most = tag, steps-1
		}
	}
	if best == "" {
		return nil
	}
	return map[string]string{"near": best}
}

// edits counts the letters to add, drop or change to make b of a; 99 for names
// too long to be slips.
func edits(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 99
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func fits(node *yaml.Node, kind reflect.Kind) bool {
	if node.Kind != yaml.ScalarNode {
		return false
	}
	tag := node.ShortTag()
	switch kind {
	case reflect.String:
		return tag == "!!str" || tag == "!!timestamp"
	case reflect.Bool:
		return tag == "!!bool"
	case reflect.Int, reflect.Int64:
		return tag == "!!int"
	}
	return false
}
