package papers

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// question is a property of a form's JSON Schema, as far as a paper needs it.
type question struct {
	Name   string
	Title  string                       `json:"title"`
	Titles map[string]string            `json:"x-titles"` // by language
	Values map[string]map[string]string `json:"x-values"` // names of codes by language
	Unit   string                       `json:"x-unit"`   // money: an amount in minor units of the programme's currency
}

// questions gives the fields of a form: those that must be answered in the
// form's order, and then the others by name.
func questions(form json.RawMessage) []question {
	var schema struct {
		Required   []string            `json:"required"`
		Properties map[string]question `json:"properties"`
	}
	if len(form) == 0 || json.Unmarshal(form, &schema) != nil {
		return nil
	}
	names := slices.Clone(schema.Required)
	var others []string
	for name := range schema.Properties {
		if !slices.Contains(names, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	var out []question
	for _, name := range append(names, others...) {
		q := schema.Properties[name]
		q.Name = name
		out = append(out, q)
	}
	return out
}

// answers reads what was answered, by name; numbers keep their digits.
func answersOf(raw json.RawMessage) map[string]any {
	out := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	_ = decoder.Decode(&out) // what cannot be read is not answered
	return out
}

// ask gives the name of a question: in the paper's language when the form has
// it, else the form's own title in Vietnamese and the field's name elsewhere.
func (d *draft) ask(q question) string {
	switch {
	case q.Titles[d.lang] != "":
		return q.Titles[d.lang]
	case q.Title != "" && d.lang == "vi":
		return q.Title
	}
	return capital(strings.ReplaceAll(q.Name, "_", " "))
}

// reply writes an answer for people; "" when there is none.
func (d *draft) reply(q question, answer any, currency string) string {
	switch v := answer.(type) {
	case nil:
		return ""
	case bool:
		return d.value(strconv.FormatBool(v))
	case json.Number:
		n, err := v.Int64()
		switch {
		case err != nil:
			return v.String()
		case q.Unit == "money":
			return d.money(n, currency)
		}
		return d.grouped(n, "VND") // as an amount without minor units is written
	case string:
		return d.code(q, v)
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, d.reply(q, item, currency))
		}
		return strings.Join(parts, ", ")
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return ""
	}
	return string(raw)
}

// code says a code of the form, a date, or the text itself.
func (d *draft) code(q question, text string) string {
	if named, ok := q.Values[text]; ok && named[d.lang] != "" {
		return named[d.lang]
	}
	if said, ok := d.Values[text]; ok {
		return said
	}
	return d.day(text)
}

func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}
