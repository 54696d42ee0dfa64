package postgres

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/lib/pq"
)

// CaseSearch looks for a case by what people know of it. Every given field
// must fit; accents and letter case do not matter in a name.
type CaseSearch struct {
	Name          string // each of its words
	NationalID    string
	Phone         string
	HouseholdCode string
	Reference     string
}

// SearchCases finds the cases that the caller may see, newest first. Names and
// numbers are compared as keyed hashes: the database never sees them. A search
// for nothing finds nothing.
//
// Errors: Invalid invalid_cursor.
func (s *Store) SearchCases(ctx context.Context, caller *Caller, q CaseSearch, p Page) ([]CaseRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	rows := []CaseRow{}
	sees, mine := caller.seesCase()
	args := []any{s.Now(), mine, at, p.After.ID, p.limit()}
	fits := ""
	and := func(condition string, v any) {
		args = append(args, v)
		fits += " AND " + strings.ReplaceAll(condition, "?", placeholder(len(args)))
	}
	if words := s.searchWords(q); len(words) > 0 {
		and(`c.id IN (SELECT w.case_id FROM case_words w WHERE w.word_hash = ANY(?) GROUP BY w.case_id HAVING count(*) = cardinality(?::bytea[]))`,
			pq.ByteaArray(words))
	}
	if q.HouseholdCode != "" {
		and(`c.household_id = (SELECT h.id FROM households h WHERE h.code = ?)`, q.HouseholdCode)
	}
	if q.Reference != "" {
		and(`(c.reference = ? OR c.external_id = ? OR c.id = ?)`, q.Reference)
	}
	if fits == "" {
		return rows, nil
	}
	err = s.list(ctx, &rows, `SELECT `+caseRowColumns+caseRowFrom+`
		WHERE `+sees+` AND ($3::timestamptz IS NULL OR (c.created_at, c.id) < ($3, $4))`+fits+`
		ORDER BY c.created_at DESC, c.id DESC LIMIT $5`, args...)
	return rows, err
}

func (s *Store) searchWords(q CaseSearch) [][]byte {
	words := [][]byte{}
	if q.Name != "" {
		words = append(words, s.vault.Words("search", q.Name)...)
	}
	for _, number := range []string{q.NationalID, q.Phone} {
		if number != "" {
			words = append(words, s.vault.Hash("search-number", number))
		}
	}
	slices.SortFunc(words, bytes.Compare)
	return slices.CompactFunc(words, bytes.Equal)
}
