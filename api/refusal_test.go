package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// refusal is a bad request and the one clear problem that it gets.
type refusal struct {
	name    string
	who     string
	method  string // POST when left out
	path    string
	body    any
	headers []string
	status  int
	code    string
	faults  []string // all of them, as answer.codes has them; nil where the code says it all
	secret  string   // what was sent and must not come back
	says    []string // what the problem tells besides, in every language
}

// refuses sends a bad request in three languages: each gives the same problem
// in its language, nothing of what was rejected or of what is inside comes
// back, and the database is as it was, but for the audit.
func (d *door) refuses(t *testing.T, r refusal) {
	t.Helper()
	before, details := d.content(), map[string]bool{}
	for _, lang := range []string{"vi", "en", "id"} {
		a := d.call(r.who, cmpOr(r.method, "POST"), r.path, r.body, append(slices.Clone(r.headers), "Accept-Language", lang)...)
		what := fmt.Sprintf("%s (%s): %d %s", r.name, lang, a.Status, a.Raw)
		if a.Status != r.status || a.str("code") != r.code || a.at("status") != float64(r.status) {
			t.Errorf("%s\nwant %d %s", what, r.status, r.code)
			continue
		}
		if a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("Content-Language") != lang || a.str("type") == "" || a.str("title") == "" ||
			a.str("request_id") == "" || a.str("request_id") != a.Header.Get("X-Request-Id") {
			t.Errorf("%s\nis no whole problem: %v", what, a.Header)
		}
		if got := a.codes(); !slices.Equal(got, r.faults) {
			t.Errorf("%s\nfaults %q, want %q", what, got, r.faults)
		}
		for _, said := range a.sentences() {
			if said == "" || strings.ContainsAny(said, "{<") || strings.Contains(said, "no value") {
				t.Errorf("%s\nsays %q", what, said)
			}
		}
		if inside := insideOnly.FindString(a.Raw); inside != "" || (r.secret != "" && strings.Contains(a.Raw, r.secret)) {
			t.Errorf("%s\nrepeats what it should not (%s)", what, inside)
		}
		for _, s := range r.says {
			if !strings.Contains(a.Raw, s) {
				t.Errorf("%s\ndoes not say %s", what, s)
			}
		}
		details[a.str("detail")] = true
	}
	if len(details) != 3 && !t.Failed() {
		t.Errorf("%s: the languages say the same: %v", r.name, slices.Collect(maps.Keys(details)))
	}
	if after := d.content(); after != before {
		t.Errorf("%s: left something behind: %s", r.name, difference(before, after))
	}
}

func cmpOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// sentences gives what a problem says to a person.
func (a answer) sentences() []string {
	out := []string{a.str("title"), a.str("detail")}
	errs, _ := a.Body["errors"].([]any)
	for i := range errs {
		out = append(out, a.str(fmt.Sprintf("errors.%d.message", i)))
	}
	return out
}

// content gives every table's rows as one sum each, but for the audit, which
// is meant to record refusals.
func (d *door) content() string {
	d.t.Helper()
	db := d.db.SQL(d.t)
	var all string
	err := db.QueryRow(`SELECT string_agg(format('SELECT %L || '' '' || count(*) || '' '' || coalesce(md5(string_agg(t::text, '''' ORDER BY t::text)), '''') AS line FROM %I t',
		tablename, tablename), ' UNION ALL ') FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'audit'`).Scan(&all)
	if err != nil {
		d.t.Fatal(err)
	}
	var out string
	if err := db.QueryRow(`SELECT string_agg(line, E'\n' ORDER BY line) FROM (` + all + `) x`).Scan(&out); err != nil {
		d.t.Fatal(err)
	}
	return out
}

func difference(before, after string) string {
	had := strings.Split(before, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(after, "\n"), func(line string) bool { return slices.Contains(had, line) }), "; ")
}
