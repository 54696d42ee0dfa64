package activities_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// untouched are the tables that no activity writes to and that are big.
var untouched = []string{"areas", "calendars", "programmes", "goose_db_version"}

// rows gives every row of every other table as text, sorted, except those that
// are as they were in the beginning. What PostgreSQL counts by itself, and
// counts on when a transaction is rolled back, is left out.
func (w *world) rows() []string {
	w.t.Helper()
	var parts []string
	for _, table := range w.tables() {
		row := "to_jsonb(r)"
		if table == "audit" || table == "outbox" || table == "notices" {
			row += " - 'id'"
		}
		parts = append(parts, fmt.Sprintf(`SELECT '%s ' || (%s)::text FROM %s r`, table, row, table))
	}
	found, err := w.conn.Query(strings.Join(parts, " UNION ALL "))
	require.NoError(w.t, err)
	defer found.Close()
	var all []string
	for found.Next() {
		var row string
		require.NoError(w.t, found.Scan(&row))
		if !w.seeded[row] {
			all = append(all, row)
		}
	}
	require.NoError(w.t, found.Err())
	slices.Sort(all)
	return all
}

func (w *world) tables() []string {
	w.t.Helper()
	all := strings.Fields(w.text(`SELECT string_agg(tablename, ' ') FROM pg_tables
		WHERE schemaname = 'public' AND tablename <> ALL(string_to_array($1, ' '))`, strings.Join(untouched, " ")))
	require.Greater(w.t, len(all), 25)
	return all
}

var (
	idPattern = regexp.MustCompile(`\b(case|doc|task|dec|pay|fund|evt|key|awd|tra|att|per|hh|acc|par|con|trx|vis|req|obj|cnd|qst|cmt|chg)_[0-9a-z]{26}\b`)
	// What is sealed, or follows from the case's own id, is different in
	// every world.
	own = regexp.MustCompile(`"(sealed|donor|tracking_hash)": "\\\\x[0-9a-f]+"`)
)

// plain makes the texts of one world comparable with those of another: an id
// becomes its rank among the ids of its kind, which is the order of birth.
func plain(texts []string) []string {
	ids := map[string][]string{}
	for _, text := range texts {
		for _, m := range idPattern.FindAllStringSubmatch(text, -1) {
			ids[m[1]] = append(ids[m[1]], m[0])
		}
	}
	names := map[string]string{}
	for kind, all := range ids {
		slices.Sort(all)
		for i, id := range slices.Compact(all) {
			names[id] = fmt.Sprintf("%s#%d", kind, i+1)
		}
	}
	out := make([]string, len(texts))
	for i, text := range texts {
		text = own.ReplaceAllString(text, `"$1": "..."`)
		out[i] = idPattern.ReplaceAllStringFunc(text, func(id string) string { return names[id] })
	}
	return out
}

// moment is what one call said, and how the world looked after it.
type moment struct {
	name string
	text []string // the answer, then every row
}

// trace is the story as it goes when every activity runs once: what all other
// ways of running it are compared with.
type trace struct {
	moments []moment
	next    int
	learns  bool
}

// keep records a moment, or compares it with the recorded one. Without a trace
// nothing is compared.
func (w *world) keep(name, answer string) {
	w.t.Helper()
	if w.trace == nil {
		return
	}
	text := plain(append([]string{answer}, w.rows()...))
	slices.Sort(text[1:])
	if w.trace.learns {
		w.trace.moments = append(w.trace.moments, moment{name, text})
		return
	}
	require.Less(w.t, w.trace.next, len(w.trace.moments), "%s was not part of the story", name)
	was := w.trace.moments[w.trace.next]
	w.trace.next++
	require.Equal(w.t, was.name, name)
	require.Equal(w.t, was.text[0], text[0], "the answer of step %d, %s", w.trace.next, name)
	require.Empty(w.t, different(was.text[1:], text[1:]), "the rows after step %d, %s", w.trace.next, name)
}

// different lists the rows that only one of two worlds has.
func different(a, b []string) []string {
	var out []string
	for _, row := range a {
		if !slices.Contains(b, row) {
			out = append(out, "- "+row)
		}
	}
	for _, row := range b {
		if !slices.Contains(a, row) {
			out = append(out, "+ "+row)
		}
	}
	if len(out) == 0 && len(a) != len(b) {
		return []string{fmt.Sprintf("%d rows, then %d", len(a), len(b))}
	}
	return out
}

func asText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
