package console

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/api"
)

func open(t *testing.T) *api.Server {
	t.Helper()
	s, err := api.New(api.Config{Mode: "test", Version: "0.0.0"}, nil, nil, Mount)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, s *api.Server, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestHomeSpeaksThreeLanguages(t *testing.T) {
	s := open(t)
	for lang, want := range map[string]string{"en": "Start here", "vi": "Bắt đầu từ đây", "id": "Mulai di sini"} {
		if w := get(t, s, "/?lang="+lang); w.Code != 200 || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), `<html lang="`+lang+`">`) {
			t.Errorf("%s: %d", lang, w.Code)
		}
		if w := get(t, s, "/", "Accept-Language", lang); !strings.Contains(w.Body.String(), want) {
			t.Errorf("Accept-Language %s is not heard", lang)
		}
	}
	if w := get(t, s, "/?lang=xx"); !strings.Contains(w.Body.String(), "Start here") {
		t.Error("an unknown language is not answered in English")
	}
}

func TestTextsAreComplete(t *testing.T) {
	texts, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range languages {
		for key := range texts["en"] {
			if texts[lang][key] == "" {
				t.Errorf("%s lacks %s", lang, key)
			}
		}
	}
}

// Every operation is shown in full on the page of its part, every page is
// small, and none needs a script.
func TestDocsShowEveryOperation(t *testing.T) {
	s := open(t)
	index := get(t, s, "/docs").Body.String()
	pages := map[string]string{"/docs": index, "/": get(t, s, "/").Body.String()}
	for _, op := range s.Document().Operations() {
		path := "/docs/" + op.Tag
		if pages[path] == "" {
			pages[path] = get(t, s, path).Body.String()
		}
		if !strings.Contains(index, path+"?lang=en#"+op.ID) {
			t.Errorf("%s is not in the list", op.ID)
		}
		if !strings.Contains(pages[path], `id="`+op.ID+`"`) {
			t.Errorf("%s is not on %s", op.ID, path)
		}
	}
	for path, body := range pages {
		if len(body) > 60<<10 {
			t.Errorf("%s has %d bytes", path, len(body))
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "&lt;code") {
			t.Errorf("%s has a script or broken markup", path)
		}
	}
	if w := get(t, s, "/docs/nothing"); w.Code != 404 {
		t.Errorf("an unknown part: %d", w.Code)
	}
}

var links = regexp.MustCompile(`href="([^"]+)"`)

func TestLinksLeadSomewhere(t *testing.T) {
	s := open(t)
	for _, path := range []string{"/docs", "/docs/cases", "/docs/tasks"} {
		body := get(t, s, path).Body.String()
		for _, m := range links.FindAllStringSubmatch(body, -1) {
			target, fragment, _ := strings.Cut(strings.ReplaceAll(m[1], "&amp;", "&"), "#")
			page := body
			if target != "" {
				w := get(t, s, target)
				if w.Code != 200 {
					t.Errorf("%s: %s gives %d", path, m[1], w.Code)
				}
				page = w.Body.String()
			}
			if fragment != "" && !strings.Contains(page, `id="`+fragment+`"`) {
				t.Errorf("%s: %s points at nothing", path, m[1])
			}
		}
	}
}

// Every page is locked down: nothing from elsewhere, nothing inline that the
// policy would have to allow, no script.
func TestPagesAreLockedDown(t *testing.T) {
	s := open(t)
	paths := []string{"/", "/docs", "/docs/cases", "/docs/meta"}
	for _, path := range paths {
		w := get(t, s, path)
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Language") != "en" || w.Header().Get("Vary") != "Accept-Language, Cookie" {
			t.Errorf("%s: %v", path, w.Header())
		}
		if found := forbidden.FindString(w.Body.String()); found != "" {
			t.Errorf("%s holds %s", path, found)
		}
	}
	style := get(t, s, "/console.css")
	if style.Code != 200 || !strings.HasPrefix(style.Header().Get("Content-Type"), "text/css") || strings.Contains(style.Body.String(), "url(") || strings.Contains(style.Body.String(), "@import") {
		t.Errorf("the style sheet: %d %v", style.Code, style.Header())
	}
}

// forbidden is what a page must not hold: scripts, handlers, inline styles,
// forms, and anything loaded from another host.
var forbidden = regexp.MustCompile(`(?i)<script|<style|<iframe|<form|<img|\son[a-z]+=|\sstyle=|(src|href)="(https?:)?//|javascript:`)

// What is shown is the document's own text in every language, and the words
// around it are the reader's.
func TestDocsSpeakThreeLanguages(t *testing.T) {
	s := open(t)
	seen := map[string]bool{}
	for _, lang := range languages {
		body := get(t, s, "/docs/cases?lang="+lang).Body.String()
		if !strings.Contains(body, `<html lang="`+lang+`">`) || !strings.Contains(body, `aria-current="true"`) || !strings.Contains(body, "<code>cases:write</code>") {
			t.Errorf("%s: %s", lang, body[:400])
		}
		seen[body] = true
	}
	if len(seen) != len(languages) {
		t.Error("two languages show the same page")
	}
}

func TestProseEscapes(t *testing.T) {
	if got := string(prose("a <b> `x<y`\n\n**c** *d*")); got != "<p>a &lt;b&gt; <code>x&lt;y</code></p><p><strong>c</strong> <em>d</em></p>" {
		t.Error(got)
	}
}
