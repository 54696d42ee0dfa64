package programme

import (
	"encoding/json"
	"errors"
	"math"

	"go.yaml.in/yaml/v3"
)

var errNoJSON = errors.New("no JSON value")

// value gives what a checked node says, as encoding/json would decode it.
// Faults were found by index; what it refused becomes null here.
func value(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		object := make(map[string]any, len(node.Content)/2)
		for i := 0; i+1 < len(node.Content); i += 2 {
			object[node.Content[i].Value] = value(node.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		array := make([]any, len(node.Content))
		for i, item := range node.Content {
			array[i] = value(item)
		}
		return array
	case yaml.ScalarNode:
		v, _ := scalar(node)
		return v
	}
	return nil
}

// scalar keeps dates as text (YAML would make them instants) and integers as
// integers.
func scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		return node.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		return b, node.Decode(&b)
	case "!!int":
		var n int64
		err := node.Decode(&n)
		return n, err
	case "!!float":
		var f float64
		if err := node.Decode(&f); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, errNoJSON
		}
		return f, nil
	}
	return nil, errNoJSON
}

// toJSON gives the canonical JSON of a node: sorted keys, no spaces.
func toJSON(node *yaml.Node) json.RawMessage {
	data, err := json.Marshal(value(node))
	if err != nil {
		return nil // cannot happen: value gives plain JSON types only
	}
	return data
}
