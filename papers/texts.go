package papers

import (
	"embed"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

//go:embed texts/*.yaml
var shipped embed.FS

// texts are the words of papers in one language.
type texts struct {
	lang string

	Motto     []string `yaml:"motto"`
	Blank     string   `yaml:"blank"`  // a line to write on
	Hidden    string   `yaml:"hidden"` // in place of what a masked paper leaves out
	Number    string   `yaml:"number"`
	PlaceDate string   `yaml:"place_date"`
	Page      string   `yaml:"page"`
	Check     string   `yaml:"check"` // the foot of a paper with a mark
	Law       string   `yaml:"law"`
	Appeal    string   `yaml:"appeal"`

	Papers  map[Kind]wording  `yaml:"papers"`
	Outcome map[string]string `yaml:"outcome"`
	Section map[string]string `yaml:"section"`
	Label   map[string]string `yaml:"label"`
	Sign    map[string]string `yaml:"sign"`
	Values  map[string]string `yaml:"values"` // of codes in forms and states
}

// wording is what the project says in one kind of paper.
type wording struct {
	Title    string `yaml:"title"`
	Suffix   string `yaml:"suffix"` // of the number
	Body     string `yaml:"body"`
	Close    string `yaml:"close"`
	Approved string `yaml:"approved"`
	Rejected string `yaml:"rejected"`
	Returned string `yaml:"returned"`
	Answer   string `yaml:"answer"`
	None     string `yaml:"none"`
	Law      string `yaml:"law"`
	Appeal   string `yaml:"appeal"`
}

// Printer makes papers in the shipped texts and in those of programmes. It
// never changes and may be used by several goroutines.
type Printer struct{ byLang map[string]*texts }

// NewPrinter reads the shipped texts.
//
// Errors: texts that are no YAML or have unknown fields; a fault of the build.
func NewPrinter() (*Printer, error) {
	p := &Printer{byLang: map[string]*texts{}}
	for _, lang := range Languages() {
		file, err := shipped.Open("texts/" + lang + ".yaml")
		if err != nil {
			return nil, err
		}
		t := &texts{lang: lang}
		decoder := yaml.NewDecoder(file)
		decoder.KnownFields(true)
		if err := decoder.Decode(t); err != nil {
			return nil, fmt.Errorf("papers: texts/%s.yaml: %w", lang, err)
		}
		p.byLang[lang] = t
	}
	return p, nil
}

// Title gives the name of a kind of paper in a programme's words, or in the
// shipped ones when def is nil or says nothing.
func (p *Printer) Title(kind Kind, lang string, def *programme.Definition) string {
	t, ok := p.byLang[lang]
	if !ok {
		t = p.byLang["en"]
	}
	return t.wording(kind, def).Title
}

// in gives the texts of a language.
//
// Errors: NotFound paper_language_unknown.
func (p *Printer) in(lang string) (*texts, error) {
	t, ok := p.byLang[lang]
	if !ok {
		return nil, aid.Refuse(aid.NotFound, "paper_language_unknown")
	}
	return t, nil
}

// wording gives the words of a kind of paper: the programme's own over those
// that are shipped.
func (t *texts) wording(kind Kind, def *programme.Definition) wording {
	w := t.Papers[kind]
	if def == nil {
		return w
	}
	own, _ := def.Paper(string(kind))
	over := func(text *string, titles programme.Titles) {
		if titles != nil {
			*text = titles.In(t.lang)
		}
	}
	over(&w.Title, own.Titles)
	over(&w.Body, own.Body)
	over(&w.Appeal, own.Appeal)
	over(&w.Law, own.Law)
	return w
}

// value says a code: what is shipped for it, or its own words.
func (t *texts) value(code string) string {
	if said, ok := t.Values[code]; ok {
		return said
	}
	return strings.ReplaceAll(code, "_", " ")
}

// date writes a day as the language does: 05/10/2026, 5 October 2026.
func (t *texts) date(at time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case t.lang == "vi":
		return at.Format("02/01/2006")
	}
	return fmt.Sprintf("%d %s %d", at.Day(), t.month(at), at.Year())
}

func (t *texts) month(at time.Time) string {
	if t.lang != "id" {
		return at.Month().String()
	}
	return strings.Fields("Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember")[at.Month()-1]
}

// day writes a date or a month that is kept as text, 1984-03-02; other text
// stays.
func (t *texts) day(text string) string {
	if at, err := time.Parse("2006-01", text); err == nil {
		return at.Format("01/2006")
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return t.date(at)
}

// fill puts facts into a shipped text; an empty one becomes a line to write on.
func (t *texts) fill(text string, values map[string]string) string {
	return programme.FillPaper(text, func(name string) (string, bool) {
		value, ok := values[name]
		if ok && value == "" {
			value = t.Blank
		}
		return value, ok
	})
}
