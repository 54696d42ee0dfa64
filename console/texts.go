package console

import (
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

// languages of the console; the first is the fallback.
var languages = []string{"en", "vi", "id"}

func loadTexts() (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for _, lang := range languages {
		raw, err := files.ReadFile("locales/" + lang + ".yaml")
		if err != nil {
			return nil, err
		}
		texts := map[string]string{}
		if err := yaml.Unmarshal(raw, &texts); err != nil {
			return nil, fmt.Errorf("console texts %s: %w", lang, err)
		}
		out[lang] = texts
	}
	return out, nil
}

// languageCookie keeps the language that a person has chosen.
const languageCookie = "aidflow_lang"

// language is the one that the page asks for with ?lang=, else the one that
// was chosen before, else the browser's.
func (c *console) language(ctx *gin.Context) string {
	if asked := ctx.Query("lang"); slices.Contains(languages, asked) {
		return asked
	}
	if chosen, _ := ctx.Cookie(languageCookie); slices.Contains(languages, chosen) {
		return chosen
	}
	var tags []language.Tag
	for _, l := range languages {
		tags = append(tags, language.Make(l))
	}
	_, i := language.MatchStrings(language.NewMatcher(tags), ctx.GetHeader("Accept-Language"))
	return languages[i]
}

func (c *console) say(lang, key string) string {
	if s := c.texts[lang][key]; s != "" {
		return s
	}
	return key
}

var (
	code = regexp.MustCompile("`([^`]+)`")
	bold = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	emph = regexp.MustCompile(`\*([^*]+)\*`)
)

// inline renders the little markup that the document's sentences use. The text
// is escaped first: what is not markup stays text.
func inline(s string) template.HTML {
	s = template.HTMLEscapeString(s)
	s = code.ReplaceAllString(s, "<code>$1</code>")
	s = bold.ReplaceAllString(s, "<strong>$1</strong>")
	return template.HTML(emph.ReplaceAllString(s, "<em>$1</em>")) //nolint:gosec // escaped above
}

// prose renders paragraphs, which empty lines part.
func prose(s string) template.HTML {
	var out strings.Builder
	for p := range strings.SplitSeq(strings.TrimSpace(s), "\n\n") {
		if p != "" {
			out.WriteString("<p>" + string(inline(p)) + "</p>")
		}
	}
	return template.HTML(out.String()) //nolint:gosec // made of escaped parts
}
