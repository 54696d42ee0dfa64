package console

import (
	"fmt"
	"strings"
	"time"
)

// word gives a code of the API in words: what it is, and the code. A code
// without words is shown as it is.
func (c *console) word(lang, what string, code any) string {
	key := what + ":" + fmt.Sprint(code)
	if s := c.texts[lang][key]; s != "" {
		return s
	}
	return strings.ReplaceAll(fmt.Sprint(code), "_", " ")
}

// vietnam is the zone in which the pages show instants.
func vietnam() *time.Location { return time.FixedZone("GMT+7", 7*3600) }

// moment writes an instant with its zone.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(vietnam()).Format("2006-01-02 15:04") + " (GMT+7)"
}

// shown writes a value of an answer for people.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case map[string]any, []any:
		return strings.Trim(fmt.Sprint(v), "map[]")
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprint(int64(v))
		}
	}
	return fmt.Sprint(v)
}

// pair gives a template its page's language beside a value.
func pair(lang string, v any) map[string]any { return map[string]any{"Lang": lang, "It": v} }
