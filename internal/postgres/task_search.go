package postgres

import (
	"context"
	"math"
	"strings"

	"github.com/lib/pq"
)

// searchHits is what a search has found.
type searchHits struct {
	few   bool     // cases holds every case that may fit
	cases []string // ids
	words [][]byte // keyed hashes that the case must have, all of them
}

// searchBounds say how a search finds its way; whatever they are it finds the
// same. few is up to how many cases it looks at each: where more have all the
// words it looks for them while it walks the inbox, and meets them soon.
// frequent is how many cases make a word frequent, and together how many of
// the first twenty times as many with it have to have the other words, too, so
// that they are met soon.
type searchBounds struct{ few, frequent, together int }

var usualBounds = searchBounds{few: 3000, frequent: 50_000, together: 100}

// SearchTasks is Tasks for those of the inbox that are about a text: the
// reference, the id or the partner's id of a case, an id number or telephone
// number of the applicant, or words of the applicant's name in any order.
// Accents and letter case of names do not matter. Names and numbers are
// compared as keyed hashes: the database never sees them. A text without a
// word finds nothing.
//
// Errors: Invalid invalid_cursor, unknown_sort.
func (s *Store) SearchTasks(ctx context.Context, caller *Caller, text string, f TaskFilter, p Page) ([]TaskRow, error) {
	return s.searchTasks(ctx, caller, text, f, p, usualBounds)
}

func (s *Store) searchTasks(ctx context.Context, caller *Caller, text string, f TaskFilter, p Page, b searchBounds) ([]TaskRow, error) {
	f.Case, f.Sort = "", ""
	if !f.inbox(caller) {
		return []TaskRow{}, nil
	}
	hits, err := s.searchCases(ctx, strings.TrimSpace(text), b)
	if err != nil || (hits.few && len(hits.cases) == 0) {
		return []TaskRow{}, err
	}
	return s.inboxTasks(ctx, caller, f, hits, p)
}

func (s *Store) searchCases(ctx context.Context, text string, b searchBounds) (*searchHits, error) {
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
	hits.words = words
	return hits, s.casesWithWords(ctx, hits, b)
}

// casesWithWords finds, of the cases with the rarest word, those with all the
// others: few, or more than a walk has to pass by to fill a page. Where each
// word is frequent and many cases have them all, it does not begin.
func (s *Store) casesWithWords(ctx context.Context, hits *searchHits, b searchBounds) error {
	var known []struct {
		Hash []byte `db:"hash"`
		N    int    `db:"n"`
	}
	err := s.listPrepared(ctx, &known, `
		SELECT w.hash, (SELECT count(*) FROM (SELECT 1 FROM case_words x WHERE x.word_hash = w.hash LIMIT $2) y) AS n
		FROM unnest((SELECT $1::bytea[])) w (hash) ORDER BY n`, pq.ByteaArray(hits.words), b.frequent)
	if err != nil || len(known) == 0 || known[0].N == 0 {
		return err
	}
	find := func(among, most int) error {
		return s.listPrepared(ctx, &hits.cases, `
			SELECT x.case_id FROM (SELECT case_id FROM case_words WHERE word_hash = (SELECT $1::bytea) LIMIT $3) x
			WHERE NOT EXISTS (SELECT 1 FROM unnest((SELECT $2::bytea[])) w (hash)
			                  WHERE NOT EXISTS (SELECT 1 FROM case_words y WHERE y.word_hash = w.hash AND y.case_id = x.case_id))
			LIMIT $4`, known[0].Hash, pq.ByteaArray(hits.words), among, most)
	}
	if known[0].N == b.frequent {
		if err := find(20*b.together, b.together); err != nil || len(hits.cases) == b.together {
			hits.few = false
			return err
		}
		hits.cases = nil
	}
	err = find(math.MaxInt32, b.few+1)
	hits.few = len(hits.cases) <= b.few
	return err
}
