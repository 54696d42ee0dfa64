package postgres

import (
	"context"
	"strings"

	"github.com/lib/pq"
)

// searchHits is what a search has found.
type searchHits struct {
	few   bool     // cases holds every case that may fit
	cases []string // ids
	words [][]byte // keyed hashes that the case must have, all of them
}

// fewCases is up to how many cases a search looks at each. Where more have all
// the words it looks for them while it walks the inbox: it meets them soon.
const fewCases = 1000

// SearchTasks is Tasks for those of the inbox that are about a text: the
// reference, the id or the partner's id of a case, an id number or telephone
// number of the applicant, or words of the applicant's name in any order.
// Accents and letter case of names do not matter. Names and numbers are
// compared as keyed hashes: the database never sees them. A text without a
// word finds nothing.
//
// Errors: Invalid invalid_cursor, unknown_sort.
func (s *Store) SearchTasks(ctx context.Context, caller *Caller, text string, f TaskFilter, p Page) ([]TaskRow, error) {
	f.Case, f.Sort = "", ""
	if !f.inbox(caller) {
		return []TaskRow{}, nil
	}
	hits, err := s.searchCases(ctx, strings.TrimSpace(text))
	if err != nil || (hits.few && len(hits.cases) == 0) {
		return []TaskRow{}, err
	}
	return s.inboxTasks(ctx, caller, f, hits, p)
}

func (s *Store) searchCases(ctx context.Context, text string) (*searchHits, error) {
	hits := &searchHits{few: true}
	if text == "" {
		return hits, nil
	}
	err := s.listPrepared(ctx, &hits.cases, `SELECT id FROM cases WHERE reference = upper($1) OR external_id = $1 OR id = lower($1) ORDER BY created_at DESC LIMIT 1000`, text)
	if err != nil || len(hits.cases) > 0 {
		return hits, err
	}
	words := s.vault.Words("search", text)
	if number := strings.NewReplacer(" ", "", "-", "", ".", "", "+", "").Replace(text); number != "" && strings.Trim(number, "0123456789") == "" {
		words = [][]byte{s.vault.Hash("search-number", text)}
	}
	if len(words) == 0 {
		return hits, nil
	}
	// Of the cases with the rarest word those with all the others: few, or more
	// than a walk has to pass by to fill a page.
	err = s.listPrepared(ctx, &hits.cases, `
		WITH word AS MATERIALIZED (
			SELECT w.hash, (SELECT count(*) FROM (SELECT 1 FROM case_words x WHERE x.word_hash = w.hash LIMIT 50000) y) AS n FROM unnest((SELECT $1::bytea[])) w (hash)),
		rarest AS MATERIALIZED (SELECT hash FROM word ORDER BY n LIMIT 1)
		SELECT x.case_id FROM rarest r JOIN case_words x ON x.word_hash = r.hash
		WHERE NOT EXISTS (SELECT 1 FROM word w WHERE w.hash <> r.hash
		                  AND NOT EXISTS (SELECT 1 FROM case_words y WHERE y.word_hash = w.hash AND y.case_id = x.case_id))
		LIMIT $2`, pq.ByteaArray(words), fewCases+1)
	if err != nil {
		return hits, err
	}
	hits.words = words
	hits.few = len(hits.cases) <= fewCases
	return hits, nil
}
