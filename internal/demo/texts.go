package demo

import (
	"embed"
	"fmt"

	"go.yaml.in/yaml/v3"
)

//go:embed locales/*.yaml
var locales embed.FS

// words gives the texts of a language: sentences by their English, codes of
// the API by kind and code ("task:approve").
//
// Errors: one that names the file when it cannot be read.
func words(lang string) (map[string]string, error) {
	raw, err := locales.ReadFile("locales/" + lang + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("nothing is told in the language %q", lang)
	}
	texts := map[string]string{}
	if err := yaml.Unmarshal(raw, &texts); err != nil {
		return nil, fmt.Errorf("locales/%s.yaml: %w", lang, err)
	}
	return texts, nil
}
