package programme

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Change is one difference of two definitions, in words.
type Change struct {
	Path string `json:"path"` // JSON pointer into the newer definition; into the older for what is gone
	Text string `json:"text"`
}

// Diff says in vi, en or id what differs between two definitions, in the order
// of the definition; none for equal ones. Any difference gives a change.
func Diff(older, newer *Definition, lang string) []Change {
	var changes []Change
	walk(&changes, "", tree(older), tree(newer))
	return changes
}

func tree(d *Definition) any {
	data, err := json.Marshal(d)
	if err != nil {
		return nil // cannot happen: it was parsed from JSON
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	_ = decoder.Decode(&v)
	return v
}

func walk(changes *[]Change, path string, older, newer any) {
	a, okA := older.(map[string]any)
	b, okB := newer.(map[string]any)
	if okA && okB {
		names := map[string]bool{}
		for name := range a {
			names[name] = true
		}
		for name := range b {
			names[name] = true
		}
		for _, name := range sortedKeys(names) {
			walk(changes, path+"/"+escape(name), a[name], b[name])
		}
		return
	}
	listA, okA := older.([]any)
	listB, okB := newer.([]any)
	if okA && okB {
		for i := range max(len(listA), len(listB)) {
			walk(changes, path+"/"+strconv.Itoa(i), at(listA, i), at(listB, i))
		}
		return
	}
	from, to := shown(older), shown(newer)
	if from != to {
		*changes = append(*changes, Change{Path: path, Text: fmt.Sprintf("%s: %s -> %s", strings.TrimPrefix(path, "/"), from, to)})
	}
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func shown(v any) string {
	if v == nil {
		return "-"
	}
	data, _ := json.Marshal(v)
	return string(data)
}
