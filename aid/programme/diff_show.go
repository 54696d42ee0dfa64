package programme

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// shown says a value in words.
func (d *differ) shown(s *subject, v any) string {
	switch v := v.(type) {
	case nil, absent:
		if s.style == styleMoney {
			return wordUnlimited.in(d.lang) // the open end of the matrix
		}
		return wordNothing.in(d.lang)
	case bool:
		if v {
			return wordYes.in(d.lang)
		}
		return wordNo.in(d.lang)
	case json.Number:
		return d.shownNumber(s, v)
	case string:
		return d.shownText(s, v)
	case []any:
		return d.shownList(s, v)
	case map[string]any:
		return d.shownFields(s, v)
	}
	return written(v)
}

func (d *differ) shownNumber(s *subject, n json.Number) string {
	if s.style == styleMoney {
		return grouped(n.String(), d.lang) + " " + d.currency
	}
	return n.String()
}

// grouped puts marks between thousands: a comma in English, a dot elsewhere.
func grouped(digits, lang string) string {
	mark := "."
	if lang == "en" {
		mark = ","
	}
	sign := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + mark + digits[i:]
	}
	if sign {
		return "-" + digits
	}
	return digits
}

func (d *differ) shownText(s *subject, text string) string {
	switch {
	case s.style == styleQuoted:
		return strconv.Quote(text)
	case s.style == stylePeriod:
		if period, err := ParsePeriod(text); err == nil {
			return d.shownPeriod(period)
		}
	case text == "":
		return wordNothing.in(d.lang)
	}
	return text
}

func (d *differ) shownPeriod(p Period) string {
	var parts []string
	for _, part := range []struct {
		n    int
		word words
	}{{p.Years, wordYears}, {p.Months, wordMonths}, {p.Days, wordDays}} {
		if part.n != 0 {
			text := fmt.Sprintf(part.word.in(d.lang), part.n)
			if d.lang == "en" && part.n == 1 {
				text = strings.TrimSuffix(text, "s")
			}
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return wordNothing.in(d.lang)
	}
	return strings.Join(parts, " ")
}

func (d *differ) shownList(s *subject, list []any) string {
	item := s.item
	if item == nil {
		item = &subject{}
	}
	if len(list) == 0 {
		return wordNothing.in(d.lang)
	}
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = d.shown(item, v)
	}
	return strings.Join(parts, ", ")
}

// shownFields puts the name of a thing first, then its fields.
func (d *differ) shownFields(s *subject, fields map[string]any) string {
	var parts []string
	if titles, ok := fields["titles"].(map[string]any); ok {
		if title, ok := titles[d.lang].(string); ok {
			parts = append(parts, strconv.Quote(title))
		}
	}
	for _, name := range sortedKeys(fields) {
		if name == "titles" && len(parts) > 0 {
			continue
		}
		below := s.field(name)
		parts = append(parts, d.label(below, name)+" "+d.shown(below, fields[name]))
	}
	if len(parts) == 0 {
		return wordNothing.in(d.lang)
	}
	return strings.Join(parts, "; ")
}
