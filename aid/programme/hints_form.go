package programme

import (
	"encoding/json"
	"slices"
	"strings"
)

// fieldTexts are the words of a field that JSON Schema does not know and
// papers print. A slip in them breaks no rule: a paper then shows the field's
// name, which nobody notices before it is printed.
type fieldTexts struct {
	Enum  []any `json:"enum"`
	Items struct {
		Enum []any `json:"enum"`
	} `json:"items"`
	Titles map[string]string `json:"x-titles"`
	Values map[string]Titles `json:"x-values"`
	Unit   string            `json:"x-unit"`
}

// extraWords are the fields of fieldTexts that the schema itself lets pass.
var extraWords = []string{"x-titles", "x-values", "x-unit"}

// hintForm hints at texts of a form that no paper would print.
func (s *source) hintForm(pointer string, form json.RawMessage) {
	fields := properties(form)
	for _, name := range sortedKeys(fields) {
		place := pointer + "/properties/" + escape(name)
		for _, word := range sortedKeys(object(fields[name])) {
			if strings.HasPrefix(word, "x-") && !slices.Contains(extraWords, word) {
				s.faultWith(place+"/"+escape(word), "form_word_unknown", among(extraWords))
			}
		}
		var texts fieldTexts
		if json.Unmarshal(fields[name], &texts) != nil {
			s.fault(place, "wrong_type")
			continue
		}
		s.hintTexts(place, texts)
	}
}

func (s *source) hintTexts(place string, texts fieldTexts) {
	if texts.Titles != nil {
		s.titles(place+"/x-titles", texts.Titles)
	}
	for _, value := range sortedKeys(texts.Values) {
		at := place + "/x-values/" + escape(value)
		if !slices.Contains(texts.Enum, any(value)) && !slices.Contains(texts.Items.Enum, any(value)) {
			s.fault(at, "form_value_unknown")
		}
		s.titles(at, texts.Values[value])
	}
	if texts.Unit != "" && texts.Unit != "money" {
		s.faultWith(place+"/x-unit", "form_word_unknown", among([]string{"money"}))
	}
}
