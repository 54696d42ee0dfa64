package programme

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Paper holds a programme's own texts of a paper that the office prints. What
// it leaves out is said in the words that the project ships.
type Paper struct {
	Kind   string `json:"kind"`             // one of PaperKinds
	Titles Titles `json:"titles,omitempty"` // of a letterhead: the name of the organisation
	// Body is the text in front of the facts; of a letterhead the lines that
	// stand opposite the organisation. An empty line separates paragraphs.
	Body   Titles `json:"body,omitempty"`
	Appeal Titles `json:"appeal,omitempty"` // how to appeal; of a decision letter
	// Law is what the paper rests on. Whatever nobody has checked is marked
	// with [?]: the paper then says at its foot that it must be checked.
	Law Titles `json:"law,omitempty"`
}

// PaperKinds gives the kinds of papers that a programme may word: those of a
// case, the list that hangs in the village, and the letterhead of them all.
func PaperKinds() []string {
	return []string{"letterhead", "request_form", "visit_minutes", "committee_minutes", "decision_letter", "payment_voucher", "posting_list"}
}

// PaperPlaceholders gives the names that a text of a paper may hold in braces;
// {{ and }} are braces. What a paper does not know is printed as a dotted line.
func PaperPlaceholders() []string {
	return []string{"amount", "amount_words", "applicant", "area", "case", "committee", "date", "decided_on", "fund", "organisation", "programme",
		"province", "reason", "requested", "requested_words", "submitted_on", "year"}
}

var placeholder = regexp.MustCompile(`\{\{|\}\}|\{([^{}]*)\}|[{}]`)

// FillPaper puts values into the placeholders of a text. A name that value
// does not know stays as it is: Parse refuses those that are not in the list.
func FillPaper(text string, value func(name string) (string, bool)) string {
	return placeholder.ReplaceAllStringFunc(text, func(match string) string {
		if match == "{{" || match == "}}" {
			return match[:1]
		}
		if v, ok := value(strings.Trim(match, "{}")); ok {
			return v
		}
		return match
	})
}

// UnknownPlaceholders gives what stands in braces in a text of a paper and is
// in no list, each once and in order. A brace that is not closed is unknown.
func UnknownPlaceholders(text string) []string {
	var unknown []string
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		if match[0] == "{{" || match[0] == "}}" || (match[1] != "" && slices.Contains(PaperPlaceholders(), match[1])) {
			continue
		}
		if !slices.Contains(unknown, match[0]) {
			unknown = append(unknown, match[0])
		}
	}
	return unknown
}

// Paper gives the programme's own texts of a kind of paper; false when it has
// none.
func (d *Definition) Paper(kind string) (Paper, bool) {
	i := slices.IndexFunc(d.Papers, func(p Paper) bool { return p.Kind == kind })
	if i < 0 {
		return Paper{}, false
	}
	return d.Papers[i], true
}

// validatePapers wants known kinds, each once, whole texts (a text that is
// there is there in every language) and known placeholders.
func (s *source) validatePapers(d *Definition) {
	seen := map[string]bool{}
	for i, paper := range d.Papers {
		pointer := fmt.Sprintf("/papers/%d", i)
		if !slices.Contains(PaperKinds(), paper.Kind) {
			s.fault(pointer+"/kind", "paper_unknown")
		}
		s.once(seen, pointer+"/kind", paper.Kind)
		for _, text := range []struct {
			name  string
			texts Titles
		}{{"titles", paper.Titles}, {"body", paper.Body}, {"appeal", paper.Appeal}, {"law", paper.Law}} {
			s.validatePaperText(pointer+"/"+text.name, text.texts)
		}
		if paper.Appeal != nil && paper.Kind != "decision_letter" {
			s.fault(pointer+"/appeal", "not_in_this_paper")
		}
	}
}

// maxPaperText is the longest text of a paper in characters.
const maxPaperText = 4000

func (s *source) validatePaperText(pointer string, texts Titles) {
	if texts == nil {
		return
	}
	s.titles(pointer, texts)
	for _, lang := range sortedKeys(texts) {
		if len([]rune(texts[lang])) > maxPaperText {
			s.fault(pointer+"/"+escape(lang), "too_long")
		}
		for range UnknownPlaceholders(texts[lang]) {
			s.fault(pointer+"/"+escape(lang), "placeholder_unknown")
		}
	}
}
