package api

import (
	"embed"
	"fmt"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

//go:embed locales/*.yaml
var locales embed.FS

// texts is the catalogue of messages: codes to sentences in vi, en and id.
type texts struct {
	bundle  *i18n.Bundle
	matcher language.Matcher
	tags    []language.Tag
	locs    []*i18n.Localizer
}

func loadTexts() (*texts, error) {
	t := &texts{bundle: i18n.NewBundle(language.English), tags: []language.Tag{language.English, language.Vietnamese, language.Indonesian}}
	t.bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	for _, tag := range t.tags {
		if _, err := t.bundle.LoadMessageFileFS(locales, "locales/"+tag.String()+".yaml"); err != nil {
			return nil, fmt.Errorf("messages: %w", err)
		}
		t.locs = append(t.locs, i18n.NewLocalizer(t.bundle, tag.String(), "en"))
	}
	t.matcher = language.NewMatcher(t.tags)
	return t, nil
}

func (t *texts) pick(accept string) int {
	_, i := language.MatchStrings(t.matcher, accept)
	return i
}

// language gives the language that an Accept-Language header gets.
func (t *texts) language(accept string) string { return t.tags[t.pick(accept)].String() }

// say gives the sentence of a code. A code that the catalogue does not know is
// said in its own words: a program reads the code anyway.
func (t *texts) say(accept, code string, params map[string]string) string {
	s, err := t.locs[t.pick(accept)].Localize(&i18n.LocalizeConfig{MessageID: code, TemplateData: params})
	if err != nil || s == "" {
		return strings.ReplaceAll(code, "_", " ") + "."
	}
	return s
}

// first says the first of some codes that the catalogue knows, and the last one
// in its own words when it knows none.
func (t *texts) first(accept string, params map[string]string, codes ...string) string {
	for _, code := range codes {
		s, err := t.locs[t.pick(accept)].Localize(&i18n.LocalizeConfig{MessageID: code, TemplateData: params})
		if err == nil && s != "" {
			return s
		}
	}
	return t.say(accept, codes[len(codes)-1], params)
}

// word gives the word of a code, or another one when the catalogue has none.
func (t *texts) word(accept, code, other string) string {
	s, err := t.locs[t.pick(accept)].Localize(&i18n.LocalizeConfig{MessageID: code})
	if err != nil || s == "" {
		return other
	}
	return s
}

// Sentence gives the sentence of a code for a program without a server: what
// the API would answer in that language, in English for an unknown one.
func Sentence(lang, code string, params map[string]string) (string, error) {
	t, err := loadTexts()
	if err != nil {
		return "", err
	}
	return t.say(lang, code, params), nil
}
