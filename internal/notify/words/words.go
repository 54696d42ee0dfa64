// Package words says in the languages of the project what people are told:
// kinds of news and of tasks, and the sentences around them in a mail.
package words

import (
	"embed"
	"fmt"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"

	"github.com/aidflow/aidflow/aid"
)

//go:embed locales/*.yaml
var locales embed.FS

// Languages are those that have texts; a person's mails are in one of them.
func Languages() []string { return []string{"en", "vi", "id"} }

// Catalogue has the texts of every language. It never changes and may be used
// by several goroutines.
type Catalogue struct{ say map[string]*i18n.Localizer }

// New reads the shipped texts.
//
// Errors: texts that cannot be read; a fault of the build.
func New() (*Catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	c := &Catalogue{say: map[string]*i18n.Localizer{}}
	for _, lang := range Languages() {
		if _, err := bundle.LoadMessageFileFS(locales, "locales/"+lang+".yaml"); err != nil {
			return nil, fmt.Errorf("words: %w", err)
		}
		c.say[lang] = i18n.NewLocalizer(bundle, lang)
	}
	return c, nil
}

// In gives the words of a language; those of English for an unknown one.
func (c *Catalogue) In(lang string) Words {
	if say, ok := c.say[lang]; ok {
		return Words{say}
	}
	return Words{c.say["en"]}
}

// Words are the texts in one language.
type Words struct{ say *i18n.Localizer }

// Word gives a text with its parts filled in; its own id when there is none,
// which a test of all ids looks for.
func (w Words) Word(id string, parts map[string]string) string {
	s, err := w.say.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: parts})
	if err != nil {
		return id
	}
	return s
}

// Count gives a text with a number in it.
func (w Words) Count(id string, n int) string {
	s, err := w.say.Localize(&i18n.LocalizeConfig{MessageID: id, PluralCount: n, TemplateData: map[string]int{"N": n}})
	if err != nil {
		return id
	}
	return s
}

// Kind says what has happened.
func (w Words) Kind(kind string) string {
	return w.Word("kind_"+strings.ReplaceAll(kind, ".", "_"), nil)
}

// Task names a kind of task, with its level in brackets; a level that a
// programme has made up goes by its code.
func (w Words) Task(kind aid.TaskKind, level string) string {
	name := w.Word("task_"+string(kind), nil)
	if level == "" {
		return name
	}
	said := w.Word("level_"+level, nil)
	return name + " (" + strings.TrimPrefix(said, "level_") + ")"
}
