package programme

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Change is one difference of two definitions, in words.
type Change struct {
	Path string `json:"path"` // JSON pointer into the newer definition; into the older one for what is gone
	Text string `json:"text"`
}

// Diff says in vi, en or id what differs between two definitions, in the order
// of the names of the fields; none for equal ones. Any difference gives a
// change. Another language is answered in Vietnamese.
func Diff(older, newer *Definition, lang string) []Change {
	d := &differ{lang: lang, currency: newer.Currency}
	d.compare("", nil, subjects, tree(older), tree(newer))
	return d.changes
}

// tree gives a definition as JSON knows it, numbers as they are written.
func tree(d *Definition) any {
	data, err := json.Marshal(d)
	if err != nil {
		return nil // cannot happen: it was parsed from JSON
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v map[string]any
	_ = decoder.Decode(&v)
	return pruned(v)
}

// absent stands for what is not there; null is a value of a form.
type absent struct{}

// pruned leaves out what is empty, which means the same as not there; forms and
// examples stay as they are.
func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			if name == "form" || name == "example_request" {
				continue
			}
			if v[name] = pruned(field); empty(v[name]) {
				delete(v, name)
			}
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return v
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

type differ struct {
	lang, currency string
	changes        []Change
}

// compare walks through two values of a subject; around are the names of the
// things in which they lie.
func (d *differ) compare(path string, around []string, s *subject, older, newer any) {
	a, okA := older.(map[string]any)
	b, okB := newer.(map[string]any)
	if okA && okB {
		d.compareFields(path, around, s, a, b)
		return
	}
	listA, okA := older.([]any)
	listB, okB := newer.([]any)
	if okA && okB {
		d.compareItems(path, around, s, listA, listB)
		return
	}
	if written(older) != written(newer) {
		d.changed(path, around, s, older, newer)
	}
}

func (d *differ) compareFields(path string, around []string, s *subject, a, b map[string]any) {
	for _, name := range union(a, b) {
		below := s.field(name)
		d.compare(path+"/"+escape(name), append(slices.Clip(around), d.label(below, name)), below, fieldOf(a, name), fieldOf(b, name))
	}
}

func union(a, b map[string]any) []string {
	names := sortedKeys(a)
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// field gives the subject of a field; one without words for what nobody has
// described.
func (s *subject) field(name string) *subject {
	if of, ok := s.fields[name]; ok {
		return of
	}
	if s.any != nil {
		return s.any
	}
	return &subject{}
}

func (d *differ) label(s *subject, name string) string {
	if s.name[0] == "" {
		return name
	}
	return s.name.in(d.lang)
}

// compareItems pairs the items of two lists by their key, or by their place.
func (d *differ) compareItems(path string, around []string, s *subject, a, b []any) {
	item := s.item
	if item == nil {
		item = &subject{}
	}
	if s.key == "" {
		for i := range max(len(a), len(b)) {
			place := append(slices.Clip(around), "")
			place[len(place)-1] = strconv.Itoa(i + 1)
			d.compareItem(path+"/"+strconv.Itoa(i), place, item, at(a, i), at(b, i))
		}
		return
	}
	for i, newer := range b {
		key := keyOf(newer, s.key)
		d.compareItem(path+"/"+strconv.Itoa(i), append(slices.Clip(around), key), item, find(a, s.key, key), newer)
	}
	for i, older := range a {
		if key := keyOf(older, s.key); isAbsent(find(b, s.key, key)) {
			d.compareItem(path+"/"+strconv.Itoa(i), append(slices.Clip(around), key), item, older, absent{})
		}
	}
	d.compareOrder(path, around, s, a, b)
}

func (d *differ) compareItem(path string, around []string, s *subject, older, newer any) {
	switch {
	case isAbsent(older) && !isAbsent(newer):
		d.say(path, fmt.Sprintf(phraseNew.in(d.lang), place(around)+": "+d.shown(s, newer)))
	case !isAbsent(older) && isAbsent(newer):
		d.say(path, fmt.Sprintf(phraseGone.in(d.lang), place(around)+": "+d.shown(s, older)))
	default:
		d.compare(path, around, s, older, newer)
	}
}

// compareOrder tells when what both lists have stands in another order.
func (d *differ) compareOrder(path string, around []string, s *subject, a, b []any) {
	common := func(list, other []any) []string {
		var keys []string
		for _, item := range list {
			if key := keyOf(item, s.key); !isAbsent(find(other, s.key, key)) {
				keys = append(keys, key)
			}
		}
		return keys
	}
	if was, is := common(a, b), common(b, a); !slices.Equal(was, is) {
		d.say(path, place(around)+": "+fmt.Sprintf(phraseOrder.in(d.lang), strings.Join(is, ", ")))
	}
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return absent{}
}

func isAbsent(v any) bool {
	_, ok := v.(absent)
	return ok
}

func fieldOf(fields map[string]any, name string) any {
	if v, ok := fields[name]; ok {
		return v
	}
	return absent{}
}

// keyOf joins the fields that name an item.
func keyOf(item any, key string) string {
	fields, _ := item.(map[string]any)
	var parts []string
	for name := range strings.FieldsSeq(key) {
		if text, ok := fields[name].(string); ok {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

func find(list []any, key, value string) any {
	for _, item := range list {
		if keyOf(item, key) == value {
			return item
		}
	}
	return absent{}
}

// changed says one value that is another now. The last name around it is its
// own.
func (d *differ) changed(path string, around []string, s *subject, older, newer any) {
	var what string
	switch {
	case isAbsent(older):
		what = fmt.Sprintf(phraseSet.in(d.lang), d.shown(s, newer))
	case isAbsent(newer):
		what = fmt.Sprintf(phraseUnset.in(d.lang), d.shown(s, older))
	default:
		what = fmt.Sprintf(phraseFrom.in(d.lang), d.shown(s, older), d.shown(s, newer))
	}
	if last := len(around) - 1; last > 0 {
		d.say(path, place(around[:last])+": "+around[last]+" "+what)
		return
	}
	d.say(path, place(around)+": "+what)
}

// place joins names: the name of a thing follows what it is, "level province".
func place(around []string) string { return strings.Join(around, " ") }

func (d *differ) say(path, text string) {
	first, size := utf8.DecodeRuneInString(text)
	d.changes = append(d.changes, Change{Path: path, Text: string(unicode.ToUpper(first)) + text[size:]})
}

// written is one way to write a value, to see whether two are the same.
func written(v any) string {
	if isAbsent(v) {
		return ""
	}
	data, _ := json.Marshal(v) // maps are written in the order of their names
	return string(data)
}
