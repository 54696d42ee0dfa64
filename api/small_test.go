package api

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

func TestIfMatch(t *testing.T) {
	for _, c := range []struct {
		header   string
		required bool
		want     int
	}{
		{"", false, 0}, {`"7"`, false, 7}, {` "7" `, true, 7}, {"*", false, 0}, {"*", true, -1}, {`W/"7"`, true, -1}, {"7", true, -1},
		{`"0"`, true, -1}, {`"-3"`, true, -1}, {`"7", "8"`, true, -1}, {`"x"`, false, -1},
	} {
		if got := ifMatch(c.header, c.required); got != c.want {
			t.Errorf("ifMatch(%q, %v) = %d, want %d", c.header, c.required, got, c.want)
		}
	}
	if etag(7) != `"7"` {
		t.Error(etag(7))
	}
}

type place string

func (p place) Cursor() postgres.Cursor {
	return postgres.Cursor{Sort: string(p), ID: "id-" + string(p)}
}

func TestCursorLeadsToTheNextPage(t *testing.T) {
	p, err := page("things", 2, "")
	if err != nil || p.Limit != 3 {
		t.Fatal(p, err)
	}
	rows, next := cut("things", p, []place{"a", "b", "c"})
	if len(rows) != 2 || next == "" {
		t.Fatal(rows, next)
	}
	p, err = page("things", 2, next)
	if err != nil || p.After != place("b").Cursor() {
		t.Errorf("after %+v, %v", p.After, err)
	}
	if _, next := cut("things", p, []place{"c"}); next != "" {
		t.Error("the last page has a next one")
	}
	for _, bad := range []string{"x", "!!", next + "x", base64.RawURLEncoding.EncodeToString([]byte(`{"l":"others","s":"a","i":"b"}`))} {
		if bad == next {
			continue
		}
		if _, err := page("things", 2, bad); aid.CodeOf(err) != "invalid_parameters" {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]time.Duration{"P30D": 720 * time.Hour, "P2W": 336 * time.Hour, "PT1H30M": 90 * time.Minute, "P1DT12H": 36 * time.Hour, "PT5S": 5 * time.Second} {
		if got, err := parseDuration(in); err != nil || got != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"P", "PT", "P0D", "P9999W"} {
		if _, err := parseDuration(in); aid.CodeOf(err) != "invalid_content" {
			t.Errorf("%s: %v", in, err)
		}
	}
	for want, in := range map[string]time.Duration{"PT0S": 0, "PT7H30M": 7*time.Hour + 30*time.Minute, "PT720H": 720 * time.Hour, "PT1S": 900 * time.Millisecond} {
		if got := isoDuration(in); got != want {
			t.Errorf("%v: %s, want %s", in, got, want)
		}
	}
}

func TestStatusOfEveryKind(t *testing.T) {
	for _, c := range []struct {
		err  *aid.Error
		want int
	}{
		{aid.Refuse(aid.Invalid, "invalid_content"), 422}, {aid.Refuse(aid.Invalid, "malformed_json"), 400}, {aid.Refuse(aid.NotFound, "x"), 404},
		{aid.Refuse(aid.Forbidden, "x"), 403}, {aid.Refuse(aid.Conflict, "x"), 409}, {aid.Refuse(aid.Stale, "x"), 412},
		{aid.Refuse(aid.Unauthorized, "x"), 401}, {aid.Refuse(aid.Unavailable, "x"), 503}, {aid.Refuse(aid.Unknown, "x"), 503},
		{aid.Refuse(aid.Invalid, "if_match_required"), 428}, {aid.Refuse(aid.Invalid, "idempotency_key_reused"), 422}, {&aid.Error{}, 500},
	} {
		if got := statusOf(c.err); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.err.Kind, c.err.Code, got, c.want)
		}
	}
}

func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := locales.ReadFile("locales/" + lang + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]string
	if err := yaml.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEveryMessageIsInThreeLanguages(t *testing.T) {
	en := catalogue(t, "en")
	for _, lang := range []string{"vi", "id"} {
		other := catalogue(t, lang)
		for code, text := range en {
			switch {
			case other[code] == "":
				t.Errorf("%s lacks %s", lang, code)
			case strings.Count(text, "{{") != strings.Count(other[code], "{{"):
				t.Errorf("%s, %s: other parts than in English", lang, code)
			}
		}
		if len(other) != len(en) {
			t.Errorf("%s has %d messages, en %d", lang, len(other), len(en))
		}
	}
}

// Codes that never reach a caller of the API: of the build, of operators'
// tools, or of programmes that are read at the start.
var inner = []string{"unknown_check", "unknown_workflow_input", "unknown_workflow_kind", "wrong_task_kind", "programme_version_exists", "too_many_keys",
	"partner_not_found", "key_not_found", "posting_exists", "attempt_exists", "attempt_over", "malformed_information", "unknown_calendar", "needs_workflow", "no_area_of_level",
	"no_fund", "no_levels", "no_task", "award_not_found", "change_not_found", "visit_not_found", "duration_not_positive", "unknown_sort", "drawn", "negative_budget"}

// A code that may reach a caller has a sentence.
func TestEveryCodeHasAMessage(t *testing.T) {
	en := catalogue(t, "en")
	said := regexp.MustCompile(`(?:Refuse\(aid\.\w+|refusal\(aid\.\w+|wrap\(aid\.\w+|malformed\(|Code:|parameterFault\([^,]+), ?"?"?([a-z_]+)"|Code: "([a-z_]+)"`)
	for _, dir := range []string{".", "../internal/postgres", "../workflows", "../aid/identity"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || strings.HasSuffix(f, ".gen.go") || strings.Contains(f, "seed") {
				continue
			}
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range said.FindAllStringSubmatch(string(raw), -1) {
				code := m[1] + m[2]
				if en[code] == "" && !slices.Contains(inner, code) {
					t.Errorf("%s: %s has no message", f, code)
				}
			}
		}
	}
}
